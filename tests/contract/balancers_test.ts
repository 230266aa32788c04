/** What every balancer owes its upstream; loops over the registry, so a new row is under test at once. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { BalancerKind } from "../../src/balancers/balancer_kind.ts";
import { findBalancer } from "../../src/balancers/find_balancer.ts";
import { BALANCERS } from "../../src/balancers/registry.ts";
import type { LiveTarget } from "../../src/upstream/live_target.ts";
import { answer, BalancerRig, manyClients } from "../support/balancer_rig.ts";
import { readFilter } from "../support/filter_fixture.ts";
import { request } from "../support/proxy_rig.ts";
import fc from "../support/seeded_check.ts";

const KINDS = BALANCERS as unknown as readonly BalancerKind[];

/** Every spelling there is, hyphens and underscores alike. */
const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  "round-robin": ["round_robin", "roundrobin", "round-robin"],
  "least-connections": ["least_connections", "leastconnections", "least-connections"],
  weighted: ["weighted", "weighted_round_robin", "weighted-round-robin"],
  "ip-hash": ["ip_hash", "iphash", "ip-hash"],
  random: ["random"],
  "consistent-hash": ["consistent_hash", "consistenthash", "consistent-hash"],
  "power-of-two-choices": ["power_of_two_choices", "p2c", "power-of-two-choices"],
  adaptive: ["adaptive"],
  "least-tokens-queued": ["least_tokens_queued", "leasttokensqueued", "least_tokens", "least-tokens"],
  maglev: ["maglev"],
  "locality-aware": ["locality_aware", "localityaware", "locality", "locality-aware"],
  "peak-ewma": ["peak_ewma", "peakewma", "ewma", "peak-ewma"],
  "deterministic-subset": ["deterministic_subset", "subset", "subsetting", "deterministic-subset"],
  "weighted-least-connections": ["weighted_least_connections", "weighted_least_conn", "wlc"],
  sticky: ["sticky", "sticky_session", "stickysession", "sticky-session"],
};

function rigOf(kind: BalancerKind, weights: readonly number[], options = ""): BalancerRig {
  return new BalancerRig(kind.type, { targets: weights.map((weight) => ({ weight })), options });
}

function weightsOf(count: number): number[] {
  return Array(count).fill(1);
}

