import { assert } from "../../core/assert.ts";
import type { Clock as ClockPort } from "../../core/ports.ts";
import type { Kv } from "../contract/sentinel_types.ts";
import { type Capability, type CommonDeps, misuse } from "./capability.ts";

/** How long what is written lives, and the time now on the clock that all threads share. */
export interface KvLife {
  /** 0: until there is no room. */
  readonly ttlMs: number;
  readonly nowMs: number;
}

/** One take from a token bucket. */
export interface KvBucket {
  readonly cost: number;
  /** Tokens a second. */
  readonly rate: number;
  readonly burst: number;
}

/** Where an agent's values are kept. Every call is atomic across threads; keys too long are known as such. */
export interface KvStore {
  get(key: string, nowMs: number): Uint8Array | undefined;
  /** False when key or value are too large, for the contract or for all the room there is. */
  set(key: string, value: Uint8Array, life: KvLife): boolean;
  delete(key: string, nowMs: number): boolean;
  incr(key: string, by: bigint, life: KvLife): bigint | "key-too-long" | "not-a-number";
  compareAndSet(
    key: string,
    change: { readonly expected: Uint8Array | undefined; readonly value: Uint8Array },
    life: KvLife,
  ): boolean;
  take(key: string, bucket: KvBucket, nowMs: number): number | "key-too-long";
}

/** Longest time a bucket may take from empty to full: some 30 years, within which times are exact enough. */
const BUCKET_SECONDS_MAX = 1e9;

/** What a call costs with its lock, and each byte of keys and values: measured, rounded up. */
const CALL_NANOSECONDS = 2000;
const BYTE_NANOSECONDS = 2;

/** What `kv` is made from. */
export interface KvDeps extends CommonDeps {
  readonly clock: ClockPort;
  readonly kv: KvStore | undefined;
}

/** Values that all instances of an agent share, in every thread. */
export const kvCapability = {
  name: "kv",
  key: "kv",
  summary: "Values with a time to live, counters and token buckets, shared by all threads.",
  create: createKv,
} as const satisfies Capability<"kv", KvDeps>;

function createKv({ kv, clock, meter }: KvDeps): Kv {
  assert(kv !== undefined, "kv is granted, so there is a store");
  const admit = (bytes: number) => {
    meter.call("kv", bytes);
    meter.work("kv", CALL_NANOSECONDS + bytes * BYTE_NANOSECONDS);
  };
  return {
    get(key) {
      admit(key.length);
      const value = kv.get(key, clock.nowMs());
      if (value !== undefined) {
        meter.work("kv", value.length * BYTE_NANOSECONDS);
        meter.answer("kv", value.length);
      }
      return value;
    },
    set(key, value, ttlMs) {
      admit(key.length + value.length);
      const isStored = kv.set(key, value, { ttlMs, nowMs: clock.nowMs() });
      if (!isStored) meter.refused("kv", "size");
      return isStored;
    },
    delete(key) {
      admit(key.length);
      return kv.delete(key, clock.nowMs());
    },
    incr(key, by, ttlMs) {
      admit(key.length);
      const sum = kv.incr(key, by, { ttlMs, nowMs: clock.nowMs() });
      if (sum === "not-a-number") throw misuse("kv#incr", "the value under this key is not a number");
      if (sum === "key-too-long") throw misuse("kv#incr", "the key is too long");
      return sum;
    },
    compareAndSet(...[key, expected, value, ttlMs]: Parameters<Kv["compareAndSet"]>) {
      admit(key.length + value.length + (expected?.length ?? 0));
      return kv.compareAndSet(key, { expected, value }, { ttlMs, nowMs: clock.nowMs() });
    },
    take(...[key, cost, rate, burst]: Parameters<Kv["take"]>) {
      admit(key.length);
      checkBucket({ cost, rate, burst });
      const waitMs = kv.take(key, { cost, rate, burst }, clock.nowMs());
      if (waitMs === "key-too-long") throw misuse("kv#take", "the key is too long");
      return waitMs;
    },
  };
}

function checkBucket({ cost, rate, burst }: KvBucket): void {
  if (!(cost >= 0 && Number.isFinite(cost))) throw misuse("kv#take", `cost must be 0 or more, found ${cost}`);
  if (!(rate > 0 && Number.isFinite(rate))) throw misuse("kv#take", `rate must be above 0, found ${rate}`);
  if (!(burst > 0 && Number.isFinite(burst))) {
    throw misuse("kv#take", `burst must be above 0, found ${burst}`);
  }
  if (burst / rate > BUCKET_SECONDS_MAX) {
    throw misuse("kv#take", `a bucket of ${burst} at ${rate} a second takes more than 30 years to fill`);
  }
}
