import type { RequestContext } from "../core/context.ts";
import { type Deadlines, SWEEP_INTERVAL_MS, type Watch } from "../core/deadlines.ts";
import { type ErrorCode, ProxyError } from "../core/errors.ts";
import type { SharedTotals } from "../counters/shared_totals.ts";
import type { LiveTarget, TargetObserver } from "./live_target.ts";
import { PLACES, WAITERS } from "./retry_budget.ts";

/** What a gate is made of. */
export interface UpstreamGateInit {
  readonly upstreamId: string;
  /** Requests at once, all threads together. */
  readonly requestsMax: number;
  /** Requests of one thread that wait. */
  readonly queueMax: number;
  readonly queueTimeoutMs: number;
  /** Counts of the upstream that all threads share. */
  readonly totals: SharedTotals;
  readonly threads: number;
  readonly deadlines: Deadlines;
}

interface Waiter extends Watch {
  readonly resolve: () => void;
  readonly reject: (error: ProxyError) => void;
  readonly context: RequestContext;
}

/**
 * Bounds the requests on all targets of one upstream, over all threads. Who finds it full waits in its
 * thread's queue, in order, for a bounded time. A place that becomes free goes to the thread's own queue, unless
 * the thread has more than its share and others wait elsewhere; these look for free places with every sweep.
 *
 * A place is held while a request is in flight on a target: it is entered before a target is taken, and left
 * when the target says that the request has ended.
 */
export class UpstreamGate implements TargetObserver, Watch {
  dueMs = Infinity;
  readonly #init: UpstreamGateInit;
  readonly #waiters = new Set<Waiter>();
  /** Places entered whose requests have not begun on a target yet. */
  #reserved = 0;

  constructor(init: UpstreamGateInit) {
    this.#init = init;
    init.deadlines.add(this);
  }

  /** Requests of this thread that wait. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** Takes a place, unless there is none or others of this thread wait already. */
  tryEnter(): boolean {
    if (this.#waiters.size > 0 || !this.#acquire()) return false;
    this.#reserved++;
    return true;
  }

  /**
   * Waits for a place. Rejects with `ProxyError` when the queue is full, when it took too long, or when the
   * request was given up. `dueMs` is when the request runs out of time.
   */
  wait(context: RequestContext, nowMs: number, dueMs: number): Promise<void> {
    const { queueMax, queueTimeoutMs, totals, deadlines } = this.#init;
    if (this.#waiters.size >= queueMax) return Promise.reject(this.#full("and as many wait as may"));
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        context,
        resolve,
        reject,
        dueMs: Math.min(nowMs + queueTimeoutMs, dueMs),
        expire: () => this.#giveUp(waiter, this.#full("and none of them ended in time")),
      };
      this.#waiters.add(waiter);
      totals.acquire(WAITERS);
      deadlines.add(waiter);
      context.onAbort = (cause: ErrorCode) =>
        this.#giveUp(waiter, new ProxyError(cause, "abandoned while waiting for the upstream"));
      this.dueMs = Math.min(this.dueMs, nowMs + SWEEP_INTERVAL_MS);
    });
  }

  /** Gives back a place that was entered and not used. */
  cancel(): void {
    this.#reserved--;
    this.#leave();
  }

  /** The request that entered is on a target now. One that did not enter is counted all the same. */
  begun(): void {
    if (this.#reserved > 0) this.#reserved--;
    else this.#init.totals.acquire(PLACES);
  }

  ended(_target: LiveTarget): void {
    this.#leave();
  }

  /** Called by the sweep while somebody waits: places that other threads left may be free. */
  expire(): void {
    while (this.#waiters.size > 0 && !this.#mustYield(0) && this.#acquire()) this.#admitFirst();
    this.dueMs = this.#waiters.size > 0 ? this.#init.deadlines.coarseMs + SWEEP_INTERVAL_MS : Infinity;
  }

  dispose(): void {
    this.#init.deadlines.remove(this);
  }

  #acquire(): boolean {
    return this.#init.totals.tryAcquire(PLACES, this.#init.requestsMax);
  }

  #leave(): void {
    const { totals, requestsMax } = this.#init;
    // After a reload there may be more requests than the new bound allows.
    const isAbove = totals.total(PLACES) > requestsMax;
    if (this.#waiters.size === 0 || isAbove || this.#mustYield(1)) totals.release(PLACES);
    else this.#admitFirst();
  }

  /** Whether this thread has its share, the place at hand included, while other threads have waiters. */
  #mustYield(atHand: number): boolean {
    const { totals, requestsMax, threads } = this.#init;
    const isServed = totals.own(PLACES) - atHand >= Math.ceil(requestsMax / threads);
    return isServed && totals.total(WAITERS) > totals.own(WAITERS);
  }

  /** Hands a place that is counted already to whoever has waited longest. */
  #admitFirst(): void {
    for (const waiter of this.#waiters) {
      this.#remove(waiter);
      this.#reserved++;
      waiter.resolve();
      return;
    }
  }

  #giveUp(waiter: Waiter, error: ProxyError): void {
    if (!this.#waiters.has(waiter)) return;
    this.#remove(waiter);
    waiter.reject(error);
  }

  #remove(waiter: Waiter): void {
    const { totals, deadlines } = this.#init;
    this.#waiters.delete(waiter);
    totals.release(WAITERS);
    deadlines.remove(waiter);
    waiter.context.onAbort = null;
  }

  #full(why: string): ProxyError {
    const { requestsMax, upstreamId } = this.#init;
    return new ProxyError("upstream_queue_full", `"${upstreamId}" has its ${requestsMax} requests, ${why}`);
  }
}
