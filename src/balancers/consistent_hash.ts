import type { RequestContext } from "../core/context.ts";
import { block, decimal, integer } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import { Admission } from "./admission.ts";
import type { Balancer, Target } from "./balancer.ts";
import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import { hashKey, type RequestHash, requestHash } from "./hash_key.ts";
import { LoadView, needsChanges } from "./load_view.ts";
import { Ring } from "./ring.ts";

const options = block({
  summary: "Options of consistent-hash.",
  always: true,
  fields: {
    hashKey: hashKey({ summary: "What of a request decides its target." }),
    replicas: integer({
      summary: "Points of a target on the ring; more spread keys more evenly.",
      aliases: ["virtual-nodes", "vnodes"],
      min: 1,
      max: 10_000,
      default: 1000,
    }),
    loadBound: decimal({
      summary: "Most that a target takes of the even load, in requests in flight; 0 means no bound.",
      aliases: ["bounded-load", "load-factor", "balance-factor"],
      min: 0,
      max: 100,
      default: 1.25,
    }),
  },
  check({ loadBound }, report) {
    if (loadBound !== 0 && loadBound <= 1) report("loadBound", `"load-bound" must be 0 or above 1`);
  },
});

type Options = Infer<typeof options>;

/**
 * The first target clockwise from the request's hash on a ring, unless it has more than its share of requests
 * in flight, then the next one (Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads",
 * 2016). The ring is over all targets: those that are not usable are passed over, so that their keys alone move.
 */
export const consistentHash: BalancerKind<"consistent-hash", Options> = {
  type: "consistent-hash",
  aliases: ["consistenthash", "ring-hash", "ketama"],
  summary: "The same target for the same key, from a ring; few keys move when targets come or go.",
  options,
  shares: "by-key",
  create: <T extends Target>(given: Options, deps: BalancerDeps<T>) => new ConsistentHash(given, deps),
};

class ConsistentHash<T extends Target> implements Balancer<T> {
  readonly watchesLoad: boolean;
  readonly #targets: readonly T[];
  readonly #hash: RequestHash;
  readonly #ring: Ring;
  readonly #admission: Admission<T>;
  readonly #loadBound: number;
  readonly #view: LoadView<T>;
  #usable: readonly T[] | undefined;
  #usableWeight = 0;

  constructor(given: Options, deps: BalancerDeps<T>) {
    this.#targets = deps.targets;
    this.#hash = requestHash(given.hashKey);
    this.#ring = new Ring(deps.targets, given.replicas);
    this.#admission = new Admission(deps.targets.length);
    this.#loadBound = given.loadBound;
    this.#view = new LoadView(deps, () => {});
    this.watchesLoad = given.loadBound > 0 && needsChanges(deps);
  }

  pick(usable: readonly T[], context: RequestContext, excluded: readonly T[] | null): T | undefined {
    if (usable !== this.#usable) this.#adopt(usable);
    if (this.#loadBound > 0) this.#view.update();
    const key = this.#hash(context);
    const ring = this.#ring;
    const start = ring.pointAt(key);
    // The first that is usable, for when nobody has room or all are in slow start.
    let any: T | undefined;
    for (let step = 0, point = start; step < ring.size; step++, point = ring.next(point)) {
      const index = ring.owner(point);
      if (!this.#admission.isUsable(index)) continue;
      const target = this.#targets[index]!;
      if (excluded !== null && excluded.includes(target)) continue;
      if (this.#admission.admits(index, key) && this.#hasRoom(target)) return target;
      any ??= target;
    }
    return any;
  }

  #hasRoom({ weight, record }: T): boolean {
    if (this.#loadBound === 0) return true;
    const even = (this.#view.total + 1) * weight / this.#usableWeight;
    return record.inFlight < Math.ceil(even * this.#loadBound);
  }

  #adopt(usable: readonly T[]): void {
    this.#usable = usable;
    this.#admission.adopt(usable);
    this.#usableWeight = usable.reduce((sum, { weight }) => sum + weight, 0);
  }
}
