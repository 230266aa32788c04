import type { Answer } from "../balancers/balancer.ts";
import type { RequestContext } from "../core/context.ts";
import { type ErrorCode, ERRORS } from "../core/errors.ts";
import type { OutlierDetectionConfig } from "./outlier_options.ts";
import type { LiveTarget, TargetObserver } from "./live_target.ts";
import type { TargetRecord } from "./target_record.ts";

/** Why a target is ejected: a label of metrics. */
export type EjectionReason = "consecutive-5xx" | "consecutive-connect-failures" | "success-rate" | "latency";

/** Cells of a target's memory. */
const UNTIL = 0;
const EJECTIONS = 1;
const FAILURES_IN_A_ROW = 2;
const CONNECT_FAILURES_IN_A_ROW = 3;
const SINCE = 4;
/** 1 when the failure that ejected it was silence rather than a bad answer. */
const SILENT = 5;

/** Cells in each worker's row, counted from the last look on. */
const REQUESTS = 0;
const FAILURES = 1;
const ANSWERS = 2;
const LATENCY_TICKS = 3;

/** Moments are kept in hundredths of a second, which 32 bits hold for months. */
const MS_PER_TICK = 10;
/** Latencies are summed in tenths of a millisecond, each at most a minute, until the sum is this large. */
const LATENCY_TICKS_PER_MS = 10;
const LATENCY_MS_MAX = 60_000;
const LATENCY_SUM_MAX = 2 ** 30;

/** What a target's requests were like since the last look, all threads together. */
export interface TargetSample {
  readonly requests: number;
  /** From 0 to 1. */
  readonly successRate: number;
  readonly answers: number;
  readonly meanLatencyMs: number;
}

/**
 * What the requests of one target tell of it, and until when it is ejected, in memory that all threads share.
 * It only counts; `outlier_detector.ts` decides.
 */
export class TargetEjection implements TargetObserver {
  readonly record: TargetRecord;
  readonly #config: OutlierDetectionConfig;
  readonly #cells: Int32Array;
  readonly #row: Int32Array;
  readonly #measures: boolean;
  readonly #suspect: (reason: EjectionReason) => void;

  /** `suspect` is called when failures in a row call for an ejection. */
  constructor(
    record: TargetRecord,
    config: OutlierDetectionConfig,
    suspect: (reason: EjectionReason) => void,
  ) {
    this.record = record;
    this.#config = config;
    this.#cells = record.room("ejection");
    this.#row = record.rowRoom("ejection");
    this.#measures = config.successRate !== undefined || config.latency !== undefined;
    this.#suspect = suspect;
  }

