/** base64Decode, base64DecodeExt, base64Encode (RFC 4648). */

import { allocate } from "sentinel/arena";
import { Bytes } from "sentinel/text";

const NONE: u32 = 64;
const PAD: u32 = 0x3d;

const ALPHABET: StaticArray<u8> = alphabet();
const VALUES: StaticArray<u8> = values();

function alphabet(): StaticArray<u8> {
  const table = new StaticArray<u8>(64);
  for (let index = 0; index < 26; index++) {
    table[index] = <u8> (65 + index);
    table[26 + index] = <u8> (97 + index);
  }
  for (let index = 0; index < 10; index++) {
    table[52 + index] = <u8> (48 + index);
  }
  table[62] = 0x2b;
  table[63] = 0x2f;
  return table;
}

function values(): StaticArray<u8> {
  const table = new StaticArray<u8>(256);
  for (let byte = 0; byte < 256; byte++) table[byte] = <u8> NONE;
  for (let value = 0; value < 64; value++) table[ALPHABET[value]] = <u8> value;
  return table;
}

// asc: @inline
function valueOf(byte: u32): u32 {
  return load<u8>(changetype<usize>(VALUES) + byte);
}

/**
 * Decodes up to the first byte that is not of the alphabet, and counts two or three digits at the end as one or two
 * bytes: so does ModSecurity 2. ModSecurity 3 leaves a text alone that has any fault, which hides much.
 */
export function base64Decode(input: Bytes): Bytes {
  if (input.length == 0) return input;
  let from = input.at;
  const end = from + input.length;
  const at = allocate(((input.length >>> 2) + 1) * 3);
  let to = at;
  let bits: u32 = 0;
  let count = 0;
  for (; from < end; from++) {
    const value = valueOf(load<u8>(from));
    if (value == NONE) break;
    bits = (bits << 6) | value;
    if (++count < 4) continue;
    store<u8>(to, bits >>> 16);
    store<u8>(to, bits >>> 8, 1);
    store<u8>(to, bits, 2);
    to += 3;
    count = 0;
  }
  if (count == 2) store<u8>(to++, bits >>> 4);
  else if (count == 3) {
    store<u8>(to, bits >>> 10);
    store<u8>(to, bits >>> 2, 1);
    to += 2;
  }
  return new Bytes(at, <i32> (to - at));
}

/** Skips what is not of the alphabet; `-` and `_` are digits too. Nothing comes of a text with a single `=` after a lone digit. */
export function base64DecodeExt(input: Bytes): Bytes {
  if (input.length == 0) return input;
  const end = input.at + input.length;
  const at = allocate(((input.length >>> 2) + 1) * 3);
  let to = at;
  let bits: u32 = 0;
  let count = 0;
  for (let from = input.at; from < end; from++) {
    const byte = <u32> load<u8>(from);
    const value = byte == 0x2d ? 62 : byte == 0x5f ? 63 : valueOf(byte);
    if (
      byte == PAD && count == 1 && (from + 1 == end || load<u8>(from, 1) != PAD)
    ) return new Bytes(at, 0);
    if (value == NONE) continue;
    bits = (bits << 6) | value;
    count++;
    if (count == 2) store<u8>(to++, bits >>> 4);
    else if (count == 3) store<u8>(to++, bits >>> 2);
    else if (count == 4) {
      store<u8>(to++, bits);
      count = 0;
    }
  }
  return new Bytes(at, <i32> (to - at));
}

export function base64Encode(input: Bytes): Bytes {
  if (input.length == 0) return input;
  const length = (input.length + 2) / 3 * 4;
  const at = allocate(length);
  let to = at;
  for (let index = 0; index < input.length; index += 3) {
    const left = input.length - index;
    const second = left > 1 ? input.byteAt(index + 1) : 0;
    const third = left > 2 ? input.byteAt(index + 2) : 0;
    const bits = (input.byteAt(index) << 16) | (second << 8) | third;
    store<u8>(to, digit(bits >>> 18));
    store<u8>(to, digit((bits >>> 12) & 63), 1);
    store<u8>(to, left > 1 ? digit((bits >>> 6) & 63) : PAD, 2);
    store<u8>(to, left > 2 ? digit(bits & 63) : PAD, 3);
    to += 4;
  }
  return new Bytes(at, length);
}

// asc: @inline
function digit(value: u32): u32 {
  return load<u8>(changetype<usize>(ALPHABET) + value);
}
