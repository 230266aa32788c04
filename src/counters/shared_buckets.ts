import { assert } from "../core/assert.ts";
import type { Random } from "../core/ports.ts";
import { KeyedHash } from "./keyed_hash.ts";
import { SharedLocks } from "./shared_lock.ts";

/** Keys that share a lock and give way to each other. */
const WAYS_MAX = 16;

/** Room beyond `maxKeys`, since keys do not spread evenly over the sets. */
const SPARE_ROOM = 1.25;

/** A clock that falls behind by more than this was set back; by less, threads merely differ. */
const CLOCK_RESET_MS = 10_000;

/** A key not used for this long is no longer counted. */
const KEY_IDLE_MS = 10_000;

const HEADER_BYTES = 16;
const SEED_LOW = 0;
const SEED_HIGH = 1;
const EVICTIONS = 2;

/** How fast a bucket fills, and how much it holds. */
export interface BucketLimit {
  /** Tokens per second, above 0. */
  readonly ratePerSecond: number;
  /** Tokens a full bucket holds: requests let through at once. At least 1. */
  readonly burst: number;
  /** Longest wait that `take` may be asked to grant, in milliseconds; 0 when left out. */
  readonly waitMsMax?: number;
}

/** What became of one request for a token. */
export interface Take {
  readonly allowed: boolean;
  /** Tokens left. */
  readonly remaining: number;
  /** Milliseconds until the bucket is full again. */
  readonly resetMs: number;
  /** Milliseconds until a token will be there; 0 when allowed at once. */
  readonly retryAfterMs: number;
  /** Milliseconds to wait with a token that was granted ahead of time; 0 otherwise. */
  readonly waitMs: number;
}

/** How full a table is. */
export interface BucketStats {
  /** Keys used within the last ten seconds. */
  readonly keys: number;
  /** Keys that gave way although their bucket was not full yet, since the memory was allocated. */
  readonly evictions: number;
}

interface Geometry {
  readonly ways: number;
  readonly sets: number;
}

function geometry(maxKeys: number): Geometry {
  if (maxKeys <= WAYS_MAX) return { ways: maxKeys, sets: 1 };
  return { ways: WAYS_MAX, sets: Math.ceil(maxKeys * SPARE_ROOM / WAYS_MAX) };
}

/** Bytes of shared memory for buckets of this many keys: about 21 per key. */
export function bucketBytes(maxKeys: number): number {
  const { ways, sets } = geometry(maxKeys);
  return HEADER_BYTES + sets * 8 + sets * ways * 16 + sets * 4;
}

/** Reads a table's figures. It looks at every slot: for a scrape, not for requests. */
export function bucketStats(memory: SharedArrayBuffer, maxKeys: number, nowMs: number): BucketStats {
  const { ways, sets } = geometry(maxKeys);
  const fullAt = new Float64Array(memory, HEADER_BYTES + sets * 8, ways * sets);
  const prints = new Uint32Array(memory, HEADER_BYTES + sets * 8 + ways * sets * 8, ways * sets * 2);
  let keys = 0;
  for (let slot = 0; slot < fullAt.length; slot++) {
    const isTaken = (prints[slot * 2]! | prints[slot * 2 + 1]!) !== 0;
    if (isTaken && fullAt[slot]! > nowMs - KEY_IDLE_MS) keys++;
  }
  return { keys, evictions: Atomics.load(new Int32Array(memory, 0, HEADER_BYTES / 4), EVICTIONS) };
}

/**
 * Token buckets by key in memory that all threads share. The number of tokens granted is exact across
 * threads: never more than `burst + rate × elapsed` for a key, while the key stays in the table.
 *
 * A bucket is one number, the time at which it will be full (the theoretical arrival time of the generic cell
 * rate algorithm, ITU-T I.371), so a full bucket and an unknown key are the same and forgetting it costs
 * nothing. When a set is full, the fullest bucket gives way: heavy users stay limited under a flood of keys.
 *
 * Time comes in as milliseconds of one clock that all threads share. It may run back a little from call to
 * call; each set remembers the latest time it saw. Limits may change over a table in use.
 */
export class SharedBuckets {
  readonly #ways: number;
  readonly #sets: number;
  readonly #intervalMs: number;
  readonly #capacityMs: number;
  readonly #burst: number;
  /** No bucket is further from full than this, whatever limits applied to it before a reload. */
  readonly #fullInMsMax: number;
  readonly #header: Int32Array;
  readonly #latest: Float64Array;
  readonly #fullAt: Float64Array;
  /** Two words per slot; both 0 means empty. */
  readonly #prints: Uint32Array;
  readonly #locks: SharedLocks;
  readonly #hash: KeyedHash;

