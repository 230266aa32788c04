import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import type { Target } from "./balancer.ts";
import { type NoOptions, noOptions } from "./no_options.ts";
import { Scoreboard } from "./scoreboard.ts";

/**
 * The target with the fewest requests in flight, all threads together; equals take turns. A target in slow start
 * counts as busier than it is.
 */
export const leastConnections: BalancerKind<"least-connections", NoOptions> = {
  type: "least-connections",
  aliases: ["leastconnections", "least-conn", "least-requests"],
  summary: "The target with the fewest requests in flight, whatever its weight.",
  options: noOptions,
  shares: "equal",
  create<T extends Target>(_options: NoOptions, deps: BalancerDeps<T>) {
    return new Scoreboard(deps, {
      score: ({ ramp }: T, inFlight) => inFlight / ramp,
      share: ({ ramp }: T) => ramp,
    });
  },
};
