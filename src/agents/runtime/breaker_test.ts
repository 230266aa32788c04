import { deepEqual, equal } from "node:assert/strict";
import { Breaker, type BreakerState } from "./breaker.ts";

const OPTIONS = { failureThreshold: 3, successThreshold: 2, timeoutSecs: 10, halfOpenMaxRequests: 1 };

function rig(changes: Partial<typeof OPTIONS> = {}) {
  const states: BreakerState[] = [];
  return { breaker: new Breaker({ ...OPTIONS, ...changes }, (state) => states.push(state)), states };
}

Deno.test("breaker: failures in a row open it, a success between starts the count anew", () => {
  const { breaker, states } = rig();
  breaker.failed(0);
  breaker.failed(0);
  breaker.succeeded();
  breaker.failed(0);
  breaker.failed(0);
  equal(breaker.allows(0), true);
  breaker.failed(0);
  equal(breaker.allows(9_999), false);
  deepEqual(states, ["open"]);
});

Deno.test("breaker: after the pause as many trials as allowed, whose successes close it", () => {
  const { breaker, states } = rig();
  for (let i = 0; i < 3; i++) breaker.failed(0);
  equal(breaker.allows(10_000), true);
  equal(breaker.allows(10_000), false, "one trial at a time");
  breaker.succeeded();
  equal(breaker.state, "half-open");
  equal(breaker.allows(10_001), true);
  breaker.succeeded();
  deepEqual(states, ["open", "half-open", "closed"]);
  equal(breaker.allows(10_002) && breaker.allows(10_002), true);
});

Deno.test("breaker: a failed trial opens it again, an abandoned one makes room for another", () => {
  const { breaker } = rig();
  for (let i = 0; i < 3; i++) breaker.failed(0);
  breaker.allows(10_000);
  breaker.abandoned();
  equal(breaker.allows(10_000), true);
  breaker.failed(10_500);
  equal(breaker.state, "open");
  equal(breaker.allows(20_499), false);
  equal(breaker.allows(20_500), true);
});

Deno.test("breaker: more successes than trials at a time do not leave it half open", () => {
  const { breaker } = rig({ successThreshold: 5, halfOpenMaxRequests: 2 });
  for (let i = 0; i < 3; i++) breaker.failed(0);
  for (let i = 0; i < 5; i++) {
    equal(breaker.allows(10_000), true);
    breaker.succeeded();
  }
  equal(breaker.state, "closed");
});

Deno.test("breaker: calls that began before it opened change nothing when they fail", () => {
  const { breaker } = rig();
  for (let i = 0; i < 3; i++) breaker.failed(0);
  breaker.failed(9_000);
  equal(breaker.allows(10_000), true);
});
