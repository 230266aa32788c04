/** No text makes an expression take more than a time in proportion to it, whatever path through the engine it takes. */

import { equal, ok } from "node:assert/strict";
import { SeededRandom } from "../../../tests/support/mutations.ts";
import { crsExpressions } from "../testing/crs_expressions.ts";
import { meteredProbe } from "../testing/metered_probe.ts";
import { hurtingTexts } from "./oracle/hurting.ts";
import { readPattern } from "./oracle/pattern.ts";

const MODSECURITY_3 = 22;

/** Expressions on which backtracking takes time without bound, or automata grow states without bound. */
const EVIL = [
  "(a+)+$",
  "(a|a)*b",
  "(a|aa)+c",
  "(x+x+)+y",
  "^(([a-z])+.)+[A-Z]([a-z])+$",
  "(?:a?){60}a{60}",
  "(.*)(.*)(.*)(.*)(.*)[^a]$",
  "(a|b)*a(a|b){12}",
  "(a|b)*a(a|b){40}c",
  "[ab]*a[ab]{200}c",
  "(?:[ab]{1,30}c){1,30}d",
  "\\b(?:\\w+\\b\\W*)+!$",
  "(?:.*\\n)*^x",
  "(?:a|ab|abc|abcd|b|bc|bcd|c|cd|d)+e",
  "(.{1,50})z",
];

const BYTES = 4096;

/** The most that an instruction of a program may cost for a byte, and a byte besides, in units of fuel. */
const FUEL_PER_INSTRUCTION = 400;
const FUEL_PER_BYTE = 1500;

const calls = ["test", "testSlowly", "capture", "firstPlaceSlowly"] as const;

async function checkAll(all: readonly { readonly id: string; readonly pattern: string }[]): Promise<void> {
  const probe = await meteredProbe("regex/regex_probe.ts");
  const random = new SeededRandom(1);
  const worst = new Map<string, number>();
  for (const { id, pattern } of all) {
    const number = probe.call("compile", pattern, MODSECURITY_3);
    ok(number >= 0, pattern);
    probe.keep();
    const size = probe.call("programSize", number);
    const bound = FUEL_PER_BYTE + FUEL_PER_INSTRUCTION * size;
    for (const [kind, text] of hurtingTexts(readPattern(pattern, MODSECURITY_3), random, 2 * BYTES)) {
      for (const call of calls) {
        probe.call(call, number, text.slice(0, BYTES));
        const half = probe.fuelUsed;
        probe.call(call, number, text);
        const whole = probe.fuelUsed;
        probe.end();
        const where = `${id} ${
          pattern.slice(0, 80)
        }, ${call}, ${kind}: ${half}, ${whole} units, size ${size}`;
        ok(whole <= 2 * BYTES * bound, where);
        // Twice the same takes twice the fuel.
        if (kind === "a" || kind === "one beginning") ok(whole <= 3 * half + 50_000, where);
        worst.set(call, Math.max(worst.get(call) ?? 0, whole / (2 * BYTES)));
      }
    }
  }
  for (const [call, units] of worst) {
    console.log(`${call}: at worst ${units.toFixed(0)} units of fuel a byte`);
  }
}

Deno.test("adversarial: evil expressions stay linear", () =>
  checkAll(EVIL.map((pattern) => ({ id: "", pattern }))));

const crs = crsExpressions();

Deno.test({
  name: "adversarial: expressions of the Core Rule Set stay linear",
  ignore: crs === null,
  // Some of them, for this takes a while; `CASES` takes all.
  fn: () => checkAll(crs!.filter((_, index) => index % 4 === 0 || Deno.env.has("CASES"))),
});

Deno.test("adversarial: when the states' memory is full they are forgotten, and answers stay right", async () => {
  const probe = await meteredProbe("regex/regex_probe.ts");
  const random = new SeededRandom(3);
  const patterns = ["(?:a|b)*a(?:a|b){16}c", "[ab]*b[ab]{17}c", "\\b(?:[ab]{3,9}c)+$"];
  const numbers = patterns.map((pattern) => {
    const number = probe.call("compile", pattern, MODSECURITY_3);
    probe.keep();
    return number;
  });
  const before = probe.call("generation");
  for (let round = 0; probe.call("generation") < before + 2; round++) {
    ok(round < 60_000, "the memory never fills");
    const size = 40 + random.below(900);
    const text = Array.from({ length: size }, () => random.pick(["a", "b", "a", "b", "c"])).join("");
    patterns.forEach((pattern, index) => {
      const wanted = new RegExp(pattern).exec(text);
      equal(probe.call("test", numbers[index]!, text) !== 0, wanted !== null, `${pattern} on ${text}`);
      const captured = probe.call("capture", numbers[index]!, text);
      equal(captured !== 0, wanted !== null);
      if (wanted) equal(probe.words(captured, 1)[0], wanted.index, `${pattern} on ${text}`);
    });
    probe.end();
  }
});
