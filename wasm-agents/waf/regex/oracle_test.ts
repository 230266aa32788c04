/**
 * The engine and the host's regular expressions agree: on yes and no with and without kept states, on where the match
 * and its groups lie; and what the literals, needed bytes and lengths promise holds for every text that matches.
 * `CASES` says how many texts (CI: what fits into some twenty seconds), `SEED` which.
 */

import { equal } from "node:assert/strict";
import { SeededRandom, seedFromEnvironment } from "../../../tests/support/mutations.ts";
import { compileProbe, type Probe } from "../testing/compile_probe.ts";
import { crsExpressions } from "../testing/crs_expressions.ts";
import { type HostExpression, hostExpression } from "./oracle/javascript.ts";
import { FLAGS, type Part, readPattern } from "./oracle/pattern.ts";
import { SAMPLE_BYTES_MAX, textFor } from "./oracle/samples.ts";

const CASES = Number(Deno.env.get("CASES") ?? 200_000);

/** What ModSecurity 3 and ModSecurity 2 compile with, and nothing. */
const FLAG_SETS = [
  FLAGS.dotall | FLAGS.multiline | FLAGS.dollarEndOnly,
  FLAGS.dotall | FLAGS.dollarEndOnly,
  0,
];

/** Patterns that have something of everything. */
const OWN = [
  "a",
  "",
  "abc|abd|ab",
  "(a|ab)(c|bcd)(d*)",
  "(?i)select.+?from",
  "^(?:GET|HEAD)$",
  "\\bfoo\\b.*\\Bbar",
  "x*y+z?",
  "(x+x+)+y",
  "(?:a?){3}a{3}",
  "[^\\n]*\\n[^\\n]*$",
  "(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})",
  "(?s).*end|(?m)^begin",
  "(?:^|[/\\\\])\\.\\.(?:[/\\\\]|$)",
  "a++b",
  "[a-c]*+d",
  '"[^"]*+"',
  "(?>abc)d|ab",
  "(?>a|ab)(?:c|)",
  "(?i:Ab)c(?-i:D)",
  "a(?i)b|c",
  "(a*)(a*)",
  "(a*?)(a*)b",
  "(a|b)*?c",
  "([a-z]+)=([^&]*)(?:&|$)",
  "\\x41\\x{42}\\103\\Q.*\\E",
  "[[:alpha:]_][[:alnum:]_]*",
  "[^[:space:][:^print:]]+",
  "[]a]+[^]b]",
  "[\\w.-]+@[\\w-]+\\.\\w{2,4}",
  "\\R",
  "a\\Rb",
  "^\\s*$",
  "$^",
  "\\b",
  "\\B.\\B",
  "^",
  "(?:(?:a|b)|(?:c|d)){2,5}e",
  "(?:ab?){2,3}?b",
  ".{3,5}x",
  "a{0}b",
  "(?:|a)b",
  "(?x) a b # c\n c",
  "(?<name>a)(?P<other>b)('c)",
  "\\A.\\z",
  ".\\Z",
  "a\\Z|b\\z",
  "\\h+\\v+\\H\\V",
  "[\\x80-\\xff]+",
  "(?i)[^a-f]{2}k",
  "(?i)\\xe4k",
  "(?:\\n^a|b$\\n)+",
  "x(?:y|(?:z|(w)))",
  "((((a))))",
  "(a)|(b)|(c)",
  "(?:(a)|b)c",
  "union\\s+(?:all\\s+)?select",
  "c[\"'\\\\]*a[\"'\\\\]*t",
];

interface Case {
  readonly id: string;
  readonly pattern: string;
  readonly flags: number;
  readonly part: Part;
  readonly host: HostExpression;
  readonly number: number;
  readonly minLength: number;
  readonly literals: readonly string[];
  readonly needs: readonly Uint8Array[];
}

function prepared(probe: Probe, id: string, pattern: string, flags: number): Case {
  const number = probe.call("compile", pattern, flags);
  if (number < 0) {
    throw new Error(`${id} ${pattern}: ${probe.text(...placeOf(probe, probe.call("problemText")))}`);
  }
  probe.keep();
  const part = readPattern(pattern, flags);
  const literals = Array.from({ length: probe.call("literalCount", number) }, (_, index) => {
    const [at, length] = placeOf(probe, probe.call("literal", number, index));
    return probe.latin1(at, length);
  });
  const needs = Array.from(
    { length: probe.call("needsByteCount", number) },
    (_, index) => probe.bytes(probe.call("needsByte", number) + 32 * index, 32),
  );
  const minLength = probe.call("minLength", number);
  return { id, pattern, flags, part, host: hostExpression(part), number, minLength, literals, needs };
}

