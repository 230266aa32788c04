/** Sets of bytes, 32 bytes each. Equal sets of all expressions are one and have a number. */

import { allocate } from "sentinel/arena";
import { BYTE_SETS_MAX } from "./limits";

/** Bytes of a set. */
export const SET_BYTES: i32 = 32;

const BUCKETS: u32 = 4096;

/** All sets, one behind the other, and a hash table with their numbers plus one. */
class SetTable {
  static at: usize = 0;
  static count: i32 = 0;
  static buckets: usize = 0;
  static links: usize = 0;
}

/** Takes the memory for all sets; once. */
export function prepareSets(): void {
  if (SetTable.at != 0) return;
  SetTable.at = allocate(BYTE_SETS_MAX * SET_BYTES);
  SetTable.buckets = allocate(BUCKETS * 2);
  SetTable.links = allocate(BYTE_SETS_MAX * 2);
  memory.fill(SetTable.buckets, 0, BUCKETS * 2);
}

/** How many different sets there are. */
export function setCount(): i32 {
  return SetTable.count;
}

/** Where the sets lie; that of number n at n * SET_BYTES. */
// asc: @inline
export function setsAt(): usize {
  return SetTable.at;
}

/** The number of a set equal to the one at `set`; -1 when there is no room for another. */
export function internSet(set: usize): i32 {
  const bucket = SetTable.buckets + 2 * (hashOf(set) & (BUCKETS - 1));
  let id = <i32> load<u16>(bucket);
  while (id != 0) {
    if (memory.compare(SetTable.at + (id - 1) * SET_BYTES, set, SET_BYTES) == 0) return id - 1;
    id = load<u16>(SetTable.links + 2 * (id - 1));
  }
  const fresh = SetTable.count;
  if (fresh == BYTE_SETS_MAX) return -1;
  SetTable.count = fresh + 1;
  memory.copy(SetTable.at + fresh * SET_BYTES, set, SET_BYTES);
  store<u16>(SetTable.links + 2 * fresh, load<u16>(bucket));
  store<u16>(bucket, <u16> (fresh + 1));
  return fresh;
}

function hashOf(set: usize): u32 {
  let hash: u64 = 0;
  for (let at: usize = 0; at < 32; at += 8) {
    hash = (hash ^ load<u64>(set + at)) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  }
  return <u32> (hash ^ (hash >> 32));
}

/** Whether the set at `set` has a byte. */
// asc: @inline
export function setHas(set: usize, byte: u32): bool {
  return ((<u32> load<u8>(set + (byte >> 3)) >> (byte & 7)) & 1) != 0;
}

/** Puts a byte into a set. */
// asc: @inline
export function setAdd(set: usize, byte: u32): void {
  const at = set + (byte >> 3);
  store<u8>(at, <u8> (<u32> load<u8>(at) | (<u32> 1 << (byte & 7))));
}

/** Empties a set. */
export function setClear(set: usize): void {
  for (let at: usize = 0; at < 32; at += 8) store<u64>(set + at, 0);
}

/** Puts all bytes from `from` to `to` into a set. */
export function setAddRange(set: usize, from: u32, to: u32): void {
  for (let byte = from; byte <= to; byte++) setAdd(set, byte);
}

/** Puts all of `other` into `set`. */
export function setUnite(set: usize, other: usize): void {
  for (let at: usize = 0; at < 32; at += 8) {
    store<u64>(set + at, load<u64>(set + at) | load<u64>(other + at));
  }
}

/** Turns a set into what was not in it. */
export function setInvert(set: usize): void {
  for (let at: usize = 0; at < 32; at += 8) {
    store<u64>(set + at, ~load<u64>(set + at));
  }
}

/** Whether two sets have a byte in common. */
export function setsMeet(one: usize, other: usize): bool {
  for (let at: usize = 0; at < 32; at += 8) {
    if ((load<u64>(one + at) & load<u64>(other + at)) != 0) return true;
  }
  return false;
}

/** How many bytes are in a set. */
export function setSize(set: usize): i32 {
  let size: i64 = 0;
  for (let at: usize = 0; at < 32; at += 8) {
    size += popcnt<i64>(load<i64>(set + at));
  }
  return <i32> size;
}

/** Puts the other case of every letter of ASCII in the set into it. */
export function setFold(set: usize): void {
  // Bits 1 to 26 of the second word are the capital letters, 33 to 58 the small ones.
  const word = load<u64>(set, 8);
  const letters = (word | (word >> 32)) & 0x7fffffe;
  store<u64>(set, word | letters | (letters << 32), 8);
}

/** Whether `\w` means the byte. */
// asc: @inline
export function isWordByte(byte: u32): bool {
  return (byte | 32) - 97 < 26 || byte - 48 < 10 || byte == 95;
}
