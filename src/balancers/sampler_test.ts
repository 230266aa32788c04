import assert from "node:assert/strict";
import { seededRandom } from "../../tests/support/balancer_rig.ts";
import { Sampler } from "./sampler.ts";

Deno.test("sampler: each as often as its weight says, and never what weighs nothing", () => {
  const weights = [0, 3, 0, 1, 0.5, 0, 5.5];
  const sampler = new Sampler(weights.length, seededRandom(7));
  for (const [thing, weight] of weights.entries()) sampler.set(thing, weight);
  const counts = weights.map(() => 0);
  for (let i = 0; i < 20_000; i++) counts[sampler.draw()!]!++;
  for (const [thing, weight] of weights.entries()) {
    assert.ok(Math.abs(counts[thing]! / 20_000 - weight / 10) < 0.01, `${counts}`);
    if (weight === 0) assert.equal(counts[thing], 0);
  }
});

Deno.test("sampler: rounding never leads to what weighs nothing", () => {
  const tiny = 1e-300;
  for (const u32 of [0, 1, 2 ** 31, 2 ** 32 - 1]) {
    const sampler = new Sampler(5, { u32: () => u32 });
    assert.equal(sampler.draw(), undefined);
    sampler.set(2, tiny);
    assert.equal(sampler.draw(), 2);
    sampler.set(4, 1e300);
    assert.ok([2, 4].includes(sampler.draw()!));
    sampler.set(2, 0);
    sampler.set(4, 0);
    assert.equal(sampler.draw(), undefined);
  }
});
