/** What a backslash and what follows it mean, in and outside of brackets. */

import { isWordByte, setAdd, setAddRange, setInvert } from "./byte_sets";
import { problem } from "./errors";

/** What `readEscape` found. */
export class Escape {
  /** A byte, in `value`. */
  static readonly BYTE: i32 = 0;
  /** A set of bytes, put into the set that was given. */
  static readonly SET: i32 = 1;
  /** Something that only means a thing outside of brackets; the letter is in `value`. */
  static readonly LETTER: i32 = 2;
  /** A decimal number that does not begin with 0, in `value`: it may mean a group. */
  static readonly NUMBER: i32 = 3;
  static readonly PROBLEM: i32 = 4;
  static value: u32 = 0;
  /** Where reading goes on. */
  static next: usize = 0;
}

/** Reads what stands behind a backslash at `at - 1`; `start` is where the pattern begins, for messages. */
export function readEscape(at: usize, end: usize, start: usize, set: usize): i32 {
  if (at >= end) {
    return refused(at, start, "ends with a backslash; write \\\\ for the backslash itself");
  }
  const letter = <u32> load<u8>(at);
  Escape.next = at + 1;
  if (setOf(letter, set)) return Escape.SET;
  if (letter - 48 < 10) return letter == 48 ? octal(at, end) : decimal(at, end);
  if (!isWordByte(letter) || letter == 95 || letter > 127) return byte(letter);
  switch (letter) {
    case 97: // a
      return byte(7);
    case 101: // e
      return byte(27);
    case 102: // f
      return byte(12);
    case 110: // n
      return byte(10);
    case 114: // r
      return byte(13);
    case 116: // t
      return byte(9);
    case 120: // x
      return hexadecimal(at + 1, end, start);
    case 111: // o
      return bracedOctal(at + 1, end, start);
    case 99: // c
      if (at + 1 >= end) {
        return refused(at, start, "\\c needs a character behind it");
      }
      Escape.next = at + 2;
      return byte(upper(load<u8>(at + 1)) ^ 64);
    default:
      Escape.value = letter;
      return Escape.LETTER;
  }
}

function byte(value: u32): i32 {
  Escape.value = value;
  return Escape.BYTE;
}

function refused(at: usize, start: usize, message: string): i32 {
  problem(<i32> (at - start) - 1, message);
  return Escape.PROBLEM;
}

function upper(letter: u32): u32 {
  return letter - 97 < 26 ? letter - 32 : letter;
}

/** Fills `set` when a letter means one of the usual sets. */
function setOf(letter: u32, set: usize): bool {
  const lower = letter | 32;
  if (letter - 65 >= 58) return false;
  memory.fill(set, 0, 32);
  switch (lower) {
    case 100: // d
      setAddRange(set, 48, 57);
      break;
    case 119: // w
      for (let each: u32 = 0; each < 256; each++) {
        if (isWordByte(each)) setAdd(set, each);
      }
      break;
    case 115: // s
      setAddRange(set, 9, 13);
      setAdd(set, 32);
      break;
    case 104: // h
      setAdd(set, 9);
      setAdd(set, 32);
      setAdd(set, 0xa0);
      break;
    case 118: // v
      setAddRange(set, 10, 13);
      setAdd(set, 0x85);
      break;
    default:
      if (letter != 78) return false; // N
      setAdd(set, 10);
  }
  if (letter < 97) setInvert(set);
  return true;
}

/** Up to three octal digits from `at`. */
export function octal(at: usize, end: usize): i32 {
  let value: u32 = 0;
  const limit = min(end, at + 3);
  while (at < limit && <u32> load<u8>(at) - 48 < 8) {
    value = 8 * value + load<u8>(at++) - 48;
  }
  Escape.next = at;
  return byte(value & 255);
}

function decimal(at: usize, end: usize): i32 {
  let value: u32 = 0;
  while (at < end && <u32> load<u8>(at) - 48 < 10 && value < 10_000) {
    value = 10 * value + load<u8>(at++) - 48;
  }
  Escape.next = at;
  Escape.value = value;
  return Escape.NUMBER;
}

/** The value of a hexadecimal digit; above 15 when it is none. */
function digitOf(letter: u32): u32 {
  if (letter - 48 < 10) return letter - 48;
  const lower = letter | 32;
  return lower - 97 < 6 ? lower - 87 : 255;
}

function hexadecimal(at: usize, end: usize, start: usize): i32 {
  if (at < end && load<u8>(at) == 123) return braced(at, end, start, 16);
  let value: u32 = 0;
  const limit = min(end, at + 2);
  while (at < limit && digitOf(load<u8>(at)) < 16) {
    value = 16 * value + digitOf(load<u8>(at++));
  }
  Escape.next = at;
  return byte(value);
}

function bracedOctal(at: usize, end: usize, start: usize): i32 {
  if (at < end && load<u8>(at) == 123) return braced(at, end, start, 8);
  return refused(at - 1, start, "\\o needs braces, as in \\o{101}");
}

function braced(at: usize, end: usize, start: usize, base: u32): i32 {
  let value: u32 = 0;
  let digits = 0;
  let here = at + 1;
  while (here < end && digitOf(load<u8>(here)) < base && digits < 9) {
    value = base * value + digitOf(load<u8>(here++));
    digits++;
  }
  if (digits == 0 || here >= end || load<u8>(here) != 125) {
    return refused(at - 1, start, "expected digits and } behind {");
  }
  if (value > 255) {
    return refused(at - 1, start, "is above 255, but texts are matched byte by byte; write its UTF-8 bytes");
  }
  Escape.next = here + 1;
  return byte(value);
}
