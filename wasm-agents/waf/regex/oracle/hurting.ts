/** Texts that lead an expression on and on. */

import type { SeededRandom } from "../../../../tests/support/mutations.ts";
import type { Part } from "./pattern.ts";
import { sampleOf } from "./samples.ts";

/** Texts of so many bytes, by what they are made of. */
export function hurtingTexts(part: Part, random: SeededRandom, bytes: number): Map<string, string> {
  const filled = (next: () => string) => {
    let text = "";
    while (text.length < bytes) text += next() || "x";
    return text.slice(0, bytes);
  };
  const beginning = () => {
    const sample = sampleOf(part, random);
    return sample.slice(0, 1 + random.below(Math.max(1, sample.length - 1)));
  };
  const alphabet = [...sampleOf(part, random) + sampleOf(part, random) + "a1 "];
  const one = beginning();
  return new Map([
    ["beginnings", filled(beginning)],
    ["one beginning", filled(() => one)],
    ["its letters", filled(() => random.pick(alphabet))],
    ["a", "a".repeat(bytes)],
  ]);
}
