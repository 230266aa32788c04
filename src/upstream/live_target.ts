import type { Target } from "../balancers/balancer.ts";
import type { RequestContext } from "../core/context.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { TargetPool } from "./pool.ts";
import type { TargetRecord } from "./target_record.ts";

/**
 * Told what becomes of the requests on a target: a balancer's statistics, a breaker, outlier detection. Called
 * in the order of the members, `ended` exactly once for every `begun`; must not throw. Who needs nothing of a
 * member leaves it out.
 */
export interface TargetObserver {
  /** A request is about to be sent, and counted in flight. */
  begun?(target: LiveTarget, context: RequestContext): void;
  /**
   * A response head came, `latencyMs` after the target had the whole request; 0 when it did not wait for that.
   * The body may still fail.
   */
  answered?(target: LiveTarget, status: number, latencyMs: number): void;
  /** The attempt or the response body failed; the code's fault tells whether it was the target's. */
  failed?(target: LiveTarget, code: ErrorCode): void;
  /** Nothing of the request is on the target any more. */
  ended?(target: LiveTarget, context: RequestContext): void;
}

/** Decides whether a request may be sent to a target at all: a breaker. */
export interface TargetGate {
  /** False keeps the request away; after true the target's `ended` follows. */
  admits(context: RequestContext): boolean;
  /** The request has its answer, or has failed: from the gate's point of view it is over. */
  release(context: RequestContext): void;
}

/** What a live target is made of. */
export interface LiveTargetInit {
  readonly address: string;
  readonly weight: number;
  readonly index: number;
  readonly pool: TargetPool;
  readonly host: string;
  readonly record: TargetRecord;
}

/** One target of a live upstream: where requests go, and what is known of them. */
export class LiveTarget implements Target {
  readonly address: string;
  readonly weight: number;
  /** Place in the configuration, counted from 0. */
  readonly index: number;
  readonly pool: TargetPool;
  /** Host header for requests that came without one. */
  readonly host: string;
  /** Live state that all threads share. */
  readonly record: TargetRecord;
  #observers: readonly TargetObserver[] | null = null;
  #gate: TargetGate | null = null;

  constructor(init: LiveTargetInit) {
    this.address = init.address;
    this.weight = init.weight;
    this.index = init.index;
    this.pool = init.pool;
    this.host = init.host;
    this.record = init.record;
  }

  /** Adds somebody to be told; for the building of a snapshot, before any request. */
  observe(observer: TargetObserver): void {
    this.#observers = [...this.#observers ?? [], observer];
  }

  /** Sets who decides whether requests may be sent; for the building of a snapshot, before any request. */
  guard(gate: TargetGate): void {
    this.#gate = gate;
  }

  /** The request has its answer or has failed, though its body may still be under way. */
  settled(context: RequestContext): void {
    if (this.#gate !== null) this.#gate.release(context);
  }

  /**
   * Counts a request in flight; false when the target is full or must be left alone, and then nothing else is
   * called. After true, `ended` follows exactly once, whatever happens.
   */
  begin(context: RequestContext): boolean {
    if (!this.record.tryBegin(Infinity)) return false;
    if (this.#gate !== null && !this.#gate.admits(context)) {
      this.record.end();
      return false;
    }
    const observers = this.#observers;
    if (observers !== null) { for (const observer of observers) observer.begun?.(this, context); }
    return true;
  }

  /** A response head came, `latencyMs` after the target had the whole request. */
  answered(status: number, latencyMs: number): void {
    const observers = this.#observers;
    if (observers !== null) {
      for (const observer of observers) {
        observer.answered?.(this, status, latencyMs);
      }
    }
  }

  /** The attempt failed, or the body after its head did. */
  failed(code: ErrorCode): void {
    const observers = this.#observers;
    if (observers !== null) { for (const observer of observers) observer.failed?.(this, code); }
  }

  /** The request is over: body read to its end or given up, upgrade ended, attempt failed. */
  ended(context: RequestContext): void {
    this.record.end();
    const observers = this.#observers;
    if (observers !== null) { for (const observer of observers) observer.ended?.(this, context); }
  }
}
