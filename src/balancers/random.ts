import type { Random } from "../core/ports.ts";
import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import type { Target } from "./balancer.ts";
import { type NoOptions, noOptions } from "./no_options.ts";

/** A target drawn at random, all alike. */
export const random: BalancerKind<"random", NoOptions> = {
  type: "random",
  aliases: [],
  summary: "Any target at random, whatever its weight.",
  options: noOptions,
  shares: "equal",
  create<T extends Target>(_options: NoOptions, { random }: BalancerDeps<T>) {
    return {
      pick: (usable: readonly T[], _context: unknown, excluded: readonly T[] | null) =>
        drawAny(usable, excluded, random),
    };
  },
};

/** One of the members at random that is not excluded; undefined when none is left. */
export function drawAny<T>(
  members: readonly T[],
  excluded: readonly T[] | null,
  random: Random,
): T | undefined {
  const left = excluded === null ? members : members.filter((member) => !excluded.includes(member));
  return left[Math.floor(random.u32() / 2 ** 32 * left.length)];
}
