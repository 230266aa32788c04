import { RequestContext } from "../core/context.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Response } from "../core/message.ts";
import type { Timers } from "../core/ports.ts";
import type { Attempt } from "../upstream/attempt.ts";
import { discard } from "./discard.ts";

/** How one of the attempts came out: with a response, or with what was thrown. */
export interface HedgeOutcome {
  readonly attempt: Attempt;
  readonly response: Response | undefined;
  readonly cause: unknown;
}

/** What became of both attempts. */
export interface HedgeResult extends HedgeOutcome {
  /** The other one, if it failed by itself and was not called off. */
  readonly failed: HedgeOutcome | undefined;
}

/** Two attempts and when the second begins. */
export interface HedgeInit {
  readonly first: Attempt;
  readonly delayMs: number;
  readonly timers: Timers;
  /** The second attempt, with a context of its own; undefined when there is to be none. */
  readonly second: () => Attempt | undefined;
  /** Whether an answer is good enough to end the race. */
  readonly isGood: (response: Response) => boolean;
}

/**
 * Runs one attempt and, when it is slow, a second one beside it: the first good answer wins and the other attempt is
 * called off ("hedged requests" in Dean and Barroso, The Tail at Scale, 2013).
 */
export class Hedge {
  readonly #init: HedgeInit;
  #second: Attempt | null = null;
  #running = 1;
  /** One attempt is over without a good answer, and the other is still awaited. */
  #held: HedgeOutcome | undefined;
  #isOver = false;
  #cancelTimer: (() => void) | null = null;
  #resolve: ((result: HedgeResult) => void) | null = null;

  constructor(init: HedgeInit) {
    this.#init = init;
  }

  /** Never rejects. */
  run(): Promise<HedgeResult> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#cancelTimer = this.#init.timers.after(this.#init.delayMs, () => this.#begin());
      this.#watch(this.#init.first);
    });
  }

  #begin(): void {
    this.#cancelTimer = null;
    if (this.#isOver || this.#init.first.context.aborted) return;
    const second = this.#init.second();
    if (second === undefined) return;
    this.#second = second;
    this.#running++;
    this.#watch(second);
  }

  #watch(attempt: Attempt): void {
    attempt.run().then(
      (response) => this.#ended({ attempt, response, cause: undefined }),
      (cause) => this.#ended({ attempt, response: undefined, cause }),
    );
  }

  #ended(outcome: HedgeOutcome): void {
    const { first, isGood } = this.#init;
    const { response } = outcome;
    this.#running--;
    if (this.#isOver) {
      // It was called off in the moment in which its answer came.
      if (response !== undefined) discard(response);
      return;
    }
    const isWorthIt = response !== undefined && isGood(response);
    if (!isWorthIt && this.#running > 0 && !first.context.aborted) {
      this.#held = outcome;
      if (outcome.attempt === first) this.#follow();
      return;
    }
    this.#isOver = true;
    this.#cancelTimer?.();
    if (this.#running > 0) this.#callOff(outcome.attempt === first ? this.#second! : first);
    this.#resolve!(this.#choose(outcome));
  }

  /** An answer is better than none; of two failures the first attempt's stands. */
  #choose(last: HedgeOutcome): HedgeResult {
    const held = this.#held;
    if (held === undefined) {
      if (last.attempt === this.#second) this.#follow();
      return { ...last, failed: undefined };
    }
    const isHeldBetter = held.response === undefined
      ? last.response === undefined && held.attempt === this.#init.first
      : last.response === undefined;
    const [best, other] = isHeldBetter ? [held, last] : [last, held];
    if (other.response !== undefined) discard(other.response);
    if (best.attempt === this.#second) this.#follow();
    return { ...best, failed: other.response === undefined ? other : undefined };
  }

  /** From now on a client that leaves calls off the second attempt. */
  #follow(): void {
    const { context } = this.#init.first;
    const second = this.#second;
    if (second !== null) context.onAbort = (cause) => abort(second.context, cause);
  }

  #callOff(attempt: Attempt): void {
    if (attempt === this.#second) abort(attempt.context, "client_closed");
    else attempt.context.onAbort?.("client_closed");
  }
}

function abort(context: RequestContext, cause: ErrorCode): void {
  context.aborted = true;
  context.onAbort?.(cause);
}

/** The request once more, for an attempt beside another one, which must not share what an attempt leaves in it. */
export function forkRequest(context: RequestContext): RequestContext {
  const fork = new RequestContext({
    head: context.head,
    body: null,
    downstream: context.downstream,
    startedMs: context.startedMs,
    bodyBytesMax: context.bodyBytesMax,
  });
  fork.path = context.path;
  fork.query = context.query;
  fork.clientIp = context.clientIp;
  fork.requestId = context.requestId;
  fork.traceparent = context.traceparent;
  fork.headersCleaned = context.headersCleaned;
  fork.acceptsTrailers = context.acceptsTrailers;
  fork.route = context.route;
  fork.upstreamId = context.upstreamId;
  fork.connectTimeoutMs = context.connectTimeoutMs;
  fork.readTimeoutMs = context.readTimeoutMs;
  fork.deadlineMs = context.deadlineMs;
  fork.trace = context.trace;
  return fork;
}
