import type { SharedTotals } from "../counters/shared_totals.ts";

/** Numbers of an upstream that all threads count together. */
export const LOAD_NUMBERS = 4;
/** Requests that wait for an answer, counted where a retry policy holds. */
export const WAITING = 0;
/** Attempts under way, or paused for, that are not their request's first. */
export const RETRIES = 1;
/** Requests that hold one of the upstream's `max-requests` places, and those that wait for one; see `upstream_gate.ts`. */
export const PLACES = 2;
export const WAITERS = 3;

/** How many retries there may be. */
export interface RetryBudgetLimits {
  /** Share of the waiting requests, from 0 to 1. */
  readonly share: number;
  /** Allowed however few requests there are. */
  readonly minimum: number;
}

/**
 * Bounds the retries of one upstream over all threads and routes: at most a share of the requests that wait
 * for an answer, or a minimum. Counted while an attempt runs, so a target that fails fast costs little of it
 * and one that hangs costs much. Google's SRE book (chapter 21, "Handling Overload") has the reasons; the
 * form is Envoy's `retry_budget`.
 */
export class RetryBudget {
  readonly #totals: SharedTotals;
  readonly #limits: RetryBudgetLimits;

  constructor(totals: SharedTotals, limits: RetryBudgetLimits) {
    this.#totals = totals;
    this.#limits = limits;
  }

  /** A request begins. Every call is followed by one `leave`. */
  enter(): void {
    this.#totals.acquire(WAITING);
  }

  /** It has its answer, or has failed. */
  leave(): void {
    this.#totals.release(WAITING);
  }

  /** Takes the place of one retry, if there is one. Every true is followed by one `giveBack`. */
  tryTake(): boolean {
    const { share, minimum } = this.#limits;
    const limit = Math.max(minimum, Math.floor(share * this.#totals.total(WAITING)));
    return this.#totals.tryAcquire(RETRIES, limit);
  }

  giveBack(): void {
    this.#totals.release(RETRIES);
  }

  /** Retries under way, in all threads. */
  get taken(): number {
    return this.#totals.total(RETRIES);
  }

  /** Requests waiting for an answer, in all threads. */
  get waiting(): number {
    return this.#totals.total(WAITING);
  }
}
