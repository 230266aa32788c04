import { deepEqual } from "node:assert/strict";
import { clockCapability } from "./clock.ts";
import { hostFixture } from "../../../tests/support/host_fixture.ts";

Deno.test("clock: both clocks are the proxy's", () => {
  const { deps, time, metered } = hostFixture();
  const clock = clockCapability.create(deps);
  deepEqual([clock.monotonicMs(), clock.wallMs()], [1000, 1_700_000_000_000]);
  time.nowMs = 1000.25;
  time.wallMs = 1_600_000_000_000;
  deepEqual([clock.monotonicMs(), clock.wallMs()], [1000.25, 1_600_000_000_000]);
  deepEqual(metered, Array(4).fill("call clock 0"));
});
