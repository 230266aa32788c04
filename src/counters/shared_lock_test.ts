import { equal, ok } from "node:assert/strict";
import { SharedLocks } from "./shared_lock.ts";

function words(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(8));
}

Deno.test("SharedLocks: free after unlock, one word per lock", () => {
  const memory = words();
  const locks = new SharedLocks(memory, 1);
  const name = locks.lock(0);
  ok(Atomics.load(memory, 0) === name && name !== 0);
  equal(Atomics.load(memory, 1), 0);
  locks.unlock(0, name);
  equal(Atomics.load(memory, 0), 0);
});

Deno.test("SharedLocks: the lock of a dead thread is taken over, and its late unlock has no effect", () => {
  const memory = words();
  const dead = new SharedLocks(memory, 1000);
  const living = new SharedLocks(memory, 2000);
  const left = dead.lock(0);
  const name = living.lock(0);
  equal(Atomics.load(memory, 0), name);
  dead.unlock(0, left);
  equal(Atomics.load(memory, 0), name, "still held");
  living.unlock(0, name);
  equal(Atomics.load(memory, 0), 0);
});

Deno.test("SharedLocks: names skip 0, which means free", () => {
  const memory = words();
  const locks = new SharedLocks(memory, -1);
  const name = locks.lock(0);
  equal(name, 1);
});
