import { block, integer, oneOf } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import type { RequestContext } from "../core/context.ts";
import type { Balancer, LoadObserver, Target } from "./balancer.ts";
import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import { LatencyObserver, latencyUs } from "./latency.ts";
import { Sampler } from "./sampler.ts";

const CHOICES_MAX = 16;
const DECAY_SECS = 10;

const options = block({
  summary: "Options of power-of-two-choices.",
  always: true,
  fields: {
    choices: integer({ summary: "Targets drawn.", min: 2, max: CHOICES_MAX, default: 2 }),
    loadMetric: oneOf({
      summary: "What is compared: requests in flight, latency, or both together.",
      aliases: ["metric"],
      values: { connections: ["requests"], latency: [], combined: [] },
      default: "connections",
    }),
  },
});

type Options = Infer<typeof options>;

/**
 * A few targets are drawn by weight, and the least loaded of them is taken: nearly as good as looking at all
 * (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
 */
export const powerOfTwoChoices: BalancerKind<"power-of-two-choices", Options> = {
  type: "power-of-two-choices",
  aliases: ["poweroftwochoices", "power-of-two", "p2c"],
  summary: "The least loaded of two targets drawn by weight.",
  options,
  shares: "by-weight",
  create: <T extends Target>(given: Options, deps: BalancerDeps<T>) => new PowerOfChoices(given, deps),
};

class PowerOfChoices<T extends Target> implements Balancer<T> {
  readonly observer?: LoadObserver<T>;
  readonly #options: Options;
  readonly #deps: BalancerDeps<T>;
  readonly #sampler: Sampler;
  readonly #isUsable: Uint8Array;
  #usable: readonly T[] | undefined;

  constructor(given: Options, deps: BalancerDeps<T>) {
    this.#options = given;
    this.#deps = deps;
    this.#sampler = new Sampler(deps.targets.length, deps.random);
    this.#isUsable = new Uint8Array(deps.targets.length);
    if (given.loadMetric !== "connections") {
      this.observer = new LatencyObserver(deps.clock, DECAY_SECS * 1000);
    }
  }

  pick(usable: readonly T[], _context: RequestContext, excluded: readonly T[] | null): T | undefined {
    if (usable !== this.#usable) this.#adopt(usable);
    if (excluded !== null) { for (const { index } of excluded) this.#sampler.set(index, 0); }
    let best: T | undefined;
    let bestLoad = Infinity;
    for (let draw = 0; draw < this.#options.choices; draw++) {
      const drawn = this.#sampler.draw();
      if (drawn === undefined) break;
      const target = this.#deps.targets[drawn]!;
      if (target === best) continue;
      const load = this.#load(target);
      if (load < bestLoad) {
        best = target;
        bestLoad = load;
      }
    }
    if (excluded !== null) { for (const target of excluded) this.#restore(target); }
    return best;
  }

  #load({ record }: T): number {
    switch (this.#options.loadMetric) {
      case "connections":
        return record.inFlight;
      case "latency":
        return latencyUs(record);
      case "combined":
        return (record.inFlight + 1) * (latencyUs(record) + 1);
    }
  }

  #adopt(usable: readonly T[]): void {
    this.#usable = usable;
    this.#isUsable.fill(0);
    for (const { index } of usable) this.#isUsable[index] = 1;
    for (const target of this.#deps.targets) this.#restore(target);
  }

  #restore({ index, weight, ramp }: T): void {
    this.#sampler.set(index, this.#isUsable[index] === 1 ? weight * ramp : 0);
  }
}
