import { block, duration } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import type { Clock } from "../core/ports.ts";
import type { Balancer, Target } from "./balancer.ts";
import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import { CELLS } from "./cells.ts";
import { LatencyObserver, latencyTicks, ticksToMs } from "./latency.ts";
import { Scoreboard } from "./scoreboard.ts";

/** How much one request in flight adds to a target's cost. */
const IN_FLIGHT_PENALTY = 1.5;

const options = block({
  summary: "Options of peak-ewma.",
  always: true,
  fields: {
    decaySecs: duration({
      summary: "Time after which an old latency counts for about a third.",
      aliases: ["decay", "decay-time"],
      unit: "s",
      min: 0.1,
      max: 3600,
      default: 10,
    }),
    initialLatencyMs: duration({
      summary: "Latency of a target that has not answered yet.",
      aliases: ["initial-latency"],
      unit: "ms",
      min: 0.001,
      max: 60_000,
      default: 1,
    }),
  },
});

type Options = Infer<typeof options>;

/**
 * The target with the least latency for what it has to do: an average that jumps up with a slow answer and comes
 * down slowly, times the requests in flight (peak EWMA, as in Twitter's Finagle). A target without requests
 * becomes cheaper as time passes, so that one that was slow is tried again.
 */
export const peakEwma: BalancerKind<"peak-ewma", Options> = {
  type: "peak-ewma",
  aliases: ["peakewma", "ewma"],
  summary: "The target with the least latency, peaks counting at once, times its requests in flight.",
  options,
  shares: "by-load",
  create<T extends Target>({ decaySecs, initialLatencyMs }: Options, deps: BalancerDeps<T>): Balancer<T> {
    const decayMs = decaySecs * 1000;
    const cost = new Cost(deps.clock, decayMs, initialLatencyMs * 1000);
    const board = new Scoreboard(deps, {
      score: ({ record, ramp }: T, inFlight) => cost.of(record.balancerCells, inFlight) - Math.log(ramp),
      share: () => 1,
    });
    return {
      watchesLoad: true,
      observer: new LatencyObserver<T>(deps.clock, decayMs),
      pick: (usable, context, excluded) => board.pick(usable, context, excluded),
    };
  },
};

/**
 * Costs on a logarithmic scale: there, time takes the same from all targets that decay, so their order stays as
 * it is and need not be looked at again. `e·exp(-(now - at)/decay)` becomes `ln e + at/decay`, less `now/decay`
 * for everybody. A target with requests in flight does not decay: it has yet to prove that it is better now.
 */
class Cost {
  readonly #clock: Clock;
  readonly #decayMs: number;
  readonly #initialUs: number;
  readonly #startMs: number;

  constructor(clock: Clock, decayMs: number, initialUs: number) {
    this.#clock = clock;
    this.#decayMs = decayMs;
    this.#initialUs = initialUs;
    this.#startMs = clock.nowMs();
  }

  of(cells: Int32Array, inFlight: number): number {
    const latencyUs = Atomics.load(cells, CELLS.latencyUs);
    let atMs: number;
    if (inFlight > 0) atMs = this.#clock.nowMs() - this.#startMs;
    else if (latencyUs === 0) atMs = 0;
    else atMs = ticksToMs(Atomics.load(cells, CELLS.latencyAt) - latencyTicks(this.#startMs));
    return Math.log(latencyUs || this.#initialUs) + atMs / this.#decayMs +
      Math.log(1 + IN_FLIGHT_PENALTY * inFlight);
  }
}
