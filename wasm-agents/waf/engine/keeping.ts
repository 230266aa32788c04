/** Writes the state of the transaction at hand into its block, and reads it back in the next call. */

import { Bytes } from "sentinel";
import { allocate } from "sentinel/arena";
import { VAR_IP } from "../seclang/variables";
import { bindCollection, clearCollections, collectionKey, hasCollections } from "./collections";
import { endedBy, restoreVerdict, wouldEndBy } from "./execute";
import { loadRemovals, removalsSize, saveRemovals } from "./removals";
import { freeBlock, takeBlock } from "./slots";
import * as stores from "./stores";
import { loadModes, MODES_BYTES, saveModes } from "./transaction";
import { isCached } from "./value_cache";

/** Everything below this address was made at configuration and lasts. */
let lastingEnd: usize = 0;

/** Everything that exists now lasts. */
export function markLasting(): void {
  lastingEnd = allocate(8);
}

/**
 * Layout: modes, verdict (two addresses), the piece of a body (length, bytes), what is taken away, keys of collections,
 * the slots of TX, the other variables, and the bytes that slots and variables lead to. Addresses into the block are
 * kept as they are, for the block does not move. False: there is no room for it.
 */
export function saveState(id: Bytes, body: Bytes): bool {
  const texts = textsSize();
  const bytes = MODES_BYTES + 16 + aligned(body.length) + removalsSize() + 8 +
    keysSize() + stores.slotsLength() + 8 +
    dynamicSize() + texts;
  let at = takeBlock(id, bytes);
  if (at == 0) return false;
  const end = at + bytes;
  saveModes(at);
  at += MODES_BYTES;
  store<usize>(at, endedBy);
  store<usize>(at, wouldEndBy, 4);
  store<i32>(at, body.length, 8);
  memory.copy(at + 16, body.at, body.length);
  at += 16 + aligned(body.length);
  saveRemovals(at);
  at += removalsSize();
  at = saveKeys(at);
  let heap = end - texts;
  memory.copy(at, stores.slotsAt(), stores.slotsLength());
  for (let slot = at; slot < at + stores.slotsLength(); slot += 12) {
    heap = moved(slot, heap);
  }
  at += stores.slotsLength();
  saveDynamic(at, heap);
  return true;
}

/** Takes the state back; what it leads to lies in the block until that is written again or given back. */
export function loadState(block: usize): Bytes {
  let at = block;
  loadModes(at);
  at += MODES_BYTES;
  restoreVerdict(load<usize>(at), load<usize>(at, 4));
  const body = new Bytes(at + 16, load<i32>(at, 8));
  at = loadRemovals(at + 16 + aligned(body.length));
  at = loadKeys(at);
  stores.clearStores(false);
  memory.copy(stores.slotsAt(), at, stores.slotsLength());
  rescue(stores.slotsAt(), stores.slotsLength());
  loadDynamic(at + stores.slotsLength());
  return rescued(body);
}

/** Forgets the transaction. */
export function dropState(id: Bytes): void {
  freeBlock(id);
}

function aligned(bytes: i32): i32 {
  return (bytes + 7) & ~7;
}

/** Bytes that slots and variables lead to and that do not last by themselves. */
function textsSize(): i32 {
  let size = 0;
  const end = stores.slotsAt() + stores.slotsLength();
  for (let slot = stores.slotsAt(); slot < end; slot += 12) {
    size += fleeting(slot);
  }
  for (
    let record = stores.firstDynamicRecord();
    record != 0;
    record = stores.nextDynamicRecord(record)
  ) {
    size += fleeting(record + 24) + load<i32>(record, 20);
  }
  return size;
}

/** The length of a value's bytes when they end with the call. */
function fleeting(value: usize): i32 {
  if (load<i32>(value) != stores.BYTES) return 0;
  const at = load<usize>(value, 4);
  return at >= lastingEnd || isCached(at) ? load<i32>(value, 8) : 0;
}