function placeOf(probe: Probe, object: number): [number, number] {
  const [at, length] = probe.words(object, 2);
  return [at!, length!];
}

/** Compares one text; throws with everything that is needed to repeat it. */
function compare(probe: Probe, one: Case, at: number, text: string): void {
  const memory = new Uint8Array(probe.memory.buffer);
  for (let index = 0; index < text.length; index++) memory[at + index] = text.charCodeAt(index);
  const where = () =>
    `${one.id} ${JSON.stringify(one.pattern)} flags ${one.flags} on ${JSON.stringify(text)}`;
  const wanted = one.host.expression.exec(text);
  const { test, testSlowly, capture } = probe.exports;
  equal(test!(one.number, at, text.length) !== 0, wanted !== null, `test: ${where()}`);
  equal(testSlowly!(one.number, at, text.length) !== 0, wanted !== null, `testSlowly: ${where()}`);
  const found = capture!(one.number, at, text.length);
  equal(found !== 0, wanted !== null, `capture: ${where()}`);
  if (!wanted) return;
  const place = probe.exports.firstPlaceSlowly!(one.number, at, text.length);
  if (place >= 0) equal(place, wanted.index, `firstPlaceSlowly: ${where()}`);
  promises(one, text, where);
  if (one.host.hasEmptyRounds) return;
  const places = one.host.withPlaces.exec(text)!.indices!;
  const words = new Int32Array(probe.memory.buffer, found, 20);
  one.host.groups.forEach((hostGroup, group) => {
    if (group > 9 || one.host.inRepeats.has(group)) return;
    const [from, to] = places[hostGroup] ?? [-1, -1];
    equal(`${words[2 * group]}-${words[2 * group + 1]}`, `${from}-${to}`, `group ${group}: ${where()}`);
  });
}

function promises(one: Case, text: string, where: () => string): void {
  if (text.length < one.minLength) throw new Error(`minLength ${one.minLength}: ${where()}`);
  const lower = text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  if (one.literals.length > 0 && !one.literals.some((each) => lower.includes(each))) {
    throw new Error(`literals ${JSON.stringify(one.literals)}: ${where()}`);
  }
  for (const need of one.needs) {
    let isMet = false;
    for (let at = 0; at < text.length; at++) {
      const byte = text.charCodeAt(at);
      if ((need[byte >> 3]! >> (byte & 7)) & 1) isMet = true;
    }
    if (!isMet) throw new Error(`needsByte: ${where()}`);
  }
}

async function compareAll(
  patterns: readonly { readonly id: string; readonly pattern: string }[],
  texts: number,
) {
  const probe = await compileProbe("regex/regex_probe.ts");
  const random = new SeededRandom(seedFromEnvironment());
  const cases = patterns.flatMap(({ id, pattern }) =>
    FLAG_SETS.map((flags) => prepared(probe, id, pattern, flags))
  );
  const { at } = probe.put(new Uint8Array(SAMPLE_BYTES_MAX));
  probe.keep();
  const parts = cases.map(({ part }) => part);
  let matches = 0;
  for (let done = 0; done < texts; done++) {
    const one = cases[done % cases.length]!;
    const text = textFor(one.part, parts, random);
    compare(probe, one, at, text);
    probe.end();
    if (one.host.expression.test(text)) matches++;
  }
  // Texts that never match, or always, would prove nothing.
  equal(matches > texts / 10 && matches < texts, true, `${matches} of ${texts} texts match`);
}

Deno.test("oracle: our own patterns mean what they mean to the host", async () => {
  await compareAll(OWN.map((pattern) => ({ id: "own", pattern })), Math.ceil(CASES / 4));
});

const crs = crsExpressions();
if (crs === null) console.log("The Core Rule Set is not here (CRS_DIR): its expressions are not compared.");

Deno.test({
  name: "oracle: the expressions of the Core Rule Set mean what they mean to the host",
  ignore: crs === null,
  fn: () => compareAll(crs!, CASES),
});
