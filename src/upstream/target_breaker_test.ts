import assert from "node:assert/strict";
import { FakeTime } from "../../tests/support/fake_socket.ts";
import { request } from "../../tests/support/proxy_rig.ts";
import { allocateShared } from "../core/shared_memory.ts";
import type { CircuitBreakerConfig } from "./breaker_options.ts";
import type { LiveTarget } from "./live_target.ts";
import { TargetBreaker } from "./target_breaker.ts";
import { openRecords, recordNeeds } from "./target_record.ts";

const TARGET = {} as LiveTarget;
const CONTEXT = request();
const UPSTREAM = { id: "api", targets: [{ address: "10.0.0.1:80" }] };

/** The breakers of one target in some threads, and what was told of them. */
function breakersOf(over: Partial<CircuitBreakerConfig> = {}, threads = 2) {
  const config = {
    failureThreshold: 3,
    successThreshold: 2,
    timeoutSecs: 10,
    halfOpenMaxRequests: 2,
    ...over,
  };
  const time = new FakeTime();
  const shared = allocateShared(recordNeeds(UPSTREAM, threads), {});
  const told: string[] = [];
  const records = Array.from(
    { length: threads },
    (_, worker) => openRecords(UPSTREAM, shared, worker).targets[0]!,
  );
  const breakers = records.map((record) => {
    return new TargetBreaker({ config, record, clock: time, changed: (state) => void told.push(state) });
  });
  return { breakers, records, time, told, a: breakers[0]!, b: breakers[1]! };
}

type Rig = ReturnType<typeof breakersOf>;
const fail = (breaker: TargetBreaker, times = 1) => {
  for (let i = 0; i < times; i++) breaker.failed(TARGET, CONTEXT, "upstream_reset");
};
/** A request that is let through and gets this answer; `0` is none. */
const tried = (breaker: TargetBreaker, status: number) => {
  const context = request();
  assert.equal(breaker.admits(context), true);
  if (status === 0) breaker.failed(TARGET, context, "upstream_reset");
  else breaker.answered(TARGET, context, { status, latencyMs: 1 });
  breaker.ended(TARGET, context);
};
const halfOpen = (rig: Rig) => {
  fail(rig.a, 3);
  rig.time.now += 10_000;
  for (const breaker of rig.breakers) breaker.tick(rig.time.now);
};

Deno.test("breaker: opens at the threshold of failures in a row, of all threads together", () => {
  const { a, b, told } = breakersOf();
  fail(a);
  fail(b);
  assert.equal(a.state, "closed");
  a.answered(TARGET, CONTEXT, { status: 499, latencyMs: 1 });
  fail(a);
  fail(b);
  assert.equal(a.state, "closed", "a success in between begins the count anew");
  b.answered(TARGET, CONTEXT, { status: 500, latencyMs: 1 });
  assert.equal(a.state, "open");
  assert.equal(b.state, "open");
  assert.equal(a.admits(request()), false);
  assert.deepEqual(told, ["open"], "one thread tells");
});

Deno.test("breaker: what is the client's or the proxy's doing counts as nothing", () => {
  const { a } = breakersOf({ failureThreshold: 1 });
  for (const code of ["client_closed", "body_too_large", "internal_bug", "upstream_queue_full"] as const) {
    a.failed(TARGET, CONTEXT, code);
    assert.equal(a.state, "closed", code);
  }
  a.failed(TARGET, CONTEXT, "upstream_read_timeout");
  assert.equal(a.state, "open");
});

Deno.test("breaker: half-open after its time, never more trials than allowed in all threads", () => {
  const rig = breakersOf();
  const { a, b, time, told } = rig;
  fail(a, 3);
  time.now += 9_900;
  a.tick(time.now);
  assert.equal(a.state, "open");
  time.now += 100;
  b.tick(time.now);
  a.tick(time.now);
  assert.equal(a.state, "half-open");
  assert.deepEqual(told, ["open", "half-open"]);
  const first = request();
  assert.equal(a.admits(first), true);
  assert.equal(b.admits(request()), true);
  assert.equal(a.admits(request()), false);
  assert.equal(b.admits(request()), false);
  assert.equal(a.trials, 2);
  a.release(first);
  a.ended(TARGET, first);
  assert.equal(a.trials, 1, "given back once");
  assert.equal(b.admits(request()), true);
});

