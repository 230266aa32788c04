import type { Clock } from "../core/ports.ts";
import type { RequestContext } from "../core/context.ts";
import type { Answer, LoadObserver, Target, TargetLoad } from "./balancer.ts";
import { CELLS } from "./cells.ts";

const LATENCY_US_MAX = 2 ** 31 - 1;
/** A moment is kept in hundredths of a second: 32 bits of them last for months. */
const MS_PER_TICK = 10;

/** A moment as it is kept in a cell; wraps. */
export function latencyTicks(nowMs: number): number {
  return Math.floor(nowMs / MS_PER_TICK) | 0;
}

/** Milliseconds between two kept moments. */
export function ticksToMs(ticks: number): number {
  return (ticks | 0) * MS_PER_TICK;
}

/** A target's average latency in microseconds; 0 before its first answer. */
export function latencyUs(record: TargetLoad): number {
  return Atomics.load(record.balancerCells, CELLS.latencyUs);
}

/**
 * Averages latency over time, all threads into the same cells: a rise counts at once, a fall bit by bit (peak
 * EWMA, as in Twitter's Finagle). Two threads that write at a time lose one sample, which does no harm.
 */
export class LatencyObserver<T extends Target> implements LoadObserver<T> {
  readonly #clock: Clock;
  readonly #decayMs: number;

  /** After `decayMs` an old value has 1/e of its weight. */
  constructor(clock: Clock, decayMs: number) {
    this.#clock = clock;
    this.#decayMs = decayMs;
  }

  answered(target: T, _context: RequestContext, { latencyMs }: Answer): void {
    this.#add(target.record, Math.min(LATENCY_US_MAX, Math.max(1, Math.round(latencyMs * 1000))));
  }

  #add(record: TargetLoad, sampleUs: number): void {
    const cells = record.balancerCells;
    const now = latencyTicks(this.#clock.nowMs());
    const before = Atomics.load(cells, CELLS.latencyUs);
    const ageMs = Math.max(0, ticksToMs(now - Atomics.load(cells, CELLS.latencyAt)));
    const kept = Math.exp(-ageMs / this.#decayMs);
    const average = before === 0 || sampleUs > before ? sampleUs : before * kept + sampleUs * (1 - kept);
    Atomics.store(cells, CELLS.latencyUs, Math.max(1, Math.round(average)));
    Atomics.store(cells, CELLS.latencyAt, now);
  }
}
