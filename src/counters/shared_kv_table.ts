import { assert } from "../core/assert.ts";

/** Longest key, in bytes of UTF-8. */
export const KV_KEY_BYTES_MAX = 256;
/** Longest value. */
export const KV_VALUE_BYTES_MAX = 65_536;
/** Room is given in blocks of this size: a key and its value together take a whole number of them. */
export const KV_BLOCK_BYTES = 128;

/** How much a store holds. */
export interface KvOptions {
  /** Entries at a time: values, numbers and buckets that are not full. 1 to 1 000 000. */
  readonly maxEntries: number;
  /** Bytes of keys and values, each pair rounded up to `KV_BLOCK_BYTES`. 1 KiB to 1 GiB. */
  readonly maxBytes: number;
}

/** What an entry is. A value and a bucket under one key do not meet. */
export type KvKind = typeof KV_VALUE | typeof KV_BUCKET;
export const KV_VALUE = 1;
export const KV_BUCKET = 2;
const FREE = 0;

/** How a key is looked up. */
export interface KvKey {
  readonly kind: KvKind;
  readonly hash: number;
  readonly bytes: Uint8Array;
}

/** Up to here a loop copies faster than the call that copies. */
const LOOP_BYTES_MAX = 48;

/** Entries looked at for having ended, whenever one is added. */
const SWEEP_ENTRIES = 2;

const ENTRIES_LIMIT = 1_000_000;
const BYTES_MIN = 1024;
const BYTES_LIMIT = 1024 * 1024 * 1024;

/** Words at the start; the first few belong to `SharedKv`. */
const HEADER_WORDS = 20;
/** Head of the list of blocks that were given back; 0: none. Everywhere, links count from 1. */
const FREE_BLOCK = 4;
const FREE_ENTRY = 5;
/** How many blocks and entries were ever used: those above are free, too. Zeroed memory is thus an empty table. */
const TOUCHED_BLOCKS = 6;
const TOUCHED_ENTRIES = 7;
const OLDEST = 8;
const NEWEST = 9;
const ENTRIES = 10;
const BLOCKS = 11;
const EVICTIONS = 12;
const SWEEP_HAND = 13;

/** Words of an entry. */
const ENTRY_WORDS = 8;
const KIND = 0;
const HASH = 1;
/** The next entry whose hash falls into the same slot; of a free entry, the next free one. */
const NEXT = 2;
const OLDER = 3;
const NEWER = 4;
const FIRST_BLOCK = 5;
const KEY_BYTES = 6;
const VALUE_BYTES = 7;

/** What only a thread that ended or was held up in the middle of a change can leave behind. */
export class KvTableDamaged extends Error {
  override readonly name = "KvTableDamaged";
}

interface Layout {
  readonly blocks: number;
  readonly slots: number;
  readonly expiresAt: number;
  readonly entries: number;
  readonly slotHeads: number;
  readonly blockLinks: number;
  readonly data: number;
  readonly end: number;
}

function layoutOf({ maxEntries, maxBytes }: KvOptions): Layout {
  assert(maxEntries >= 1 && maxEntries <= ENTRIES_LIMIT, "maxEntries is between 1 and 1 000 000");
  assert(maxBytes >= BYTES_MIN && maxBytes <= BYTES_LIMIT, "maxBytes is between 1 KiB and 1 GiB");
  const blocks = Math.floor(maxBytes / KV_BLOCK_BYTES);
  const slots = 2 ** Math.ceil(Math.log2(maxEntries));
  const expiresAt = HEADER_WORDS * 4;
  const entries = expiresAt + maxEntries * 8;
  const slotHeads = entries + maxEntries * ENTRY_WORDS * 4;
  const blockLinks = slotHeads + slots * 4;
  const data = blockLinks + blocks * 4;
  return {
    blocks,
    slots,
    expiresAt,
    entries,
    slotHeads,
    blockLinks,
    data,
    end: data + blocks * KV_BLOCK_BYTES,
  };
}

/** Bytes of memory a table takes. */
export function kvTableBytes(options: KvOptions): number {
  return layoutOf(options).end;
}

/**
 * The entries of a key-value store in shared memory: a hash table, a list by age, and values in chains of blocks. It
 * takes no lock: `SharedKv` does. Links are checked before they are followed and no walk is longer than the table, so
 * damage ends in `KvTableDamaged`, never in a loop or in somebody else's memory.
 */
