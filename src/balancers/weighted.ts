import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import type { Target } from "./balancer.ts";
import { type NoOptions, noOptions } from "./no_options.ts";
import { Turns } from "./turns.ts";

/** Smooth weighted round robin; see `Turns`. */
export const weighted: BalancerKind<"weighted", NoOptions> = {
  type: "weighted",
  aliases: ["weighted-round-robin", "weightedroundrobin"],
  summary: "Targets in turn, as often as their weights say.",
  options: noOptions,
  shares: "by-weight",
  create<T extends Target>(_options: NoOptions, { targets }: BalancerDeps<T>) {
    const turns = new Turns<T>(new Float64Array(targets.length));
    return {
      pick: (usable: readonly T[], _context: unknown, excluded: readonly T[] | null) =>
        turns.next(usable, excluded),
    };
  },
};
