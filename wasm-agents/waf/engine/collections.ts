/**
 * Collections that outlast a request: IP, GLOBAL, SESSION, USER, RESOURCE. They lie in the values that all instances
 * share, one entry for a collection and its key. `initcol` reads one; at the end of the transaction what was changed is
 * written back on top of what is there by then, so that counters of requests at the same time add up.
 *
 * An entry is a list of variables: length of the name (2 bytes), name, end in Unix seconds (8 bytes, 0: with the
 * collection), length of the value (4 bytes), value.
 */

import { Bytes, ByteWriter, clock, Text } from "sentinel";
import { allocate } from "sentinel/arena";
import * as kv from "sentinel/bindings/kv";
import { VAR_IP, VAR_TX } from "../seclang/variables";
import { leadingNumber } from "../seclang/words";
import * as stores from "./stores";

/** Bytes of a key and of an entry that the proxy takes. */
const KEY_BYTES_MAX: i32 = 256;
const ENTRY_BYTES_MAX: i32 = 65536;

/** How often a write is tried again when somebody else was faster. */
const TRIES: i32 = 4;

/** Of each collection: address and length of its key; no key, not in use. */
const keys: usize = memory.data(48, 8);

let timeoutS: i32 = 3600;
let isUsed: bool = false;

/** Seconds that a collection lasts after its last change. */
export function setCollectionTimeout(seconds: i32): void {
  timeoutS = seconds;
}

/** A transaction begins with no collection. */
export function clearCollections(): void {
  if (isUsed) memory.fill(keys, 0, 48);
  isUsed = false;
}

/** The key that a collection was opened with; no bytes when it was not. */
export function collectionKey(collection: i32): Bytes {
  const place = keys + 8 * (collection - VAR_TX);
  return new Bytes(load<usize>(place), load<i32>(place, 4));
}

/** Whether any collection is open. */
export function hasCollections(): bool {
  return isUsed;
}

/** Opens a collection and takes its variables in. */
export function openCollection(collection: i32, key: Bytes): void {
  if (collectionKey(collection).length > 0 || key.length == 0) return;
  bindCollection(collection, key);
  readEntry(collection);
  markOld(collection);
}

/** Says under which key a collection is known, without reading it. */
export function bindCollection(collection: i32, key: Bytes): void {
  const place = keys + 8 * (collection - VAR_TX);
  setKey(place, key);
  isUsed = true;
}

function setKey(place: usize, key: Bytes): void {
  store<usize>(place, key.at);
  store<i32>(place, min(key.length, KEY_BYTES_MAX - 8), 4);
}

/** The name of an entry is text, and clients choose keys: bytes that are no text by themselves are written as `%hh`. */
function entryName(collection: i32): Text {
  const key = collectionKey(collection);
  const writer = new ByteWriter(key.length + 4);
  writer.byte(0x77);
  writer.byte(0x30 + <u32> (collection - VAR_IP));
  writer.byte(0x3a);
  for (let index = 0; index < key.length && writer.text.length < KEY_BYTES_MAX - 3; index++) {
    const byte = key.byteAt(index);
    if (byte - 0x20 < 0x5f && byte != 0x25) {
      writer.byte(byte);
      continue;
    }
    writer.byte(0x25);
    writer.byte(HEX.charCodeAt(byte >>> 4));
    writer.byte(HEX.charCodeAt(byte & 15));
  }
  return writer.text;
}

const HEX = "0123456789abcdef";

function readEntry(collection: i32): void {
  const entry = kv.get(entryName(collection));
  if (entry !== null) readVariables(collection, entry);
}

/** Puts variables of an entry into the store, but for those that have ended. */
function readVariables(collection: i32, entry: Bytes): void {
  const nowS = <i64> (clock.wallMs() / 1000);
  let at = entry.at;
  const end = entry.at + entry.length;
  while (at + 14 <= end) {
    const nameLength = <i32> load<u16>(at);
    const nameAt = at + 2;
    const valueLength = load<i32>(nameAt + nameLength + 8);
    const endS = load<i64>(nameAt + nameLength);
    const valueAt = nameAt + nameLength + 12;
    at = valueAt + valueLength;
    if (at > end || valueLength < 0) return;
    if (endS != 0 && endS <= nowS) continue;
    const value = stores.placeOf(collection, nameAt, nameLength);
    if (value == 0) return;
    putValue(value, valueAt, valueLength);
    setEnd(collection, nameAt, nameLength, endS);
  }
}

/** Numbers are kept as numbers, so that what is added is known. */
function putValue(value: usize, at: usize, length: i32): void {
  const number = leadingNumber(at, length);
  if (
    stores.numberText(number) == length &&
    memory.compare(stores.valueTextAt(), at, length) == 0
  ) {
    stores.setNumber(value, number);
  } else stores.setBytes(value, at, length);
}