export class SharedKvTable {
  readonly #maxEntries: number;
  readonly #blocks: number;
  readonly #slotMask: number;
  readonly #header: Int32Array;
  readonly #expiresAt: Float64Array;
  readonly #entries: Int32Array;
  readonly #slotHeads: Int32Array;
  readonly #blockLinks: Int32Array;
  readonly #data: Uint8Array;

  /** `memory` has `kvTableBytes(options)` bytes and was zeroed when it was allocated. */
  constructor(memory: SharedArrayBuffer, options: KvOptions) {
    const layout = layoutOf(options);
    assert(memory.byteLength === layout.end, "memory fits entries and bytes");
    this.#maxEntries = options.maxEntries;
    this.#blocks = layout.blocks;
    this.#slotMask = layout.slots - 1;
    this.#header = new Int32Array(memory, 0, HEADER_WORDS);
    this.#expiresAt = new Float64Array(memory, layout.expiresAt, options.maxEntries);
    this.#entries = new Int32Array(memory, layout.entries, options.maxEntries * ENTRY_WORDS);
    this.#slotHeads = new Int32Array(memory, layout.slotHeads, layout.slots);
    this.#blockLinks = new Int32Array(memory, layout.blockLinks, layout.blocks);
    this.#data = new Uint8Array(memory, layout.data, layout.blocks * KV_BLOCK_BYTES);
  }

  /** Entries there are, those that ended and were not found out yet among them. */
  get entries(): number {
    return this.#header[ENTRIES]!;
  }

  /** Bytes taken, in whole blocks. */
  get bytes(): number {
    return this.#header[BLOCKS]! * KV_BLOCK_BYTES;
  }

  /** Entries that gave way before their time. */
  get evictions(): number {
    return this.#header[EVICTIONS]!;
  }

  /** Forgets everything. */
  clear(): void {
    this.#slotHeads.fill(0);
    this.#entries.fill(0);
    this.#header.fill(0, FREE_BLOCK, EVICTIONS);
    this.#header[SWEEP_HAND] = 0;
  }

