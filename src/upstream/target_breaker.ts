import type { Answer } from "../balancers/balancer.ts";
import type { RequestContext } from "../core/context.ts";
import { type ErrorCode, ERRORS } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import type { CircuitBreakerConfig } from "./breaker_options.ts";
import type { LiveTarget, TargetGate, TargetObserver } from "./live_target.ts";
import type { TargetRecord } from "./target_record.ts";

/** Whether requests pass: all, none, or some to try. */
export type BreakerState = "closed" | "open" | "half-open";

/** By the number that stands for them in shared memory and in metrics. */
export const BREAKER_STATES = ["closed", "half-open", "open"] as const satisfies readonly BreakerState[];
const CLOSED = 0;
const HALF_OPEN = 1;
const OPEN = 2;

/** Cells of the breaker in a target's memory. */
const WORD = 0;
/** Tick at which the state was entered. */
const SINCE = 1;
/** 1 when the failure that opened it was silence rather than a bad answer. */
const SILENT = 2;

/*
 * The whole state is one word, so that every change of it is one compare-exchange and no thread can see half
 * of it: two bits of state, twenty bits that count, ten that tell one opening from another. What counts:
 * failures in a row while closed; while half-open ten bits of requests being tried and ten of successes.
 */
const STATE_BITS = 0b11;
const ONE = 1 << 2;
const COUNT_MASK = 0xfffff << 2;
const TRIALS_MASK = 0x3ff << 2;
const SUCCESS = 1 << 12;
const SUCCESSES_SHIFT = 12;
const COUNTS_SHIFT = 2;
const TERM = 1 << 22;

/** In place of its half-open time, of a request whose place is free again. */
const GIVEN_BACK = -1;

/** Moments are kept in hundredths of a second, which 32 bits hold for months. */
const MS_PER_TICK = 10;

/** What a breaker needs besides its options. */
export interface TargetBreakerInit {
  readonly config: CircuitBreakerConfig;
  readonly record: TargetRecord;
  readonly clock: Clock;
  /** Called by the thread that changed the state. */
  changed(state: BreakerState): void;
}

/**
 * The circuit breaker of one target in memory that all threads share. Closed, it counts failures in a row; too
 * many open it. After a while it is half-open: a few requests at a time are tried, whose successes close it and
 * of which one failure opens it again (M. Nygard, Release It!, "Circuit Breaker").
 *
 * Time passes only in `tick`, so that a request costs one load. A place of a tried request that a dead thread
 * took with it is made up for by starting over when a half-open time has brought no verdict.
 */
export class TargetBreaker implements TargetObserver, TargetGate {
  readonly #config: CircuitBreakerConfig;
  readonly #record: TargetRecord;
  readonly #cells: Int32Array;
  readonly #clock: Clock;
  readonly #changed: (state: BreakerState) => void;
  /** Requests of this thread that are tried, and in which half-open time they got their place. */
  readonly #trials = new Map<RequestContext, number>();

  constructor(init: TargetBreakerInit) {
    this.#config = init.config;
    this.#record = init.record;
    this.#cells = init.record.room("breaker");
    this.#clock = init.clock;
    this.#changed = init.changed;
  }