/** Sets when a variable ends; 0 means with its collection. */
function setEnd(collection: i32, nameAt: usize, nameLength: i32, endS: i64): void {
  const value = stores.placeOf(collection, nameAt, nameLength);
  if (value != 0) store<i64>(value, endS, 16);
}

/** `expirevar`. */
export function expireVariable(
  collection: i32,
  name: Bytes,
  seconds: i32,
): void {
  if (collection == VAR_TX || collectionKey(collection).length == 0) return;
  setEnd(
    collection,
    name.at,
    name.length,
    <i64> (clock.wallMs() / 1000) + seconds,
  );
}

/** Remembers the numbers that were read, to write back only what was added. */
function markOld(collection: i32): void {
  for (
    let record = stores.firstDynamicRecord();
    record != 0;
    record = stores.nextDynamicRecord(record)
  ) {
    if (load<i32>(record, 12) == collection) {
      store<i32>(record, stores.numberOf(record + 24), 36);
    }
  }
}

/** Writes every open collection back. */
export function saveCollections(): void {
  if (!isUsed) return;
  for (let collection = VAR_IP; collection < VAR_IP + 5; collection++) {
    if (collectionKey(collection).length > 0) save(collection);
  }
}

function save(collection: i32): void {
  const name = entryName(collection);
  for (let tries = 0; tries < TRIES; tries++) {
    const before = kv.get(name);
    const entry = written(collection, before);
    if (before !== null && before.equals(entry)) return;
    if (before === null && entry.length == 0) return;
    if (kv.compareAndSet(name, before, entry, <u32> timeoutS * 1000)) return;
  }
}

/**
 * The entry as it shall be, given what is there now: numbers get what this transaction added, anything else is as it is
 * here, and what only others have set stays.
 */
function written(collection: i32, before: Bytes | null): Bytes {
  const writer = new ByteWriter(256);
  if (before !== null) writeOld(writer, collection, before);
  for (
    let record = stores.firstDynamicRecord();
    record != 0;
    record = stores.nextDynamicRecord(record)
  ) {
    const owner = load<i32>(record, 12);
    if (owner == (collection | WRITTEN)) store<i32>(record, collection, 12);
    else if (owner == collection && load<i32>(record, 24) != stores.UNSET) {
      write(writer, record, before === null ? load<i32>(record, 36) : 0);
    }
  }
  return writer.text;
}

/** Set in the owner of a record for as long as it needs no more writing. */
const WRITTEN: i32 = 0x40000000;

/** Goes through the variables that the entry has, but for those that have ended. */
function writeOld(writer: ByteWriter, collection: i32, entry: Bytes): void {
  const nowS = <i64> (clock.wallMs() / 1000);
  let at = entry.at;
  const end = entry.at + entry.length;
  while (at + 14 <= end) {
    const from = at;
    const nameLength = <i32> load<u16>(at);
    const valueLength = load<i32>(at + 2 + nameLength + 8);
    const endS = load<i64>(at + 2 + nameLength);
    const valueAt = at + 2 + nameLength + 12;
    at = valueAt + valueLength;
    if (at > end || valueLength < 0) return;
    if (endS != 0 && endS <= nowS) continue;
    const record = stores.recordOf(collection, from + 2, nameLength);
    if (record == 0) {
      const whole = new Bytes(from, <i32> (at - from));
      if (writer.text.length + whole.length <= ENTRY_BYTES_MAX) writer.bytes(whole);
      continue;
    }
    if (load<i32>(record, 24) != stores.UNSET) write(writer, record, leadingNumber(valueAt, valueLength));
    store<i32>(record, collection | WRITTEN, 12);
  }
}

/** Writes a variable; `now` is the number that it has in the entry now, on which goes what was added here. */
function write(writer: ByteWriter, record: usize, now: i32): void {
  const value = record + 24;
  const length = load<i32>(value) == stores.NUMBER
    ? stores.numberText(<i64> load<i32>(value, 4) - load<i32>(record, 36) + now)
    : stores.valueText(value);
  const text = new Bytes(stores.valueTextAt(), length);
  const name = new Bytes(load<usize>(record, 16), load<i32>(record, 20));
  if (writer.text.length + name.length + length + 14 > ENTRY_BYTES_MAX) return;
  writeVariable(writer, name, load<i64>(record, 40), text);
}

function writeVariable(
  writer: ByteWriter,
  name: Bytes,
  endS: i64,
  value: Bytes,
): void {
  const head = allocate(16);
  store<u16>(head, <u16> name.length);
  writer.bytes(new Bytes(head, 2));
  writer.bytes(name);
  store<i64>(head, endS);
  store<i32>(head, value.length, 8);
  writer.bytes(new Bytes(head, 12));
  writer.bytes(value);
}
