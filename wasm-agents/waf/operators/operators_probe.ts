/** Gives the tests of this folder a hold on operators. */

import { Bytes, Text } from "sentinel/text";
import { createOperator, Operator, operatorError, operatorId, Rsub } from "./operators";

let made: Operator | null = null;

export function idOf(at: usize, length: i32): i32 {
  return operatorId(new Text(at, length));
}

export function make(
  id: i32,
  at: usize,
  length: i32,
  file: usize,
  fileLength: i32,
): bool {
  made = createOperator(
    id,
    new Text(at, length),
    file == 0 ? null : new Bytes(file, fileLength),
  );
  return made !== null;
}

export function problem(): Text {
  return operatorError();
}

export function test(at: usize, length: i32): bool {
  return made!.test(new Bytes(at, length));
}

export function testWith(
  at: usize,
  length: i32,
  argument: usize,
  argumentLength: i32,
): bool {
  return made!.testWith(
    new Bytes(at, length),
    new Bytes(argument, argumentLength),
  );
}

export function matchedFrom(): i32 {
  return made!.matchedFrom;
}

export function matchedTo(): i32 {
  return made!.matchedTo;
}

/** The first capture, or null. */
export function captured(): Bytes | null {
  const all = made!.captured;
  return all === null ? null : all[0];
}

export function replaced(): Bytes {
  const rsub = changetype<Rsub>(made!);
  return new Bytes(rsub.replacedAt, rsub.replacedLength);
}

export function testMany(at: usize, length: i32, times: i32): i32 {
  const value = new Bytes(at, length);
  let count = 0;
  for (let index = 0; index < times; index++) count += <i32> made!.test(value);
  return count;
}
