import type { RequestContext } from "../core/context.ts";
import type { Balancer, Target } from "./balancer.ts";
import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import { Admission } from "./admission.ts";
import { hashText } from "./hash.ts";
import { type NoOptions, noOptions } from "./no_options.ts";

/**
 * The target whose hash together with the client's address is the highest (rendezvous hashing: Thaler and
 * Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998). When a target drops out, only its own
 * clients go elsewhere, and they spread over all others.
 */
export const ipHash: BalancerKind<"ip-hash", NoOptions> = {
  type: "ip-hash",
  aliases: ["iphash", "source-ip", "client-ip"],
  summary: "The same target for the same client address, whatever the weights.",
  options: noOptions,
  shares: "by-key",
  create: <T extends Target>(_options: NoOptions, deps: BalancerDeps<T>) => new IpHash(deps.targets),
};

class IpHash<T extends Target> implements Balancer<T> {
  readonly #admission: Admission<T>;
  #usable: readonly T[] | undefined;
  #seeds = new Int32Array(0);

  constructor(targets: readonly T[]) {
    this.#admission = new Admission(targets.length);
  }

  pick(usable: readonly T[], { clientIp }: RequestContext, excluded: readonly T[] | null): T | undefined {
    if (usable !== this.#usable) this.#adopt(usable);
    const key = hashText(clientIp);
    if (excluded !== null) return this.#pickOther(usable, key, excluded);
    const place = highest(this.#seeds, key);
    const target = usable[place];
    if (target === undefined || target.ramp === 1 || this.#admission.admits(target.index, key)) return target;
    return this.#pickOther(usable, key, []) ?? target;
  }

  /** In order of the hashes: who is not excluded, and in slow start takes the key already. */
  #pickOther(usable: readonly T[], key: number, excluded: readonly T[]): T | undefined {
    let best: T | undefined;
    let bestHash = -Infinity;
    let late: T | undefined;
    for (const [place, target] of usable.entries()) {
      if (excluded.includes(target)) continue;
      if (!this.#admission.admits(target.index, key)) {
        late ??= target;
        continue;
      }
      const hash = together(this.#seeds[place]!, key);
      if (hash > bestHash) {
        best = target;
        bestHash = hash;
      }
    }
    return best ?? late;
  }

  #adopt(usable: readonly T[]): void {
    this.#usable = usable;
    this.#admission.adopt(usable);
    this.#seeds = Int32Array.from(usable, ({ address }) => hashText(address));
  }
}

/** Hash of a target and a key, as a number with a sign, which is the cheaper to compare: `mix` without its last step. */
function together(seed: number, key: number): number {
  let h = seed ^ key;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
}

/** Place of the seed whose hash with the key is the highest. */
function highest(seeds: Int32Array, key: number): number {
  let best = 0;
  let bestHash = -(2 ** 31);
  for (let place = 0; place < seeds.length; place++) {
    const hash = together(seeds[place]!, key);
    if (hash > bestHash) {
      best = place;
      bestHash = hash;
    }
  }
  return best;
}
