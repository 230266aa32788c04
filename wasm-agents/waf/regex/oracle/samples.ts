/** Texts that patterns match, nearly match, or do not match at all. */

import type { SeededRandom } from "../../../../tests/support/mutations.ts";
import type { ByteSet, Part } from "./pattern.ts";

/** Longest text; the host's expressions may take time that doubles with each byte. */
export const SAMPLE_BYTES_MAX = 70;

const NOISE = [
  "",
  " ",
  "a",
  "x=",
  "\n",
  "\r\n",
  "'",
  '"',
  "/",
  "\\",
  "\0",
  "\xe9",
  "&",
  "1",
  "foo bar",
  "%27",
  "(",
  ")",
  ";",
];

/** Members of each set, drawn from again and again. */
const members = new WeakMap<ByteSet, readonly number[]>();

/** A text that the part matches, but for what its places ask. */
export function sampleOf(part: Part, random: SeededRandom): string {
  switch (part.type) {
    case "set":
      return byteOf(part.set, random);
    case "all": {
      let text = "";
      for (const each of part.parts) text += sampleOf(each, random);
      return text;
    }
    case "any":
      return sampleOf(random.pick(part.parts), random);
    case "repeat": {
      const most = Math.min(part.max, part.min + random.pick([0, 1, 1, 2, 3]));
      const count = random.below(8) === 0 ? part.min : most;
      let text = "";
      for (let index = 0; index < count && text.length < SAMPLE_BYTES_MAX; index++) {
        text += sampleOf(part.part, random);
      }
      return text;
    }
    case "place":
      return part.place === "line-start" && random.below(4) === 0 ? "\n" : "";
    default:
      return sampleOf(part.part, random);
  }
}

function byteOf(set: ByteSet, random: SeededRandom): string {
  let bytes = members.get(set);
  if (!bytes) members.set(set, bytes = [...set.keys()].filter((byte) => set[byte]));
  if (bytes.length === 0) return "";
  const first = random.pick(bytes);
  // Rather something one can read, if there is.
  const byte = first >= 32 && first < 127 ? first : random.pick(bytes);
  return String.fromCharCode(byte);
}

/** A text made of samples: as it is, changed, or joined with another. */
export function textFor(part: Part, others: readonly Part[], random: SeededRandom): string {
  let text = sampleOf(part, random);
  if (random.below(4) === 0) text = random.pick(NOISE) + text + random.pick(NOISE);
  if (random.below(12) === 0) text += sampleOf(random.pick(others), random);
  for (let changes = random.pick([0, 0, 1, 1, 2, 4]); changes > 0; changes--) text = changed(text, random);
  return text.slice(0, SAMPLE_BYTES_MAX);
}

function changed(text: string, random: SeededRandom): string {
  const at = random.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + random.below(4));
  switch (random.below(7)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at);
    case 2:
      return text.slice(0, at) + random.pick(NOISE) + text.slice(end);
    case 3:
      return text.slice(0, end) + text.slice(at);
    case 4:
      return text.slice(0, at) + swapCase(text.slice(at, end)) + text.slice(end);
    case 5:
      return text.slice(at) + text.slice(0, at);
    default:
      return text.slice(0, at);
  }
}

function swapCase(text: string): string {
  return text.replace(/[a-zA-Z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) ^ 32));
}
