/** verifyCC, verifySSN, verifyCPF, verifySVNR: what an expression finds, when its check digits are right. */

import { Bytes, Text } from "sentinel/text";
import { Regex, regexError } from "../regex/regex";
import { RegexFlags } from "../regex/limits";
import { Operator, refused } from "./operator";

/** A number may begin anywhere within a match; when the searches together have read so many bytes, only behind the last one. */
const OVERLAP_BYTES_MAX: i32 = 65_536;

/** What is behind so many matches is not looked at. */
const MATCHES_MAX: i32 = 4096;

const groups: StaticArray<i32> = new StaticArray<i32>(20);

/** The digits of a number, with nothing between them. */
const digits: StaticArray<u8> = new StaticArray<u8>(12);

/** Looks at each match of an expression. */
export abstract class NumberOperator extends Operator {
  constructor(argument: Text, private readonly regex: Regex) {
    super(argument);
    this.isRepeated = true;
  }

  /** Whether the bytes hold a number whose check digits are right. */
  protected abstract isRight(at: usize, length: i32): bool;

  override test(value: Bytes): bool {
    let from = 0;
    let looked: i64 = 0;
    // An expression that reads on behind its matches could read all of the value for each of them.
    const lookedMax = <i64> OVERLAP_BYTES_MAX + 2 * value.length;
    for (let count = 0; count < MATCHES_MAX && from < value.length && looked < lookedMax; count++) {
      if (!this.regex.captureFrom(value.at, value.length, from, groups)) {
        return false;
      }
      const start = unchecked(groups[0]);
      const end = unchecked(groups[1]);
      if (this.isRight(value.at + start, end - start)) {
        return this.met(start, end);
      }
      looked += Regex.readTo - start;
      from = looked < OVERLAP_BYTES_MAX ? start + 1 : max(end, start + 1);
    }
    return false;
  }

  /** The expression is what it was: one with macros is refused. */
  testWith(value: Bytes, _argument: Bytes): bool {
    return this.test(value);
  }
}

/** The expression of an operator; null when it is refused. */
export function numberRegex(argument: Text): Regex | null {
  if (argument.length == 0) {
    refused("needs an expression that finds the numbers");
  } else if (argument.indexOf(Text.of("%{")) >= 0) {
    refused("its expression cannot have %{…} in it");
  } else {
    const regex = Regex.compile(
      argument,
      RegexFlags.DOTALL | RegexFlags.MULTILINE,
    );
    if (regex !== null) return regex;
    refused("the expression cannot be used: " + regexError().toString());
  }
  return null;
}

/** Puts the first digits into `digits`; how many there are in all. */
function collect(at: usize, length: i32): i32 {
  let count = 0;
  for (const end = at + length; at < end; at++) {
    const digit = <u32> load<u8>(at) - 48;
    if (digit > 9) continue;
    if (count < 12) digits[count] = <u8> digit;
    count++;
  }
  return count;
}

function areEqual(count: i32): bool {
  for (let index = 1; index < count; index++) {
    if (digits[index] != digits[0]) return false;
  }
  return true;
}

/** Numbers of credit cards: the formula of Luhn (ISO/IEC 7812-1). */
export class VerifyCC extends NumberOperator {
  protected isRight(at: usize, length: i32): bool {
    let sum: u32 = 0;
    let count = 0;
    for (let index = length - 1; index >= 0; index--) {
      const digit = <u32> load<u8>(at + index) - 48;
      if (digit > 9) continue;
      const doubled = 2 * digit;
      sum += (count++ & 1) == 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
    }
    return count > 0 && sum % 10 == 0;
  }
}

/** US social security numbers: nine digits of which no part is zero, with an area that was given out. */
export class VerifySSN extends NumberOperator {
  protected isRight(at: usize, length: i32): bool {
    if (collect(at, length) != 9 || areEqual(9)) return false;
    let isRising = true;
    for (let index = 1; index < 9; index++) {
      isRising = isRising && digits[index] == digits[index - 1] + 1;
    }
    const area = 100 * <i32> digits[0] + 10 * <i32> digits[1] + <i32> digits[2];
    const hasGroup = (digits[3] | digits[4]) != 0;
    const hasSerial = (digits[5] | digits[6] | digits[7] | digits[8]) != 0;
    return !isRising && hasGroup && hasSerial && area > 0 && area < 740 &&
      area != 666;
  }
}

/** Brazilian taxpayers: two check digits modulo 11. As in ModSecurity only the first 11 digits count. */
export class VerifyCPF extends NumberOperator {
  protected isRight(at: usize, length: i32): bool {
    return collect(at, length) >= 11 && !areEqual(11) &&
      checkDigit(9) == digits[9] && checkDigit(10) == digits[10];
  }
}

function checkDigit(count: i32): u32 {
  let sum: u32 = 0;
  for (let index = 0; index < count; index++) {
    sum += digits[index] * (count + 1 - index);
  }
  const rest = sum % 11;
  return rest < 2 ? 0 : 11 - rest;
}

/** Austrian social insurance: the fourth digit checks the others. */
export class VerifySVNR extends NumberOperator {
  protected isRight(at: usize, length: i32): bool {
    if (collect(at, length) < 10 || areEqual(10)) return false;
    let sum: u32 = 0;
    for (let index = 0; index < 10; index++) {
      sum += <u32> digits[index] * unchecked(SVNR_WEIGHTS[index]);
    }
    const rest = sum % 11;
    return (rest == 10 ? 0 : rest) == digits[3];
  }
}

const SVNR_WEIGHTS: StaticArray<u32> = [3, 7, 9, 0, 5, 8, 4, 2, 1, 6];
