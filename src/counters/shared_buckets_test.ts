import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { bucketBytes, bucketStats, SharedBuckets } from "./shared_buckets.ts";

const random = { u32: () => 12345 };

function buckets(limit: { rate: number; burst: number; maxKeys?: number; waitMsMax?: number }) {
  const maxKeys = limit.maxKeys ?? 8;
  const memory = new SharedArrayBuffer(bucketBytes(maxKeys));
  const table = new SharedBuckets(memory, {
    ratePerSecond: limit.rate,
    burst: limit.burst,
    waitMsMax: limit.waitMsMax ?? 0,
    maxKeys,
    random,
  });
  return { table, memory, maxKeys };
}

Deno.test("SharedBuckets: a burst, then the rate", () => {
  const { table } = buckets({ rate: 10, burst: 3 });
  deepEqual([1, 2, 3].map(() => table.take("a", 1000).remaining), [2, 1, 0]);
  const refused = table.take("a", 1000);
  equal(refused.allowed, false);
  ok(Math.abs(refused.retryAfterMs - 100) < 1e-6, "a token comes every 100 ms");
  ok(Math.abs(refused.resetMs - 300) < 1e-6, "full after three tokens");
  equal(table.take("a", 1099).allowed, false, "just before the token");
  equal(table.take("a", 1100).allowed, true, "at the token");
  equal(table.take("a", 1100).allowed, false, "one token, one request");
  deepEqual([1, 2, 3, 4].map(() => table.take("a", 99_000).allowed), [true, true, true, false]);
});

Deno.test("SharedBuckets: keys do not share", () => {
  const { table } = buckets({ rate: 1, burst: 1 });
  deepEqual(["a", "b", "a", "b", ""].map((key) => table.take(key, 5).allowed), [
    true,
    true,
    false,
    false,
    true,
  ]);
});

Deno.test("SharedBuckets: tokens granted ahead are paced, up to the longest wait", () => {
  const { table } = buckets({ rate: 10, burst: 1, waitMsMax: 250 });
  const takes = [1, 2, 3, 4].map(() => table.take("a", 0, 250));
  deepEqual(takes.map((take) => take.allowed), [true, true, true, false]);
  deepEqual(takes.map((take) => Math.round(take.waitMs)), [0, 100, 200, 0]);
  equal(Math.round(takes[3]!.retryAfterMs), 300);
});

Deno.test("SharedBuckets: a clock that runs back a little grants nothing twice", () => {
  const { table } = buckets({ rate: 1000, burst: 1 });
  let allowed = 0;
  for (let round = 0; round < 1000; round++) {
    if (table.take("a", 1000 + round * 0.01).allowed) allowed++;
    if (table.take("a", 995 + round * 0.01).allowed) allowed++;
  }
  // 10 ms passed at one token per millisecond.
  ok(allowed >= 10 && allowed <= 11, String(allowed));
});

Deno.test("SharedBuckets: a clock that was set back does not lock anybody out", () => {
  const { table } = buckets({ rate: 1, burst: 1 });
  equal(table.take("a", 100_000_000).allowed, true);
  equal(table.take("a", 50_000).allowed, false, "the bucket stays empty");
  equal(table.take("a", 51_000).allowed, true, "and fills in a second, not in a day");
});

Deno.test("SharedBuckets: the table holds max-keys, then the fullest bucket gives way", () => {
  for (const maxKeys of [1, 3, 16]) {
    const { table, memory } = buckets({ rate: 1, burst: 5, maxKeys });
    for (let key = 0; key < maxKeys; key++) for (let n = 0; n < 5; n++) table.take(`k${key}`, n);
    equal(bucketStats(memory, maxKeys, 5).keys, maxKeys);
    equal(bucketStats(memory, maxKeys, 5).evictions, 0);
    equal(table.take("one more", 5).allowed, true);
    deepEqual(bucketStats(memory, maxKeys, 5), { keys: maxKeys, evictions: 1 });
    equal(bucketStats(memory, maxKeys, 60_000).keys, 0, "idle keys do not count");
  }
});

Deno.test("SharedBuckets: a flood of new keys does not free the one that is limited", () => {
  const { table } = buckets({ rate: 1, burst: 10, maxKeys: 16 });
  for (let n = 0; n < 10; n++) table.take("heavy", 0);
  for (let n = 0; n < 10_000; n++) table.take(`flood ${n}`, 1);
  equal(table.take("heavy", 2).allowed, false);
});

