/** What the rule at hand has matched: MATCHED_VAR, MATCHED_VARS and their names. */

import { allocate } from "sentinel/arena";
import { TABLE } from "../seclang/variables";
import * as lists from "./lists";
import { textAt, textLength } from "./texts";

/** Values that are remembered for one rule. */
const MATCHED_MAX: i32 = 1024;

/** Per value 12 bytes: text, pair, variable. */
let entries: usize = 0;
let room: i32 = 0;
let count: i32 = 0;

let lastText: usize = 0;
/** What matched last; the variable is -1 when nothing has. */
export let lastPair: usize = 0;
export let lastVariable: i32 = -1;

/** Forgets everything; at the start of a transaction or of a call. */
export function clearMatched(): void {
  count = 0;
  room = 0;
  lastVariable = -1;
}

/** The next rule begins: what is remembered for chains goes, MATCHED_VAR stays. */
export function startRule(): void {
  count = 0;
}

/** Remembers a value that matched. */
export function noteMatched(text: usize, pair: usize, variable: i32): void {
  lastText = text;
  lastPair = pair;
  lastVariable = variable;
  if (count == MATCHED_MAX) return;
  if (count == room) grow();
  const entry = entries + 12 * count++;
  store<usize>(entry, text);
  store<usize>(entry, pair, 4);
  store<i32>(entry, variable, 8);
}

function grow(): void {
  room = room == 0 ? 16 : 2 * room;
  const bigger = allocate(12 * room);
  if (count > 0) memory.copy(bigger, entries, 12 * count);
  entries = bigger;
}

export function matchedCount(): i32 {
  return count;
}

/** The pair that a remembered value is of. */
export function matchedPairAt(index: i32): usize {
  return load<usize>(entries + 12 * index, 4);
}

/** The variable that a remembered value is of. */
export function matchedVariableAt(index: i32): i32 {
  return load<i32>(entries + 12 * index, 8);
}

/** A pair with the name and the value of one that matched. */
export function matchedPair(index: i32): usize {
  const entry = entries + 12 * index;
  const length = fullName(load<usize>(entry, 4), load<i32>(entry, 8));
  const text = load<usize>(entry);
  return lists.newPair(nameStart, length, textAt(text), textLength(text));
}

/** The same with the name as the value. */
export function matchedPairOfName(index: i32): usize {
  const entry = entries + 12 * index;
  const length = fullName(load<usize>(entry, 4), load<i32>(entry, 8));
  return lists.newPair(nameStart, length, nameStart, length);
}

/** Whether anything has matched. */
export function hasMatched(): bool {
  return lastVariable >= 0;
}

/** The value that matched last. */
export function matchedText(): usize {
  return lastText;
}

/** The length of the name of what matched last; `fullNameAt` says where it is. */
export function matchedName(): i32 {
  return fullName(lastPair, lastVariable);
}

export function matchedVariable(): i32 {
  return lastVariable;
}

let nameStart: usize = 0;

export function fullNameAt(): usize {
  return nameStart;
}

/** Puts `ARGS:name` together and gives its length. */
export function fullName(pair: usize, variable: i32): i32 {
  const own = unchecked(TABLE[variable]).name;
  const length = lists.nameLength(pair);
  if (length == 0) {
    nameStart = own.at;
    return own.length;
  }
  const at = allocate(own.length + 1 + length);
  memory.copy(at, own.at, own.length);
  store<u8>(at + own.length, 0x3a);
  memory.copy(at + own.length + 1, lists.nameAt(pair), length);
  nameStart = at;
  return own.length + 1 + length;
}
