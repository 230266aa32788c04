import { deepEqual, equal } from "node:assert/strict";
import { Quarantine, type QuarantineState } from "./quarantine.ts";

function rig(traps = 3) {
  const states: QuarantineState[] = [];
  const options = { traps, windowSecs: 10, retrySecs: 60 };
  return { quarantine: new Quarantine(options, (state) => states.push(state)), states };
}

Deno.test("quarantine: below, at and above the number of traps within the window", () => {
  const table = [
    { name: "one too few", times: [0, 100], out: false },
    { name: "just enough, just within", times: [0, 100, 10_000], out: true },
    { name: "just outside", times: [0, 100, 10_001], out: false },
    { name: "the window slides", times: [0, 9_000, 10_001, 18_999], out: true },
  ];
  for (const { name, times, out } of table) {
    const { quarantine } = rig();
    for (const time of times) quarantine.trapped(time);
    equal(quarantine.allows(times.at(-1)!), !out, name);
  }
  const { quarantine } = rig(1);
  quarantine.trapped(5);
  equal(quarantine.state, "out-of-service");
});

Deno.test("quarantine: one call is tried after the pause, and decides", () => {
  const { quarantine, states } = rig(1);
  quarantine.trapped(0);
  equal(quarantine.allows(59_999), false);
  equal(quarantine.allows(60_000), true);
  equal(quarantine.allows(60_000), false, "one at a time");
  quarantine.trapped(60_100);
  equal(quarantine.allows(120_099), false);
  equal(quarantine.allows(120_100), true);
  quarantine.passed();
  equal(quarantine.allows(120_101) && quarantine.allows(120_101), true);
  deepEqual(states, ["out-of-service", "trial", "out-of-service", "trial", "in-service"]);
});

Deno.test("quarantine: a trial that was not made leaves room for the next, without a word", () => {
  const { quarantine, states } = rig(1);
  quarantine.trapped(0);
  quarantine.allows(60_000);
  quarantine.abandoned();
  equal(quarantine.state, "out-of-service");
  equal(quarantine.allows(60_000), true);
  deepEqual(states, ["out-of-service", "trial", "trial"]);
});

Deno.test("quarantine: back in service the old traps are forgotten", () => {
  const { quarantine } = rig(2);
  quarantine.trapped(0);
  quarantine.trapped(1);
  quarantine.allows(60_001);
  quarantine.passed();
  quarantine.trapped(60_002);
  equal(quarantine.state, "in-service");
});
