/** urlDecode, urlDecodeUni, urlEncode. What is no valid escape stays as it is. */

import { Bytes } from "sentinel/text";
import { hexPair, isAlphanumeric, narrowed } from "./byte_kinds";
import { findEither } from "./byte_search";
import { begun, finished } from "./output";
import { mappedByte } from "./unicode_map";

const PERCENT_OR_PLUS: u32 = 0x2b25;

export function urlDecode(input: Bytes): Bytes {
  const end = input.at + input.length;
  let from = findEither(input.at, end, PERCENT_OR_PLUS);
  if (from == end) return input;
  const at = begun(input, from, 0);
  let to = at + (from - input.at);
  while (from < end) {
    let byte = <u32> load<u8>(from++);
    if (byte == 0x2b) byte = 32;
    else if (byte == 0x25 && from + 2 <= end) {
      const value = hexPair(from);
      if (value < 256) {
        byte = value;
        from += 2;
      }
    }
    store<u8>(to++, byte);
  }
  return finished(input, at, to);
}

/** Also knows %uHHHH, of which it keeps the lower byte, or the ASCII character that a full-width form stands for; `setUnicodeMap` says more. */
export function urlDecodeUni(input: Bytes): Bytes {
  const end = input.at + input.length;
  let from = findEither(input.at, end, PERCENT_OR_PLUS);
  if (from == end) return input;
  const at = begun(input, from, 0);
  let to = at + (from - input.at);
  while (from < end) {
    let byte = <u32> load<u8>(from++);
    if (byte == 0x2b) byte = 32;
    else if (byte == 0x25 && from < end) {
      if ((load<u8>(from) | 32) == 0x75) {
        const high = from + 5 <= end ? hexPair(from + 1) : 256;
        const low = high < 256 ? hexPair(from + 3) : 256;
        if (low < 256) {
          byte = mappedByte((high << 8) | low);
          if (byte == 0) byte = narrowed(low, high);
          from += 5;
        }
      } else if (from + 2 <= end) {
        const value = hexPair(from);
        if (value < 256) {
          byte = value;
          from += 2;
        }
      }
    }
    store<u8>(to++, byte);
  }
  return finished(input, at, to);
}

/** Letters, digits and `*` stay, a blank is `+`, everything else %hh. */
export function urlEncode(input: Bytes): Bytes {
  const end = input.at + input.length;
  let from = input.at;
  while (from < end && isPlain(load<u8>(from))) from++;
  if (from == end) return input;
  const at = begun(input, from, 2 * <i32> (end - from));
  let to = at + (from - input.at);
  for (; from < end; from++) {
    const byte = <u32> load<u8>(from);
    if (isPlain(byte)) store<u8>(to++, byte);
    else if (byte == 32) store<u8>(to++, 0x2b);
    else {
      store<u8>(to, 0x25);
      store<u8>(to, hexDigit(byte >>> 4), 1);
      store<u8>(to, hexDigit(byte & 15), 2);
      to += 3;
    }
  }
  return new Bytes(at, <i32> (to - at));
}

function isPlain(byte: u32): bool {
  return isAlphanumeric(byte) || byte == 0x2a;
}

/** The digit of a value below 16, with small letters. */
export function hexDigit(value: u32): u32 {
  return value < 10 ? value + 48 : value + 87;
}
