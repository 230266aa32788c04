/** hexEncode, hexDecode, sqlHexDecode. */

import { allocate } from "sentinel/arena";
import { Bytes } from "sentinel/text";
import { hexPair } from "./byte_kinds";
import { findByte } from "./byte_search";
import { begun, finished } from "./output";
import { hexDigit } from "./url_codes";

export function hexEncode(input: Bytes): Bytes {
  if (input.length == 0) return input;
  const at = allocate(2 * input.length);
  for (let index = 0; index < input.length; index++) {
    const byte = input.byteAt(index);
    store<u8>(at + 2 * index, hexDigit(byte >>> 4));
    store<u8>(at + 2 * index, hexDigit(byte & 15), 1);
  }
  return new Bytes(at, 2 * input.length);
}

/** Two bytes are one, and what are no digits is reckoned as if they were, as ModSecurity does; an odd last byte goes. */
export function hexDecode(input: Bytes): Bytes {
  const length = input.length >> 1;
  if (input.length == 0) return input;
  const at = allocate(length);
  for (let index = 0; index < length; index++) {
    const from = input.at + 2 * index;
    store<u8>(
      at + index,
      looseDigit(load<u8>(from)) * 16 + looseDigit(load<u8>(from, 1)),
    );
  }
  return new Bytes(at, length);
}

function looseDigit(byte: u32): u32 {
  return byte >= 65 ? (byte & 0xdf) - 55 : byte - 48;
}

/**
 * Hexadecimal numbers of SQL (`0x` and pairs of digits) as the bytes that they are. The byte behind one is taken as it is, as
 * ModSecurity does; but the text does not end at a zero byte, nor one byte early, as it does there.
 */
export function sqlHexDecode(input: Bytes): Bytes {
  const end = input.at + input.length;
  let from = findByte(input.at, end, 0x30);
  if (from == end) return input;
  const at = begun(input, from, 0);
  let to = at + (from - input.at);
  while (from < end) {
    if (isNumber(from, end)) {
      from += 2;
      while (from + 2 <= end) {
        const value = hexPair(from);
        if (value > 255) break;
        store<u8>(to++, value);
        from += 2;
      }
      if (from == end) break;
    }
    store<u8>(to++, load<u8>(from++));
  }
  return finished(input, at, to);
}

function isNumber(at: usize, end: usize): bool {
  return at + 4 <= end && load<u8>(at) == 0x30 &&
    (load<u8>(at, 1) | 32) == 0x78 && hexPair(at + 2) < 256;
}
