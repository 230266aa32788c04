import type { RequestContext } from "../core/context.ts";
import { type ErrorCode, ERRORS, ProxyError, toProxyError } from "../core/errors.ts";
import type { Response } from "../core/message.ts";
import type { Clock } from "../core/ports.ts";
import type { UpstreamConnection } from "../upstream/connection.ts";
import { Exchange, type ExchangeTimeouts } from "../upstream/forward.ts";
import type { LiveTarget } from "../upstream/live_target.ts";
import type { LiveUpstream } from "../upstream/live_upstream.ts";
import type { Service } from "./service.ts";

/** What is counted per attempt; `observe/request_meters.ts` has the real one. */
export interface ProxyMeter {
  /** A target is about to be tried. */
  attempt(): void;
  /** A connection was taken from the pool, or opened for it. */
  acquired(): void;
  /** An attempt failed. */
  failure(reason: ErrorCode): void;
  /** A response head arrived `ms` after its attempt began. */
  headLatency(target: string, ms: number): void;
}

export interface ProxyServiceDeps {
  /** Belongs to the snapshot, which disposes it: several routes may share it. */
  readonly upstream: LiveUpstream;
  readonly clock: Clock;
  readonly meter: ProxyMeter;
}

/** Methods that may be repeated, as doing them twice means the same as once (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** The service that passes requests on to an upstream's targets. */
export function createProxyService(deps: ProxyServiceDeps): Service {
  return new ProxyService(deps);
}

/** What one request has been through so far. */
interface Course extends ExchangeTimeouts {
  /** Targets that could not be reached. */
  tried: LiveTarget[] | null;
  /** A kept-alive connection failed the request, so it gets a new one. */
  fresh: boolean;
}

class ProxyService implements Service {
  readonly #upstream: LiveUpstream;
  readonly #clock: Clock;
  readonly #meter: ProxyMeter;

  constructor(deps: ProxyServiceDeps) {
    this.#upstream = deps.upstream;
    this.#clock = deps.clock;
    this.#meter = deps.meter;
  }

  /** Resolves with the response head; rejects with `ProxyError` once nothing is left to be tried. */
  async serve(context: RequestContext): Promise<Response> {
    const upstream = this.#upstream;
    if (context.aborted) throw new ProxyError("client_closed", "the client left before its turn came");
    const startedMs = this.#clock.nowMs();
    const course: Course = {
      readMs: context.readTimeoutMs ?? upstream.readMs,
      writeMs: upstream.writeMs,
      startedMs,
      headDueMs: startedMs + upstream.requestMs,
      headMs: upstream.requestMs,
      tried: null,
      fresh: false,
    };
    context.upstreamId = upstream.id;
    let target = this.#pick(context, course);
    let attemptMs = startedMs;
    while (true) {
      context.attempts++;
      context.targetAddress = target.address;
      this.#meter.attempt();
      let exchange: Exchange | undefined;
      try {
        const idle = course.fresh ? undefined : target.pool.take();
        const connection = idle ?? await this.#wait(context, target, course);
        this.#meter.acquired();
        context.connectionReused = connection.exchanges > 0;
        exchange = new Exchange({ connection, target }, context, course);
        exchange.begin();
        let response: Response | undefined;
        do {
          let count: number;
          try {
            count = await connection.read();
          } catch (cause) {
            throw exchange.reset(cause);
          }
          response = exchange.received(count);
        } while (response === undefined);
        context.upstreamHeadMs = exchange.headMs - startedMs;
        this.#meter.headLatency(target.address, exchange.headMs - attemptMs);
        if (context.trace !== null) note(context, target, { outcome: `answered ${response.status}` });
        return response;
      } catch (cause) {
        const error = exchange === undefined ? unsent(context, target, cause) : exchange.failed(cause);
        this.#meter.failure(error.code);
        if (context.trace !== null) {
          note(context, target, { outcome: "failed", detail: `${error.code}: ${error.message}` });
        }
        attemptMs = course.startedMs = this.#clock.nowMs();
        const next = attemptMs < Math.min(course.headDueMs, context.deadlineMs)
          ? this.#retry(context, { error, target, course, sawBytes: exchange?.sawBytes === true })
          : undefined;
        if (next === undefined) throw error;
        target = next;
      }
    }
  }

  #pick(context: RequestContext, course: Course): LiveTarget {
    const target = this.#upstream.take(context, course);
    if (target === undefined) {
      this.#meter.failure("upstream_unavailable");
      throw new ProxyError("upstream_unavailable", `no target of "${this.#upstream.id}" is healthy`);
    }
    if (context.trace !== null) {
      note(context, target, { outcome: "picked", detail: this.#upstream.loadBalancing });
    }
    return target;
  }

  async #wait(context: RequestContext, target: LiveTarget, course: Course): Promise<UpstreamConnection> {
    const now = this.#clock.nowMs();
    const dueMs = Math.min(context.deadlineMs, course.headDueMs);
    const connectMs = context.connectTimeoutMs ?? this.#upstream.connectMs;
    let connection: UpstreamConnection;
    try {
      connection = await target.pool.wait({
        timeoutMs: Math.max(0, Math.min(connectMs, dueMs - now)),
        fresh: course.fresh,
        onWait: (cancel) => context.onAbort = cancel,
      });
    } finally {
      context.onAbort = null;
    }
    course.startedMs = this.#clock.nowMs();
    if (context.aborted) {
      connection.finish();
      throw new ProxyError("client_closed", "the client left while a connection was opened");
    }
    return connection;
  }

  /** The target to try next, or undefined when the failure stands. */
  #retry(context: RequestContext, attempt: FailedAttempt): LiveTarget | undefined {
    const { error, target, course } = attempt;
    switch (ERRORS[error.code].retry) {
      case "unsent": {
        const tried = course.tried ??= [];
        tried.push(target);
        course.fresh = false;
        const next = this.#upstream.take(context, course);
        if (next !== undefined && context.trace !== null) {
          note(context, next, { outcome: "picked", detail: "the last one failed" });
        }
        return next;
      }
      case "reused": {
        const safe = context.connectionReused && !course.fresh && !attempt.sawBytes &&
          context.body === null &&
          IDEMPOTENT.has(context.head.method);
        course.fresh = true;
        return safe && target.begin(context) ? target : undefined;
      }
      default:
        return undefined;
    }
  }
}

interface FailedAttempt {
  readonly error: ProxyError;
  readonly target: LiveTarget;
  readonly course: Course;
  /** The target had begun to answer. */
  readonly sawBytes: boolean;
}

/** The attempt ended before there was a connection; why. */
function unsent(context: RequestContext, target: LiveTarget, cause: unknown): ProxyError {
  const error = toProxyError(cause);
  target.failed(context, error.code);
  target.ended(context, "cut");
  return error;
}

function note(context: RequestContext, target: LiveTarget, what: { outcome: string; detail?: string }): void {
  context.trace?.note({ step: "upstream", subject: target.address, ...what });
}