  /** `memory` has `bucketBytes(maxKeys)` bytes and was zeroed when it was allocated. */
  constructor(memory: SharedArrayBuffer, init: BucketLimit & { maxKeys: number; random: Random }) {
    assert(memory.byteLength === bucketBytes(init.maxKeys), "memory fits the number of keys");
    assert(init.ratePerSecond > 0 && init.burst >= 1, "a bucket fills and holds a token");
    const { ways, sets } = geometry(init.maxKeys);
    const slots = ways * sets;
    this.#ways = ways;
    this.#sets = sets;
    this.#intervalMs = 1000 / init.ratePerSecond;
    this.#capacityMs = init.burst * this.#intervalMs;
    this.#burst = init.burst;
    this.#fullInMsMax = this.#capacityMs + (init.waitMsMax ?? 0);
    this.#header = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#latest = new Float64Array(memory, HEADER_BYTES, sets);
    this.#fullAt = new Float64Array(memory, HEADER_BYTES + sets * 8, slots);
    this.#prints = new Uint32Array(memory, HEADER_BYTES + sets * 8 + slots * 8, slots * 2);
    const lockWords = new Int32Array(memory, HEADER_BYTES + sets * 8 + slots * 16, sets);
    this.#locks = new SharedLocks(lockWords, init.random.u32());
    this.#hash = new KeyedHash(this.#seed(SEED_LOW, init.random), this.#seed(SEED_HIGH, init.random));
  }

  /**
   * Takes a token of `key`. With `waitMsMax` above 0, a token that is due within that time is granted ahead:
   * whoever gets it must wait `waitMs` before using it, and those who come later wait longer, in order.
   */
  take(key: string, nowMs: number, waitMsMax = 0): Take {
    const { low, high } = this.#hash.hash(key);
    const set = low % this.#sets;
    // Both words 0 would mean an empty slot.
    const print = (low | high) === 0 ? 1 : high;
    const name = this.#locks.lock(set);
    const now = this.#setTime(set, nowMs);
    const slot = this.#slotOf(set, low, print);
    const known = slot >= 0;
    const before = known ? this.#settled(slot, now) : now;
    const after = before + this.#intervalMs;
    const shortMs = after - now - this.#capacityMs;
    // Sums of fractions miss the mark by less than a thousandth of a token.
    const waitMs = shortMs <= this.#intervalMs / 1000 ? 0 : shortMs;
    const allowed = waitMs <= waitMsMax;
    if (allowed) this.#fullAt[known ? slot : this.#claim(set, now, { low, print })] = after;
    this.#locks.unlock(set, name);
    const fullInMs = (allowed ? after : before) - now;
    const remaining = Math.floor((this.#capacityMs - fullInMs) / this.#intervalMs + 0.001);
    return {
      allowed,
      remaining: Math.min(this.#burst, Math.max(0, remaining)),
      resetMs: fullInMs,
      retryAfterMs: allowed ? 0 : waitMs,
      waitMs: allowed ? waitMs : 0,
    };
  }

  /** When the bucket will be full: not in the past, and no further off than the limit allows. */
  #settled(slot: number, now: number): number {
    const fullAt = this.#fullAt[slot]!;
    if (fullAt <= now) return now;
    if (fullAt > now + this.#fullInMsMax) this.#fullAt[slot] = now + this.#fullInMsMax;
    return this.#fullAt[slot]!;
  }

  #seed(word: number, random: Random): number {
    Atomics.compareExchange(this.#header, word, 0, random.u32() || 1);
    return Atomics.load(this.#header, word);
  }

  #isTaken(slot: number): boolean {
    return (this.#prints[slot * 2]! | this.#prints[slot * 2 + 1]!) !== 0;
  }

  /** The later of `nowMs` and what this set has seen, so that a clock running back grants nothing twice. */
  #setTime(set: number, nowMs: number): number {
    const latest = this.#latest[set]!;
    if (latest <= nowMs) {
      this.#latest[set] = nowMs;
      return nowMs;
    }
    if (latest - nowMs <= CLOCK_RESET_MS) return latest;
    this.#latest[set] = nowMs;
    const end = (set + 1) * this.#ways;
    for (let slot = set * this.#ways; slot < end; slot++) {
      this.#fullAt[slot] = Math.min(this.#fullAt[slot]!, nowMs + this.#fullInMsMax);
    }
    return nowMs;
  }

  #slotOf(set: number, low: number, print: number): number {
    const end = (set + 1) * this.#ways;
    for (let slot = set * this.#ways; slot < end; slot++) {
      if (this.#prints[slot * 2] === low && this.#prints[slot * 2 + 1] === print) return slot;
    }
    return -1;
  }

  /** An empty slot, or the one whose bucket is fullest. */
  #claim(set: number, now: number, key: { low: number; print: number }): number {
    const end = (set + 1) * this.#ways;
    let chosen = -1;
    for (let slot = set * this.#ways; slot < end; slot++) {
      if (!this.#isTaken(slot)) {
        chosen = slot;
        break;
      }
      if (chosen < 0 || this.#fullAt[slot]! < this.#fullAt[chosen]!) chosen = slot;
    }
    if (this.#isTaken(chosen) && this.#fullAt[chosen]! > now) Atomics.add(this.#header, EVICTIONS, 1);
    // A thread that dies between these stores leaves a full bucket under a print nobody has.
    this.#fullAt[chosen] = now;
    this.#prints[chosen * 2] = key.low;
    this.#prints[chosen * 2 + 1] = key.print;
    return chosen;
  }
}
