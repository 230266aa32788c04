import assert from "node:assert/strict";
import { bitOf, changeCells, SharedLoadChanges } from "./load_changes.ts";

Deno.test("load changes: every thread hears of each change once, and of no target twice", () => {
  const addresses = Array.from({ length: 3000 }, (_, i) => `10.0.${i >> 8}.${i & 255}:80`);
  const cells = new Int32Array(new SharedArrayBuffer(changeCells(3) * 4));
  const threads = [0, 1, 2].map((workerIndex) => new SharedLoadChanges(cells, { workerIndex, addresses }));
  const heard = (thread: SharedLoadChanges) => {
    const indexes: number[] = [];
    thread.drain((index) => indexes.push(index));
    assert.equal(new Set(indexes).size, indexes.length);
    return indexes;
  };
  for (const marked of [[0], [31, 32, 33], [2999, 5, 5, 5], Array.from(addresses.keys())]) {
    for (const index of marked) threads[index % 3]!.mark(bitOf(addresses[index]!));
    for (const thread of threads) {
      const indexes = heard(thread);
      for (const index of marked) assert.ok(indexes.includes(index), `${index}`);
      const bits = new Set(marked.map((index) => bitOf(addresses[index]!)));
      for (const index of indexes) {
        assert.ok(bits.has(bitOf(addresses[index]!)), "only those of the same bits");
      }
    }
    for (const thread of threads) assert.deepEqual(heard(thread), []);
  }
});

Deno.test("load changes: lists that differ find their own targets by the same bits", () => {
  const cells = new Int32Array(new SharedArrayBuffer(changeCells(1) * 4));
  const before = new SharedLoadChanges(cells, { workerIndex: 0, addresses: ["a:1", "b:1", "c:1"] });
  const after = new SharedLoadChanges(cells, { workerIndex: 0, addresses: ["x:1", "c:1", "a:1"] });
  before.mark(bitOf("c:1"));
  const heard: number[] = [];
  after.drain((index) => heard.push(index));
  assert.ok(heard.includes(1));
});
