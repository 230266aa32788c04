import type { Deadlines, Watch } from "../core/deadlines.ts";
import type { Clock, Random } from "../core/ports.ts";
import type { LiveTarget } from "./live_target.ts";
import { OutlierDetector } from "./outlier_detector.ts";
import { type BreakerState, TargetBreaker } from "./target_breaker.ts";
import { type EjectionReason, TargetEjection } from "./target_ejection.ts";
import type { UpstreamVersion } from "./target_record.ts";
import type { UpstreamConfig } from "./upstream.ts";

/** How often open breakers and ejected targets are looked at. */
const TICK_MS = 100;

/** Told what becomes of targets, by the one thread that made it so: for logs and metrics. Must not throw. */
export interface FitnessEvents {
  breakerChanged(target: LiveTarget, state: BreakerState): void;
  ejected(target: LiveTarget, reason: EjectionReason): void;
  readmitted(target: LiveTarget): void;
}

/** What judging targets by their requests needs. */
export interface FitnessInit {
  readonly config: UpstreamConfig;
  readonly targets: readonly LiveTarget[];
  readonly version: UpstreamVersion;
  readonly clock: Clock;
  readonly random: Random;
  readonly deadlines: Deadlines;
  readonly events: FitnessEvents;
}

/** Judges the targets of one upstream by what becomes of their requests: breakers and outlier detection. */
export class UpstreamFitness implements Watch {
  dueMs: number;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  /** By place; empty without breakers. */
  readonly #breakers: readonly TargetBreaker[];
  /** By place; empty without outlier detection. */
  readonly #ejections: readonly TargetEjection[];
  readonly #detector: OutlierDetector | undefined;

  constructor(init: FitnessInit) {
    const { config, targets, clock, events } = init;
    this.#clock = clock;
    this.#deadlines = init.deadlines;
    this.#breakers = config.circuitBreaker === undefined ? [] : breakersOf(init, config.circuitBreaker);
    const outliers = config.outlierDetection;
    if (outliers === undefined) {
      this.#ejections = [];
    } else {
      const detector = new OutlierDetector({
        ...init,
        config: outliers,
        ejected: (place, reason) => events.ejected(targets[place]!, reason),
        readmitted: (place) => events.readmitted(targets[place]!),
      });
      this.#ejections = targets.map((target, place) => {
        const ejection = new TargetEjection(
          target.record,
          outliers,
          (reason) => detector.eject(place, reason),
        );
        target.observe(ejection);
        return ejection;
      });
      detector.watch(this.#ejections);
      this.#detector = detector;
    }
    this.dueMs = clock.nowMs() + TICK_MS;
    this.#deadlines.add(this);
  }

  /** Ejected targets get requests only when too few others are left. */
  isEjected(place: number): boolean {
    return this.#ejections[place]?.isEjected === true;
  }

  /** Targets whose breaker is open get none at all. */
  isOpen(place: number): boolean {
    return this.#breakers[place]?.state === "open";
  }

  /** State of a target's breaker; undefined without breakers. */
  breakerOf(place: number): BreakerState | undefined {
    return this.#breakers[place]?.state;
  }

  /** Called by the sweep of deadlines. */
  expire(): void {
    const nowMs = this.#clock.nowMs();
    for (const breaker of this.#breakers) breaker.tick(nowMs);
    this.#detector?.tick(nowMs);
    this.dueMs = nowMs + TICK_MS;
  }

  dispose(): void {
    this.#deadlines.remove(this);
  }
}

function breakersOf(
  { targets, clock, events }: FitnessInit,
  config: NonNullable<UpstreamConfig["circuitBreaker"]>,
): TargetBreaker[] {
  return targets.map((target) => {
    const breaker = new TargetBreaker({
      config,
      record: target.record,
      clock,
      changed: (state) => events.breakerChanged(target, state),
    });
    target.guard(breaker);
    target.observe(breaker);
    return breaker;
  });
}
