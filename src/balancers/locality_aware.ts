import type { RequestContext } from "../core/context.ts";
import { block, decimal, flag, text, texts } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import type { Random } from "../core/ports.ts";
import type { Balancer, Target } from "./balancer.ts";
import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import { Sampler } from "./sampler.ts";
import { Turns } from "./turns.ts";

const options = block({
  summary: "Options of locality-aware.",
  always: true,
  fields: {
    zone: text({ summary: "Zone this proxy is in.", aliases: ["local-zone"], example: "eu-west-1a" }),
    zones: texts({
      summary: "Other zones, the one to use first first; those not named come last.",
      aliases: ["zone-priority", "priorities", "fallback-zones"],
    }),
    overprovisioning: decimal({
      summary:
        "How much more than its share a zone can carry: with 1.4, a zone of which 5 of 7 targets are left keeps all.",
      aliases: ["overprovisioning-factor"],
      min: 1,
      max: 100,
      default: 1.4,
    }),
    failLocal: flag({
      summary: "Use targets of this proxy's zone only.",
      aliases: ["local-only"],
      default: false,
    }),
  },
  check({ failLocal, zone }, report) {
    if (failLocal && zone === undefined) report("failLocal", `"fail-local" needs "zone" too`);
  },
});

type Options = Infer<typeof options>;

/**
 * Targets near by, as their weights say, as long as there are enough of them. Targets form levels: first by
 * `priority`, within one first this proxy's zone, then the named zones in order, then all others. A level that
 * has lost targets passes on what the rest of it cannot carry (Envoy's priority levels, the arithmetic included).
 */
export const localityAware: BalancerKind<"locality-aware", Options> = {
  type: "locality-aware",
  aliases: ["localityaware", "locality", "zone-aware"],
  summary: "Targets of the own zone by weight, and of others when too few of those are left.",
  options,
  shares: "by-weight",
  create: <T extends Target>(given: Options, deps: BalancerDeps<T>) => new LocalityAware(given, deps),
};

interface Level<T extends Target> {
  readonly rank: number;
  /** Sum of the weights of all its targets, usable or not. */
  readonly weight: number;
  readonly turns: Turns<T>;
  members: readonly T[];
}

class LocalityAware<T extends Target> implements Balancer<T> {
  readonly #options: Options;
  readonly #random: Random;
  /** Nearest first. */
  readonly #levels: readonly Level<T>[];
  /** How much of the traffic each level gets. */
  readonly #shares: Sampler;
  /** The level that gets everything, as is usual; -1 when several share. */
  #only = -1;
  #usable: readonly T[] | undefined;

  constructor(given: Options, { targets, random }: BalancerDeps<T>) {
    this.#options = given;
    this.#random = random;
    const byRank = Map.groupBy(
      targets.filter((target) => target.weight > 0 && !this.#isForbidden(target)),
      (target) => this.#rank(target),
    );
    // A target is in one level only, so that all of them can keep their credits in one place.
    const credits = new Float64Array(targets.length);
    const all: [rank: number, members: readonly T[]][] = [...byRank].sort(([a], [b]) => a - b);
    this.#levels = all.map(([rank, members]) => ({
      rank,
      weight: members.reduce((sum, { weight }) => sum + weight, 0),
      turns: new Turns<T>(credits),
      members: [],
    }));
    this.#shares = new Sampler(Math.max(1, this.#levels.length), this.#random);
  }

  pick(usable: readonly T[], _context: RequestContext, excluded: readonly T[] | null): T | undefined {
    if (usable !== this.#usable) this.#adopt(usable);
    const drawn = this.#only >= 0 ? this.#only : this.#shares.draw();
    const level = drawn === undefined ? undefined : this.#levels[drawn];
    const target = level?.turns.next(level.members, excluded);
    if (target !== undefined || excluded === null) return target;
    for (const { turns, members } of this.#levels) {
      const other = turns.next(members, excluded);
      if (other !== undefined) return other;
    }
    return undefined;
  }

  #isForbidden({ zone }: T): boolean {
    return this.#options.failLocal && zone !== this.#options.zone;
  }

  /** Priority first, then how near its zone is. */
  #rank({ priority, zone }: T): number {
    const { zone: own, zones } = this.#options;
    const named = zone === undefined ? -1 : zones.indexOf(zone);
    const distance = zone !== undefined && zone === own ? 0 : named >= 0 ? named + 1 : zones.length + 1;
    return priority * (zones.length + 2) + distance;
  }

  #adopt(usable: readonly T[]): void {
    this.#usable = usable;
    const byRank = Map.groupBy(usable.filter((target) => !this.#isForbidden(target)), (t) => this.#rank(t));
    for (const level of this.#levels) level.members = byRank.get(level.rank) ?? [];
    // What each level can carry of all traffic; if that is not enough for all, everybody carries more.
    const capacities = this.#levels.map(({ members, weight }) => {
      const left = members.reduce((sum, target) => sum + target.weight * target.ramp, 0);
      return Math.min(1, left / weight * this.#options.overprovisioning);
    });
    const sum = Math.min(1, capacities.reduce((total, capacity) => total + capacity, 0));
    let left = 1;
    for (const [at, capacity] of capacities.entries()) {
      const share = sum === 0 ? 0 : Math.min(left, capacity / sum);
      left -= share;
      this.#shares.set(at, share < 1e-9 ? 0 : share);
    }
    this.#only = this.#levels.findIndex((_, at) => this.#shares.weight(at) === this.#shares.total);
    if (this.#shares.total === 0) this.#only = -1;
  }
}
