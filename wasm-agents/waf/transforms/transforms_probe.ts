/** Gives the tests of this folder a hold on transformations. */

import { endCall } from "sentinel/arena";
import { Bytes, Text } from "sentinel/text";
import { transform, transformId, transformName } from "./transforms";
import { setUnicodeMap } from "./unicode_map";

export function idOf(at: usize, length: i32): i32 {
  return transformId(new Text(at, length));
}

/** The name as text; its address. */
export function nameOf(id: i32): Text {
  return Text.of(transformName(id));
}

let isSame = false;

export function run(id: i32, at: usize, length: i32): Bytes {
  const input = new Bytes(at, length);
  const output = transform(id, input);
  isSame = output == input;
  return output;
}

/** Whether the last result was the input itself. */
export function wasSame(): bool {
  return isSame;
}

let held: Bytes = new Bytes(0, 0);

/** Keeps an input for `runMany`; the test keeps the call. */
export function hold(at: usize, length: i32): void {
  held = new Bytes(at, length);
}

/** Transforms the kept input over and over, for measurements. */
export function runMany(id: i32, times: i32): void {
  for (let index = 0; index < times; index++) {
    transform(id, held);
    if ((index & 1023) == 0) endCall();
  }
}

export function useMap(
  at: usize,
  length: i32,
  page: usize,
  pageLength: i32,
): bool {
  return setUnicodeMap(new Bytes(at, length), new Text(page, pageLength));
}
