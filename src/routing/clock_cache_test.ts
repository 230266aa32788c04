import assert from "node:assert/strict";
import { ClockCache } from "./clock_cache.ts";

Deno.test("the cache holds up to its capacity and forgets one entry at a time", () => {
  const cache = new ClockCache<number>(3);
  for (const [i, key] of ["a", "b", "c"].entries()) cache.set(key, i);
  assert.deepEqual([cache.get("a"), cache.get("c")], [0, 2]);
  cache.set("d", 3);
  assert.equal(cache.size, 3);
  assert.equal(cache.get("b"), undefined, "the one not used goes first");
  assert.deepEqual(["a", "c", "d"].map((key) => cache.get(key)), [0, 2, 3]);
});

Deno.test("storing a key again replaces its value", () => {
  const cache = new ClockCache<number>(1);
  cache.set("a", 1);
  cache.set("a", 2);
  assert.equal(cache.get("a"), 2);
  assert.equal(cache.size, 1);
});

Deno.test("a flood of new keys stays within the capacity while all entries are in use", () => {
  const cache = new ClockCache<number>(10);
  for (let i = 0; i < 1000; i++) {
    cache.set(`k${i}`, i);
    assert.equal(cache.get(`k${i}`), i);
    assert.ok(cache.size <= 10);
  }
});
