/**
 * Patterns put together at random: each compiles or is refused with a place and a reason, and for those that compile
 * all paths through the engine say the same of any text. `CASES` says how many patterns.
 */

import { equal, ok } from "node:assert/strict";
import { SeededRandom, seedFromEnvironment } from "../../../tests/support/mutations.ts";
import { compileProbe } from "../testing/compile_probe.ts";

const CASES = Number(Deno.env.get("CASES") ?? 30_000);

const TOKENS = [
  ..."abAB01 _-.^$|()[]{}*+?\\/,:=!<>#'\"\n\r\t",
  "(?:",
  "(?i)",
  "(?i:",
  "(?m)",
  "(?-m)",
  "(?s)",
  "(?x)",
  "(?>",
  "(?|",
  "(?#",
  "(?P<n>",
  "(?=",
  "(?<!",
  "\\b",
  "\\B",
  "\\d",
  "\\W",
  "\\s",
  "\\R",
  "\\A",
  "\\z",
  "\\Z",
  "\\Q",
  "\\E",
  "\\x41",
  "\\x{",
  "\\1",
  "\\K",
  "[a-b]",
  "[^a]",
  "[[:alpha:]]",
  "[^\\n]",
  "{2}",
  "{0,3}",
  "{1,}",
  "{2,1}",
  "*?",
  "++",
  "+?",
  "??",
  "a|b",
  "(a)",
  "(?:a|b)*",
  "\0",
  "\xff",
];

const TEXTS = [
  "a",
  "b",
  "A",
  "B",
  "0",
  "1",
  " ",
  "_",
  "-",
  "\n",
  "\r\n",
  "\0",
  "\xff",
  "ab",
  "aab",
  ".",
  "^",
  "(",
];

Deno.test("fuzzing: patterns compile or are refused, and what compiles agrees with itself", async () => {
  const random = new SeededRandom(seedFromEnvironment());
  let probe = await compileProbe("regex/regex_probe.ts");
  let compiled = 0;
  for (let done = 0; done < CASES; done++) {
    // Nothing of an expression is given back.
    if (done % 4000 === 3999) probe = await compileProbe("regex/regex_probe.ts");
    const pattern = Array.from({ length: 1 + random.below(12) }, () => random.pick(TOKENS)).join("");
    const number = probe.call("compile", pattern, random.below(64));
    if (number < 0) {
      const offset = probe.call("problemOffset");
      ok(offset >= 0 && offset <= pattern.length, `${JSON.stringify(pattern)}: refused at ${offset}`);
      ok(probe.object(probe.call("problemText")).length > 10);
      probe.end();
      continue;
    }
    probe.keep();
    compiled++;
    for (let round = 0; round < 4; round++) {
      const text = Array.from({ length: random.below(12) }, () => random.pick(TEXTS)).join("");
      const where = `${JSON.stringify(pattern)} on ${JSON.stringify(text)}`;
      const test = probe.call("test", number, text);
      equal(probe.call("testSlowly", number, text), test, where);
      const from = probe.call("captureFrom", number, text, 0);
      equal(from !== 0 ? 1 : 0, test, where);
      const whole = from === 0 ? null : [...probe.words(from, 20)];
      const capture = probe.call("capture", number, text);
      equal(capture === 0 ? null : `${[...probe.words(capture, 20)]}`, whole && `${whole}`, where);
      if (whole) {
        ok(whole[0]! >= 0 && whole[0]! <= whole[1]! && whole[1]! <= text.length, where);
        ok(text.length >= probe.call("minLength", number), where);
        const place = probe.call("firstPlaceSlowly", number, text);
        if (place >= 0) equal(place, whole[0], where);
      }
      probe.end();
    }
  }
  ok(compiled > CASES / 10, `${compiled} of ${CASES} compile`);
});
