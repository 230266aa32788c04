/** utf8toUnicode: characters beyond ASCII as %uhhhh. */

import { allocate } from "sentinel/arena";
import { Bytes } from "sentinel/text";
import { findHighOrZero } from "./byte_search";
import { finished } from "./output";
import { hexDigit } from "./url_codes";

/**
 * As ModSecurity does it: zero bytes go, and so does the first byte of a character that lacks a byte; a byte that begins no
 * character stays; a surrogate, or a form longer than need be, is followed by its own first byte.
 */
export function utf8ToUnicode(input: Bytes): Bytes {
  const end = input.at + input.length;
  let from = findHighOrZero(input.at, end);
  if (from == end) return input;
  const at = allocate(roomFor(input, from));
  memory.copy(at, input.at, from - input.at);
  let to = at + (from - input.at);
  while (from < end) {
    const byte = <u32> load<u8>(from);
    if (byte < 128) {
      if (byte != 0) store<u8>(to++, byte);
      from++;
      continue;
    }
    const size = sizeFor(byte);
    if (size == 0 || byte - 0xf5 < 3) store<u8>(to++, byte);
    if (size == 0 || !isWhole(from, end, size)) {
      from++;
      continue;
    }
    const code = codeAt(from, size);
    to = writeCode(to, code);
    if (code - 0xd800 < 0x800) store<u8>(to++, byte);
    if (code < smallest(size)) store<u8>(to++, byte);
    from += size;
  }
  return finished(input, at, to);
}

/** A byte above 127 becomes at most four: two of them `%uhhhh` and the first again, four two bytes and `%uhhhhhh`. */
function roomFor(input: Bytes, from: usize): i32 {
  let room = input.length + 8;
  for (const end = input.at + input.length; from < end; from++) {
    room += 3 * (<i32> load<u8>(from) >>> 7);
  }
  return room;
}

/** Bytes of the character that a byte begins; 0 when it begins none. */
export function sizeFor(byte: u32): i32 {
  if ((byte & 0xe0) == 0xc0) return 2;
  if ((byte & 0xf0) == 0xe0) return 3;
  return (byte & 0xf8) == 0xf0 ? 4 : 0;
}

/** Whether all bytes of a character are there. */
export function isWhole(at: usize, end: usize, size: i32): bool {
  if (at + size > end) return false;
  for (let index = 1; index < size; index++) {
    if ((load<u8>(at + index) & 0xc0) != 0x80) return false;
  }
  return true;
}

/** The number of a character. */
export function codeAt(at: usize, size: i32): u32 {
  let code = <u32> load<u8>(at) & (0x7f >>> size);
  for (let index = 1; index < size; index++) {
    code = (code << 6) | (load<u8>(at + index) & 0x3f);
  }
  return code;
}

/** The smallest number that needs so many bytes. */
export function smallest(size: i32): u32 {
  return size == 2 ? 0x80 : size == 3 ? 0x800 : 0x10000;
}

function writeCode(to: usize, code: u32): usize {
  store<u16>(to, 0x7525);
  to += 2;
  const digits = code > 0xfffff ? 6 : code > 0xffff ? 5 : 4;
  for (let shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    store<u8>(to++, hexDigit((code >>> shift) & 15));
  }
  return to;
}
