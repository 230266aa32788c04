import type { Random } from "../core/ports.ts";
import { KeyedHash } from "./keyed_hash.ts";
import {
  KV_BUCKET,
  KV_KEY_BYTES_MAX,
  KV_VALUE,
  KV_VALUE_BYTES_MAX,
  type KvKey,
  type KvKind,
  type KvOptions,
  kvTableBytes,
  KvTableDamaged,
  SharedKvTable,
} from "./shared_kv_table.ts";
import { SharedLocks } from "./shared_lock.ts";

/** Words of the header that are used here. */
const LOCK = 0;
/** Who is in the middle of a change; 0: nobody. */
const CHANGING = 1;
const SEED_LOW = 2;
const SEED_HIGH = 3;
const RESETS = 14;
const HEADER_WORDS = 16;
/** Where the latest time any thread has seen stands, after those. */
const LATEST_BYTES = 64;

/** Stands in `CHANGING` when somebody may have changed things without holding the lock. */
const SUSPECT = -1;

/** A clock that falls behind by more than this was set back; by less, threads merely differ. */
const CLOCK_RESET_MS = 10_000;

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
/** A number as text, sign included. */
const NUMBER_CHARS_MAX = 20;
/** Room on the stack, in words, that any change finds enough: some 10 frames. */
const STACK_WORDS: readonly number[] = Array.from({ length: 512 }, () => 0);
/** What `take` gives for a token that will never come. */
const NEVER_MS = 0xffff_ffff;

/** How long what is written lives, and the time now. */
export interface KvLife {
  /** 0: until there is no room. */
  readonly ttlMs: number;
  readonly nowMs: number;
}

/** What a store holds and what became of the rest. */
export interface KvStats {
  readonly entries: number;
  /** Keys and values, in whole blocks. */
  readonly bytes: number;
  /** Entries that gave way before their time, since the memory was allocated. */
  readonly evictions: number;
  /** Times that everything was forgotten because a thread had ended in the middle of a change. */
  readonly resets: number;
}

/** Bytes of shared memory for a store: those it holds and some 50 for each entry. */
export function kvBytes(options: KvOptions): number {
  return kvTableBytes(options);
}

/** Reads a store's figures, without its lock: they may be of different moments. */
export function kvStats(memory: SharedArrayBuffer, options: KvOptions): KvStats {
  const { entries, bytes, evictions } = new SharedKvTable(memory, options);
  return { entries, bytes, evictions, resets: Atomics.load(new Int32Array(memory, 0, HEADER_WORDS), RESETS) };
}

/**
 * Values, numbers and token buckets by key in memory that all threads share. Each call is atomic. When there is no
 * room, what was not written for the longest time goes first; reading does not count.
 *
 * A thread that is ended in the middle of a change leaves the lock held, which `SharedLocks` takes over, and its name
 * in a word that says so: whoever sees that forgets everything, since half a change cannot be told from a whole one.
 * The same happens after a thread was held up for so long that it lost the lock. Both are as rare as they sound; what
 * agents keep here must not be what they cannot do without.
 *
 * Time comes in as milliseconds of one clock that all threads share. It may run back a little from call to call.
 */
export class SharedKv {
  readonly #header: Int32Array;
  readonly #latest: Float64Array;
  readonly #table: SharedKvTable;
  readonly #locks: SharedLocks;
  readonly #hash: KeyedHash;
  readonly #encoder = new TextEncoder();
  readonly #keyBytes = new Uint8Array(KV_KEY_BYTES_MAX);

  /** `memory` has `kvBytes(options)` bytes and was zeroed when it was allocated. */
  constructor(memory: SharedArrayBuffer, init: KvOptions & { readonly random: Random }) {
    this.#table = new SharedKvTable(memory, init);
    this.#header = new Int32Array(memory, 0, HEADER_WORDS);
    this.#latest = new Float64Array(memory, LATEST_BYTES, 1);
    this.#locks = new SharedLocks(this.#header.subarray(LOCK, LOCK + 1), init.random.u32());
    this.#hash = new KeyedHash(this.#seed(SEED_LOW, init.random), this.#seed(SEED_HIGH, init.random));
  }

