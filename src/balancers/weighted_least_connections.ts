import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import type { Target } from "./balancer.ts";
import { type NoOptions, noOptions } from "./no_options.ts";
import { Scoreboard } from "./scoreboard.ts";

/** The target with the fewest requests in flight for its weight; equals take turns as their weights say. */
export const weightedLeastConnections: BalancerKind<"weighted-least-connections", NoOptions> = {
  type: "weighted-least-connections",
  aliases: ["weightedleastconnections", "weighted-least-conn", "wlc"],
  summary: "The target with the fewest requests in flight for its weight.",
  options: noOptions,
  shares: "by-weight",
  create<T extends Target>(_options: NoOptions, deps: BalancerDeps<T>) {
    return new Scoreboard(deps, {
      score: ({ weight, ramp }: T, inFlight) => inFlight / (weight * ramp),
      share: ({ weight, ramp }: T) => weight * ramp,
    });
  },
};
