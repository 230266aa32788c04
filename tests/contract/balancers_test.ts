import assert from "node:assert/strict";
import fc from "../support/seeded_check.ts";
import type { Target } from "../../src/balancers/balancer.ts";
import type { BalancerKind } from "../../src/balancers/balancer_kind.ts";
import { findBalancer } from "../../src/balancers/find_balancer.ts";
import { BALANCERS } from "../../src/balancers/registry.ts";
import { request } from "../support/proxy_rig.ts";

const context = request();

function targets(...weights: number[]): Target[] {
  return weights.map((weight, i) => ({ address: `10.0.0.${i + 1}:80`, weight }));
}

/** How often each target is picked in `picks` turns. */
function tally(kind: BalancerKind, all: readonly Target[], picks: number): number[] {
  const usable = all.filter((target) => target.weight > 0);
  const balancer = kind.create(usable);
  const counts = new Map<Target, number>();
  for (let i = 0; i < picks; i++) {
    const target = balancer.pick(usable, context);
    counts.set(target, (counts.get(target) ?? 0) + 1);
  }
  return all.map((target) => counts.get(target) ?? 0);
}

for (const kind of BALANCERS as readonly BalancerKind[]) {
  Deno.test(`balancer ${kind.type}: found under every spelling`, () => {
    for (const name of [kind.type, ...kind.aliases, kind.type.toUpperCase()]) {
      assert.equal(findBalancer(name), kind);
    }
  });

  Deno.test(`balancer ${kind.type}: equal weights give every target its turn before one repeats`, () => {
    for (const count of [1, 2, 3, 7]) {
      const all = targets(...Array(count).fill(1));
      const balancer = kind.create(all);
      for (let round = 0; round < 3; round++) {
        const seen = new Set(all.map(() => balancer.pick(all, context)));
        assert.equal(seen.size, count);
      }
    }
  });

  Deno.test(`balancer ${kind.type}: picks only what is usable, and comes back to what returns`, () => {
    const seed = 20261122;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 60 }), (masks) => {
        const all = targets(1, 2, 3, 1, 5);
        const balancer = kind.create(all);
        for (const mask of masks) {
          const usable = all.filter((_, i) => (mask >> i) & 1);
          if (usable.length > 0) assert.ok(usable.includes(balancer.pick(usable, context)));
        }
        const later = new Set<Target>();
        for (let i = 0; i < 1000; i++) later.add(balancer.pick(all, context));
        assert.equal(later.size, all.length);
      }),
      { seed, numRuns: 200 },
    );
  });

  Deno.test(`balancer ${kind.type}: a target of weight 0 gets nothing`, () => {
    assert.equal(tally(kind, targets(1, 0, 1), 100)[1], 0);
  });
}

Deno.test("balancer round-robin: weights do not count", () => {
  assert.deepEqual(tally(findBalancer("round_robin")!, targets(5, 1, 1), 300), [100, 100, 100]);
});

Deno.test("balancer round-robin: goes on behind the last one when some drop out", () => {
  const all = targets(1, 1, 1);
  const [a, b, c] = all as [Target, Target, Target];
  const balancer = findBalancer("round-robin")!.create(all);
  const picks = [balancer.pick(all, context), balancer.pick([a, c], context), balancer.pick([a, b], context)];
  assert.deepEqual(picks, [a, c, a]);
});

Deno.test("balancer weighted: shares are exact over a cycle and within 2 % anywhere", () => {
  const rows = [[5, 1, 1], [1, 2, 3, 4], [100, 1], [7], [3, 0, 2]];
  for (const weights of rows) {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    assert.deepEqual(
      tally(findBalancer("weighted")!, targets(...weights), total * 10),
      weights.map((w) => w * 10),
    );
    const picks = 10_007;
    for (const [i, got] of tally(findBalancer("weighted")!, targets(...weights), picks).entries()) {
      assert.ok(Math.abs(got / picks - weights[i]! / total) < 0.02, `${weights}: target ${i} got ${got}`);
    }
  }
});

Deno.test("balancer weighted: spreads a heavy target instead of bursting", () => {
  const all = targets(5, 1, 1);
  const balancer = findBalancer("weighted")!.create(all);
  const order = Array.from({ length: 7 }, () => all.indexOf(balancer.pick(all, context)));
  assert.deepEqual(order, [0, 0, 1, 0, 2, 0, 0]);
});
