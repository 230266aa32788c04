import type { RequestContext } from "../core/context.ts";
import { type ErrorCode, ERRORS, ProxyError, toProxyError } from "../core/errors.ts";
import type { Response } from "../core/message.ts";
import type { Clock } from "../core/ports.ts";
import { Attempt } from "../upstream/attempt.ts";
import type { LiveTarget, LiveUpstream } from "../upstream/live_upstream.ts";
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
interface Course {
  /** `Clock.nowMs` when the first attempt began. */
  readonly startedMs: number;
  /** `Clock.nowMs` by which the response head must be there, over all attempts. */
  readonly headDueMs: number;
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
    if (context.aborted) throw new ProxyError("client_closed", "the client left before its turn came");
    const startedMs = this.#clock.nowMs();
    const course: Course = {
      startedMs,
      headDueMs: startedMs + this.#upstream.requestMs,
      tried: null,
      fresh: false,
    };
    context.upstreamId = this.#upstream.id;
    let target = this.#pick(context, course);
    let attemptMs = startedMs;
    while (true) {
      const attempt = this.#attempt(context, { target, course, startedMs: attemptMs });
      try {
        const response = await attempt.run();
        this.#answered(attempt, { response, course, attemptMs });
        return response;
      } catch (cause) {
        const error = this.#failed(attempt, cause);
        attemptMs = this.#clock.nowMs();
        const next = attemptMs < Math.min(course.headDueMs, context.deadlineMs)
          ? this.#retry(context, { error, attempt, course })
          : undefined;
        if (next === undefined) throw error;
        target = next;
      }
    }
  }

  #pick(context: RequestContext, course: Course): LiveTarget {
    const target = this.#upstream.pick(context, course.tried);
    if (target === undefined) {
      this.#meter.failure("upstream_unavailable");
      throw new ProxyError("upstream_unavailable", `no target of "${this.#upstream.id}" is healthy`);
    }
    if (context.trace !== null) {
      note(context, target, { outcome: "picked", detail: this.#upstream.loadBalancing });
    }
    return target;
  }

  /** The next attempt, counted but not yet under way. */
  #attempt(context: RequestContext, { target, course, startedMs }: Begin): Attempt {
    const upstream = this.#upstream;
    context.attempts++;
    context.targetAddress = target.address;
    this.#meter.attempt();
    return new Attempt({
      context,
      target,
      clock: this.#clock,
      startedMs,
      connectMs: context.connectTimeoutMs ?? upstream.connectMs,
      readMs: context.readTimeoutMs ?? upstream.readMs,
      writeMs: upstream.writeMs,
      headDueMs: course.headDueMs,
      headMs: upstream.requestMs,
      fresh: course.fresh,
    });
  }

  #answered(attempt: Attempt, { response, course, attemptMs }: Answer): void {
    const { context, target } = attempt;
    this.#meter.acquired();
    context.connectionReused = attempt.reused;
    context.upstreamHeadMs = attempt.answeredMs - course.startedMs;
    this.#meter.headLatency(target.address, attempt.answeredMs - attemptMs);
    if (context.trace !== null) note(context, target, { outcome: `answered ${response.status}` });
  }

  #failed(attempt: Attempt, cause: unknown): ProxyError {
    const { context, target } = attempt;
    const error = toProxyError(cause);
    if (attempt.connected) {
      this.#meter.acquired();
      context.connectionReused = attempt.reused;
    }
    this.#meter.failure(error.code);
    if (context.trace !== null) {
      note(context, target, { outcome: "failed", detail: `${error.code}: ${error.message}` });
    }
    return error;
  }

  /** The target to try next, or undefined when the failure stands. */
  #retry(context: RequestContext, { error, attempt, course }: FailedAttempt): LiveTarget | undefined {
    const { target } = attempt;
    switch (ERRORS[error.code].retry) {
      case "unsent": {
        const tried = course.tried ??= [];
        tried.push(target);
        course.fresh = false;
        const next = this.#upstream.pick(context, tried);
        if (next !== undefined && context.trace !== null) {
          note(context, next, { outcome: "picked", detail: "the last one failed" });
        }
        return next;
      }
      case "reused": {
        const safe = attempt.reused && !course.fresh && !attempt.sawBytes &&
          context.body === null &&
          IDEMPOTENT.has(context.head.method);
        course.fresh = true;
        return safe ? target : undefined;
      }
      default:
        return undefined;
    }
  }
}

interface Begin {
  readonly target: LiveTarget;
  readonly course: Course;
  /** `Clock.nowMs` now. */
  readonly startedMs: number;
}

interface Answer {
  readonly response: Response;
  readonly course: Course;
  /** `Clock.nowMs` when the attempt began, waiting for a connection included. */
  readonly attemptMs: number;
}

interface FailedAttempt {
  readonly error: ProxyError;
  readonly attempt: Attempt;
  readonly course: Course;
}

function note(context: RequestContext, target: LiveTarget, what: { outcome: string; detail?: string }): void {
  context.trace?.note({ step: "upstream", subject: target.address, ...what });
}
