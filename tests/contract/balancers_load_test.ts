/** Balancers that go by load, latency or place. */

import assert from "node:assert/strict";
import type { RequestContext } from "../../src/core/context.ts";
import type { LiveTarget } from "../../src/upstream/live_target.ts";
import { answer, BalancerRig, manyClients } from "../support/balancer_rig.ts";
import { request } from "../support/proxy_rig.ts";
import fc from "../support/seeded_check.ts";

function rig(type: string, weights: readonly number[], options = ""): BalancerRig {
  return new BalancerRig(type, { targets: weights.map((weight) => ({ weight })), options });
}

Deno.test("balancer least-connections: never a target that has more in flight than another, whatever thread counts", () => {
  for (const type of ["least-connections", "weighted-least-connections"]) {
    const weights = type === "least-connections" ? [1, 5, 1, 1] : [1, 5, 2, 1];
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 300 }), (acts) => {
        const given = new BalancerRig(type, { targets: weights.map((weight) => ({ weight })), threads: 3 });
        const score = ({ record, weight }: LiveTarget) =>
          record.inFlight / (type === "least-connections" ? 1 : weight);
        const open: LiveTarget[] = [];
        const context = request();
        for (const act of acts) {
          if (act >= 3) open.splice(act % Math.max(1, open.length), 1)[0]?.ended(context, "complete");
          const { balancer, targets } = given.threads[act % 3]!;
          const least = Math.min(...targets.map(score));
          const picked = balancer.pick(targets, context, null)!;
          assert.equal(score(picked), least);
          picked.begin(context);
          open.push(picked);
        }
      }),
      { numRuns: 100 },
    );
  }
});

Deno.test("balancer weighted-least-connections: under constant load, requests in flight are as the weights", () => {
  const given = rig("wlc", [1, 2, 5]);
  for (let i = 0; i < 800; i++) given.pick().begin(request());
  assert.deepEqual(given.targets.map(({ record }) => record.inFlight), [100, 200, 500]);
});

Deno.test("balancer power-of-two-choices: the most loaded target is far nearer to even than at random", () => {
  const worst = (type: string) => {
    const given = rig(type, Array(50).fill(1));
    for (let i = 0; i < 5000; i++) given.pick().begin(request());
    return Math.max(...given.targets.map(({ record }) => record.inFlight));
  };
  assert.ok(worst("p2c") <= 104, `p2c ${worst("p2c")}`);
  assert.ok(worst("random") > 110, `random ${worst("random")}`);
});

Deno.test("balancer power-of-two-choices: latency decides where that is asked for", () => {
  const given = rig("p2c", [1, 1], `load-metric "latency"\nchoices 4`);
  for (const [i, latency] of [80, 5].entries()) answer(given.targets[i]!, request(), latency);
  const counts = [0, 0];
  for (let i = 0; i < 1000; i++) counts[given.pick().index]!++;
  assert.ok(counts[1]! > 900, `${counts}`);
});

Deno.test("balancer peak-ewma: the fast target gets most, the slow one is tried again in time, threads share what they know", () => {
  const given = new BalancerRig("peak-ewma", { targets: [{}, {}, {}], threads: 2 });
  const latencies = [5, 50, 5];
  const counts = [0, 0, 0];
  const run = (requests: number) => {
    for (let i = 0; i < requests; i++) {
      given.time.now += 20;
      const { balancer, targets } = given.threads[i % 2]!;
      const target = balancer.pick(targets, request(), null)!;
      counts[target.index]!++;
      answer(target, request(), latencies[target.index]!);
    }
  };
  run(3000);
  assert.ok(counts[1]! > 0 && counts[1]! < 300, `${counts}`);
  latencies[1] = 1;
  counts.fill(0);
  run(3000);
  assert.ok(counts[1]! > 1500, `it became the fastest: ${counts}`);
});

Deno.test("balancer peak-ewma: a target that does not answer does not fill up", () => {
  const given = rig("peak-ewma", [1, 1, 1]);
  for (let i = 0; i < 3000; i++) {
    given.time.now += 20;
    const target = given.pick();
    if (target.index === 1) target.begin(request());
    else answer(target, request(), 5);
  }
  assert.ok(given.targets[1]!.record.inFlight < 30, `${given.targets[1]!.record.inFlight} hang`);
});

Deno.test("balancer adaptive: failures and latency cost a target its share, and it gets it back", () => {
  const given = rig("adaptive", [1, 1]);
  let bad = true;
  const run = (requests: number) => {
    const counts = [0, 0];
    for (let i = 0; i < requests; i++) {
      given.time.now += 20;
      const target = given.pick();
      counts[target.index]!++;
      answer(target, request(), 5, bad && target.index === 0 && i % 2 === 0 ? 503 : 200);
    }
    return counts;
  };
  run(4000);
  const while_ = run(2000);
  assert.ok(while_[0]! < 200 && while_[0]! > 0, `while it fails: ${while_}`);
  bad = false;
  run(40_000);
  const after = run(2000);
  assert.ok(after[0]! > 700, `when it is well: ${after}`);
});

