import { block, duration } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import type { Clock } from "../core/ports.ts";
import type { Balancer, Target } from "./balancer.ts";
import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import { CELLS } from "./cells.ts";
import { LatencyObserver, latencyTicks, ticksToMs } from "./latency.ts";
import { Scoreboard, type Scoring } from "./scoreboard.ts";

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
    const board = new Scoreboard(deps, new Cost<T>(deps, { decayMs, initialUs: initialLatencyMs * 1000 }));
    return {
      watchesLoad: board.watchesLoad,
      observer: new LatencyObserver<T>(deps.clock, decayMs),
      pick: (usable, context, excluded) => board.pick(usable, context, excluded),
    };
  },
};

/** Requests in flight whose cost is reckoned once and for all. */
const KNOWN_PENALTIES = 256;

/**
 * Costs on a logarithmic scale: there, time takes the same from all targets that decay, so their order stays as
 * it is and need not be looked at again. `e·exp(-(now - at)/decay)` becomes `ln e + at/decay`, less `now/decay`
 * for everybody. A target with requests in flight does not decay: it has yet to prove that it is better now.
 */
class Cost<T extends Target> implements Scoring<T> {
  readonly #clock: Clock;
  readonly #decayMs: number;
  readonly #initialUs: number;
  readonly #startMs: number;
  readonly #startTicks: number;
  readonly #penalties = Float64Array.from({ length: KNOWN_PENALTIES }, (_, inFlight) => penalty(inFlight));
  /** By index: the latency last seen, and its logarithm. */
  readonly #latencies: Float64Array;
  readonly #logarithms: Float64Array;
  /** Now, in decay times since the start. */
  #now = 0;

  constructor({ clock, targets }: BalancerDeps<T>, init: { decayMs: number; initialUs: number }) {
    this.#clock = clock;
    this.#decayMs = init.decayMs;
    this.#initialUs = init.initialUs;
    this.#startMs = clock.nowMs();
    this.#startTicks = latencyTicks(this.#startMs);
    this.#latencies = new Float64Array(targets.length);
    this.#logarithms = new Float64Array(targets.length).fill(Math.log(init.initialUs));
  }

  prepare(): void {
    this.#now = (this.#clock.nowMs() - this.#startMs) / this.#decayMs;
  }

  score({ index, ramp, record: { balancerCells: cells } }: T, inFlight: number): number {
    const latencyUs = Atomics.load(cells, CELLS.latencyUs);
    if (latencyUs !== this.#latencies[index]) {
      this.#latencies[index] = latencyUs;
      this.#logarithms[index] = Math.log(latencyUs || this.#initialUs);
    }
    let at = 0;
    if (inFlight > 0) at = this.#now;
    else if (latencyUs !== 0) {
      at = ticksToMs(Atomics.load(cells, CELLS.latencyAt) - this.#startTicks) / this.#decayMs;
    }
    const busy = inFlight < KNOWN_PENALTIES ? this.#penalties[inFlight]! : penalty(inFlight);
    return this.#logarithms[index]! + at + busy - (ramp === 1 ? 0 : Math.log(ramp));
  }

  share(): number {
    return 1;
  }
}

function penalty(inFlight: number): number {
  return Math.log(1 + IN_FLIGHT_PENALTY * inFlight);
}
