import type { TargetRecord } from "./target_record.ts";

/** Parts in which a target's share grows: balancers reckon anew with each. */
const STEPS = 10;

/** What slow start needs of a target. */
export interface Riser {
  ramp: number;
  readonly record: Pick<TargetRecord, "risenForMs">;
}

/**
 * Gives targets that are new, healthy again or back in service a growing part of their share, so that cold caches
 * and connection pools are not hit by all of it at once. When all targets are equally new, as after a start, there
 * is nobody to spare, and all have their share.
 */
export class SlowStart<T extends Riser> {
  readonly #stepMs: number;
  /** `Clock.nowMs` of the next change; Infinity when all have their share. */
  #dueMs = Infinity;

  constructor(windowMs: number) {
    this.#stepMs = windowMs / STEPS;
  }

  /** Whether shares change by themselves. */
  get isRamping(): boolean {
    return this.#dueMs !== Infinity;
  }

  /** Sets the ramps of targets that may be picked from now on. */
  adopt(targets: readonly T[], nowMs: number): void {
    this.#set(targets, nowMs);
  }

  /** Sets them again when it is time; whether any of them changed. */
  step(targets: readonly T[], nowMs: number): boolean {
    return nowMs >= this.#dueMs && this.#set(targets, nowMs);
  }

  #set(targets: readonly T[], nowMs: number): boolean {
    const steps = targets.map(({ record }) => Math.floor(record.risenForMs(nowMs) / this.#stepMs));
    const highest = Math.max(1, Math.min(STEPS, steps.reduce((max, step) => Math.max(max, step), 0)));
    let changed = false;
    this.#dueMs = Infinity;
    for (const [i, target] of targets.entries()) {
      const step = Math.max(1, steps[i]!);
      const ramp = Math.min(1, step / highest);
      if (steps[i]! < STEPS) this.#dueMs = Math.min(this.#dueMs, nowMs + this.#stepMs);
      if (ramp === target.ramp) continue;
      target.ramp = ramp;
      changed = true;
    }
    return changed;
  }
}
