/** The shared values of an agent, in a map and on the test's clock. */

import type { Kv } from "../../src/agents/contract/sentinel_types.ts";

interface Entry {
  readonly value: Uint8Array | bigint;
  /** Unix milliseconds; infinite without a time to live. */
  readonly endsMs: number;
}

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** Behaves as the interface's documentation says, without bounds on its size. */
export class FakeKv implements Kv {
  readonly #entries = new Map<string, Entry>();
  readonly #buckets = new Map<string, Bucket>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get(key: string): Uint8Array | undefined {
    const value = this.#live(key)?.value;
    return typeof value === "bigint" ? new TextEncoder().encode(String(value)) : value;
  }

  set(key: string, value: Uint8Array, ttlMs: number): boolean {
    this.#entries.set(key, { value: value.slice(), endsMs: this.#end(ttlMs) });
    return true;
  }

  delete(key: string): boolean {
    const was = this.#live(key) !== undefined;
    this.#entries.delete(key);
    return was;
  }

  incr(key: string, by: bigint, ttlMs: number): bigint {
    const entry = this.#live(key);
    const value = (typeof entry?.value === "bigint" ? entry.value : 0n) + by;
    this.#entries.set(key, { value, endsMs: entry?.endsMs ?? this.#end(ttlMs) });
    return value;
  }

  compareAndSet(key: string, expected: Uint8Array | undefined, value: Uint8Array, ttlMs: number): boolean {
    const current = this.get(key);
    if (String(current) !== String(expected)) return false;
    return this.set(key, value, ttlMs);
  }

  take(key: string, cost: number, rate: number, burst: number): number {
    const now = this.#nowMs();
    const { tokens, atMs } = this.#buckets.get(key) ?? { tokens: burst, atMs: now };
    const there = Math.min(burst, tokens + (now - atMs) * rate / 1000);
    if (there < cost) return Math.ceil((cost - there) * 1000 / rate);
    this.#buckets.set(key, { tokens: there - cost, atMs: now });
    return 0;
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.endsMs > this.#nowMs() ? entry : undefined;
  }

  #end(ttlMs: number): number {
    return ttlMs === 0 ? Infinity : this.#nowMs() + ttlMs;
  }
}