  get state(): BreakerState {
    return BREAKER_STATES[this.#word & STATE_BITS] ?? "closed";
  }

  /** Requests being tried now, all threads together. */
  get trials(): number {
    const word = this.#word;
    return (word & STATE_BITS) === HALF_OPEN ? (word & TRIALS_MASK) >>> COUNTS_SHIFT : 0;
  }

  /** Whether this request may go to the target; while half-open it takes a place, which `ended` gives back. */
  admits(context: RequestContext): boolean {
    while (true) {
      const word = this.#word;
      const state = word & STATE_BITS;
      if (state === CLOSED) return true;
      if (state === OPEN) return false;
      if ((word & TRIALS_MASK) >>> COUNTS_SHIFT >= this.#config.halfOpenMaxRequests) return false;
      if (!this.#swap(word, word + ONE)) continue;
      this.#trials.set(context, termOf(word));
      return true;
    }
  }

  answered(_target: LiveTarget, context: RequestContext, { status }: Answer): void {
    if (status >= 500) this.#failed(context, 0);
    else this.#succeeded(context);
  }

  failed(_target: LiveTarget, context: RequestContext, code: ErrorCode): void {
    if (countsAsFailure(code)) this.#failed(context, 1);
  }

  /** The request is over, or has its verdict: its place is free again. Safe to call twice. */
  release(context: RequestContext): void {
    if (this.#trials.size === 0) return;
    const term = this.#trials.get(context);
    if (term === undefined || term === GIVEN_BACK) return;
    // Its body may still break off, and that belongs to the trial.
    this.#trials.set(context, GIVEN_BACK);
    while (true) {
      const word = this.#word;
      const isSameTime = (word & STATE_BITS) === HALF_OPEN && termOf(word) === term;
      if (!isSameTime || (word & TRIALS_MASK) === 0 || this.#swap(word, word - ONE)) return;
    }
  }

  ended(_target: LiveTarget, context: RequestContext): void {
    if (this.#trials.size === 0) return;
    this.release(context);
    this.#trials.delete(context);
  }

  /** Lets time do its part; called about every tenth of a second by every thread. */
  tick(nowMs: number): void {
    const word = this.#word;
    const state = word & STATE_BITS;
    if (state === CLOSED) return;
    const lastedMs = ((ticks(nowMs) - Atomics.load(this.#cells, SINCE)) | 0) * MS_PER_TICK;
    if (lastedMs < this.#config.timeoutSecs * 1000 && !(state === OPEN && this.#isBack(nowMs - lastedMs))) {
      return;
    }
    const isStuck = state === HALF_OPEN &&
      (word & TRIALS_MASK) >>> COUNTS_SHIFT >= this.#config.halfOpenMaxRequests;
    if (state === OPEN || isStuck) this.#enter(word, HALF_OPEN, nowMs);
  }

  /** A check can tell that a silent target speaks again, but not that one which answers badly does better. */
  #isBack(sinceMs: number): boolean {
    return this.#record.hasRisenAfter(sinceMs) ||
      (Atomics.load(this.#cells, SILENT) === 1 && this.#record.wasWellAfter(sinceMs));
  }

  get #word(): number {
    return Atomics.load(this.#cells, WORD);
  }

  #swap(from: number, to: number): boolean {
    return Atomics.compareExchange(this.#cells, WORD, from | 0, to | 0) === (from | 0);
  }

  /** What was sent before it opened says nothing new: half-open, only the requests being tried count. */
  #isLate(state: number, context: RequestContext): boolean {
    return state === OPEN || (state === HALF_OPEN && !this.#trials.has(context));
  }

  #succeeded(context: RequestContext): void {
    while (true) {
      const word = this.#word;
      const state = word & STATE_BITS;
      if (this.#isLate(state, context) || (state === CLOSED && (word & COUNT_MASK) === 0)) return;
      if (state === CLOSED) {
        if (this.#swap(word, word & ~COUNT_MASK)) return;
        continue;
      }
      const successes = ((word >>> SUCCESSES_SHIFT) & 0x3ff) + 1;
      if (successes >= this.#config.successThreshold) {
        if (this.#enter(word, CLOSED, this.#clock.nowMs())) return;
      } else if (this.#swap(word, word + SUCCESS)) return;
    }
  }

  #failed(context: RequestContext, silent: 0 | 1): void {
    while (true) {
      const word = this.#word;
      const state = word & STATE_BITS;
      if (this.#isLate(state, context)) return;
      const failures = ((word & COUNT_MASK) >>> COUNTS_SHIFT) + 1;
      if (state === HALF_OPEN || failures >= this.#config.failureThreshold) {
        Atomics.store(this.#cells, SILENT, silent);
        if (this.#enter(word, OPEN, this.#clock.nowMs())) return;
      } else if (this.#swap(word, word + ONE)) return;
    }
  }

  /** Goes on to another state, if nobody else has changed anything since `word` was read. */
  #enter(word: number, state: number, nowMs: number): boolean {
    // Written first: whoever sees the new state must not take it for one that has lasted long.
    Atomics.store(this.#cells, SINCE, ticks(nowMs));
    if (!this.#swap(word, nextTerm(word) | state)) return false;
    this.#record.changed();
    this.#changed(BREAKER_STATES[state]!);
    return true;
  }
}

/** Whether a failure tells something of the target: not what the client or the proxy did. */
function countsAsFailure(code: ErrorCode): boolean {
  return ERRORS[code].fault === "upstream" && code !== "upstream_queue_full" && code !== "response_too_large";
}

/** The part of the word that tells one time in a state from the next. */
function termOf(word: number): number {
  return word >>> 22;
}

/** A word with the next term, counts and state zero. */
function nextTerm(word: number): number {
  return (((termOf(word) + 1) & 0x3ff) * TERM) | 0;
}

function ticks(nowMs: number): number {
  return Math.floor(nowMs / MS_PER_TICK) | 0;
}
