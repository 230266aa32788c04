import type { Clock, Random } from "../core/ports.ts";
import { SharedLocks } from "../counters/shared_lock.ts";
import type { OutlierDetectionConfig } from "./outlier_options.ts";
import type { EjectionReason, TargetEjection, TargetSample } from "./target_ejection.ts";
import type { UpstreamVersion } from "./target_record.ts";

/** Cells of the upstream's memory. */
const LOCK = 0;
/** Tick of the last look. */
const LOOKED = 1;
const MS_PER_TICK = 10;

/** What outlier detection needs besides its options. */
export interface OutlierDetectorInit {
  readonly config: OutlierDetectionConfig;
  readonly version: UpstreamVersion;
  readonly clock: Clock;
  readonly random: Random;
  /** Called by the thread that ejected the target at this place. */
  ejected(place: number, reason: EjectionReason): void;
  /** Called by the thread that let the target at this place back in. */
  readmitted(place: number): void;
}

/**
 * Ejects targets of one upstream that do worse than they should, as Envoy's outlier detection does: after
 * failures in a row at once, for success rate and latency by comparing targets once per interval. Ejections
 * happen under a lock that all threads share, so no more targets are out than may be.
 */
export class OutlierDetector {
  readonly #init: OutlierDetectorInit;
  readonly #cells: Int32Array;
  readonly #locks: SharedLocks;
  #targets: readonly TargetEjection[] = [];

  constructor(init: OutlierDetectorInit) {
    this.#init = init;
    this.#cells = init.version.room("ejection");
    this.#locks = new SharedLocks(this.#cells.subarray(LOCK, LOCK + 1), init.random.u32());
  }

  /** The targets it judges, in the order of the upstream; set once, before any request. */
  watch(targets: readonly TargetEjection[]): void {
    this.#targets = targets;
  }

  /** How many targets may be ejected at a time. */
  get ejectedMax(): number {
    const count = this.#targets.length;
    if (count < 2) return 0;
    return Math.max(1, Math.floor(count * this.#init.config.maxEjectionPercent / 100));
  }

  /** Ejects the target at this place, if it is not and there is room. */
  eject(place: number, reason: EjectionReason): void {
    const target = this.#targets[place];
    if (target === undefined || target.isEjected) return;
    const name = this.#locks.lock(0);
    const happens = !target.isEjected && this.#ejectedCount < this.ejectedMax;
    if (happens) target.eject(this.#init.clock.nowMs(), reason);
    this.#locks.unlock(0, name);
    if (happens) this.#init.ejected(place, reason);
  }

  /** Lets time do its part; called about every tenth of a second by every thread. */
  tick(nowMs: number): void {
    // First, so that a target which comes back now has yet to behave for an interval.
    if (this.#isDue(nowMs)) this.#look();
    this.#targets.forEach((target, place) => {
      if (target.isEjected && target.readmit(nowMs)) this.#init.readmitted(place);
    });
    if (this.#ejectedCount > this.ejectedMax) this.#pardon(nowMs);
  }

  get #ejectedCount(): number {
    let count = 0;
    for (const { isEjected } of this.#targets) if (isEjected) count++;
    return count;
  }

  /** Targets that went, as discovery has it, may leave more of the others ejected than may be. */
  #pardon(nowMs: number): void {
    const name = this.#locks.lock(0);
    const pardoned = places(this.#targets, ({ isEjected }) => isEjected)
      .sort((a, b) => this.#targets[a]!.leftMs(nowMs) - this.#targets[b]!.leftMs(nowMs))
      .slice(0, Math.max(0, this.#ejectedCount - this.ejectedMax))
      .filter((place) => this.#targets[place]!.pardon(nowMs));
    this.#locks.unlock(0, name);
    for (const place of pardoned) this.#init.readmitted(place);
  }

  /** Whether an interval is over; true in one thread. */
  #isDue(nowMs: number): boolean {
    const looked = Atomics.load(this.#cells, LOOKED);
    const now = Math.floor(nowMs / MS_PER_TICK) | 0 || 1;
    const intervalTicks = this.#init.config.intervalSecs * 1000 / MS_PER_TICK;
    if (looked !== 0 && ((now - looked) | 0) < intervalTicks) return false;
    return Atomics.compareExchange(this.#cells, LOOKED, looked, now) === looked && looked !== 0;
  }

  #look(): void {
    const { successRate, latency } = this.#init.config;
    for (const target of this.#targets) target.forgive();
    if (successRate === undefined && latency === undefined) return;
    const samples = this.#targets.map((target) => target.takeSample());
    for (const place of this.#failing(samples)) this.eject(place, "success-rate");
    for (const place of this.#slow(samples)) this.eject(place, "latency");
  }

  /** Places of the targets whose success rate is an outlier. */
  #failing(samples: readonly TargetSample[]): number[] {
    const { successRate: rule } = this.#init.config;
    if (rule === undefined) return [];
    const judged = places(samples, ({ requests }) => requests >= rule.requestVolume);
    if (judged.length < rule.minimumHosts) return [];
    const rates = judged.map((place) => samples[place]!.successRate);
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
    const bound = mean - rule.stdevFactor * Math.sqrt(variance);
    // The worst first, as there may not be room for all.
    return judged.filter((place) => samples[place]!.successRate < bound)
      .sort((a, b) => samples[a]!.successRate - samples[b]!.successRate);
  }

  /** Places of the targets that are too slow. */
  #slow(samples: readonly TargetSample[]): number[] {
    const { latency: rule } = this.#init.config;
    if (rule === undefined) return [];
    const judged = places(samples, ({ answers }) => answers >= rule.requestVolume);
    if (judged.length < rule.minimumHosts) return [];
    const means = judged.map((place) => samples[place]!.meanLatencyMs).sort((a, b) => a - b);
    const bound = Math.max(rule.minimumMs, rule.factor * means[(means.length - 1) >> 1]!);
    return judged.filter((place) => samples[place]!.meanLatencyMs > bound)
      .sort((a, b) => samples[b]!.meanLatencyMs - samples[a]!.meanLatencyMs);
  }
}

function places<T>(all: readonly T[], isMeant: (one: T) => boolean): number[] {
  return all.flatMap((one, place) => isMeant(one) ? [place] : []);
}
