/** Gives the tests of this folder a hold on expressions by their numbers. */

import { Bytes } from "sentinel/text";
import { Regex, regexError, regexErrorOffset } from "./regex";
import { setCount } from "./byte_sets";
import { Cache } from "./cache";

const all: Regex[] = [];
const groups: StaticArray<i32> = new StaticArray<i32>(20);

/** The number of a new expression; -1 when it was refused. */
export function compile(at: usize, length: i32, flags: u32): i32 {
  const regex = Regex.compile(new Bytes(at, length), flags);
  if (!regex) return -1;
  all.push(regex);
  return all.length - 1;
}

export function problemText(): Bytes {
  return regexError();
}

export function problemOffset(): i32 {
  return regexErrorOffset();
}

export function test(id: i32, at: usize, length: i32): bool {
  return unchecked(all[id]).test(at, length);
}

export function testSlowly(id: i32, at: usize, length: i32): bool {
  return unchecked(all[id]).testSlowly(at, length);
}

/** Where the 20 places of `capture` are; 0 when there is no match. */
export function capture(id: i32, at: usize, length: i32): usize {
  return unchecked(all[id]).capture(at, length, groups) ? changetype<usize>(groups) : 0;
}

export function captureFrom(id: i32, at: usize, length: i32, from: i32): usize {
  return unchecked(all[id]).captureFrom(at, length, from, groups) ? changetype<usize>(groups) : 0;
}

/** Where the match begins, found without keeping states. */
export function firstPlaceSlowly(id: i32, at: usize, length: i32): i32 {
  return unchecked(all[id]).firstPlaceSlowly(at, length);
}

/** Runs the same test again and again; how often it said yes. */
export function testMany(id: i32, at: usize, length: i32, times: i32): i32 {
  let count = 0;
  const regex = unchecked(all[id]);
  for (let index = 0; index < times; index++) {
    count += regex.test(at, length) ? 1 : 0;
  }
  return count;
}

export function captureMany(id: i32, at: usize, length: i32, times: i32): i32 {
  let count = 0;
  const regex = unchecked(all[id]);
  for (let index = 0; index < times; index++) {
    count += regex.capture(at, length, groups) ? 1 : 0;
  }
  return count;
}

export function programSize(id: i32): i32 {
  return unchecked(all[id]).programSize;
}

export function minLength(id: i32): i32 {
  return unchecked(all[id]).minLength;
}

export function groupCount(id: i32): i32 {
  return unchecked(all[id]).groupCount;
}

export function literalCount(id: i32): i32 {
  return unchecked(all[id]).literals.length;
}

export function literal(id: i32, index: i32): Bytes {
  return unchecked(all[id]).literals[index];
}

/** Where the set of needed bytes is; 0 when there is none. */
export function needsByte(id: i32): usize {
  return unchecked(all[id]).needsByte;
}

export function sets(): i32 {
  return setCount();
}

export function needsByteCount(id: i32): i32 {
  return unchecked(all[id]).needsByteCount;
}

/** How often the states were forgotten. */
export function generation(): i32 {
  return Cache.generation;
}

/** Whether a text with the bytes of a set of 32 bytes of bits can match. */
export function couldMatch(id: i32, present: usize, _presentLength: i32, length: i32): bool {
  return unchecked(all[id]).couldMatch(present, length);
}
