/** htmlEntityDecode: numbers (their lower byte), and quot, amp, lt, gt, nbsp, with or without the semicolon. */

import { Bytes } from "sentinel/text";
import { hexValue, isAlphanumeric } from "./byte_kinds";
import { findByte } from "./byte_search";
import { begun, finished } from "./output";

/** Where the last entity ended: the reader leaves two numbers. */
let after: usize = 0;

export function htmlEntityDecode(input: Bytes): Bytes {
  const end = input.at + input.length;
  let from = findByte(input.at, end, 0x26);
  if (from == end) return input;
  const at = begun(input, from, 0);
  let to = at + (from - input.at);
  while (from < end) {
    const byte = <u32> load<u8>(from++);
    const value = byte == 0x26 && from < end ? entityAt(from, end) : -1;
    if (value < 0) store<u8>(to++, byte);
    else {
      store<u8>(to++, value);
      from = after < end && load<u8>(after) == 0x3b ? after + 1 : after;
    }
  }
  return finished(input, at, to);
}

/** What stands for the entity whose `&` is before `at`; -1 when it is none. Sets `after`. */
function entityAt(at: usize, end: usize): i32 {
  if (load<u8>(at) == 0x23) return numberAt(at + 1, end);
  let past = at;
  // The longest name has four letters; a longer word is no name.
  while (past < end && past < at + 5 && isAlphanumeric(load<u8>(past))) past++;
  after = past;
  const length = <i32> (past - at);
  if (length == 2) {
    const name = <u32> load<u16>(at) | 0x2020;
    return name == 0x746c ? 0x3c : name == 0x7467 ? 0x3e : -1;
  }
  if (length == 3) {
    return (<u32> (load<u16>(at) | 0x2020) |
        (<u32> (load<u8>(at, 2) | 32) << 16)) == 0x706d61
      ? 0x26
      : -1;
  }
  if (length != 4) return -1;
  const name = load<u32>(at) | 0x20202020;
  return name == 0x746f7571 ? 0x22 : name == 0x7073626e ? 0xa0 : -1;
}

/** As C's strtol, which stays at 2^63 - 1 for what is more: its lower byte is 255. */
function numberAt(at: usize, end: usize): i32 {
  const isHex = at < end && (load<u8>(at) | 32) == 0x78;
  if (isHex) at++;
  const start = at;
  let value: u64 = 0;
  let isTooBig = false;
  for (; at < end; at++) {
    const digit = isHex ? hexValue(load<u8>(at)) : <u32> load<u8>(at) - 48;
    if (digit >= (isHex ? 16 : 10)) break;
    if (value > <u64> i64.MAX_VALUE / (isHex ? 16 : 10)) isTooBig = true;
    value = value * (isHex ? 16 : 10) + digit;
    if (value > <u64> i64.MAX_VALUE) isTooBig = true;
  }
  after = at;
  if (at == start) return -1;
  return isTooBig ? 255 : <i32> (value & 255);
}
