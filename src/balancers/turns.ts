import type { Target } from "./balancer.ts";

/**
 * Smooth weighted round robin, as nginx has it (commit 52327e0627, "Upstream: smooth weighted round-robin
 * balancing"): every turn each target gains its weight, the richest is picked and pays the sum of all weights.
 * Exact over a cycle, and never in bursts: weights 5, 1, 1 give a a b a c a a.
 */
export class Turns<T extends Target> {
  /** By index among the upstream's targets. */
  readonly #credits: Float64Array;
  #known: readonly T[] | undefined;
  #shares = new Float64Array(0);
  #places = new Int32Array(0);

  /** `credits` has a place for every target of the upstream; lists without common members may share it. */
  constructor(credits: Float64Array) {
    this.#credits = credits;
  }

  /** Whose turn it is among `members`, none of `excluded`. The same array has the same contents. */
  next(members: readonly T[], excluded: readonly T[] | null): T | undefined {
    if (members !== this.#known) this.#adopt(members);
    if (excluded !== null) return this.#nextOther(members, excluded);
    const shares = this.#shares;
    const places = this.#places;
    const credits = this.#credits;
    let best = -1;
    let bestCredit = -Infinity;
    let total = 0;
    for (let i = 0; i < shares.length; i++) {
      const share = shares[i]!;
      const place = places[i]!;
      const credit = credits[place]! + share;
      credits[place] = credit;
      total += share;
      if (credit > bestCredit) {
        best = i;
        bestCredit = credit;
      }
    }
    if (best < 0) return undefined;
    credits[places[best]!] = bestCredit - total;
    return members[best];
  }

  /** A turn that some pass over: they keep what they have. */
  #nextOther(members: readonly T[], excluded: readonly T[]): T | undefined {
    const others = members.filter((target) => !excluded.includes(target));
    let best: T | undefined;
    let total = 0;
    for (const target of others) {
      const share = target.weight * target.ramp;
      total += share;
      this.#credits[target.index]! += share;
      if (best === undefined || this.#credits[target.index]! > this.#credits[best.index]!) best = target;
    }
    if (best !== undefined) this.#credits[best.index]! -= total;
    return best;
  }

  #adopt(members: readonly T[]): void {
    // Who was away begins anew, instead of being owed for the time.
    const stayed = new Set(this.#places);
    this.#known = members;
    this.#places = Int32Array.from(members, ({ index }) => index);
    this.#shares = Float64Array.from(members, ({ weight, ramp }) => weight * ramp);
    for (const place of this.#places) if (!stayed.has(place)) this.#credits[place] = 0;
  }
}