  get isEjected(): boolean {
    return Atomics.load(this.#cells, UNTIL) !== 0;
  }

  /** How often it was ejected lately: what its next ejection time follows from. */
  get ejections(): number {
    return Atomics.load(this.#cells, EJECTIONS);
  }

  answered(_target: LiveTarget, _context: RequestContext, { status, latencyMs }: Answer): void {
    const cells = this.#cells;
    if (cells[CONNECT_FAILURES_IN_A_ROW] !== 0) Atomics.store(cells, CONNECT_FAILURES_IN_A_ROW, 0);
    if (this.#measures) this.#measure(latencyMs);
    if (status >= 500) this.#failed(0);
    else if (cells[FAILURES_IN_A_ROW] !== 0) Atomics.store(cells, FAILURES_IN_A_ROW, 0);
  }

  failed(_target: LiveTarget, _context: RequestContext, code: ErrorCode): void {
    const { fault, retry } = ERRORS[code];
    if (fault !== "upstream" || code === "upstream_queue_full" || code === "response_too_large") return;
    if (this.#measures && code !== "upstream_body_aborted") Atomics.add(this.#row, REQUESTS, 1);
    this.#failed(1);
    const bound = this.#config.consecutiveConnectFailures;
    if (retry !== "unsent" || bound === 0) return;
    if (Atomics.add(this.#cells, CONNECT_FAILURES_IN_A_ROW, 1) + 1 >= bound) {
      if (!this.isEjected) Atomics.store(this.#cells, SILENT, 1);
      this.#suspect("consecutive-connect-failures");
    }
  }

  /** Ejects it until a time that grows with every ejection; callers hold the upstream's lock. */
  eject(nowMs: number, reason: EjectionReason): void {
    const cells = this.#cells;
    // What comparing targets says is about answers, whatever an earlier failure was.
    if (reason === "success-rate" || reason === "latency") Atomics.store(cells, SILENT, 0);
    const { baseEjectionTimeSecs, maxEjectionTimeSecs } = this.#config;
    const times = Math.min(Atomics.load(cells, EJECTIONS) + 1, 1_000_000);
    const lastsMs = Math.min(baseEjectionTimeSecs * times, maxEjectionTimeSecs) * 1000;
    Atomics.store(cells, EJECTIONS, times);
    Atomics.store(cells, SINCE, ticks(nowMs));
    Atomics.store(cells, UNTIL, ticks(nowMs + lastsMs));
    Atomics.store(cells, FAILURES_IN_A_ROW, 0);
    Atomics.store(cells, CONNECT_FAILURES_IN_A_ROW, 0);
    this.record.changed();
  }

  /**
   * Lets it back in when its time is over, or active checks have found it well again; true for the one thread
   * that did.
   */
  readmit(nowMs: number): boolean {
    const until = Atomics.load(this.#cells, UNTIL);
    if (until === 0 || (((until - ticks(nowMs)) | 0) > 0 && !this.#isBack(nowMs))) return false;
    return this.#letIn(until, nowMs);
  }

  /** Lets it back in although its time is not over; true for the one thread that did. */
  pardon(nowMs: number): boolean {
    const until = Atomics.load(this.#cells, UNTIL);
    return until !== 0 && this.#letIn(until, nowMs);
  }

  /** Milliseconds until its time is over; only of one that is ejected. */
  leftMs(nowMs: number): number {
    return ((Atomics.load(this.#cells, UNTIL) - ticks(nowMs)) | 0) * MS_PER_TICK;
  }

  #letIn(until: number, nowMs: number): boolean {
    if (Atomics.compareExchange(this.#cells, UNTIL, until, 0) !== until) return false;
    this.record.rise(nowMs);
    return true;
  }

  /** An interval without being ejected makes the next ejection shorter again; one thread calls it. */
  forgive(): void {
    if (this.isEjected) return;
    const times = Atomics.load(this.#cells, EJECTIONS);
    if (times > 0) Atomics.compareExchange(this.#cells, EJECTIONS, times, times - 1);
  }

  /** Takes what was counted since the last look; one thread at a time. */
  takeSample(): TargetSample {
    const requests = this.record.takeRowSum("ejection", REQUESTS);
    const failures = this.record.takeRowSum("ejection", FAILURES);
    const answers = this.record.takeRowSum("ejection", ANSWERS);
    const latency = this.record.takeRowSum("ejection", LATENCY_TICKS);
    return {
      requests,
      successRate: requests === 0 ? 1 : Math.max(0, 1 - failures / requests),
      answers,
      meanLatencyMs: answers === 0 ? 0 : latency / answers / LATENCY_TICKS_PER_MS,
    };
  }

  /** A check can tell that a silent target speaks again, but not that one which answers badly does better. */
  #isBack(nowMs: number): boolean {
    const sinceMs = nowMs - ((ticks(nowMs) - Atomics.load(this.#cells, SINCE)) | 0) * MS_PER_TICK;
    return this.record.hasRisenAfter(sinceMs) ||
      (Atomics.load(this.#cells, SILENT) === 1 && this.record.wasWellAfter(sinceMs));
  }

  #measure(latencyMs: number): void {
    const row = this.#row;
    Atomics.add(row, REQUESTS, 1);
    if (Atomics.load(row, LATENCY_TICKS) >= LATENCY_SUM_MAX) return;
    Atomics.add(row, ANSWERS, 1);
    Atomics.add(row, LATENCY_TICKS, Math.round(Math.min(latencyMs, LATENCY_MS_MAX) * LATENCY_TICKS_PER_MS));
  }

  #failed(silent: 0 | 1): void {
    if (this.#measures) Atomics.add(this.#row, FAILURES, 1);
    const bound = this.#config.consecutive5xx;
    if (bound > 0 && Atomics.add(this.#cells, FAILURES_IN_A_ROW, 1) + 1 >= bound) {
      if (!this.isEjected) Atomics.store(this.#cells, SILENT, silent);
      this.#suspect("consecutive-5xx");
    }
  }
}

/** Never 0, which means that the target is not ejected. */
function ticks(nowMs: number): number {
  return Math.floor(nowMs / MS_PER_TICK) | 0 || 1;
}
