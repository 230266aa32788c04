import type { RequestContext } from "../core/context.ts";
import { ERRORS, type ProxyError, toProxyError } from "../core/errors.ts";
import type { HeaderList } from "../core/headers.ts";
import type { Body, MaybePromise, Response } from "../core/message.ts";
import type { Clock, Timers } from "../core/ports.ts";
import { ReplayBody } from "../upstream/replay_body.ts";
import { IDEMPOTENT_METHODS } from "../upstream/retry_options.ts";
import { discard } from "./discard.ts";
import type { FallbackOptions } from "./fallback_options.ts";
import type { Service } from "./service.ts";

const IDEMPOTENT: ReadonlySet<string> = new Set(IDEMPOTENT_METHODS);

/** What is counted; `observe/fallback_meter.ts` has the real one. */
export interface FallbackMeter {
  /** A request goes on to another upstream; `reason` is one of a few words. */
  attempt(from: string, to: string, reason: string): void;
  /** An upstream that was gone on to has answered. */
  success(upstream: string): void;
  /** A request should have gone on, and there was nowhere left. */
  exhausted(): void;
}

/** An upstream to go on to. */
export interface FallbackUpstream {
  readonly id: string;
  readonly service: Service;
  readonly skipIfUnhealthy: boolean;
  /** Whether any target of it takes requests now. */
  isAvailable(): boolean;
}

/** What a fallback is made of. */
export interface FallbackDeps {
  readonly options: FallbackOptions;
  /** Answers while nothing is wrong. */
  readonly service: Service;
  /** One for each of the options' upstreams, in their order. */
  readonly upstreams: readonly FallbackUpstream[];
  readonly clock: Clock;
  readonly timers: Timers;
  readonly meter: FallbackMeter;
}

/**
 * Answers as another service does, and where that fails asks further upstreams in order. A request that has been
 * answered is never repeated unless its status, or the time it took, is said to be a failure; one whose body cannot
 * be sent again from its start stays where it is.
 */
export function createFallbackService(deps: FallbackDeps): Service {
  return new FallbackService(deps);
}

/** A body that knows when its end was read: no upstream is slow before it has the request. */
class TimedBody implements Body {
  readonly length: number | undefined;
  /** `Clock.nowMs` when the end was read; Infinity before. */
  endedMs = Infinity;
  readonly #body: Body;
  readonly #clock: Clock;

  constructor(body: Body, clock: Clock) {
    this.#body = body;
    this.#clock = clock;
    this.length = body.length;
  }

  get trailers(): HeaderList | undefined {
    return this.#body.trailers;
  }

  read(): MaybePromise<Uint8Array | null> {
    const piece = this.#body.read();
    return piece instanceof Promise ? piece.then((read) => this.#passed(read)) : this.#passed(piece);
  }

  cancel(): void {
    this.#body.cancel();
  }

  #passed(piece: Uint8Array | null): Uint8Array | null {
    if (piece === null) this.endedMs = this.#clock.nowMs();
    return piece;
  }
}

/** What one request has been through so far. */
interface Course {
  /** Its body as it comes from the client, where a threshold needs to know. */
  readonly source: TimedBody | null;
  /** The request's body, which can be sent again while enough of it is kept. */
  readonly replay: ReplayBody | null;
  /** The client's connection was to be closed before anything was tried. */
  readonly closeConnection: boolean;
  /** Where the next upstream is looked for. */
  cursor: number;
  /** Upstreams gone on to. */
  attempts: number;
  /** The upstream that failed first, and why. */
  original: string;
  reason: string;
}

class FallbackService implements Service {
  readonly #deps: FallbackDeps;
  /** Statuses that mean failure, indexed by status. */
  readonly #statuses = new Uint8Array(1000);

  constructor(deps: FallbackDeps) {
    this.#deps = deps;
    for (const [from, to] of deps.options.triggers.onErrorCodes) this.#statuses.fill(1, from, to + 1);
    // Behind it is a tunnel rather than an answer: going on would leave that open, and begin a second one.
    this.#statuses[101] = 0;
  }

  /** Resolves with the response head that stands; rejects with the last `ProxyError` when there is none. */
  async serve(context: RequestContext): Promise<Response> {
    const course = this.#begin(context);
    let service = this.#deps.service;
    try {
      while (true) {
        let response: Response | undefined;
        let error: ProxyError | undefined;
        try {
          response = await this.#ask(service, context, course);
        } catch (cause) {
          error = toProxyError(cause);
        }
        const reason = response === undefined
          ? this.#reasonOf(error!, context)
          : this.#statuses[response.status] === 1
          ? `error_code_${response.status}`
          : undefined;
        const next = reason === undefined ? undefined : this.#next(context, course, reason);
        if (next === undefined) {
          if (response === undefined) throw error;
          return this.#stands(context, course, response);
        }
        if (response !== undefined) discard(response);
        this.#goOn(context, course, { next, reason: reason! });
        service = next.service;
      }
    } finally {
      course.replay?.settle();
    }
  }

