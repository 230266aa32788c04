import type { RequestContext } from "../core/context.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Response } from "../core/message.ts";

/** What all threads together know of a target's load. */
export interface TargetLoad {
  /** Requests in flight, all threads together. */
  readonly inFlight: number;
  /** Estimated tokens of requests in flight, all threads together. */
  readonly tokens: number;
  addTokens(tokens: number): void;
  /** What balancers keep of a target in memory all threads share, zeroed at first; see `cells.ts`. */
  readonly balancerCells: Int32Array;
}

/** One place an upstream's requests can go to. */
export interface Target {
  /** `host:port` or `unix:/path`, as configured: the identity in metrics, logs and live state. */
  readonly address: string;
  /** Place among the upstream's targets, counted from 0. */
  readonly index: number;
  /** Configured share of traffic relative to the other targets; 0 means none. */
  readonly weight: number;
  /** How far slow start has brought it, above 0 and up to 1. Changes only together with the usable list. */
  readonly ramp: number;
  /** Where it stands; undefined when that is not known. */
  readonly zone: string | undefined;
  /** Targets of a lower number are preferred, where the balancer looks at it. */
  readonly priority: number;
  readonly record: TargetLoad;
}

/** What a target answered. */
export interface Answer {
  readonly status: number;
  /** From when the target had the whole request to its response head; 0 when it did not wait for that. */
  readonly latencyMs: number;
}

/** Whether the response was read to its end, or broke off, whoever did that. */
export type Ending = "complete" | "cut";

/**
 * Told what becomes of the requests on a target: a balancer's statistics, a breaker, outlier detection. Called
 * in the order of the members, `ended` exactly once for every `begun`; must not throw. Who needs nothing of a
 * member leaves it out.
 */
export interface LoadObserver<T extends Target> {
  /** A request is about to be sent, and counted in flight. */
  begun?(target: T, context: RequestContext): void;
  /** A response head came. The body may still fail. */
  answered?(target: T, context: RequestContext, answer: Answer): void;
  /** The attempt or the response body failed; the code's fault tells whether it was the target's. */
  failed?(target: T, context: RequestContext, code: ErrorCode): void;
  /** Nothing of the request is on the target any more. */
  ended?(target: T, context: RequestContext, how: Ending): void;
}

/**
 * Chooses among targets. Health, breakers, retries and "tried already" are the caller's business: asked again
 * with what was tried as `excluded`, it gives the next best.
 */
export interface Balancer<T extends Target = Target> {
  /**
   * The best target of `usable` that is not in `excluded`; undefined when none is left. `usable` is a subset of
   * the upstream's targets in configured order, weights above 0. The same array always has the same contents, so
   * what follows from it may be kept as long as it comes.
   */
  pick(usable: readonly T[], context: RequestContext, excluded: readonly T[] | null): T | undefined;
  /** Told of every request on the upstream's targets, if there is one. */
  readonly observer?: LoadObserver<T>;
  /** Whether it needs to hear at once when a target's counts change in any thread: `BalancerDeps.changes`. */
  readonly watchesLoad?: boolean;
  /** Adds what the client needs to come to the same target again. */
  mark?(target: T, context: RequestContext, response: Response): void;
}