Deno.test("breaker: enough successes close it, one failure opens it again for the whole time", () => {
  const rig = breakersOf();
  halfOpen(rig);
  tried(rig.a, 200);
  assert.equal(rig.a.state, "half-open");
  tried(rig.b, 404);
  assert.equal(rig.a.state, "closed");
  halfOpen(rig);
  tried(rig.a, 200);
  tried(rig.b, 0);
  assert.equal(rig.a.state, "open");
  rig.time.now += 9_900;
  rig.a.tick(rig.time.now);
  assert.equal(rig.a.state, "open");
  rig.time.now += 100;
  rig.a.tick(rig.time.now);
  assert.equal(rig.a.state, "half-open");
  tried(rig.a, 200);
  assert.equal(rig.a.state, "half-open", "successes of the last time do not count");
});

Deno.test("breaker: more successes wanted than trials at a time does not get it stuck", () => {
  const rig = breakersOf({ successThreshold: 5, halfOpenMaxRequests: 1 });
  halfOpen(rig);
  for (let i = 0; i < 5; i++) {
    tried(rig.a, 200);
  }
  assert.equal(rig.a.state, "closed");
});

Deno.test("breaker: trials without a verdict, as of a dead thread, hold it up for its time only", () => {
  const rig = breakersOf({ halfOpenMaxRequests: 1 });
  halfOpen(rig);
  const lost = request();
  assert.equal(rig.b.admits(lost), true);
  assert.equal(rig.a.admits(request()), false);
  rig.time.now += 10_000;
  rig.a.tick(rig.time.now);
  assert.equal(rig.a.admits(request()), true);
  rig.b.release(lost);
  assert.equal(rig.a.trials, 1, "a place of an earlier time is not given back twice");
});

Deno.test("breaker: late failures of requests sent before it opened change nothing", () => {
  const rig = breakersOf();
  fail(rig.a, 20);
  assert.deepEqual(rig.told, ["open"]);
  rig.a.answered(TARGET, CONTEXT, { status: 200, latencyMs: 1 });
  assert.equal(rig.a.state, "open");
});

Deno.test("breaker: half-open, only the requests being tried count, not late ones from before", () => {
  const rig = breakersOf({ successThreshold: 1 });
  const late = request();
  assert.equal(rig.b.admits(late), true);
  halfOpen(rig);
  rig.b.failed(TARGET, late, "upstream_read_timeout");
  assert.equal(rig.a.state, "half-open", "a request that hung since before says nothing of now");
  rig.b.answered(TARGET, late, { status: 200, latencyMs: 1 });
  assert.equal(rig.a.state, "half-open");
  tried(rig.b, 200);
  assert.equal(rig.a.state, "closed");
});

Deno.test("breaker: a trial that outlasts its half-open time still counts, and one whose body breaks off", () => {
  const rig = breakersOf({ halfOpenMaxRequests: 1 });
  halfOpen(rig);
  const slow = request();
  assert.equal(rig.a.admits(slow), true);
  rig.time.now += 10_000;
  rig.a.tick(rig.time.now);
  rig.a.answered(TARGET, slow, { status: 200, latencyMs: 1 });
  rig.a.release(slow);
  rig.a.failed(TARGET, slow, "upstream_body_aborted");
  assert.equal(rig.a.state, "open");
  rig.a.ended(TARGET, slow);
});

Deno.test("breaker: a check that hears from a silent target again allows trials at once", () => {
  for (const [how, want] of [["silent", "half-open"], ["bad", "open"]] as const) {
    const { a, time, records } = breakersOf();
    if (how === "silent") fail(a, 3);
    else for (let i = 0; i < 3; i++) a.answered(TARGET, CONTEXT, { status: 500, latencyMs: 1 });
    time.now += 500;
    a.tick(time.now);
    assert.equal(a.state, "open");
    records[1]!.foundWell(time.now);
    a.tick(time.now);
    assert.equal(a.state, want, how);
  }
});
