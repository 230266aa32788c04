/**
 * Short values that come again and again, such as the names and values of headers, with all that was found out about
 * them: what transformations make of them, which literals stand in them, what operators said. Nothing of that depends on
 * the request. A value is taken up when it is seen for the second time, and bytes are compared, so that a hash that two
 * values share changes nothing but the time.
 *
 * Entries lie in sets of four; the one that was used longest ago goes first, but never one that the call at hand has used,
 * for rules hold addresses into it. The hashes of a set (0: free) lie together, apart from the entries, so that a look for a
 * value reads one line of the processor's cache and not four. An entry: length of the value (4; beyond `VALUE_BYTES_MAX`: it
 * has no room for what is found out), the call that used it last (4), where its free bytes begin (8), the text of the
 * value (see `texts.ts`), and all that this leads to.
 */

import { allocate } from "sentinel/arena";

/** No power of two, or all entries would compete for the same lines of the processor's cache. */
const ENTRY_BYTES: usize = 2112;
const WAYS: usize = 4;
const SETS: u32 = 128;
const HASHES_BYTES: usize = 4 * WAYS * <usize> SETS;

/** Longer values are not worth it. */
export const VALUE_BYTES_MAX: i32 = 256;

/** Of an entry that had no room; what was found out would have to be found out again. */
const IS_TOO_SMALL: i32 = 0x40000000;

const TEXT_OFFSET: usize = 16;
/** Bytes of the text of a value. */
export const VALUE_TEXT_BYTES: i32 = 40;
const ROW_BYTES_MAX: i32 = 512;
/** Entries begin with a line of the processor's cache, in which lies all that is asked of most values. */
const LINE_BYTES: usize = 64;

/** Hashes of values that were seen once. */
const SEEN: u32 = 4096;

let entries: usize = 0;
let hashes: usize = 0;
let entriesEnd: usize = 0;
let seen: usize = 0;
let call: u32 = 0;

/** Makes room for entries with rows of `bytes` bytes; for none when rows are so long that little else would fit in. */
export function prepareValueCache(bytes: i32): void {
  if (bytes > ROW_BYTES_MAX) return;
  const all = ENTRY_BYTES * WAYS * <usize> SETS;
  entries = allocate(all + LINE_BYTES) + LINE_BYTES - 1 & ~(LINE_BYTES - 1);
  entriesEnd = entries + all;
  memory.fill(entries, 0, all);
  hashes = allocate(HASHES_BYTES);
  memory.fill(hashes, 0, HASHES_BYTES);
  seen = allocate(4 * SEEN);
  memory.fill(seen, 0, 4 * SEEN);
}

/** The next call begins: entries may go. */
export function startCacheCall(): void {
  if (++call != 0) return;
  // The count has come round: what was used long ago must not look new.
  memory.fill(entries, 0, entriesEnd - entries);
  memory.fill(hashes, 0, HASHES_BYTES);
  call = 1;
}

/** Whether something lies in an entry, and so can be gone in the next call. */
// asc: @inline
export function isCached(at: usize): bool {
  return at >= entries && at < entriesEnd;
}

/** The text of a value; 0 when it is not kept. That of a new one begins with 0, and is yet to be made. */
export function cachedValue(at: usize, length: i32): usize {
  if (length > VALUE_BYTES_MAX || entries == 0) return 0;
  const hash = hashOf(at, length);
  const first = <usize> (hash >> 1 & (SETS - 1)) * WAYS;
  for (let way = first; way < first + WAYS; way++) {
    if (load<u32>(hashes + (way << 2)) != hash) continue;
    const entry = entries + ENTRY_BYTES * way;
    const known = load<i32>(entry);
    if ((known & ~IS_TOO_SMALL) != length) continue;
    if (!isSame(load<usize>(entry, TEXT_OFFSET), at, length)) continue;
    store<u32>(entry, call, 4);
    return known == length ? entry + TEXT_OFFSET : 0;
  }
  const place = seen + (<usize> (hash >> 8 & (SEEN - 1)) << 2);
  if (load<u32>(place) != hash) {
    store<u32>(place, hash);
    return 0;
  }
  return takeEntry(first, hash, length);
}

/** Takes the entry of a set that was used longest ago; 0 when the call at hand uses all of them. */
function takeEntry(first: usize, hash: u32, length: i32): usize {
  let oldest: usize = 0;
  let oldestWay: usize = 0;
  for (let way = first; way < first + WAYS; way++) {
    const entry = entries + ENTRY_BYTES * way;
    if (load<u32>(entry, 4) == call) continue;
    if (oldest != 0 && load<u32>(entry, 4) >= load<u32>(oldest, 4)) continue;
    oldest = entry;
    oldestWay = way;
  }
  if (oldest == 0) return 0;
  store<u32>(hashes + (oldestWay << 2), hash);
  store<i32>(oldest, length);
  store<u32>(oldest, call, 4);
  store<u32>(oldest, <u32> (oldest + TEXT_OFFSET) + VALUE_TEXT_BYTES, 8);
  store<usize>(oldest, 0, TEXT_OFFSET);
  return oldest + TEXT_OFFSET;
}

/**
 * Takes bytes beside something that may lie in an entry; otherwise, or when the entry is full, of the call's memory. A
 * full entry lasts for this call, and is not looked at in later ones.
 */
export function allocateBeside(at: usize, bytes: i32): usize {
  if (!isCached(at)) return allocate(bytes);
  const entry = at - (at - entries) % ENTRY_BYTES;
  const from = load<usize>(entry, 8);
  const to = from + (bytes + 7 & ~7);
  if (to > entry + ENTRY_BYTES) {
    store<i32>(entry, load<i32>(entry) | IS_TOO_SMALL);
    return allocate(bytes);
  }
  store<u32>(entry, <u32> to, 8);
  return from;
}

/** Whether two addresses lie in the same entry. */
export function isSameEntry(at: usize, other: usize): bool {
  return isCached(at) && isCached(other) && (at - entries) / ENTRY_BYTES == (other - entries) / ENTRY_BYTES;
}

/** Never 0. Multiplies eight bytes at a time, as wyhash does. */
function hashOf(at: usize, length: i32): u32 {
  let hash: u64 = <u64> length ^ 0x9e3779b97f4a7c15;
  const end = at + length;
  for (; at + 8 <= end; at += 8) hash = mixed(hash ^ load<u64>(at));
  let rest: u64 = 0;
  for (; at < end; at++) rest = rest << 8 | <u64> load<u8>(at);
  hash = mixed(hash ^ rest);
  return <u32> (hash >> 32) | 1;
}

// asc: @inline
function mixed(bits: u64): u64 {
  const product = bits * 0xd6e8feb86659fd93;
  return product ^ product >> 32;
}

function isSame(one: usize, other: usize, length: i32): bool {
  const end = one + length;
  for (; one + 8 <= end; one += 8, other += 8) if (load<u64>(one) != load<u64>(other)) return false;
  for (; one < end; one++, other++) if (load<u8>(one) != load<u8>(other)) return false;
  return true;
}