Deno.test("SharedBuckets: a full bucket gives way without being counted as evicted", () => {
  const { table, memory } = buckets({ rate: 1000, burst: 1, maxKeys: 1 });
  table.take("a", 0);
  table.take("b", 10);
  equal(bucketStats(memory, 1, 10).evictions, 0);
});

Deno.test("SharedBuckets: a table in use takes a new limit", () => {
  const { table, memory, maxKeys } = buckets({ rate: 1, burst: 1000 });
  for (let n = 0; n < 1000; n++) table.take("a", 0);
  const faster = new SharedBuckets(memory, { ratePerSecond: 20, burst: 2, maxKeys, random });
  equal(faster.take("a", 49).allowed, false, "an empty bucket stays empty");
  equal(faster.take("a", 100).allowed, true, "and fills at the new rate, not in 1000 seconds");
});

Deno.test("SharedBuckets: memory must fit", () => {
  throws(() => {
    new SharedBuckets(new SharedArrayBuffer(64), { ratePerSecond: 1, burst: 1, maxKeys: 9, random });
  });
});

Deno.test("SharedBuckets: never more than burst + rate × time, never less than a model", () => {
  const step = fc.record({
    key: fc.constantFrom("a", "b", "c"),
    advance: fc.double({ min: 0, max: 300, noNaN: true }),
  });
  const seed = 20_261_122;
  console.log(`seed ${seed}`);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(step),
      (rate, burst, steps) => {
        const { table } = buckets({ rate, burst });
        const model = new Map<string, { tokens: number; at: number }>();
        let now = 0;
        for (const { key, advance } of steps) {
          now += advance;
          const known = model.get(key) ?? { tokens: burst, at: now };
          const tokens = Math.min(burst, known.tokens + (now - known.at) * rate / 1000);
          const { allowed } = table.take(key, now);
          // Around a whole token the two may differ by rounding, and either answer is right.
          if (Math.abs(tokens - 1) > 0.002) equal(allowed, tokens >= 1);
          model.set(key, { tokens: allowed ? Math.max(0, tokens - 1) : tokens, at: now });
        }
      },
    ),
    { seed },
  );
});

interface Hammer {
  readonly threads: number;
  readonly takes: number;
  readonly rate: number;
  readonly burst: number;
  readonly stepMs: number;
  readonly keys: readonly string[];
}

async function hammer({ threads, takes, rate, burst, stepMs, keys }: Hammer): Promise<number> {
  const maxKeys = 100;
  const memory = new SharedArrayBuffer(bucketBytes(maxKeys));
  const url = new URL("../../tests/support/bucket_worker.ts", import.meta.url);
  const workers = Array.from({ length: threads }, () => new Worker(url, { type: "module" }));
  const counts = await Promise.all(workers.map((worker, index) => {
    return new Promise<number>((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = (event) => reject(new Error(event.message));
      const limit = { ratePerSecond: rate, burst, maxKeys };
      worker.postMessage({ memory, ...limit, keys, takes, startMs: 1000, stepMs, seed: index + 1 });
    });
  }));
  for (const worker of workers) worker.terminate();
  return counts.reduce((sum, count) => sum + count, 0);
}

Deno.test("SharedBuckets: exact when four threads hammer one key while time stands still", async () => {
  equal(await hammer({ threads: 4, takes: 20_000, rate: 1, burst: 500, stepMs: 0, keys: ["hot"] }), 500);
});

Deno.test("SharedBuckets: exact when four threads hammer one key while time goes on", async () => {
  const takes = 20_000;
  const stepMs = 0.05;
  // All clocks end at the same time, so the bound is the burst and one second's worth.
  const got = await hammer({ threads: 4, takes, rate: 1000, burst: 50, stepMs, keys: ["hot"] });
  const bound = 50 + 1000 * (takes - 1) * stepMs / 1000;
  ok(got <= bound + 0.01, `${got} of at most ${bound}`);
  ok(got >= bound - 1, `${got} of at least ${bound - 1}`);
});

Deno.test("SharedBuckets: exact over many keys", async () => {
  const keys = Array.from({ length: 20 }, (_, index) => `10.0.0.${index}`);
  equal(await hammer({ threads: 3, takes: 20_000, rate: 1, burst: 30, stepMs: 0, keys }), 600);
});
