import assert from "node:assert/strict";
import { FakeTime, settle } from "../../tests/support/fake_socket.ts";
import { failure, request } from "../../tests/support/proxy_rig.ts";
import { SharedTotals, totalBytes } from "../counters/shared_totals.ts";
import type { LiveTarget } from "./live_target.ts";
import { LOAD_NUMBERS, PLACES, WAITERS } from "./retry_budget.ts";
import { UpstreamGate } from "./upstream_gate.ts";

const TARGET = {} as LiveTarget;

/** The gates of one upstream in some threads. */
function gatesOf(requestsMax: number, threads = 2, queueMax = 3) {
  const time = new FakeTime();
  const memory = new SharedArrayBuffer(totalBytes(LOAD_NUMBERS, threads));
  const totals = Array.from(
    { length: threads },
    (_, index) => new SharedTotals(memory, { index, count: threads }),
  );
  const gates = totals.map((own) =>
    new UpstreamGate({
      upstreamId: "api",
      requestsMax,
      queueMax,
      queueTimeoutMs: 1000,
      totals: own,
      threads,
      deadlines: time.deadlines,
    })
  );
  const wait = (gate: UpstreamGate, log: string[], name: string) => {
    const context = request();
    void gate.wait(context, time.now, Infinity).then(() => {
      gate.begun();
      log.push(name);
    }, () => log.push(`${name} lost`));
    return context;
  };
  const enter = (gate: UpstreamGate) => {
    const entered = gate.tryEnter();
    if (entered) gate.begun();
    return entered;
  };
  return { time, gates, a: gates[0]!, b: gates[1]!, totals: totals[0]!, wait, enter };
}

Deno.test("gate: never more than the bound over all threads; the queue is served in order", async () => {
  const { a, b, totals, wait, enter } = gatesOf(3);
  assert.deepEqual([enter(a), enter(b), enter(a), enter(b), enter(a)], [true, true, true, false, false]);
  const log: string[] = [];
  wait(a, log, "first");
  wait(a, log, "second");
  assert.equal(enter(a), false, "nobody overtakes those who wait");
  a.ended(TARGET);
  await settle();
  assert.deepEqual(log, ["first"]);
  assert.equal(totals.total(PLACES), 3);
  a.ended(TARGET);
  await settle();
  assert.deepEqual(log, ["first", "second"]);
  for (let i = 0; i < 2; i++) a.ended(TARGET);
  b.ended(TARGET);
  assert.deepEqual([totals.total(PLACES), totals.total(WAITERS)], [0, 0]);
});

Deno.test("gate: bounds of the queue in length and time, and a client that leaves", async () => {
  const { a, time, totals, wait, enter } = gatesOf(1);
  enter(a);
  const log: string[] = [];
  const contexts = ["x", "y", "z"].map((name) => wait(a, log, name));
  assert.equal((await failure(a.wait(request(), time.now, Infinity))).code, "upstream_queue_full");
  contexts[1]!.onAbort!("client_closed");
  await settle();
  assert.deepEqual(log, ["y lost"]);
  assert.equal(contexts[1]!.onAbort, null);
  assert.equal(a.waiting, 2);
  await time.advance(1200);
  assert.deepEqual(log, ["y lost", "x lost", "z lost"]);
  a.ended(TARGET);
  assert.deepEqual([totals.total(PLACES), totals.total(WAITERS)], [0, 0]);
  assert.equal(time.deadlines.size, 2, "the two gates");
});

Deno.test("gate: a place that was not used is free again", () => {
  const { a, totals } = gatesOf(1);
  assert.ok(a.tryEnter());
  a.cancel();
  assert.equal(totals.total(PLACES), 0);
});

Deno.test("gate: a thread that has its share leaves places to those who wait in others", async () => {
  const { a, b, time, wait, enter } = gatesOf(2, 2, 100);
  assert.deepEqual([enter(a), enter(a)], [true, true]);
  const log: string[] = [];
  for (let i = 0; i < 3; i++) wait(a, log, `a${i}`);
  wait(b, log, "b0");
  a.ended(TARGET);
  await settle();
  assert.deepEqual(log, [], "not handed on: the other thread has none");
  await time.advance(200);
  assert.deepEqual(log, ["b0"]);
  a.ended(TARGET);
  await settle();
  assert.deepEqual(log, ["b0", "a0"], "now nobody waits elsewhere");
});

Deno.test("gate: what began without entering is counted, and a smaller bound is reached by waiting", async () => {
  const { a, totals, wait } = gatesOf(2);
  for (let i = 0; i < 4; i++) a.begun();
  const log: string[] = [];
  wait(a, log, "w");
  for (const want of [3, 2]) {
    a.ended(TARGET);
    await settle();
    assert.deepEqual([totals.total(PLACES), log], [want, []]);
  }
  a.ended(TARGET);
  await settle();
  assert.deepEqual([totals.total(PLACES), log], [2, ["w"]]);
});
