import { block, duration, integer } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import { type ErrorCode, ERRORS } from "../core/errors.ts";
import type { RequestContext } from "../core/context.ts";
import type { Answer, Balancer, LoadObserver, Target } from "./balancer.ts";
import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import { CELLS } from "./cells.ts";
import { LoadView, needsChanges } from "./load_view.ts";
import { Sampler } from "./sampler.ts";

/** Shares and factors are kept in millionths. */
const MILLION = 1_000_000;
/** Weight of the last window in the averages. */
const NEW_SHARE = 0.8;
/** Share of failures, and latency in ms, from which on a target gets less. */
const FAILURES_ACCEPTED = 0.05;
const LATENCY_ACCEPTED_MS = 500;
/** Bounds of the factor on a target's weight. */
const FACTOR_MIN = 0.1;
const FACTOR_MAX = 2;
const LATENCY_US_MAX = 2 ** 31 - 1;
const MS_PER_TICK = 100;

const options = block({
  summary: "Options of adaptive.",
  always: true,
  fields: {
    intervalSecs: duration({
      summary: "How often targets are judged.",
      aliases: ["interval", "adjustment-interval", "decay"],
      unit: "s",
      min: 0.1,
      max: 3600,
      default: 10,
    }),
    minRequests: integer({
      summary: "Requests that a target is judged by at least.",
      min: 1,
      max: 1_000_000,
      default: 100,
    }),
  },
});

type Options = Infer<typeof options>;

/**
 * Targets at random, more often those with a large weight, few requests in flight, few failures and low latency.
 * At intervals a target that fails or is slow loses some of its weight, one that does well gets it back and
 * more.
 */
export const adaptive: BalancerKind<"adaptive", Options> = {
  type: "adaptive",
  aliases: [],
  summary: "Targets at random, more often those that answer fast, without failures, and have little to do.",
  options,
  shares: "by-load",
  create: <T extends Target>(given: Options, deps: BalancerDeps<T>) => new Adaptive(given, deps),
};

class Adaptive<T extends Target> implements Balancer<T> {
  readonly watchesLoad: boolean;
  readonly observer: LoadObserver<T>;
  readonly #targets: readonly T[];
  readonly #view: LoadView<T>;
  readonly #sampler: Sampler;
  readonly #isUsable: Uint8Array;
  #usable: readonly T[] | undefined;

  constructor(given: Options, deps: BalancerDeps<T>) {
    this.#targets = deps.targets;
    this.watchesLoad = needsChanges(deps);
    this.#sampler = new Sampler(deps.targets.length, deps.random);
    this.#isUsable = new Uint8Array(deps.targets.length);
    this.#view = new LoadView(deps, (index) => this.#look(index));
    this.observer = new Judge(given, deps);
  }

  pick(usable: readonly T[], _context: RequestContext, excluded: readonly T[] | null): T | undefined {
    if (usable !== this.#usable) this.#adopt(usable);
    this.#view.update();
    if (excluded === null) return this.#draw();
    for (const { index } of excluded) this.#sampler.set(index, 0);
    const target = this.#draw();
    for (const { index } of excluded) this.#look(index);
    return target;
  }

  #draw(): T | undefined {
    const drawn = this.#sampler.draw();
    return drawn === undefined ? undefined : this.#targets[drawn];
  }

  #look(index: number): void {
    const target = this.#targets[index]!;
    const isUsable = this.#isUsable[index] === 1;
    this.#sampler.set(index, isUsable ? score(target, this.#view.inFlight(index)) : 0);
  }

  #adopt(usable: readonly T[]): void {
    this.#usable = usable;
    this.#isUsable.fill(0);
    for (const { index } of usable) this.#isUsable[index] = 1;
    for (const { index } of this.#targets) this.#look(index);
  }
}

