import type { Ending, LoadObserver, Target } from "../balancers/balancer.ts";
import type { RequestContext } from "../core/context.ts";
import type { ErrorCode } from "../core/errors.ts";
import { bitOf, type SharedLoadChanges } from "./load_changes.ts";
import type { TargetPool } from "./pool.ts";
import type { TargetRecord } from "./target_record.ts";

/** Somebody who is told what becomes of the requests on live targets. */
export type TargetObserver = LoadObserver<LiveTarget>;

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
  readonly zone: string | undefined;
  readonly priority: number;
  /** Requests in flight on it at a time, all threads together; Infinity means any. */
  readonly requestsMax: number;
  /** It takes no new requests, as its configuration wants it. */
  readonly isDrained: boolean;
  readonly index: number;
  readonly pool: TargetPool;
  readonly host: string;
  readonly record: TargetRecord;
}

/** One target of a live upstream: where requests go, and what is known of them. */
export class LiveTarget implements Target {
  readonly address: string;
  readonly weight: number;
  readonly zone: string | undefined;
  readonly priority: number;
  /** How far slow start has brought it, above 0 and up to 1; the live upstream sets it with its usable list. */
  ramp = 1;
  /** Place in the configuration, counted from 0. */
  readonly index: number;
  readonly pool: TargetPool;
  /** Host header for requests that came without one. */
  readonly host: string;
  /** Live state that all threads share. */
  readonly record: TargetRecord;
  readonly #requestsMax: number;
  readonly #isDrained: boolean;
  /** Who watches load is told of every change; null when nobody does. */
  #changes: SharedLoadChanges | null = null;
  readonly #bit: number;
  #observers: readonly TargetObserver[] | null = null;
  #gate: TargetGate | null = null;

  constructor(init: LiveTargetInit) {
    this.address = init.address;
    this.weight = init.weight;
    this.index = init.index;
    this.pool = init.pool;
    this.host = init.host;
    this.record = init.record;
    this.zone = init.zone;
    this.priority = init.priority;
    this.#requestsMax = init.requestsMax;
    this.#isDrained = init.isDrained;
    this.#bit = bitOf(init.address);
  }

  /** Takes no new requests: its configuration or an administrator wants it so. */
  get draining(): boolean {
    return this.#isDrained || this.record.draining;
  }

  /** Another request would be one too many. */
  get isFull(): boolean {
    return this.#requestsMax !== Infinity && this.record.inFlight >= this.#requestsMax;
  }

  /** Tells of every change of its counts from now on. */
  tellChanges(changes: SharedLoadChanges): void {
    this.#changes = changes;
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
    if (!this.record.tryBegin(this.#requestsMax)) return false;
    if (this.#gate !== null && !this.#gate.admits(context)) {
      this.record.end();
      return false;
    }
    const observers = this.#observers;
    if (observers !== null) { for (const observer of observers) observer.begun?.(this, context); }
    // After the observers, as they count too.
    if (this.#changes !== null) this.#changes.mark(this.#bit);
    return true;
  }

  /** A response head came, `latencyMs` after the target had the whole request. */
  answered(context: RequestContext, status: number, latencyMs: number): void {
    const observers = this.#observers;
    if (observers === null) return;
    const answer = { status, latencyMs };
    for (const observer of observers) observer.answered?.(this, context, answer);
  }

  /** The attempt failed, or the body after its head did. */
  failed(context: RequestContext, code: ErrorCode): void {
    const observers = this.#observers;
    if (observers !== null) { for (const observer of observers) observer.failed?.(this, context, code); }
  }

  /** The request is over: body read to its end or given up, upgrade ended, attempt failed. */
  ended(context: RequestContext, how: Ending): void {
    this.record.end();
    const observers = this.#observers;
    if (observers !== null) { for (const observer of observers) observer.ended?.(this, context, how); }
    if (this.#changes !== null) this.#changes.mark(this.#bit);
  }
}
