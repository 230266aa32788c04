import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import type { Target } from "./balancer.ts";
import { type NoOptions, noOptions } from "./no_options.ts";

/** Targets in turn, weights above 0 all the same. Each thread and configuration counts for itself. */
export const roundRobin: BalancerKind<"round-robin", NoOptions> = {
  type: "round-robin",
  aliases: ["roundrobin"],
  summary: "Every target in turn, whatever its weight.",
  options: noOptions,
  shares: "equal",
  create<T extends Target>(_options: NoOptions, _deps: BalancerDeps<T>) {
    const rotation = new Rotation<T>();
    return {
      pick: (usable: readonly T[], _context: unknown, excluded: readonly T[] | null) =>
        rotation.next(usable, excluded),
    };
  },
};

/** Takes members of a changing list in turn. */
export class Rotation<T extends Target> {
  /** Index of the target that is next, if it can be. */
  #next = 0;
  #known: readonly T[] | undefined;
  /** Place of the one that is next in the known list. */
  #place = 0;

  /** The next one that is not in `excluded`. `members` are in the order of their indexes. */
  next(members: readonly T[], excluded: readonly T[] | null): T | undefined {
    const { length } = members;
    if (members !== this.#known) {
      this.#known = members;
      this.#place = placeFrom(members, this.#next);
    }
    for (let step = 0; step < length; step++) {
      const place = this.#place < length ? this.#place : 0;
      const target = members[place]!;
      this.#place = place + 1;
      if (excluded !== null && excluded.includes(target)) continue;
      this.#next = target.index + 1;
      return target;
    }
    return undefined;
  }
}

/** Place of the first member from an index on, or the list's length. */
function placeFrom(members: readonly Target[], index: number): number {
  const place = members.findIndex((target) => target.index >= index);
  return place < 0 ? members.length : place;
}
