import type { RequestContext } from "../core/context.ts";
import { block, integer, oneOf, text } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import type { Balancer, Target } from "./balancer.ts";
import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import { hashText, mix } from "./hash.ts";
import { leastConnections } from "./least_connections.ts";
import { random } from "./random.ts";
import { roundRobin } from "./round_robin.ts";

const INNER = { "round-robin": roundRobin, random, "least-connections": leastConnections } as const;

const options = block({
  summary: "Options of deterministic-subset.",
  always: true,
  fields: {
    subsetSize: integer({ summary: "Targets used.", aliases: ["size"], min: 1, max: 100_000, default: 10 }),
    subsetId: text({
      summary: "What tells this proxy from others; left out, the machine's name.",
      aliases: ["proxy-id", "instance-id"],
    }),
    inner: oneOf({
      summary: "How one of the subset is chosen.",
      aliases: ["inner-algorithm"],
      values: {
        "round-robin": ["roundrobin"],
        random: [],
        "least-connections": ["leastconnections", "least-conn"],
      },
      default: "round-robin",
    }),
  },
});

type Options = Infer<typeof options>;

/**
 * Of many targets this proxy uses a few, another proxy others, so that each target has connections to a few
 * proxies. Targets are ranked by the hash of their address with the proxy's id; the first ones that are usable
 * are the subset, in all threads and after a restart the same.
 */
export const deterministicSubset: BalancerKind<"deterministic-subset", Options> = {
  type: "deterministic-subset",
  aliases: ["deterministicsubset", "subset", "subsetting"],
  summary: "A few of the targets in turn, chosen by this proxy's name.",
  options,
  shares: "equal",
  create: <T extends Target>(given: Options, deps: BalancerDeps<T>) => new Subset(given, deps),
};

class Subset<T extends Target> implements Balancer<T> {
  readonly watchesLoad: boolean;
  readonly #size: number;
  readonly #inner: Balancer<T>;
  /** Indexes of the targets, the first choice first. */
  readonly #ranking: readonly number[];
  #usable: readonly T[] | undefined;
  #subset: readonly T[] = [];

  constructor(given: Options, deps: BalancerDeps<T>) {
    this.#size = given.subsetSize;
    this.#inner = INNER[given.inner].create({}, deps);
    this.watchesLoad = this.#inner.watchesLoad ?? false;
    const id = hashText(given.subsetId ?? deps.instance);
    const ranks = new Map(deps.targets.map(({ index, address }) => [index, mix(hashText(address) ^ id)]));
    this.#ranking = [...ranks.keys()].sort((a, b) => ranks.get(a)! - ranks.get(b)!);
  }

  pick(usable: readonly T[], context: RequestContext, excluded: readonly T[] | null): T | undefined {
    if (usable !== this.#usable) this.#adopt(usable);
    const target = this.#inner.pick(this.#subset, context, excluded);
    if (target !== undefined || excluded === null) return target;
    // All of the subset was tried: the next in the ranking, rather than none.
    return this.#ranked(usable).find((other) => !excluded.includes(other));
  }

  #adopt(usable: readonly T[]): void {
    this.#usable = usable;
    this.#subset = this.#ranked(usable).slice(0, this.#size).sort((a, b) => a.index - b.index);
  }

  #ranked(usable: readonly T[]): T[] {
    const byIndex = new Map(usable.map((target) => [target.index, target]));
    return this.#ranking.flatMap((index) => byIndex.get(index) ?? []);
  }
}
