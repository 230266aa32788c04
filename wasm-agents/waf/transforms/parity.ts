/** parityEven7bit, parityOdd7bit, parityZero7bit: the eighth bit by the sum of the byte's bits. */

import { allocate } from "sentinel/arena";
import { Bytes } from "sentinel/text";
import { finished } from "./output";

/** The sum counts all eight bits that a byte came with, as ModSecurity reckons it. */
export function parityEven7bit(input: Bytes): Bytes {
  return withParity(input, 1);
}

export function parityOdd7bit(input: Bytes): Bytes {
  return withParity(input, 0);
}

function withParity(input: Bytes, raised: u32): Bytes {
  const at = allocate(input.length);
  for (let index = 0; index < input.length; index++) {
    const byte = input.byteAt(index);
    const isOdd = popcnt(byte) & 1;
    store<u8>(at + index, isOdd == raised ? byte | 128 : byte & 127);
  }
  return finished(input, at, at + input.length);
}

export function parityZero7bit(input: Bytes): Bytes {
  const at = allocate(input.length);
  for (let index = 0; index < input.length; index++) {
    store<u8>(at + index, input.byteAt(index) & 127);
  }
  return finished(input, at, at + input.length);
}
