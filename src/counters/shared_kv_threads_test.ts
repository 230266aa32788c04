import { equal, ok } from "node:assert/strict";
import { kvBytes, kvStats, SharedKv } from "./shared_kv.ts";
import type { KvOptions } from "./shared_kv_table.ts";

const THREADS = 2;
const OPTIONS: KvOptions = { maxEntries: 64, maxBytes: 32 * 1024 };

interface Shared {
  readonly memory: SharedArrayBuffer;
  readonly kv: SharedKv;
}

function shared(): Shared {
  const memory = new SharedArrayBuffer(kvBytes(OPTIONS));
  return { memory, kv: new SharedKv(memory, { ...OPTIONS, random: { u32: () => 99 } }) };
}

function start({ memory }: Shared, job: { task: string; rounds: number; seed: number }) {
  const worker = new Worker(new URL("../../tests/support/kv_worker.ts", import.meta.url), { type: "module" });
  const started = Promise.withResolvers<void>();
  const done = Promise.withResolvers<number>();
  worker.onmessage = ({ data }) => data === "started" ? started.resolve() : done.resolve(data);
  worker.onerror = (event) => done.reject(new Error(event.message));
  worker.postMessage({ memory, options: OPTIONS, ...job });
  return { worker, started: started.promise, done: done.promise };
}

async function together(store: Shared, task: string, rounds: number): Promise<number> {
  const threads = Array.from(
    { length: THREADS },
    (_, index) => start(store, { task, rounds, seed: index + 1 }),
  );
  const results = await Promise.all(threads.map((thread) => thread.done));
  for (const { worker } of threads) worker.terminate();
  return results.reduce((sum, each) => sum + each, 0);
}

Deno.test("SharedKv: numbers are exact when threads add to one", async () => {
  const store = shared();
  const added = await together(store, "incr", 20_000);
  equal(store.kv.incr("hits", 0n, { ttlMs: 0, nowMs: 1 }), BigInt(added));
});

Deno.test("SharedKv: compare and set loses no update between threads", async () => {
  const store = shared();
  const swaps = await together(store, "swap", 5000);
  const value = store.kv.get("total", 1)!;
  equal(new DataView(value.buffer).getUint32(0), swaps);
});

Deno.test("SharedKv: threads together get what is in the bucket, to the token", async () => {
  equal(await together(shared(), "take", 20_000), 500);
});

Deno.test("SharedKv: no value is torn while threads fill the store many times over", async () => {
  const store = shared();
  equal(await together(store, "churn", 10_000), 0);
  const { entries, bytes, evictions, resets } = kvStats(store.memory, OPTIONS);
  ok(entries <= OPTIONS.maxEntries && bytes <= OPTIONS.maxBytes, `${entries} entries, ${bytes} bytes`);
  ok(evictions > 0, "the store was too small for all");
  equal(resets, 0, "nobody was held up");
});

Deno.test("SharedKv: goes on when threads are ended at work", async () => {
  const store = shared();
  let found = 0;
  for (let round = 0; round < 8; round++) {
    const { worker, started, done } = start(store, { task: "churn", rounds: 1e9, seed: round });
    done.catch(() => {});
    await started;
    worker.terminate();
    for (let i = 0; i < 200; i++) {
      equal(store.kv.set(`mine ${i}`, new Uint8Array(300).fill(i), { ttlMs: 0, nowMs: 1 }), true);
      // The other thread may live on for a moment, and then takes the room away again.
      const value = store.kv.get(`mine ${i}`, 1);
      if (value === undefined) continue;
      found++;
      equal(value.length === 300 && value.every((byte) => byte === i % 256), true, "not torn");
    }
  }
  ok(found > 0);
  const { entries, bytes } = kvStats(store.memory, OPTIONS);
  ok(entries <= OPTIONS.maxEntries && bytes <= OPTIONS.maxBytes, `${entries} entries, ${bytes} bytes`);
});
