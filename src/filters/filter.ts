import type { AgentDirectory } from "../agents/runtime/live_agents.ts";
import type { RequestContext } from "../core/context.ts";
import type { MaybePromise, Response } from "../core/message.ts";
import type { PassingMessage, Ruling } from "../tunnel/message.ts";
import type { Clock, Log, Random, Timers } from "../core/ports.ts";

/** An answer given by the proxy itself, which ends the request phase. */
export interface Answer {
  readonly response: Response;
  /** Metric label and log field: `rate_limited`, `redirected`, `cors_preflight`, … */
  readonly reason: string;
}

/** What a filter decides about a request: nothing (go on), or an answer. */
export type Verdict = Answer | undefined;

/**
 * A step of a route's chain. Having a method is taking part in that phase. Synchronous results are
 * not awaited. A filter sees the response of exactly those requests it saw, in reverse order, errors
 * and answers of later filters included.
 */
export interface Filter {
  /** It asks for headers as they were received, which must be kept for it. */
  readonly needsReceived?: boolean;
  onRequest?(context: RequestContext): MaybePromise<Verdict>;
  /** May change status and headers in place, and replace the body. */
  onResponse?(context: RequestContext, response: Response): MaybePromise<void>;
  /** Decides about a message of a WebSocket whose request it saw, where the route inspects them. */
  onMessage?(context: RequestContext, message: PassingMessage): MaybePromise<Ruling>;
  /** After the last byte of the response, or the abort. */
  onEnd?(context: RequestContext): void;
  dispose?(): void;
}

/** What a filter may reach. */
export interface FilterDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly log: Log;
  /** The filter's id in the configuration. */
  readonly id: string;
  /** Memory shared by all workers, when the kind asks for it by `sharedBytes`. */
  readonly shared: SharedArrayBuffer | undefined;
  /** The agents of the configuration. */
  readonly agents: AgentDirectory;
}
