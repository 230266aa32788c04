import type { BalancerKind } from "./balancer_kind.ts";
import type { Target } from "./balancer.ts";

/** Targets in turn, weights above 0 all the same. Each thread and configuration counts for itself. */
export const roundRobin: BalancerKind<"round-robin"> = {
  type: "round-robin",
  aliases: ["round_robin", "roundrobin"],
  summary: "Every target in turn, whatever its weight.",
  create<T extends Target>(targets: readonly T[]) {
    const places = new Map<T, number>(targets.map((target, place) => [target, place]));
    let next = 0;
    return {
      pick(usable: readonly T[]): T {
        let picked = usable[0]!;
        if (usable.length === targets.length) {
          if (next < usable.length) picked = usable[next]!;
        } else {
          picked = usable.find((target) => places.get(target)! >= next) ?? picked;
        }
        next = places.get(picked)! + 1;
        return picked;
      },
    };
  },
};
