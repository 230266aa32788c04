/** validateByteRange, validateUrlEncoding, validateUtf8Encoding: met by what is not valid. */

import { Bytes, Text } from "sentinel/text";
import { hexPair } from "../transforms/byte_kinds";
import { findByte, findHighOrZero } from "../transforms/byte_search";
import { codeAt, isWhole, sizeFor, smallest } from "../transforms/utf8_unicode";
import { Operator, refused } from "./operator";

/** Met by a byte outside of the ranges. */
export class ValidateByteRange extends Operator {
  private constructor(
    argument: Text,
    private readonly allowed: StaticArray<u8>,
  ) {
    super(argument);
  }

  /** From `1-255,9,32-126`; null when that is not what the argument is. */
  static make(argument: Text): Operator | null {
    const allowed = new StaticArray<u8>(256);
    const problem = readRanges(argument, allowed);
    return problem == "" ? new ValidateByteRange(argument, allowed) : refused(problem);
  }

  override test(value: Bytes): bool {
    return this.check(value, this.allowed);
  }

  testWith(value: Bytes, argument: Bytes): bool {
    const allowed = new StaticArray<u8>(256);
    readRanges(argument, allowed);
    return this.check(value, allowed);
  }

  private check(value: Bytes, allowed: StaticArray<u8>): bool {
    const table = changetype<usize>(allowed);
    for (let index = 0; index < value.length; index++) {
      if (load<u8>(table + value.byteAt(index)) == 0) {
        return this.met(index, index + 1);
      }
    }
    return false;
  }
}

/** Marks the bytes of all ranges that can be read; says what was wrong with the first that cannot. */
function readRanges(text: Bytes, allowed: StaticArray<u8>): string {
  let problem = "";
  let from = 0;
  for (let index = 0; index <= text.length; index++) {
    if (index < text.length && text.byteAt(index) != 0x2c) continue;
    const piece = new Text(text.at + from, index - from).trim();
    from = index + 1;
    const dash = piece.indexOfByte(0x2d);
    const first = byteNumber(dash < 0 ? piece : piece.slice(0, dash).trim());
    const last = dash < 0 ? first : byteNumber(piece.slice(dash + 1).trim());
    if (first >= 0 && last >= first) {
      for (let byte = first; byte <= last; byte++) allowed[byte] = 1;
    } else if (problem == "") {
      problem = '"' + piece.toString() +
        '" is no range of bytes; write numbers from 0 to 255, such as 9,10,32-126';
    }
  }
  return problem;
}

/** A number from 0 to 255; -1 for anything else. */
function byteNumber(text: Text): i32 {
  if (text.length == 0 || text.length > 3) return -1;
  let value = 0;
  for (let index = 0; index < text.length; index++) {
    const digit = text.byteAt(index) - 48;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value < 256 ? value : -1;
}

/** Met by a `%` without two hexadecimal digits behind it. */
export class ValidateUrlEncoding extends Operator {
  testWith(value: Bytes, _argument: Bytes): bool {
    const end = value.at + value.length;
    for (
      let at = findByte(value.at, end, 0x25);
      at < end;
      at = findByte(at, end, 0x25)
    ) {
      if (at + 3 > end || hexPair(at + 1) > 255) {
        return this.met(<i32> (at - value.at), value.length);
      }
      at += 3;
    }
    return false;
  }
}

/** Met by what is not UTF-8 (RFC 3629): surrogates, forms longer than need be and numbers too high are not. */
export class ValidateUtf8Encoding extends Operator {
  testWith(value: Bytes, _argument: Bytes): bool {
    const end = value.at + value.length;
    let at = findHighOrZero(value.at, end);
    while (at < end) {
      const byte = <u32> load<u8>(at);
      if (byte < 128) {
        at++;
        continue;
      }
      const size = sizeFor(byte);
      const code = size > 0 && isWhole(at, end, size) ? codeAt(at, size) : 0;
      if (
        code < smallest(max(size, 2)) || code - 0xd800 < 0x800 ||
        code > 0x10ffff
      ) {
        return this.met(<i32> (at - value.at), value.length);
      }
      at += size;
    }
    return false;
  }
}
