import { canonicalName } from "./config_node.ts";
import { nearest } from "./nearest.ts";
import { expects, Problem } from "./reading.ts";
import type { Decode } from "./reading.ts";

/** Canonical word → other spellings. Case, and `_` for `-`, never matter. */
export type Choices = Readonly<Record<string, readonly string[]>>;

/** Reads a word in any spelling as its canonical one; refuses unavailable and unknown ones with a hint. */
export function choiceDecoder<V extends Choices>(
  options: { readonly values: V; readonly unavailable?: Choices },
): Decode<keyof V & string> {
  const words = spellings(options.values);
  const missing = spellings(options.unavailable ?? {});
  const listed = Object.keys(options.values).map((word) => `"${word}"`).join(", ");
  return (value) => {
    if (typeof value !== "string") return expects(`one of ${listed}`, value);
    const key = canonicalName(value.toLowerCase());
    const word = words.get(key);
    if (word !== undefined) return word;
    if (missing.has(key)) {
      return new Problem(`"${value}" is not available in this build`, `available: ${listed}`);
    }
    const near = nearest(key, [...words.keys(), ...missing.keys()]);
    return expects(`one of ${listed}`, value, near === undefined ? undefined : `did you mean "${near}"?`);
  };
}

function spellings(choices: Choices): Map<string, string> {
  const words = new Map<string, string>();
  for (const [word, aliases] of Object.entries(choices)) {
    for (const spelling of [word, ...aliases]) words.set(canonicalName(spelling.toLowerCase()), word);
  }
  return words;
}
