import assert from "node:assert/strict";
import { SlowStart } from "./slow_start.ts";

class Riser {
  ramp = 1;
  rose: number;
  now = 0;
  constructor(rose: number) {
    this.rose = rose;
  }
  readonly record = { risenForMs: (nowMs: number) => nowMs - this.rose };
}

Deno.test("slow start: a target that comes later grows in ten steps beside one that is there", () => {
  const old = new Riser(-1_000_000);
  const young = new Riser(0);
  const start = new SlowStart<Riser>(10_000);
  const all = [old, young];
  start.adopt(all, 0);
  const seen: number[] = [young.ramp];
  let changes = 0;
  for (let now = 100; now <= 11_000; now += 100) {
    if (start.isRamping && start.step(all, now)) changes++;
    if (now % 1000 === 0) seen.push(young.ramp);
  }
  assert.deepEqual(seen, [0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1]);
  assert.equal(changes, 9);
  assert.equal(old.ramp, 1);
  assert.equal(start.isRamping, false, "nothing is left to do");
});

Deno.test("slow start: when all are equally new, nobody is spared", () => {
  const all = [new Riser(0), new Riser(0), new Riser(0)];
  const start = new SlowStart<Riser>(10_000);
  start.adopt(all, 0);
  for (let now = 0; now < 12_000; now += 250) {
    if (start.isRamping) assert.equal(start.step(all, now), false);
    assert.deepEqual(all.map(({ ramp }) => ramp), [1, 1, 1]);
  }
});

Deno.test("slow start: a target alone has everything", () => {
  const start = new SlowStart<Riser>(10_000);
  const young = new Riser(0);
  start.adopt([young], 10);
  assert.equal(young.ramp, 1);
});
