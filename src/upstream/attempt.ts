import type { RequestContext } from "../core/context.ts";
import { ProxyError, toProxyError } from "../core/errors.ts";
import type { Response } from "../core/message.ts";
import type { Clock } from "../core/ports.ts";
import type { UpstreamConnection } from "./connection.ts";
import { Exchange, type ExchangeTimeouts } from "./forward.ts";
import type { LiveTarget } from "./live_target.ts";

/** What one attempt is to do, and within which time. Times are in milliseconds. */
export interface AttemptInit {
  readonly context: RequestContext;
  /** Has the request counted in flight already; the attempt sees to it that it is counted out. */
  readonly target: LiveTarget;
  readonly clock: Clock;
  /** `Clock.nowMs` now. */
  readonly startedMs: number;
  /** Until a connection is there. */
  readonly connectMs: number;
  readonly readMs: number;
  readonly writeMs: number;
  /** `Clock.nowMs` by which the response head must be there, for a request that is sent at once. */
  readonly headDueMs: number;
  /** Time for the response head once an upload is complete. */
  readonly headMs: number;
  /** Only a new connection will do, as a kept-alive one has just failed the request. */
  readonly fresh: boolean;
}

/**
 * One attempt of a request at one target: from a connection to the head of the final response. It decides
 * nothing about what follows a failure; that is the caller's, who finds here what the target has seen.
 */
export class Attempt implements ExchangeTimeouts {
  readonly context: RequestContext;
  readonly target: LiveTarget;
  readonly readMs: number;
  readonly writeMs: number;
  readonly headDueMs: number;
  readonly headMs: number;
  /** `Clock.nowMs` when the attempt began; moved to when its connection was there, if it had to wait. */
  startedMs: number;
  /** A connection was there: the pool lent one, or opened it. */
  connected = false;
  /** The connection had served another request before. */
  reused = false;
  /** The target has answered something, so the request must not be repeated without being asked to. */
  sawBytes = false;
  /** `Clock.nowMs` when the response head was complete. */
  answeredMs = 0;

  readonly #clock: Clock;
  readonly #connectMs: number;
  readonly #fresh: boolean;

  constructor(init: AttemptInit) {
    this.context = init.context;
    this.target = init.target;
    this.readMs = init.readMs;
    this.writeMs = init.writeMs;
    this.headDueMs = init.headDueMs;
    this.headMs = init.headMs;
    this.startedMs = init.startedMs;
    this.#clock = init.clock;
    this.#connectMs = init.connectMs;
    this.#fresh = init.fresh;
  }

  /** Resolves with the response head; rejects with `ProxyError`, and then nothing of the attempt is left. */
  run(): Promise<Response> {
    return this.#overHttp1();
  }

  async #overHttp1(): Promise<Response> {
    const { context, target } = this;
    const idle = this.#fresh ? undefined : target.pool.take();
    let connection: UpstreamConnection;
    try {
      connection = idle ?? await this.#wait();
    } catch (cause) {
      const error = toProxyError(cause);
      target.failed(context, error.code);
      target.ended(context, "cut");
      throw error;
    }
    this.connected = true;
    this.reused = connection.exchanges > 0;
    const exchange = new Exchange({ connection, target }, context, this);
    try {
      exchange.begin();
      while (true) {
        let count: number;
        try {
          count = await connection.read();
        } catch (cause) {
          throw exchange.reset(cause);
        }
        const response = exchange.received(count);
        if (response === undefined) continue;
        this.answeredMs = exchange.headMs;
        return response;
      }
    } catch (cause) {
      this.sawBytes = exchange.sawBytes;
      throw exchange.failed(cause);
    }
  }

  /** A connection that is opened, or given back by another request. */
  async #wait(): Promise<UpstreamConnection> {
    const { context } = this;
    const dueMs = Math.min(context.deadlineMs, this.headDueMs);
    let connection: UpstreamConnection;
    try {
      connection = await this.target.pool.wait({
        timeoutMs: Math.max(0, Math.min(this.#connectMs, dueMs - this.#clock.nowMs())),
        fresh: this.#fresh,
        onWait: (cancel) => context.onAbort = cancel,
      });
    } finally {
      context.onAbort = null;
    }
    this.startedMs = this.#clock.nowMs();
    if (context.aborted) {
      connection.finish();
      throw new ProxyError("client_closed", "the client left while a connection was opened");
    }
    return connection;
  }
}