  /** The entry of a key, from 0; -1 when there is none or its time is over. */
  find(key: KvKey, nowMs: number): number {
    let link = this.#slotHeads[key.hash & this.#slotMask]!;
    for (let steps = 0; link !== 0; steps++) {
      const entry = this.#checkedEntry(link, steps);
      if (this.#matches(entry, key)) {
        if (this.#expiresAt[entry]! > nowMs) return entry;
        this.remove(entry);
        return -1;
      }
      link = this.#entries[entry * ENTRY_WORDS + NEXT]!;
    }
    return -1;
  }

  /** Whether there would be room for a key and a value of so many bytes together, if all others gave way. */
  fits(bytes: number): boolean {
    return blocksFor(bytes) <= this.#blocks;
  }

  /** Adds an entry that `find` does not know and that fits. The oldest ones give way. */
  add(key: KvKey, value: Uint8Array, life: { readonly expiresAtMs: number; readonly nowMs: number }): void {
    const blocks = blocksFor(key.bytes.length + value.length);
    this.#sweep(life.nowMs);
    this.#makeRoom(blocks, life.nowMs);
    const first = this.#takeBlocks(blocks);
    const entry = this.#takeEntry();
    const at = entry * ENTRY_WORDS;
    const slot = key.hash & this.#slotMask;
    this.#entries[at + KIND] = key.kind;
    this.#entries[at + HASH] = key.hash | 0;
    this.#entries[at + NEXT] = this.#slotHeads[slot]!;
    this.#entries[at + FIRST_BLOCK] = first;
    this.#entries[at + KEY_BYTES] = key.bytes.length;
    this.#entries[at + VALUE_BYTES] = value.length;
    this.#expiresAt[entry] = life.expiresAtMs;
    this.#copyIn(first, 0, key.bytes);
    this.#copyIn(first, key.bytes.length, value);
    this.#slotHeads[slot] = entry + 1;
    this.#append(entry);
  }

  /** A copy of the value. */
  value(entry: number): Uint8Array {
    const at = entry * ENTRY_WORDS;
    const bytes = this.#entries[at + VALUE_BYTES]!;
    if (bytes < 0 || bytes > KV_VALUE_BYTES_MAX) throw new KvTableDamaged(`a value of ${bytes} bytes`);
    return this.#copyOut(this.#entries[at + FIRST_BLOCK]!, this.#entries[at + KEY_BYTES]!, bytes);
  }

  /** Puts another value in place when it takes as many blocks as the old one; false, and nothing done, otherwise. */
  replace(entry: number, value: Uint8Array): boolean {
    const at = entry * ENTRY_WORDS;
    const keyBytes = this.#entries[at + KEY_BYTES]!;
    if (blocksFor(keyBytes + value.length) !== blocksFor(keyBytes + this.#entries[at + VALUE_BYTES]!)) {
      return false;
    }
    this.#copyIn(this.#entries[at + FIRST_BLOCK]!, keyBytes, value);
    this.#entries[at + VALUE_BYTES] = value.length;
    return true;
  }

  expiresAtMs(entry: number): number {
    return this.#expiresAt[entry]!;
  }

  setExpiresAtMs(entry: number, expiresAtMs: number): void {
    this.#expiresAt[entry] = expiresAtMs;
  }

  /** Makes the entry the newest, so that it gives way last. */
  renew(entry: number): void {
    if (this.#header[NEWEST] === entry + 1) return;
    this.#unlinkAge(entry);
    this.#append(entry);
  }

  remove(entry: number): void {
    const at = entry * ENTRY_WORDS;
    this.#unlinkSlot(entry);
    this.#unlinkAge(entry);
    const bytes = this.#entries[at + KEY_BYTES]! + this.#entries[at + VALUE_BYTES]!;
    this.#giveBlocks(this.#entries[at + FIRST_BLOCK]!, blocksFor(bytes));
    this.#entries[at + KIND] = FREE;
    this.#entries[at + NEXT] = this.#header[FREE_ENTRY]!;
    this.#header[FREE_ENTRY] = entry + 1;
    this.#header[ENTRIES]! -= 1;
  }

  #matches(entry: number, key: KvKey): boolean {
    const at = entry * ENTRY_WORDS;
    if (this.#entries[at + HASH] !== (key.hash | 0) || this.#entries[at + KIND] !== key.kind) return false;
    if (this.#entries[at + KEY_BYTES] !== key.bytes.length) return false;
    let block = this.#entries[at + FIRST_BLOCK]!;
    for (let from = 0; from < key.bytes.length; from += KV_BLOCK_BYTES) {
      const start = this.#checkedBlock(block) * KV_BLOCK_BYTES;
      const end = Math.min(key.bytes.length, from + KV_BLOCK_BYTES);
      for (let i = from; i < end; i++) if (this.#data[start + i - from] !== key.bytes[i]) return false;
      block = this.#blockLinks[block - 1]!;
    }
    return true;
  }

  /** Looks at the next few entries in turn, so that what has ended goes before what has not. */
  #sweep(nowMs: number): void {
    const touched = Math.min(this.#header[TOUCHED_ENTRIES]!, this.#maxEntries);
    for (let i = 0; i < SWEEP_ENTRIES && i < touched; i++) {
      const entry = (this.#header[SWEEP_HAND]! >>> 0) % touched;
      this.#header[SWEEP_HAND] = entry + 1;
      if (this.#entries[entry * ENTRY_WORDS + KIND] !== FREE && this.#expiresAt[entry]! <= nowMs) {
        this.remove(entry);
      }
    }
  }

  #makeRoom(blocks: number, nowMs: number): void {
    for (let steps = 0; !this.#hasRoom(blocks); steps++) {
      const oldest = this.#checkedEntry(this.#header[OLDEST]!, steps);
      if (this.#expiresAt[oldest]! > nowMs) this.#header[EVICTIONS]! += 1;
      this.remove(oldest);
    }
  }

  #hasRoom(blocks: number): boolean {
    return this.#header[ENTRIES]! < this.#maxEntries && this.#header[BLOCKS]! + blocks <= this.#blocks;
  }

  #takeEntry(): number {
    const link = this.#header[FREE_ENTRY]!;
    this.#header[ENTRIES]! += 1;
    if (link !== 0) {
      const entry = this.#checkedEntry(link, 0);
      this.#header[FREE_ENTRY] = this.#entries[entry * ENTRY_WORDS + NEXT]!;
      return entry;
    }
    this.#header[TOUCHED_ENTRIES]! += 1;
    return this.#checkedEntry(this.#header[TOUCHED_ENTRIES]!, 0);
  }

  /** A chain of free blocks; its first one. */
  #takeBlocks(count: number): number {
    let first = 0;
    for (let taken = 0; taken < count; taken++) {
      let block = this.#header[FREE_BLOCK]!;
      if (block !== 0) {
        this.#header[FREE_BLOCK] = this.#blockLinks[this.#checkedBlock(block)]!;
      } else {
        this.#header[TOUCHED_BLOCKS]! += 1;
        block = this.#header[TOUCHED_BLOCKS]!;
      }
      this.#blockLinks[this.#checkedBlock(block)] = first;
      first = block;
    }
    this.#header[BLOCKS]! += count;
    return first;
  }

  #giveBlocks(first: number, count: number): void {
    if (count === 0) return;
    if (count > this.#blocks) throw new KvTableDamaged(`an entry of ${count} blocks`);
    let last = this.#checkedBlock(first);
    for (let i = 1; i < count; i++) last = this.#checkedBlock(this.#blockLinks[last]!);
    this.#blockLinks[last] = this.#header[FREE_BLOCK]!;
    this.#header[FREE_BLOCK] = first;
    this.#header[BLOCKS]! -= count;
  }

  #copyIn(first: number, offset: number, bytes: Uint8Array): void {
    let { block, within } = this.#seek(first, offset);
    for (let done = 0; done < bytes.length;) {
      const start = this.#checkedBlock(block) * KV_BLOCK_BYTES + within;
      const count = Math.min(bytes.length - done, KV_BLOCK_BYTES - within);
      if (count > LOOP_BYTES_MAX) this.#data.set(bytes.subarray(done, done + count), start);
      else for (let i = 0; i < count; i++) this.#data[start + i] = bytes[done + i]!;
      done += count;
      block = this.#blockLinks[block - 1]!;
      within = 0;
    }
  }

  #copyOut(first: number, offset: number, count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    let { block, within } = this.#seek(first, offset);
    for (let done = 0; done < count;) {
      const start = this.#checkedBlock(block) * KV_BLOCK_BYTES + within;
      const part = Math.min(count - done, KV_BLOCK_BYTES - within);
      if (part > LOOP_BYTES_MAX) bytes.set(this.#data.subarray(start, start + part), done);
      else for (let i = 0; i < part; i++) bytes[done + i] = this.#data[start + i]!;
      done += part;
      block = this.#blockLinks[block - 1]!;
      within = 0;
    }
    return bytes;
  }

  /** The block that holds the byte at `offset` of a chain. A value may start right after the last block of its key. */
  #seek(first: number, offset: number): { block: number; within: number } {
    let block = first;
    const skipped = Math.min(Math.floor(offset / KV_BLOCK_BYTES), KV_KEY_BYTES_MAX / KV_BLOCK_BYTES);
    for (let i = 0; i < skipped; i++) block = this.#blockLinks[this.#checkedBlock(block)]!;
    return { block, within: offset % KV_BLOCK_BYTES };
  }

  #append(entry: number): void {
    const at = entry * ENTRY_WORDS;
    const newest = this.#header[NEWEST]!;
    this.#entries[at + OLDER] = newest;
    this.#entries[at + NEWER] = 0;
    if (newest === 0) this.#header[OLDEST] = entry + 1;
    else this.#entries[this.#checkedEntry(newest, 0) * ENTRY_WORDS + NEWER] = entry + 1;
    this.#header[NEWEST] = entry + 1;
  }