/** Moves the bytes of a value to `heap`, and gives where the next ones go. */
function moved(value: usize, heap: usize): usize {
  const length = fleeting(value);
  if (length == 0) return heap;
  memory.copy(heap, load<usize>(value, 4), length);
  store<usize>(value, heap, 4);
  return heap + length;
}

/** A block can be given to another transaction when this one is written anew, so its bytes come into the call's memory. */
function rescue(at: usize, length: i32): void {
  for (let value = at; value < at + length; value += 12) rescueValue(value);
}

function rescueValue(value: usize): void {
  if (load<i32>(value) != stores.BYTES) return;
  const length = load<i32>(value, 8);
  const from = load<usize>(value, 4);
  if (length == 0 || from < lastingEnd && !isInPool(from)) return;
  const copy = allocate(length);
  memory.copy(copy, from, length);
  store<usize>(value, copy, 4);
}

function rescued(bytes: Bytes): Bytes {
  const copy = allocate(bytes.length);
  memory.copy(copy, bytes.at, bytes.length);
  return new Bytes(copy, bytes.length);
}

let poolFrom: usize = 0;
let poolTo: usize = 0;

/** Says where the blocks are: they lie in lasting memory, but what is in them does not last. */
export function setPool(from: usize, to: usize): void {
  poolFrom = from;
  poolTo = to;
}

function isInPool(at: usize): bool {
  return at >= poolFrom && at < poolTo;
}

function keysSize(): i32 {
  if (!hasCollections()) return 0;
  let size = 0;
  for (let each = VAR_IP; each < VAR_IP + 5; each++) {
    size += 4 + aligned(collectionKey(each).length);
  }
  return size;
}

function saveKeys(at: usize): usize {
  store<i32>(at, hasCollections() ? 1 : 0);
  at += 8;
  if (!hasCollections()) return at;
  for (let each = VAR_IP; each < VAR_IP + 5; each++) {
    const key = collectionKey(each);
    store<i32>(at, key.length);
    memory.copy(at + 4, key.at, key.length);
    at += 4 + aligned(key.length);
  }
  return at;
}

function loadKeys(at: usize): usize {
  clearCollections();
  const isAny = load<i32>(at) != 0;
  at += 8;
  if (!isAny) return at;
  for (let each = VAR_IP; each < VAR_IP + 5; each++) {
    const key = rescued(new Bytes(at + 4, load<i32>(at)));
    if (key.length > 0) bindCollection(each, key);
    at += 4 + aligned(key.length);
  }
  return at;
}

/** For each: store, name (address, length), value (12 bytes), the number that was read, its end (8 bytes). */
const DYNAMIC_BYTES: i32 = 36;

function dynamicSize(): i32 {
  return DYNAMIC_BYTES * stores.dynamicRecords();
}

function saveDynamic(at: usize, heap: usize): void {
  store<i32>(at, stores.dynamicRecords());
  at += 8;
  for (
    let record = stores.firstDynamicRecord();
    record != 0;
    record = stores.nextDynamicRecord(record)
  ) {
    const nameLength = load<i32>(record, 20);
    store<i32>(at, load<i32>(record, 12));
    memory.copy(heap, load<usize>(record, 16), nameLength);
    store<usize>(at, heap, 4);
    store<i32>(at, nameLength, 8);
    heap += nameLength;
    memory.copy(at + 12, record + 24, 12);
    store<i32>(at, load<i32>(record, 36), 24);
    store<i64>(at, load<i64>(record, 40), 28);
    heap = moved(at + 12, heap);
    at += DYNAMIC_BYTES;
  }
}

function loadDynamic(at: usize): void {
  const count = load<i32>(at);
  at += 8;
  for (let index = 0; index < count; index++) {
    const name = rescued(new Bytes(load<usize>(at, 4), load<i32>(at, 8)));
    const value = stores.placeOf(load<i32>(at), name.at, name.length);
    memory.copy(value, at + 12, 12);
    rescueValue(value);
    store<i32>(value, load<i32>(at, 24), 12);
    store<i64>(value, load<i64>(at, 28), 16);
    at += DYNAMIC_BYTES;
  }
}
