import type { Target } from "./balancer.ts";
import type { BalancerKind } from "./balancer_kind.ts";

/**
 * Smooth weighted round robin, as nginx has it (commit 52327e0627, "Upstream: smooth weighted
 * round-robin balancing"): every turn each target gains its weight, the richest is picked and pays the
 * sum of all weights. Exact over a cycle, and never in bursts: weights 5, 1, 1 give a a b a c a a.
 */
export const weighted: BalancerKind<"weighted"> = {
  type: "weighted",
  aliases: ["weighted-round-robin", "weighted_round_robin", "weightedroundrobin"],
  summary: "Targets in turn, as often as their weights say.",
  create<T extends Target>(targets: readonly T[]) {
    const credits = new Map<T, number>(targets.map((target) => [target, 0]));
    return {
      pick(usable: readonly T[]): T {
        let best = usable[0]!;
        let bestCredit = -Infinity;
        let total = 0;
        for (const target of usable) {
          const credit = (credits.get(target) ?? 0) + target.weight;
          credits.set(target, credit);
          total += target.weight;
          if (credit > bestCredit) {
            best = target;
            bestCredit = credit;
          }
        }
        credits.set(best, bestCredit - total);
        return best;
      },
    };
  },
};
