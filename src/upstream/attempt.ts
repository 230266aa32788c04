import type { RequestContext } from "../core/context.ts";
import { ProxyError, toProxyError } from "../core/errors.ts";
import type { Response } from "../core/message.ts";
import type { Clock } from "../core/ports.ts";
import type { UpstreamConnection } from "./connection.ts";
import { Exchange, type ExchangeTimeouts } from "./forward.ts";
import type { Http2Connection } from "./http2_connection.ts";
import { Http2Exchange } from "./http2_exchange.ts";
import type { Http2Pool } from "./http2_pool.ts";
import type { LiveTarget } from "./live_target.ts";
import type { Want } from "./pool.ts";

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
  /** It went over HTTP/2. */
  isHttp2 = false;
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
    const { http2 } = this.target.pool;
    // What an upgrade asks for is of HTTP/1.1 alone (RFC 9113 §8.6).
    const isHttp1 = http2 === null || http2.isHttp1 || this.context.upgrade !== null;
    return isHttp1 ? this.#overHttp1() : this.#overHttp2(http2);
  }

  async #overHttp1(): Promise<Response> {
    const { context, target } = this;
    const { pool } = target;
    const idle = this.#fresh ? undefined : pool.take();
    let connection: UpstreamConnection;
    try {
      connection = idle ?? await this.#wait(pool);
    } catch (cause) {
      throw this.#notConnected(cause);
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

  async #overHttp2(pool: Http2Pool): Promise<Response> {
    const { context, target } = this;
    let connection: Http2Connection | null;
    try {
      connection = pool.take() ?? await this.#wait(pool);
    } catch (cause) {
      throw this.#notConnected(cause);
    }
    if (connection === null) return await this.#overHttp1();
    this.connected = this.isHttp2 = true;
    this.reused = connection.exchanges > 0;
    const scheme = target.pool.target.tls === undefined ? "http" : "https";
    const exchange = new Http2Exchange({ connection, target, scheme }, context, this);
    try {
      const response = await exchange.run();
      exchange.settleLength();
      this.answeredMs = exchange.headMs;
      return response;
    } catch (cause) {
      this.sawBytes = exchange.sawBytes;
      throw cause;
    }
  }

  /** The error of an attempt that got no connection, which ends it. */
  #notConnected(cause: unknown): ProxyError {
    const error = toProxyError(cause);
    this.target.failed(this.context, error.code);
    this.target.ended(this.context, "cut");
    return error;
  }

  /** A connection that is opened, or given back by another request. */
  async #wait<C extends { finish(): void } | null>(pool: Connections<C>): Promise<C> {
    const { context } = this;
    const dueMs = Math.min(context.deadlineMs, this.headDueMs);
    let connection: C;
    try {
      connection = await pool.wait({
        timeoutMs: Math.max(0, Math.min(this.#connectMs, dueMs - this.#clock.nowMs())),
        fresh: this.#fresh,
        onWait: (cancel) => context.onAbort = cancel,
      });
    } finally {
      context.onAbort = null;
    }
    this.startedMs = this.#clock.nowMs();
    if (context.aborted) {
      connection?.finish();
      throw new ProxyError("client_closed", "the client left while a connection was opened");
    }
    return connection;
  }
}

/** What an attempt waits at. */
interface Connections<C> {
  wait(want: Want): Promise<C>;
}