for (const kind of KINDS) {
  Deno.test(`balancer ${kind.type}`, async (t) => {
    await t.step("is named after its file, says what it does, and declares its options", () => {
      const file = new URL(`../../src/balancers/${kind.type.replaceAll("-", "_")}.ts`, import.meta.url);
      assert.ok(readFileSync(file, "utf8").includes(`type: "${kind.type}"`));
      assert.match(kind.summary, /^[A-Z].*\.$/);
      const { shape } = kind.options;
      assert.ok(shape.type === "block");
      for (const [name, field] of Object.entries(shape.fields)) assert.match(field.summary, /\.$/, name);
      const { problems } = readFilter(kind, "no-such-option 1");
      assert.ok(problems.some((problem) => problem.includes(`unknown name "no-such-option"`)));
    });

    await t.step("is found under every spelling", () => {
      assert.ok(SPELLINGS[kind.type] !== undefined, "add its spellings");
      for (const name of SPELLINGS[kind.type]!) {
        assert.equal(findBalancer(name), kind, name);
        assert.equal(findBalancer(name.toUpperCase()), kind, name);
      }
    });

    await t.step("gives nothing when there is nothing", () => {
      const rig = rigOf(kind, [1, 1]);
      assert.equal(rig.balancer.pick([], request(), null), undefined);
      assert.equal(rig.balancer.pick(rig.usable, request(), rig.usable), undefined);
    });

    await t.step("picks only what is usable and not excluded, and comes back to what returns", () => {
      const steps = fc.array(
        fc.record({ mask: fc.integer({ min: 0, max: 31 }), not: fc.integer({ min: 0, max: 31 }) }),
        { minLength: 1, maxLength: 40 },
      );
      fc.assert(
        fc.property(steps, (masks) => {
          const rig = rigOf(kind, [1, 2, 3, 1, 5]);
          for (const [i, { mask, not }] of masks.entries()) {
            const usable = rig.targets.filter((_, n) => (mask >> n) & 1);
            const excluded = rig.targets.filter((_, n) => (not >> n) & 1);
            const left = usable.filter((target) => !excluded.includes(target));
            const context = manyClients(i);
            const target = rig.balancer.pick(usable, context, excluded.length === 0 ? null : excluded);
            assert.equal(target === undefined, left.length === 0);
            if (target === undefined) continue;
            assert.ok(left.includes(target));
            answer(target, context, 1 + i % 3);
          }
          assert.ok(rig.tally(400, manyClients).every((count) => count > 0), "everybody gets something");
        }),
        { numRuns: 60 },
      );
    });

    await t.step("asked again without what was tried, it goes through all targets", () => {
      const rig = rigOf(kind, [1, 2, 3, 1, 5, 2, 1]);
      for (let i = 0; i < 20; i++) {
        const tried: LiveTarget[] = [];
        const context = manyClients(i);
        while (true) {
          const next = rig.pick(context, tried.length === 0 ? null : tried);
          if (next === undefined) break;
          tried.push(next);
        }
        assert.equal(new Set(tried).size, rig.targets.length);
      }
    });

    await t.step("a target of weight 0 gets nothing", () => {
      assert.equal(rigOf(kind, [1, 0, 1]).tally(200, manyClients)[1], 0);
    });

    await t.step("leaves no requests in flight behind, and no tokens", () => {
      const rig = rigOf(kind, [1, 2, 1]);
      const open: [LiveTarget, ReturnType<typeof request>][] = [];
      for (let i = 0; i < 500; i++) {
        const context = manyClients(i);
        const target = rig.pick(context);
        target.begin(context);
        if (i % 5 === 0) target.failed(context, "upstream_reset");
        open.push([target, context]);
        if (i % 3 > 0) open.splice(i % open.length, 1).forEach(([each, at]) => each.ended(at, "cut"));
      }
      for (const [target, context] of open) target.ended(context, "complete");
      assert.deepEqual(rig.targets.map(({ record }) => [record.inFlight, record.tokens]), [[0, 0], [0, 0], [
        0,
        0,
      ]]);
    });

    if (kind.shares === "by-weight") {
      await t.step("shares are within 2 % of the weights over 10 000 picks", () => {
        for (const weights of [[5, 1, 1], [1, 2, 3, 4], [100, 1], [7], [3, 0, 2]]) {
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          for (const [i, got] of rigOf(kind, weights).tally(10_000, manyClients).entries()) {
            const off = Math.abs(got / 10_000 - weights[i]! / total);
            assert.ok(off < 0.02, `${weights}: target ${i} got ${got}`);
          }
        }
      });
    }

    if (kind.shares === "equal") {
      await t.step("weights do not count: shares are within 2 % over 10 000 picks", () => {
        for (const got of rigOf(kind, [9, 1, 1, 4]).tally(10_000, manyClients)) {
          assert.ok(Math.abs(got / 10_000 - 0.25) < 0.02, `one got ${got}`);
        }
      });
    }

    if (kind.shares === "by-weight" || kind.type === "least-connections") {
      await t.step("a target in slow start gets a part of its share", () => {
        const rig = rigOf(kind, [1, 1]);
        rig.targets[1]!.ramp = 0.25;
        const got = rig.tally(10_000, manyClients)[1]! / 10_000;
        assert.ok(Math.abs(got - 0.2) < 0.02, `it got ${got}`);
      });
    }
  });
}

Deno.test("balancers: every name stands for one", () => {
  const names = KINDS.flatMap(({ type, aliases }) => [type, ...aliases]);
  assert.equal(new Set(names).size, names.length);
  assert.equal(KINDS.length, 15);
});

Deno.test("balancer round-robin: goes on behind the last one when some drop out", () => {
  const { balancer, targets } = rigOf(findBalancer("round-robin")!, weightsOf(3));
  const [a, b, c] = targets as [LiveTarget, LiveTarget, LiveTarget];
  const picks = [[a, b, c], [a, c], [a, b]].map((usable) => balancer.pick(usable, request(), null));
  assert.deepEqual(picks, [a, c, a]);
});

Deno.test("balancer weighted: exact over a cycle, and spreads a heavy target instead of bursting", () => {
  for (const weights of [[5, 1, 1], [1, 2, 3, 4], [100, 1]]) {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const rig = rigOf(findBalancer("weighted")!, weights);
    assert.deepEqual(rig.tally(total * 10), weights.map((weight) => weight * 10));
  }
  const rig = rigOf(findBalancer("weighted")!, [5, 1, 1]);
  assert.deepEqual(Array.from({ length: 7 }, () => rig.pick().index), [0, 0, 1, 0, 2, 0, 0]);
});
