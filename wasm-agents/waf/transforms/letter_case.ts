/** lowercase, uppercase: ASCII letters only, as in the C locale. */

import { Bytes } from "sentinel/text";
import { copyLowered, copyRaised, findLetter } from "./byte_search";
import { begun } from "./output";

export function lowerCase(input: Bytes): Bytes {
  const end = input.at + input.length;
  const from = findLetter(input.at, end, 65);
  if (from == end) return input;
  const at = begun(input, from, 0);
  copyLowered(from, end, at + (from - input.at));
  return new Bytes(at, input.length);
}

export function upperCase(input: Bytes): Bytes {
  const end = input.at + input.length;
  const from = findLetter(input.at, end, 97);
  if (from == end) return input;
  const at = begun(input, from, 0);
  copyRaised(from, end, at + (from - input.at));
  return new Bytes(at, input.length);
}
