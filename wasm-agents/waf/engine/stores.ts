/**
 * Variables that rules set: TX, and members of the collections that last (IP, GLOBAL …). A TX variable whose name stands
 * in a rule has a slot and costs no search; all others are found by their names.
 *
 * A value is 12 bytes: its kind, a number or an address, a length. A variable without a slot is a record of 48 bytes:
 * the next in its bucket, the next of all, hash, store, name (address, length), value, the number that it had when
 * it was read from the collection, and when it ends (Unix seconds, 0: with the collection).
 */

import { Bytes } from "sentinel";
import { allocate } from "sentinel/arena";
import { VAR_TX } from "../seclang/variables";
import { isSameRun, leadingNumber, NameTable, wordHash } from "../seclang/words";

export const UNSET: i32 = 0;
export const NUMBER: i32 = 1;
export const BYTES: i32 = 2;

/** Variables without a slot that a transaction can have. */
const DYNAMIC_MAX: i32 = 16384;

const BUCKETS: u32 = 256;
const buckets: usize = memory.data(1024, 8);
let firstDynamic: usize = 0;
let lastDynamic: usize = 0;
let dynamicCount: i32 = 0;

let slots: usize = 0;
let initial: usize = 0;
/** The same after the rules that come out the same for every request. */
let beginning: usize = 0;
let slotBytes: i32 = 0;
let names: NameTable = new NameTable();

/** Makes room for the slots of all names. */
export function prepareStores(txNames: NameTable): void {
  names = txNames;
  slotBytes = 12 * txNames.names.length;
  slots = allocate(slotBytes);
  initial = allocate(slotBytes);
  beginning = initial;
  memory.fill(slots, 0, slotBytes);
  memory.fill(initial, 0, slotBytes);
}

/** What a TX variable is before the first rule. */
export function presetNumber(slot: i32, value: i32): void {
  store<i32>(initial + 12 * slot, NUMBER);
  store<i32>(initial + 12 * slot, value, 4);
}

/** What is set now is what transactions begin with. */
export function keepBeginning(): void {
  beginning = allocate(slotBytes);
  memory.copy(beginning, slots, slotBytes);
}

/** Nothing is set but what was preset; or also what the rules have set that come out the same for every request. */
export function clearStores(hasBegun: bool): void {
  memory.copy(slots, hasBegun ? beginning : initial, slotBytes);
  if (firstDynamic == 0) return;
  memory.fill(buckets, 0, 1024);
  firstDynamic = 0;
  lastDynamic = 0;
  dynamicCount = 0;
}

/** Where the slots are, and how many bytes they take. */
export function slotsAt(): usize {
  return slots;
}

export function slotsLength(): i32 {
  return slotBytes;
}

/** How many slots there are. */
export function slotCount(): i32 {
  return slotBytes / 12;
}

/** The name that a slot belongs to. */
export function slotName(slot: i32): Bytes {
  return unchecked(names.names[slot]);
}

/** The value in a slot. */
// asc: @inline
export function slotValue(slot: i32): usize {
  return slots + 12 * slot;
}

/** The value of a variable; 0 when there is none. */
export function valueOf(storeId: i32, at: usize, length: i32): usize {
  const hash = wordHash(at, length);
  if (storeId == VAR_TX) {
    const slot = names.findRun(at, length, hash);
    if (slot >= 0) {
      const value = slots + 12 * slot;
      return load<i32>(value) == UNSET ? 0 : value;
    }
  }
  const record = findDynamic(storeId, at, length, hash);
  return record == 0 || load<i32>(record, 24) == UNSET ? 0 : record + 24;
}

/** The place for the value of a variable, which comes into being if need be; 0 when there are too many. */
export function placeOf(storeId: i32, at: usize, length: i32): usize {
  const hash = wordHash(at, length);
  if (storeId == VAR_TX) {
    const slot = names.findRun(at, length, hash);
    if (slot >= 0) return slots + 12 * slot;
  }
  const known = findDynamic(storeId, at, length, hash);
  if (known != 0) return known + 24;
  if (dynamicCount == DYNAMIC_MAX) return 0;
  return addDynamic(storeId, at, length, hash) + 24;
}

function findDynamic(storeId: i32, at: usize, length: i32, hash: u32): usize {
  let record = load<usize>(buckets + 4 * ((hash + storeId) & (BUCKETS - 1)));
  while (record != 0) {
    if (
      load<u32>(record, 8) == hash && load<i32>(record, 12) == storeId &&
      load<i32>(record, 20) == length &&
      isSameRun(load<usize>(record, 16), at, length)
    ) return record;
    record = load<usize>(record);
  }
  return 0;
}

function addDynamic(storeId: i32, at: usize, length: i32, hash: u32): usize {
  const record = allocate(48);
  const bucket = buckets + 4 * ((hash + storeId) & (BUCKETS - 1));
  store<usize>(record, load<usize>(bucket));
  store<usize>(bucket, record);
  store<usize>(record, 0, 4);
  if (lastDynamic == 0) firstDynamic = record;
  else store<usize>(lastDynamic, record, 4);
  lastDynamic = record;
  dynamicCount++;
  store<u32>(record, hash, 8);
  store<i32>(record, storeId, 12);
  store<usize>(record, at, 16);
  store<i32>(record, length, 20);
  store<i32>(record, UNSET, 24);
  store<i32>(record, 0, 36);
  store<i64>(record, 0, 40);
  return record;
}

/** The first variable without a slot; 0 when there is none. */
export function firstDynamicRecord(): usize {
  return firstDynamic;
}

export function nextDynamicRecord(record: usize): usize {
  return load<usize>(record, 4);
}

/** How many variables have no slot. */
export function dynamicRecords(): i32 {
  return dynamicCount;
}

/** Sets a value to a number. */
// asc: @inline
export function setNumber(value: usize, number: i32): void {
  store<i32>(value, NUMBER);
  store<i32>(value, number, 4);
}

/** Sets a value to bytes. */
// asc: @inline
export function setBytes(value: usize, at: usize, length: i32): void {
  store<i32>(value, BYTES);
  store<usize>(value, at, 4);
  store<i32>(value, length, 8);
}

/** A value as a number. */
export function numberOf(value: usize): i32 {
  if (value == 0) return 0;
  const kind = load<i32>(value);
  if (kind == NUMBER) return load<i32>(value, 4);
  return kind == BYTES ? leadingNumber(load<usize>(value, 4), load<i32>(value, 8)) : 0;
}

let textStart: usize = 0;

/** The length of a value as text, whose address `valueTextAt` gives until the next call. */
export function valueText(value: usize): i32 {
  if (load<i32>(value) == NUMBER) return numberText(load<i32>(value, 4));
  textStart = load<usize>(value, 4);
  return load<i32>(value, 8);
}

export function valueTextAt(): usize {
  return textStart;
}

/** As `valueText`, for a number. */
export function numberText(number: i64): i32 {
  const end = allocate(24) + 24;
  let at = end;
  let left = number < 0 ? <u64> (-number) : <u64> number;
  do {
    at--;
    store<u8>(at, <u8> (48 + left % 10));
    left /= 10;
  } while (left != 0);
  if (number < 0) {
    at--;
    store<u8>(at, 45);
  }
  textStart = at;
  return <i32> (end - at);
}

const scratch: usize = memory.data(12, 8);

/** A value that belongs to nobody, for the next moment. */
export function scratchValue(): usize {
  return scratch;
}
