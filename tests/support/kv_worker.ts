/** A thread of `shared_kv_threads_test.ts`: works on the store that all of them share, and reports what it got. */

import { SharedKv } from "../../src/counters/shared_kv.ts";
import type { KvOptions } from "../../src/counters/shared_kv_table.ts";

interface Job {
  readonly memory: SharedArrayBuffer;
  readonly options: KvOptions;
  readonly task: "incr" | "swap" | "take" | "churn";
  readonly rounds: number;
  readonly seed: number;
}

const port = self as unknown as {
  onmessage: ((event: { data: Job }) => void) | null;
  postMessage(message: unknown): void;
};

const TASKS: Readonly<Record<Job["task"], (kv: SharedKv, job: Job) => number>> = {
  incr(kv, { rounds }) {
    for (let i = 0; i < rounds; i++) kv.incr("hits", 1n, { ttlMs: 0, nowMs: 1 });
    return rounds;
  },
  /** Counts in a value by compare and set: a lost update would show in the sum. */
  swap(kv, { rounds }) {
    const life = { ttlMs: 0, nowMs: 1 };
    let swaps = 0;
    while (swaps < rounds) {
      const expected = kv.get("total", 1);
      const next = expected === undefined ? 1 : new DataView(expected.buffer).getUint32(0) + 1;
      const value = new Uint8Array(4);
      new DataView(value.buffer).setUint32(0, next);
      if (kv.compareAndSet("total", { expected, value }, life)) swaps++;
    }
    return swaps;
  },
  take(kv, { rounds }) {
    let taken = 0;
    for (let i = 0; i < rounds; i++) {
      if (kv.take("client", { cost: 1, rate: 0.001, burst: 500 }, 1) === 0) taken++;
    }
    return taken;
  },
  /** Values that fill the store many times over, each of one byte repeated: a torn one would show. */
  churn(kv, { rounds, seed }) {
    let torn = 0;
    for (let i = 0; i < rounds; i++) {
      const key = `key ${(i * 7 + seed) % 40}`;
      kv.set(key, new Uint8Array(1 + (i * 131) % 2000).fill(i), { ttlMs: 0, nowMs: 1 });
      const value = kv.get(`key ${(i * 11) % 40}`, 1);
      if (value !== undefined && value.some((byte) => byte !== value[0])) torn++;
    }
    return torn;
  },
};

port.onmessage = ({ data: job }) => {
  const kv = new SharedKv(job.memory, { ...job.options, random: { u32: () => job.seed * 1_000_003 } });
  port.postMessage("started");
  port.postMessage(TASKS[job.task](kv, job));
};
