/** eq, ge, gt, le, lt: the whole numbers that two texts begin with; 0 when there is none. */

import { Bytes, Text } from "sentinel/text";
import { isSpace } from "../transforms/byte_kinds";
import { Operator } from "./operator";

/** Which results of a comparison are met, as bits. */
export const LESS: i32 = 1;
export const EQUAL: i32 = 2;
export const MORE: i32 = 4;

export class Comparison extends Operator {
  private readonly number: i32;

  constructor(argument: Text, private readonly wanted: i32) {
    super(argument);
    this.number = wholeNumber(argument);
  }

  override test(value: Bytes): bool {
    return this.compare(value, this.number);
  }

  testWith(value: Bytes, argument: Bytes): bool {
    return this.compare(value, wholeNumber(argument));
  }

  private compare(value: Bytes, number: i32): bool {
    const own = wholeNumber(value);
    const result = own < number ? LESS : own == number ? EQUAL : MORE;
    return (result & this.wanted) != 0 && this.met(0, value.length);
  }
}

/** As C's `atoi`, but stays within 32 bits. */
export function wholeNumber(text: Bytes): i32 {
  let index = 0;
  while (index < text.length && isSpace(text.byteAt(index))) index++;
  const sign = index < text.length ? text.byteAt(index) : 0;
  if (sign == 0x2d || sign == 0x2b) index++;
  let value: i64 = 0;
  for (; index < text.length; index++) {
    const digit = text.byteAt(index) - 48;
    if (digit > 9) break;
    value = min<i64>(value * 10 + digit, 0x80000000);
  }
  return <i32> (sign == 0x2d ? -value : min<i64>(value, 0x7fffffff));
}