  #unlinkAge(entry: number): void {
    const older = this.#entries[entry * ENTRY_WORDS + OLDER]!;
    const newer = this.#entries[entry * ENTRY_WORDS + NEWER]!;
    if (older === 0) this.#header[OLDEST] = newer;
    else this.#entries[this.#checkedEntry(older, 0) * ENTRY_WORDS + NEWER] = newer;
    if (newer === 0) this.#header[NEWEST] = older;
    else this.#entries[this.#checkedEntry(newer, 0) * ENTRY_WORDS + OLDER] = older;
  }

  #unlinkSlot(entry: number): void {
    const slot = this.#entries[entry * ENTRY_WORDS + HASH]! & this.#slotMask;
    const next = this.#entries[entry * ENTRY_WORDS + NEXT]!;
    let link = this.#slotHeads[slot]!;
    if (link === entry + 1) {
      this.#slotHeads[slot] = next;
      return;
    }
    for (let steps = 0;; steps++) {
      const before = this.#checkedEntry(link, steps);
      link = this.#entries[before * ENTRY_WORDS + NEXT]!;
      if (link !== entry + 1) continue;
      this.#entries[before * ENTRY_WORDS + NEXT] = next;
      return;
    }
  }

  #checkedEntry(link: number, steps: number): number {
    if (link < 1 || link > this.#maxEntries || steps > this.#maxEntries) {
      throw new KvTableDamaged(`a link to entry ${link} after ${steps} steps`);
    }
    return link - 1;
  }

  #checkedBlock(link: number): number {
    if (link < 1 || link > this.#blocks) throw new KvTableDamaged(`a link to block ${link}`);
    return link - 1;
  }
}

function blocksFor(bytes: number): number {
  return Math.ceil(bytes / KV_BLOCK_BYTES);
}