  /** A copy of the value. */
  get(key: string, nowMs: number): Uint8Array | undefined {
    const found = this.#keyOf(KV_VALUE, key);
    if (found === undefined) return undefined;
    return this.#alone(nowMs, (now) => {
      const entry = this.#table.find(found, now);
      return entry < 0 ? undefined : this.#table.value(entry);
    });
  }

  /** False when key or value are larger than is allowed or than the whole store. */
  set(key: string, value: Uint8Array, life: KvLife): boolean {
    const found = this.#keyOf(KV_VALUE, key);
    if (found === undefined || value.length > KV_VALUE_BYTES_MAX) return false;
    return this.#alone(life.nowMs, (nowMs) => this.#put(found, value, { ttlMs: life.ttlMs, nowMs }));
  }

  /** Deletes the value and the bucket of a key; whether there was one. */
  delete(key: string, nowMs: number): boolean {
    const value = this.#keyOf(KV_VALUE, key);
    if (value === undefined) return false;
    const bucket = { ...value, kind: KV_BUCKET } as const;
    return this.#alone(nowMs, (now) => {
      let isFound = false;
      for (const each of [value, bucket]) {
        const entry = this.#table.find(each, now);
        if (entry < 0) continue;
        this.#table.remove(entry);
        isFound = true;
      }
      return isFound;
    });
  }

  /**
   * Adds to a number and gives the new one; it stays within 64 bits. Numbers are values, written in decimal. One that
   * is there keeps its time to live.
   */
  incr(key: string, by: bigint, life: KvLife): bigint | "key-too-long" | "not-a-number" {
    const found = this.#keyOf(KV_VALUE, key);
    if (found === undefined) return "key-too-long";
    return this.#alone(life.nowMs, (nowMs) => {
      const entry = this.#table.find(found, nowMs);
      const before = entry < 0 ? 0n : this.#numberOf(entry);
      if (before === undefined) return "not-a-number";
      if (by === 0n) return before;
      const sum = before + by;
      const after = sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : sum;
      const text = asciiBytes(after.toString());
      if (entry < 0) this.#put(found, text, { ttlMs: life.ttlMs, nowMs });
      else this.#update(found, text, { entry, expiresAtMs: this.#table.expiresAtMs(entry), nowMs });
      return after;
    });
  }

  /** Sets the value if it is `expected` now, undefined meaning that there is none; whether it was set. */
  compareAndSet(
    key: string,
    change: { readonly expected: Uint8Array | undefined; readonly value: Uint8Array },
    life: KvLife,
  ): boolean {
    const found = this.#keyOf(KV_VALUE, key);
    if (found === undefined || change.value.length > KV_VALUE_BYTES_MAX) return false;
    return this.#alone(life.nowMs, (nowMs) => {
      const entry = this.#table.find(found, nowMs);
      const now = entry < 0 ? undefined : this.#table.value(entry);
      if (!areSame(now, change.expected)) return false;
      return this.#put(found, change.value, { ttlMs: life.ttlMs, nowMs });
    });
  }

  /**
   * Takes tokens from a bucket: 0, or the milliseconds until there will be enough (`0xffffffff`: never). `rate` and
   * `burst` are above 0 and may change from call to call. As in `SharedBuckets`, a bucket is the time at which it will
   * be full, so one that is full needs no entry.
   */
  take(
    key: string,
    bucket: { readonly cost: number; readonly rate: number; readonly burst: number },
    nowMs: number,
  ): number | "key-too-long" {
    const found = this.#keyOf(KV_BUCKET, key);
    if (found === undefined) return "key-too-long";
    const intervalMs = 1000 / bucket.rate;
    const capacityMs = bucket.burst * intervalMs;
    const costMs = bucket.cost * intervalMs;
    // Sums of fractions miss the mark by less than a thousandth of a token.
    const slackMs = intervalMs / 1000;
    if (costMs > capacityMs + slackMs) return NEVER_MS;
    return this.#alone(nowMs, (now) => {
      const entry = this.#table.find(found, now);
      const fullAtMs = entry < 0 ? now : Math.min(this.#table.expiresAtMs(entry), now + capacityMs);
      const afterMs = fullAtMs + costMs;
      const shortMs = afterMs - now - capacityMs;
      if (shortMs > slackMs) return Math.min(NEVER_MS, Math.max(1, Math.ceil(shortMs)));
      if (entry >= 0) {
        this.#table.setExpiresAtMs(entry, afterMs);
        this.#table.renew(entry);
      } else if (afterMs > now) {
        this.#table.add(found, new Uint8Array(0), { expiresAtMs: afterMs, nowMs: now });
      }
      return 0;
    });
  }

  #put(key: KvKey, value: Uint8Array, { ttlMs, nowMs }: KvLife): boolean {
    if (!this.#table.fits(key.bytes.length + value.length)) return false;
    const expiresAtMs = ttlMs === 0 ? Infinity : nowMs + ttlMs;
    const entry = this.#table.find(key, nowMs);
    if (entry < 0) this.#table.add(key, value, { expiresAtMs, nowMs });
    else this.#update(key, value, { entry, expiresAtMs, nowMs });
    return true;
  }

  #update(
    key: KvKey,
    value: Uint8Array,
    { entry, expiresAtMs, nowMs }: { entry: number; expiresAtMs: number; nowMs: number },
  ): void {
    if (this.#table.replace(entry, value)) {
      this.#table.setExpiresAtMs(entry, expiresAtMs);
      this.#table.renew(entry);
    } else {
      this.#table.remove(entry);
      this.#table.add(key, value, { expiresAtMs, nowMs });
    }
  }

  /** The value as a number, undefined when it is none. */
  #numberOf(entry: number): bigint | undefined {
    const bytes = this.#table.value(entry);
    if (bytes.length > NUMBER_CHARS_MAX) return undefined;
    const text = String.fromCharCode(...bytes);
    if (!/^-?[0-9]+$/.test(text)) return undefined;
    const number = BigInt(text);
    return number > INT64_MAX || number < INT64_MIN ? undefined : number;
  }

  /** The result lies in memory of this object: use it up before the next call. */
  #keyOf(kind: KvKind, key: string): KvKey | undefined {
    if (key.length > KV_KEY_BYTES_MAX) return undefined;
    const bytes = this.#keyBytes;
    let length = 0;
    // Most keys are ASCII and short; the encoder has to be called into.
    for (; length < key.length; length++) {
      const unit = key.charCodeAt(length);
      if (unit > 0x7f) break;
      bytes[length] = unit;
    }
    if (length < key.length) {
      const { read, written } = this.#encoder.encodeInto(key, bytes);
      if (read < key.length) return undefined;
      length = written;
    }
    return { kind, hash: this.#hash.hash(key).low, bytes: bytes.subarray(0, length) };
  }

  /**
   * Runs a change while no other thread does. If it turns out that the lock was lost meanwhile, everything is about to
   * be forgotten, this change too, so it is made once more.
   */
  #alone<T>(nowMs: number, change: (nowMs: number) => T): T {
    const first = this.#aloneOnce(nowMs, change);
    return first.isKept ? first.result : this.#aloneOnce(nowMs, change).result;
  }

  #aloneOnce<T>(nowMs: number, change: (nowMs: number) => T): { result: T; isKept: boolean } {
    // An agent decides how deep the stack is: it must not overflow in the middle of a change, or before the unlocking.
    Reflect.apply(ignore, undefined, STACK_WORDS);
    const name = this.#locks.lock(LOCK);
    let isKept = false;
    try {
      if (Atomics.load(this.#header, CHANGING) !== 0) this.#reset();
      Atomics.store(this.#header, CHANGING, name);
      const result = this.#repaired(() => change(this.#now(nowMs)));
      isKept = Atomics.compareExchange(this.#header, CHANGING, name, 0) === name;
      return { result, isKept };
    } finally {
      if (!isKept) Atomics.store(this.#header, CHANGING, SUSPECT);
      this.#locks.unlock(LOCK, name);
    }
  }

  /** What a held-up thread did after others went on shows at the first link that leads nowhere. */
  #repaired<T>(change: () => T): T {
    try {
      return change();
    } catch (cause) {
      if (!(cause instanceof KvTableDamaged)) throw cause;
      this.#reset();
      return change();
    }
  }

  #reset(): void {
    this.#table.clear();
    Atomics.add(this.#header, RESETS, 1);
  }

  /** The later of `nowMs` and what any thread has seen, so that a clock running back grants nothing twice. */
  #now(nowMs: number): number {
    const latest = this.#latest[0]!;
    if (nowMs < latest && latest - nowMs <= CLOCK_RESET_MS) return latest;
    this.#latest[0] = nowMs;
    return nowMs;
  }

  #seed(word: number, random: Random): number {
    Atomics.compareExchange(this.#header, word, 0, random.u32() || 1);
    return Atomics.load(this.#header, word);
  }
}

function ignore(): void {}

function areSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
