import type { Clock as ClockPort } from "../../core/ports.ts";
import type { Clock } from "../contract/sentinel_types.ts";
import type { Capability, CommonDeps } from "./capability.ts";

/** What `clock` is made from. */
export interface ClockDeps extends CommonDeps {
  readonly clock: ClockPort;
}

/** The time, read from the same clocks as the proxy's own logs and deadlines. */
export const clockCapability = {
  name: "clock",
  key: "clock",
  summary: "Wall clock and monotonic clock, in milliseconds.",
  create: createClock,
} as const satisfies Capability<"clock", ClockDeps>;

function createClock({ clock, meter }: ClockDeps): Clock {
  return {
    wallMs() {
      meter.call("clock", 0);
      return clock.wallMs();
    },
    monotonicMs() {
      meter.call("clock", 0);
      return clock.nowMs();
    },
  };
}
