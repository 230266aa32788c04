/**
 * What lasts of a transaction from one call of the proxy to the next: modes, what rules set, what was taken away, the
 * verdict, the start of a body that comes in pieces. All of it is written into one block of a pool that is reserved once,
 * in pages of 1 KiB. When the pool is full, the transaction that has waited longest loses its block: should it go on
 * after all, its first phase is run again.
 */

import { Bytes } from "sentinel";
import { allocate } from "sentinel/arena";
import { wordHash } from "../seclang/words";

const PAGE_BYTES: i32 = 1024;

/** Transactions that can wait at the same time. */
const SLOTS: i32 = 4096;

/** Of each slot 16 bytes: first page plus 1 (0: free), pages, hash of the id, when it was last written. */
let table: usize = 0;
let pool: usize = 0;
let pages: i32 = 0;
/** Of each page: whether it is taken. */
let taken: usize = 0;
let nextPage: i32 = 0;
let clockHand: u32 = 0;
let inUse: i32 = 0;
/** Transactions that lost their block. */
export let evictions: i32 = 0;

/** Reserves the pool. */
export function prepareSlots(bytes: i32): void {
  pages = max(16, bytes / PAGE_BYTES);
  pool = allocate(pages * PAGE_BYTES);
  taken = allocate(pages);
  memory.fill(taken, 0, pages);
  table = allocate(16 * SLOTS);
  memory.fill(table, 0, 16 * SLOTS);
}

/** The bytes that were kept under an id; 0 when there are none. The id stands in front of them. */
export function findBlock(id: Bytes): usize {
  const slot = findSlot(id);
  return slot < 0 ? 0 : blockOf(slot) + 4 + ((id.length + 7) & ~7);
}

/** Whether any transaction waits. */
export function hasBlocks(): bool {
  return inUse > 0;
}

/** Room for `bytes` under an id, in place of what was there; 0 when there is no room at all. */
export function takeBlock(id: Bytes, bytes: i32): usize {
  const whole = 4 + ((id.length + 7) & ~7) + bytes;
  const count = (whole + PAGE_BYTES - 1) / PAGE_BYTES;
  let slot = findSlot(id);
  if (slot >= 0) release(slot);
  if (count > pages) return 0;
  slot = freeSlot(wordHash(id.at, id.length));
  const page = freePages(count);
  if (page < 0) return 0;
  for (let index = page; index < page + count; index++) {
    store<u8>(taken + index, 1);
  }
  const place = table + 16 * slot;
  inUse++;
  store<i32>(place, page + 1);
  store<i32>(place, count, 4);
  store<u32>(place, wordHash(id.at, id.length), 8);
  store<u32>(place, ++clockHand, 12);
  const block = pool + page * PAGE_BYTES;
  store<i32>(block, id.length);
  memory.copy(block + 4, id.at, id.length);
  return block + 4 + ((id.length + 7) & ~7);
}

/** Gives the block of an id back. */
export function freeBlock(id: Bytes): void {
  const slot = findSlot(id);
  if (slot >= 0) release(slot);
}

function blockOf(slot: i32): usize {
  return pool + (load<i32>(table + 16 * slot) - 1) * PAGE_BYTES;
}

/** Slots lie in buckets of 16 by the hash of the id. */
function findSlot(id: Bytes): i32 {
  const hash = wordHash(id.at, id.length);
  const first = <i32> ((hash & (SLOTS / 16 - 1)) * 16);
  for (let slot = first; slot < first + 16; slot++) {
    const place = table + 16 * slot;
    if (load<i32>(place) == 0 || load<u32>(place, 8) != hash) continue;
    const block = blockOf(slot);
    if (
      load<i32>(block) == id.length &&
      memory.compare(block + 4, id.at, id.length) == 0
    ) return slot;
  }
  return -1;
}

/** A free slot of the bucket, or that of the transaction in it that has waited longest. */
function freeSlot(hash: u32): i32 {
  const first = <i32> ((hash & (SLOTS / 16 - 1)) * 16);
  let oldest = first;
  for (let slot = first; slot < first + 16; slot++) {
    const place = table + 16 * slot;
    if (load<i32>(place) == 0) return slot;
    if (
      clockHand - load<u32>(place, 12) >
        clockHand - load<u32>(table + 16 * oldest, 12)
    ) oldest = slot;
  }
  evict(oldest);
  return oldest;
}

function freePages(count: i32): i32 {
  let found = searchPages(count);
  while (found < 0 && evictOldest()) found = searchPages(count);
  if (found >= 0) nextPage = found + count;
  return found;
}

/** A run of free pages, from where the last search ended or the first ones were given back. */
function searchPages(count: i32): i32 {
  let run = 0;
  let page = nextPage + count > pages ? 0 : nextPage;
  for (let left = pages + count; left > 0; left--) {
    if (page == pages) {
      page = 0;
      run = 0;
    }
    run = load<u8>(taken + page) == 0 ? run + 1 : 0;
    page++;
    if (run == count) return page - count;
  }
  return -1;
}

function evictOldest(): bool {
  let oldest = -1;
  for (let slot = 0; slot < SLOTS; slot++) {
    const place = table + 16 * slot;
    if (load<i32>(place) == 0) continue;
    if (
      oldest < 0 ||
      clockHand - load<u32>(place, 12) >
        clockHand - load<u32>(table + 16 * oldest, 12)
    ) oldest = slot;
  }
  if (oldest < 0) return false;
  evict(oldest);
  return true;
}

function evict(slot: i32): void {
  release(slot);
  evictions++;
}

function release(slot: i32): void {
  const place = table + 16 * slot;
  const page = load<i32>(place) - 1;
  memory.fill(taken + page, 0, load<i32>(place, 4));
  store<i32>(place, 0);
  inUse--;
  // Pages that were used last are still near the processor.
  if (page < nextPage) nextPage = page;
}

/** Where the pool begins and how many bytes it has. */
export function poolAt(): usize {
  return pool;
}

export function poolBytes(): i32 {
  return pages * PAGE_BYTES;
}
