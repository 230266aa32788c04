/**
 * Lists of names with values that a message is taken apart into, and single values.
 *
 * A pair is a record of 32 bytes: name (address, length), value (address, length), the next pair, the texts of name and
 * value (0: none yet), and which of the targets that are taken away mean it (0: not looked at).
 */

import { allocate } from "sentinel/arena";
import { LISTS, VARIABLES } from "../seclang/variables";
import { valueText } from "./texts";

/** Of each list: first pair, last pair, how many. */
const lists: usize = memory.data(384, 8);

/** Of each variable with one value: its pair, 0 when it has not been asked for, 1 when it has none. */
const singles: usize = memory.data(640, 8);

/** Changes whenever a list or a single value does, so that what was gathered before is gathered again. */
export let epoch: u32 = 1;

/** The next message begins. */
export function clearLists(): void {
  memory.fill(lists, 0, 12 * LISTS);
  memory.fill(singles, 0, 4 * VARIABLES);
  epoch++;
}

/** What was gathered before no longer holds. */
export function newEpoch(): void {
  epoch++;
}

/** Empties one list. */
export function clearList(list: i32): void {
  memory.fill(lists + 12 * list, 0, 12);
}

/** Puts a pair at the end of a list. */
export function addPair(
  list: i32,
  nameAt: usize,
  nameLength: i32,
  valueAt: usize,
  valueLength: i32,
): usize {
  const pair = newPair(nameAt, nameLength, valueAt, valueLength);
  const place = lists + 12 * list;
  const last = load<usize>(place, 4);
  if (last == 0) store<usize>(place, pair);
  else store<usize>(last, pair, 16);
  store<usize>(place, pair, 4);
  store<i32>(place, load<i32>(place, 8) + 1, 8);
  return pair;
}

/** A pair that stands in no list. */
export function newPair(
  nameAt: usize,
  nameLength: i32,
  valueAt: usize,
  valueLength: i32,
): usize {
  const pair = allocate(32);
  store<usize>(pair, nameAt);
  store<i32>(pair, nameLength, 4);
  store<usize>(pair, valueAt, 8);
  store<i32>(pair, valueLength, 12);
  store<u64>(pair, 0, 16);
  store<u64>(pair, 0, 24);
  return pair;
}

// asc: @inline
export function firstOf(list: i32): usize {
  return load<usize>(lists + 12 * list);
}

// asc: @inline
export function nextOf(pair: usize): usize {
  return load<usize>(pair, 16);
}

/** How many pairs a list has. */
export function countOf(list: i32): i32 {
  return load<i32>(lists + 12 * list, 8);
}

// asc: @inline
export function nameAt(pair: usize): usize {
  return load<usize>(pair);
}

// asc: @inline
export function nameLength(pair: usize): i32 {
  return load<i32>(pair, 4);
}

// asc: @inline
export function valueAt(pair: usize): usize {
  return load<usize>(pair, 8);
}

// asc: @inline
export function valueLength(pair: usize): i32 {
  return load<i32>(pair, 12);
}

/** What `removals.ts` knows of a pair. */
export function memberships(pair: usize): usize {
  return load<usize>(pair, 28);
}

export function setMemberships(pair: usize, bits: usize): void {
  store<usize>(pair, bits, 28);
}

/** The text of a pair's value. */
export function valueTextOf(pair: usize): usize {
  const known = load<usize>(pair, 24);
  if (known != 0) return known;
  const text = valueText(load<usize>(pair, 8), load<i32>(pair, 12));
  store<usize>(pair, text, 24);
  return text;
}

/** The text of a pair's name. */
export function nameTextOf(pair: usize): usize {
  const known = load<usize>(pair, 20);
  if (known != 0) return known;
  const text = valueText(load<usize>(pair), load<i32>(pair, 4));
  store<usize>(pair, text, 20);
  return text;
}

/** A variable has no value. */
export const ABSENT: usize = 1;

/** The pair of a variable with one value: 0 when nobody asked yet, `ABSENT` when it has none. */
export function singleOf(variable: i32): usize {
  return load<usize>(singles + 4 * variable);
}

/** Sets the value of a variable with one value. */
export function setSingle(variable: i32, at: usize, length: i32): usize {
  return setPair(variable, newPair(0, 0, at, length));
}

/** The same with a pair that is there. */
export function setPair(variable: i32, pair: usize): usize {
  store<usize>(singles + 4 * variable, pair);
  return pair;
}

/** Remembers that a variable has no value. */
export function setAbsent(variable: i32): usize {
  store<usize>(singles + 4 * variable, ABSENT);
  return ABSENT;
}

/** Has the variable asked for anew. */
export function forgetSingle(variable: i32): void {
  store<usize>(singles + 4 * variable, 0);
}