  dispose(): void {
    this.#deps.service.dispose?.();
    for (const { service } of this.#deps.upstreams) service.dispose?.();
  }

  #begin(context: RequestContext): Course {
    const { body } = context;
    let source: TimedBody | null = null;
    let replay: ReplayBody | null = null;
    if (body !== null) {
      const { maxBodyBytes, triggers } = this.#deps.options;
      if (triggers.onLatencyThresholdMs !== undefined) source = new TimedBody(body, this.#deps.clock);
      // Of a body that is too long not even the beginning is worth keeping.
      replay = new ReplayBody(source ?? body, (body.length ?? 0) > maxBodyBytes ? 0 : maxBodyBytes);
      context.body = replay.rewind();
    }
    return {
      source,
      replay,
      closeConnection: context.closeConnection,
      cursor: 0,
      attempts: 0,
      original: "",
      reason: "",
    };
  }

  /** Asks one service, for no longer than the threshold while there is another to go on to. */
  async #ask(service: Service, context: RequestContext, course: Course): Promise<Response> {
    const { onLatencyThresholdMs } = this.#deps.options.triggers;
    if (onLatencyThresholdMs === undefined || this.#peek(course) < 0) return await service.serve(context);
    const watch = this.#watch(context, course, onLatencyThresholdMs);
    try {
      return await service.serve(context);
    } finally {
      watch.cancel();
    }
  }

  /** Gives the attempt at hand up when its upstream has had the request for that long. */
  #watch(context: RequestContext, course: Course, thresholdMs: number): { cancel(): void } {
    const { clock, timers } = this.#deps;
    const startedMs = clock.nowMs();
    const look = () => {
      const nowMs = clock.nowMs();
      const endedMs = course.source?.endedMs ?? startedMs;
      // A client that takes its time to send is not the upstream's fault.
      const leftMs = (endedMs === Infinity ? nowMs : Math.max(startedMs, endedMs)) + thresholdMs - nowMs;
      if (leftMs > 0) {
        watch.cancel = timers.after(leftMs, look);
      } else if (course.replay?.isRepeatable !== false && this.#peek(course) >= 0) {
        // Better a late answer than none, so only while there is another way.
        context.onAbort?.("upstream_too_slow");
      }
    };
    const watch = { cancel: timers.after(thresholdMs, look) };
    return watch;
  }

  /** Why a failure makes a request go on; undefined when it stands. */
  #reasonOf({ code }: ProxyError, { head }: RequestContext): string | undefined {
    const { triggers } = this.#deps.options;
    if (code === "upstream_unavailable" || code === "upstream_queue_full") {
      return triggers.onHealthFailure ? "health_check_failed" : undefined;
    }
    if (code === "upstream_too_slow") return "latency_threshold";
    switch (ERRORS[code].retry) {
      case "unsent":
      case "refused":
        return triggers.onConnectionError ? "connection_error" : undefined;
      case "reused":
      case "timeout":
        return triggers.onConnectionError && IDEMPOTENT.has(head.method) ? "connection_error" : undefined;
      default:
        return undefined;
    }
  }

  /** The upstream to go on to; undefined when there is none, or the request cannot be sent again. */
  #next(context: RequestContext, course: Course, reason: string): FallbackUpstream | undefined {
    const isOver = context.aborted || this.#deps.clock.nowMs() >= context.deadlineMs;
    if (isOver || course.replay?.isRepeatable === false) {
      const detail = isOver ? "the request is over" : "its body cannot be sent again";
      context.trace?.note({ step: "fallback", subject: reason, outcome: "not taken", detail });
      return undefined;
    }
    const at = this.#peek(course);
    if (at < 0) {
      this.#deps.meter.exhausted();
      const detail = `${course.attempts} fallback upstreams were tried, and none is left`;
      context.trace?.note({ step: "fallback", subject: reason, outcome: "exhausted", detail });
      return undefined;
    }
    course.cursor = at + 1;
    return this.#deps.upstreams[at];
  }

  /** Index of the upstream that would be next; -1 when none is. */
  #peek({ attempts, cursor }: Course): number {
    const { options, upstreams } = this.#deps;
    if (attempts >= options.maxAttempts) return -1;
    for (let at = cursor; at < upstreams.length; at++) {
      const { skipIfUnhealthy, isAvailable } = upstreams[at]!;
      if (!skipIfUnhealthy || isAvailable()) return at;
    }
    return -1;
  }

  #goOn(
    context: RequestContext,
    course: Course,
    { next, reason }: { readonly next: FallbackUpstream; readonly reason: string },
  ): void {
    const from = context.upstreamId ?? "none";
    this.#deps.meter.attempt(from, next.id, reason);
    if (course.attempts === 0) course.original = from;
    course.attempts++;
    course.reason = reason;
    const fields = context.logFields ??= {};
    fields["fallback"] = course.attempts;
    fields["fallback_from"] = course.original;
    fields["fallback_reason"] = reason;
    context.trace?.note({
      step: "fallback",
      subject: next.id,
      outcome: "taken",
      detail: `${from}: ${reason}`,
    });
    context.closeConnection = course.closeConnection;
    if (course.replay !== null) context.body = course.replay.rewind();
  }

  #stands(context: RequestContext, course: Course, response: Response): Response {
    if (course.attempts === 0) return response;
    const upstream = context.upstreamId ?? "none";
    // A failure that nobody was left to mend is no success.
    if (this.#statuses[response.status] !== 1) this.#deps.meter.success(upstream);
    if (!this.#deps.options.responseHeaders) return response;
    const { headers } = response;
    headers.set("X-Fallback-Used", "true");
    headers.set("X-Fallback-Upstream", upstream);
    headers.set("X-Fallback-Reason", course.reason);
    headers.set("X-Original-Upstream", course.original);
    return response;
  }
}
