import { deepEqual, equal } from "node:assert/strict";
import { gaugeBytes, SharedGauges } from "./shared_gauges.ts";
import { SharedTotals, totalBytes } from "./shared_totals.ts";

const random = { u32: () => 99 };

function threads(count: number, maxKeys: number): SharedGauges[] {
  const memory = new SharedArrayBuffer(gaugeBytes(maxKeys, count));
  return Array.from({ length: count }, (_, index) => {
    return new SharedGauges(memory, { maxKeys, seat: { index, count }, random });
  });
}

Deno.test("SharedGauges: the limit holds over all threads", () => {
  const [first, second] = threads(2, 10) as [SharedGauges, SharedGauges];
  deepEqual([first, second, first].map((thread) => thread.acquire("a", 3)), Array(3).fill("acquired"));
  equal(second.acquire("a", 3), "limit");
  equal(second.acquire("b", 3), "acquired");
  equal(first.total("a"), 3);
  first.release("a");
  equal(second.acquire("a", 3), "acquired");
});

Deno.test("SharedGauges: a limit of 0 lets nobody in", () => {
  equal(threads(1, 4)[0]!.acquire("a", 0), "limit");
});

Deno.test("SharedGauges: a thread gives back only what it took", () => {
  const [first, second] = threads(2, 10) as [SharedGauges, SharedGauges];
  first.acquire("a", 9);
  second.release("a");
  second.release("never seen");
  equal(first.total("a"), 1);
});

Deno.test("SharedGauges: what a dead thread held is taken back", () => {
  const [living, dead] = threads(2, 10) as [SharedGauges, SharedGauges];
  living.acquire("a", 9);
  dead.acquire("a", 9);
  dead.acquire("b", 9);
  living.clearWorker(1);
  deepEqual([living.total("a"), living.total("b")], [1, 0]);
});

Deno.test("SharedGauges: room for as many keys as promised, freed when they end", () => {
  for (const maxKeys of [1, 100, 5000]) {
    const [thread] = threads(1, maxKeys) as [SharedGauges];
    for (let round = 0; round < 2; round++) {
      for (let key = 0; key < maxKeys; key++) equal(thread.acquire(`${round}.${key}`, 1), "acquired");
      for (let key = 0; key < maxKeys; key++) thread.release(`${round}.${key}`);
    }
    equal(thread.total("1.0"), 0);
  }
});

Deno.test("SharedGauges: says so when the table is full", () => {
  const [thread] = threads(1, 1) as [SharedGauges];
  const outcomes = Array.from({ length: 40 }, (_, key) => thread.acquire(`key ${key}`, 1));
  equal(outcomes.includes("full"), true);
  equal(outcomes.filter((outcome) => outcome === "acquired").length <= 32, true);
});

Deno.test("SharedTotals: limits, sums and dead threads", () => {
  const memory = new SharedArrayBuffer(totalBytes(2, 3));
  const [a, b, c] = [0, 1, 2].map((index) => new SharedTotals(memory, { index, count: 3 })) as [
    SharedTotals,
    SharedTotals,
    SharedTotals,
  ];
  deepEqual([a, b, c].map((thread) => thread.tryAcquire(0, 2)), [true, true, false]);
  equal(a.total(1), 0, "the other number is untouched");
  b.release(0);
  equal(c.tryAcquire(0, 2), true);
  c.acquire(0);
  deepEqual([a.total(0), c.own(0)], [3, 2]);
  a.clearWorker(2);
  deepEqual([a.total(0), c.own(0)], [1, 0]);
});
