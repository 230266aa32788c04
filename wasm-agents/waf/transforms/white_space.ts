/** compressWhitespace, removeWhitespace, trim, trimLeft, trimRight, removeNulls, replaceNulls. */

import { Bytes } from "sentinel/text";
import { isSpace } from "./byte_kinds";
import { findByte } from "./byte_search";
import { begun, cut, finished } from "./output";

/** Any run of white space is one blank. */
export function compressWhitespace(input: Bytes): Bytes {
  const end = input.at + input.length;
  let from = input.at;
  for (; from < end; from++) {
    const byte = <u32> load<u8>(from);
    if (
      byte - 9 < 5 ||
      (byte == 32 && from + 1 < end && isSpace(load<u8>(from, 1)))
    ) break;
  }
  if (from == end) return input;
  const at = begun(input, from, 0);
  let to = at + (from - input.at);
  while (from < end) {
    const byte = <u32> load<u8>(from++);
    if (!isSpace(byte)) store<u8>(to++, byte);
    else {
      store<u8>(to++, 32);
      while (from < end && isSpace(load<u8>(from))) from++;
    }
  }
  return finished(input, at, to);
}

/** Without white space and the bytes 160 (no-break space in Latin-1). */
export function removeWhitespace(input: Bytes): Bytes {
  const end = input.at + input.length;
  let from = input.at;
  while (from < end && !isRemoved(load<u8>(from))) from++;
  if (from == end) return input;
  const at = begun(input, from, 0);
  let to = at + (from - input.at);
  for (; from < end; from++) {
    const byte = <u32> load<u8>(from);
    if (!isRemoved(byte)) store<u8>(to++, byte);
  }
  return new Bytes(at, <i32> (to - at));
}

// asc: @inline
function isRemoved(byte: u32): bool {
  return isSpace(byte) || byte == 160;
}

export function trim(input: Bytes): Bytes {
  return trimRight(trimLeft(input));
}

export function trimLeft(input: Bytes): Bytes {
  const end = input.at + input.length;
  let from = input.at;
  while (from < end && isSpace(load<u8>(from))) from++;
  return cut(input, from, end);
}

export function trimRight(input: Bytes): Bytes {
  let end = input.at + input.length;
  while (end > input.at && isSpace(load<u8>(end - 1))) end--;
  return cut(input, input.at, end);
}

export function removeNulls(input: Bytes): Bytes {
  const end = input.at + input.length;
  let from = findByte(input.at, end, 0);
  if (from == end) return input;
  const at = begun(input, from, 0);
  let to = at + (from - input.at);
  for (; from < end; from++) {
    const byte = load<u8>(from);
    if (byte != 0) store<u8>(to++, byte);
  }
  return new Bytes(at, <i32> (to - at));
}

/** Zero bytes as blanks. */
export function replaceNulls(input: Bytes): Bytes {
  const end = input.at + input.length;
  let from = findByte(input.at, end, 0);
  if (from == end) return input;
  const at = begun(input, from, 0);
  for (let to = at + (from - input.at); from < end; from++, to++) {
    const byte = load<u8>(from);
    store<u8>(to, byte == 0 ? 32 : byte);
  }
  return new Bytes(at, input.length);
}