Deno.test("balancer least-tokens-queued: tokens queued decide, hints and body lengths make them", () => {
  const given = rig("least-tokens", [1, 1]);
  const big = request({ headers: [["X-Max-Tokens", "8000"]] });
  const [a, b] = given.targets as [LiveTarget, LiveTarget];
  const first = given.pick();
  const other = first === a ? b : a;
  first.begin(big);
  assert.equal(first.record.tokens, 4001);
  for (let i = 0; i < 20; i++) {
    assert.equal(given.pick(), other);
    other.begin(request());
  }
  assert.equal(other.record.tokens, 20);
  first.ended(big, "cut");
  assert.equal(first.record.tokens, 0);
  const sized = request({ body: { length: 4000, read: () => null, cancel() {} } });
  const unsized = request({ body: { length: undefined, read: () => null, cancel() {} } });
  const absurd = request({ headers: [["x-max-tokens", "999999999"]] });
  const lie = request({ headers: [["x-max-tokens", "-5e9"]] });
  for (const [context, tokens] of [[sized, 1000], [unsized, 1000], [absurd, 10_000_000], [lie, 1]] as const) {
    first.begin(context);
    assert.equal(first.record.tokens, tokens);
    first.ended(context, "cut");
  }
});

Deno.test("balancer least-tokens-queued: a target that does more tokens a second gets more of them", () => {
  const given = rig("least-tokens", [1, 1]);
  const open: { target: LiveTarget; context: RequestContext; dueMs: number }[] = [];
  const counts = [0, 0];
  for (let i = 0; i < 4000; i++) {
    given.time.now += 10;
    for (const done of open.filter(({ dueMs }) => dueMs <= given.time.now)) {
      open.splice(open.indexOf(done), 1);
      done.target.answered(done.context, 200, 1);
      done.target.ended(done.context, "complete");
    }
    const context = request({ headers: [["x-max-tokens", "200"]] });
    const target = given.pick(context);
    target.begin(context);
    counts[target.index]!++;
    open.push({ target, context, dueMs: given.time.now + (target.index === 0 ? 50 : 200) });
  }
  assert.ok(counts[0]! > counts[1]! * 1.5, `${counts}`);
});

Deno.test("balancer locality-aware: levels, spill-over and the way back", () => {
  const zones = ["a", "a", "a", "a", "b", "b", "c", undefined];
  const targets = zones.map((zone) => (zone === undefined ? {} : { zone }));
  const given = new BalancerRig("locality-aware", { targets, options: `zone "a"\nzones "b"` });
  const shares = (down: readonly number[]) => {
    const usable = given.usable.filter(({ index }) => !down.includes(index));
    const counts: Record<string, number> = {};
    for (let i = 0; i < 10_000; i++) {
      const zone = given.balancer.pick(usable, manyClients(i), null)!.zone ?? "none";
      counts[zone] = (counts[zone] ?? 0) + 1 / 10_000;
    }
    return counts;
  };
  const rows: { down: readonly number[]; want: Record<string, number> }[] = [
    { down: [], want: { a: 1 } },
    { down: [0], want: { a: 1 } },
    { down: [0, 1], want: { a: 0.7, b: 0.3 } },
    { down: [0, 1, 2], want: { a: 0.35, b: 0.65 } },
    { down: [0, 1, 2, 3], want: { b: 1 } },
    { down: [0, 1, 2, 3, 4], want: { b: 0.7, c: 0.15, none: 0.15 } },
    { down: [0, 1, 2, 3, 4, 5], want: { c: 0.5, none: 0.5 } },
    { down: [0, 1, 2, 3, 4, 5, 7], want: { c: 1 } },
    { down: [], want: { a: 1 } },
  ];
  for (const { down, want } of rows) {
    const got = shares(down);
    assert.deepEqual(Object.keys(got).sort(), Object.keys(want).sort(), `without ${down}`);
    for (const [zone, share] of Object.entries(want)) {
      assert.ok(Math.abs(got[zone]! - share) < 0.02, `without ${down}: ${zone} got ${got[zone]}`);
    }
  }
});

Deno.test("balancer locality-aware: priorities come before zones, and fail-local keeps to the zone", () => {
  const targets = [{ zone: "b", priority: 0 }, { zone: "a", priority: 1 }, { zone: "a", priority: 1 }];
  const given = new BalancerRig("locality", { targets, options: `zone "a"` });
  assert.equal(given.pick().index, 0);
  assert.ok(given.pick(request(), [given.targets[0]!]).index > 0, "the next level, when it was tried");
  const local = new BalancerRig("locality", { targets, options: `zone "a"\nfail-local #true` });
  assert.ok(local.pick().index > 0);
  assert.equal(local.balancer.pick([local.targets[0]!], request(), null), undefined);
});

Deno.test("balancer least-connections: a target that was busy for long is not owed anything afterwards", () => {
  for (const count of [3, 60]) {
    const given = rig("least-connections", Array(count).fill(1));
    const context = request();
    for (let i = 0; i < 50; i++) given.targets[0]!.begin(context);
    given.tally(20_000);
    for (let i = 0; i < 50; i++) given.targets[0]!.ended(context, "complete");
    const [back] = given.tally(count * 100);
    assert.ok(back! <= 110, `it got ${back} of ${count * 100}`);
  }
});

Deno.test("balancer least-connections: what a request of an earlier configuration ends is seen in time", () => {
  const given = rig("least-connections", Array(60).fill(1));
  const stuck = given.targets[7]!;
  stuck.begin(request());
  given.tally(200);
  // Its configuration had no balancer that watches load, so nobody is told.
  stuck.record.end();
  given.tally(200);
  assert.ok(given.tally(600)[7]! > 0);
});
