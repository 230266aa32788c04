import { assert } from "../core/assert.ts";
import type { Random } from "../core/ports.ts";
import { KeyedHash } from "./keyed_hash.ts";
import { SharedLocks } from "./shared_lock.ts";

const HEADER_BYTES = 16;
const LOCK = 0;
const SEED_LOW = 1;
const SEED_HIGH = 2;

const WAYS = 16;
/** Slots per expected key: with two sets to choose from, running out of room is then practically excluded. */
const SLOTS_PER_KEY = 1.5;

/** How many threads there are and which one this is. */
export interface WorkerSeat {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** Whether one more was counted: `full` means that there are more keys than the table was made for. */
export type Acquired = "acquired" | "limit" | "full";

function setsFor(maxKeys: number): number {
  return Math.max(2, Math.ceil(maxKeys * SLOTS_PER_KEY / WAYS));
}

/** Bytes of shared memory for gauges of this many keys at a time, counted by this many threads. */
export function gaugeBytes(maxKeys: number, workers: number): number {
  const slots = setsFor(maxKeys) * WAYS;
  return HEADER_BYTES + slots * 8 + slots * workers * 4;
}

/**
 * Numbers by key that all threads count together, such as the connections of each client. Every thread has
 * its own cell, so what a dead thread held can be taken back exactly. One lock guards the table: it is
 * meant for what happens per connection, not per request.
 */
export class SharedGauges {
  readonly #sets: number;
  readonly #seat: WorkerSeat;
  /** Two words per slot; both 0 means empty. */
  readonly #prints: Uint32Array;
  /** `seat.count` cells per slot. */
  readonly #cells: Int32Array;
  readonly #locks: SharedLocks;
  readonly #hash: KeyedHash;

  /** `memory` has `gaugeBytes(maxKeys, seat.count)` bytes and was zeroed when it was allocated. */
  constructor(memory: SharedArrayBuffer, init: { maxKeys: number; seat: WorkerSeat; random: Random }) {
    const { maxKeys, seat, random } = init;
    assert(memory.byteLength === gaugeBytes(maxKeys, seat.count), "memory fits keys and threads");
    assert(seat.index >= 0 && seat.index < seat.count, "the thread has a seat");
    this.#sets = setsFor(maxKeys);
    this.#seat = seat;
    const slots = this.#sets * WAYS;
    const header = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#prints = new Uint32Array(memory, HEADER_BYTES, slots * 2);
    this.#cells = new Int32Array(memory, HEADER_BYTES + slots * 8, slots * seat.count);
    this.#locks = new SharedLocks(header.subarray(LOCK, LOCK + 1), random.u32());
    this.#hash = new KeyedHash(seedOf(header, SEED_LOW, random), seedOf(header, SEED_HIGH, random));
  }

  /** Counts one more of `key` unless there are `limit` already. Every `acquired` is followed by one `release`. */
  acquire(key: string, limit: number): Acquired {
    const { low, high } = this.#hash.hash(key);
    const print = (low | high) === 0 ? 1 : high;
    const name = this.#locks.lock(LOCK);
    const outcome = this.#acquire({ low, print }, limit);
    this.#locks.unlock(LOCK, name);
    return outcome;
  }

  /** Counts one less of `key` on this thread. */
  release(key: string): void {
    const { low, high } = this.#hash.hash(key);
    const print = (low | high) === 0 ? 1 : high;
    const name = this.#locks.lock(LOCK);
    const slot = this.#find({ low, print });
    if (slot >= 0) {
      const cell = this.#cellOf(slot);
      if (this.#cells[cell]! > 0) this.#cells[cell]! -= 1;
      this.#freeIfUnused(slot);
    }
    this.#locks.unlock(LOCK, name);
  }

  /** What all threads count for `key`. */
  total(key: string): number {
    const { low, high } = this.#hash.hash(key);
    const slot = this.#find({ low, print: (low | high) === 0 ? 1 : high });
    return slot < 0 ? 0 : this.#sum(slot);
  }

  /** Takes back all that a thread which ended had counted. */
  clearWorker(index: number): void {
    const name = this.#locks.lock(LOCK);
    for (let slot = 0; slot < this.#sets * WAYS; slot++) {
      this.#cells[slot * this.#seat.count + index] = 0;
      if (this.#isTaken(slot)) this.#freeIfUnused(slot);
    }
    this.#locks.unlock(LOCK, name);
  }

  #acquire(key: { low: number; print: number }, limit: number): Acquired {
    const known = this.#find(key);
    if (known >= 0 && this.#sum(known) >= limit) return "limit";
    if (limit <= 0) return "limit";
    const slot = known >= 0 ? known : this.#empty(key);
    if (slot < 0) return "full";
    this.#cells[this.#cellOf(slot)]! += 1;
    this.#prints[slot * 2] = key.low;
    this.#prints[slot * 2 + 1] = key.print;
    return "acquired";
  }

  #find({ low, print }: { low: number; print: number }): number {
    const first = this.#findIn(low % this.#sets, low, print);
    return first >= 0 ? first : this.#findIn(print % this.#sets, low, print);
  }

  #findIn(set: number, low: number, print: number): number {
    for (let slot = set * WAYS; slot < (set + 1) * WAYS; slot++) {
      if (this.#prints[slot * 2] === low && this.#prints[slot * 2 + 1] === print) return slot;
    }
    return -1;
  }

  /** The emptier of the two sets a key may live in keeps both from filling up. */
  #empty({ low, print }: { low: number; print: number }): number {
    const first = this.#room(low % this.#sets);
    const second = this.#room(print % this.#sets);
    return first.free >= second.free ? first.slot : second.slot;
  }

  #room(set: number): { free: number; slot: number } {
    let free = 0;
    let found = -1;
    for (let slot = set * WAYS; slot < (set + 1) * WAYS; slot++) {
      if (this.#isTaken(slot)) continue;
      free++;
      found = slot;
    }
    return { free, slot: found };
  }

  #isTaken(slot: number): boolean {
    return (this.#prints[slot * 2]! | this.#prints[slot * 2 + 1]!) !== 0;
  }

  #freeIfUnused(slot: number): void {
    if (this.#sum(slot) > 0) return;
    this.#prints[slot * 2] = 0;
    this.#prints[slot * 2 + 1] = 0;
  }

  #cellOf(slot: number): number {
    return slot * this.#seat.count + this.#seat.index;
  }

  #sum(slot: number): number {
    let sum = 0;
    const start = slot * this.#seat.count;
    for (let cell = start; cell < start + this.#seat.count; cell++) sum += this.#cells[cell]!;
    return sum;
  }
}

function seedOf(header: Int32Array, word: number, random: Random): number {
  Atomics.compareExchange(header, word, 0, random.u32() || 1);
  return Atomics.load(header, word);
}