function score({ weight, ramp, record: { balancerCells: cells } }: Target, inFlight: number): number {
  const factor = (Atomics.load(cells, CELLS.weightFactor) || MILLION) / MILLION;
  const failures = Atomics.load(cells, CELLS.failureShare) / MILLION;
  const latencyMs = Atomics.load(cells, CELLS.windowLatencyUs) / 1000;
  return weight * ramp * factor / (1 + inFlight + 100 * failures + latencyMs / 10);
}

/** Counts what requests come to, all threads into the same windows, and draws conclusions when one is over. */
class Judge<T extends Target> implements LoadObserver<T> {
  readonly #options: Options;
  readonly #deps: BalancerDeps<T>;

  constructor(given: Options, deps: BalancerDeps<T>) {
    this.#options = given;
    this.#deps = deps;
  }

  answered({ record: { balancerCells: cells } }: T, _context: RequestContext, answer: Answer): void {
    const { status, latencyMs } = answer;
    Atomics.add(cells, CELLS.windowLatencyMs, Math.round(latencyMs));
    this.#count(cells, status >= 500 ? 1 : 0);
  }

  failed({ record: { balancerCells: cells } }: T, _context: RequestContext, code: ErrorCode): void {
    if (ERRORS[code].fault === "upstream") this.#count(cells, 1);
  }

  #count(cells: Int32Array, failures: 0 | 1): void {
    if (failures > 0) Atomics.add(cells, CELLS.windowFailures, failures);
    const requests = Atomics.add(cells, CELLS.windowRequests, 1) + 1;
    const now = Math.floor(this.#deps.clock.nowMs() / MS_PER_TICK) | 0 || 1;
    const start = Atomics.load(cells, CELLS.windowStart);
    if (start === 0) {
      Atomics.compareExchange(cells, CELLS.windowStart, 0, now);
      return;
    }
    const isOver = ((now - start) | 0) * MS_PER_TICK >= this.#options.intervalSecs * 1000;
    if (!isOver || requests < this.#options.minRequests) return;
    // Of all threads that see the end of the window one gets to close it.
    if (Atomics.compareExchange(cells, CELLS.windowStart, start, now) === start) closeWindow(cells);
  }
}

function closeWindow(cells: Int32Array): void {
  const requests = Math.max(1, Atomics.exchange(cells, CELLS.windowRequests, 0));
  const failures = Math.min(requests, Atomics.exchange(cells, CELLS.windowFailures, 0)) / requests;
  const latencyUs = Atomics.exchange(cells, CELLS.windowLatencyMs, 0) * 1000 / requests;
  const isFirst = Atomics.load(cells, CELLS.weightFactor) === 0;
  const average = (cell: number, value: number) => {
    const old = isFirst ? value : Atomics.load(cells, cell);
    const next = value * NEW_SHARE + old * (1 - NEW_SHARE);
    Atomics.store(cells, cell, Math.min(LATENCY_US_MAX, Math.round(next)));
    return next;
  };
  const failureShare = average(CELLS.failureShare, failures * MILLION) / MILLION;
  const latencyMs = average(CELLS.windowLatencyUs, latencyUs) / 1000;
  const before = (Atomics.load(cells, CELLS.weightFactor) || MILLION) / MILLION;
  const after = Math.min(FACTOR_MAX, Math.max(FACTOR_MIN, before * verdict(failureShare, latencyMs)));
  Atomics.store(cells, CELLS.weightFactor, Math.round(after * MILLION));
}

/** What a target's weight is multiplied by after a window. */
function verdict(failureShare: number, latencyMs: number): number {
  let factor = 1;
  if (failureShare > FAILURES_ACCEPTED) factor = 1 - Math.min(0.9, (failureShare - FAILURES_ACCEPTED) * 10);
  if (latencyMs > LATENCY_ACCEPTED_MS) factor *= Math.max(0.1, LATENCY_ACCEPTED_MS / latencyMs);
  return factor < 1 ? 0.7 + 0.3 * factor : 1.1;
}
