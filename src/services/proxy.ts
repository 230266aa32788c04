import type { RequestContext } from "../core/context.ts";
import { type ErrorCode, ProxyError, toProxyError } from "../core/errors.ts";
import type { Response } from "../core/message.ts";
import type { Clock, Random, Timers } from "../core/ports.ts";
import { Attempt } from "../upstream/attempt.ts";
import type { LiveTarget } from "../upstream/live_target.ts";
import type { LiveUpstream } from "../upstream/live_upstream.ts";
import { ReplayBody } from "../upstream/replay_body.ts";
import type { RetryPolicy, RetryReason } from "../upstream/retry_policy.ts";
import { discard } from "./discard.ts";
import { forkRequest, Hedge } from "./hedge.ts";
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
  /** An attempt is followed by another. */
  retry(reason: RetryReason): void;
  /** The second of two attempts at once had the better answer. */
  hedgeWon(): void;
  /** It would have been, if the retry budget had had room. */
  retryRefused(): void;
}

export interface ProxyServiceDeps {
  /** Belongs to the snapshot, which disposes it: several routes may share it. */
  readonly upstream: LiveUpstream;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly meter: ProxyMeter;
}

/** The service that passes requests on to an upstream's targets. */
export function createProxyService(deps: ProxyServiceDeps): Service {
  return new ProxyService(deps);
}

/** How often somebody who waits for room in the retry budget looks, on average. */
const BUDGET_LOOK_MS = 10;

/** What one request has been through so far. */
interface Course {
  /** `Clock.nowMs` when the first attempt began. */
  readonly startedMs: number;
  /** `Clock.nowMs` by which the response head must be there, over all attempts. */
  readonly headDueMs: number;
  /** The client's connection was to be closed before anything was tried. */
  readonly closeConnection: boolean;
  /** The request body where it may be needed again. */
  readonly replay: ReplayBody | null;
  attempts: number;
  /** Targets that failed the request; they are not asked again while there are others. */
  tried: LiveTarget[] | null;
  /** A kept-alive connection failed the request, so it gets a new one. */
  fresh: boolean;
  /** Some of the request body may have been read. */
  bodyTouched: boolean;
  /** A second attempt may begin beside the first. */
  readonly hedges: boolean;
  /** It holds a place in the retry budget. */
  holdsRetry: boolean;
  /** Milliseconds to wait before the next attempt. */
  pauseMs: number;
}

class ProxyService implements Service {
  readonly #upstream: LiveUpstream;
  readonly #policy: RetryPolicy;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #meter: ProxyMeter;

  constructor(deps: ProxyServiceDeps) {
    this.#upstream = deps.upstream;
    this.#policy = deps.policy;
    this.#clock = deps.clock;
    this.#timers = deps.timers;
    this.#random = deps.random;
    this.#meter = deps.meter;
  }

  /** Resolves with the response head; rejects with `ProxyError` once nothing is left to be tried. */
  async serve(context: RequestContext): Promise<Response> {
    if (context.aborted) throw new ProxyError("client_closed", "the client left before its turn came");
    const policy = this.#policy;
    const course = this.#begin(context);
    policy.budget?.enter();
    try {
      const { gate } = this.#upstream;
      let attemptMs = course.startedMs;
      if (gate !== null && !gate.tryEnter()) attemptMs = await this.#queue(context, course);
      let target = this.#pick(context, course);
      while (true) {
        let attempt = this.#attempt(context, { target, course, startedMs: attemptMs });
        let response: Response | undefined;
        let error: ProxyError | undefined;
        try {
          if (course.hedges && course.attempts === 1) {
            ({ attempt, response } = await this.#hedged(attempt, course));
            ({ target } = attempt);
          } else response = await attempt.run();
          this.#answered(attempt, { status: response.status, course, attemptMs, context });
          if (!policy.repeatsStatus(response.status)) return this.#marked(context, target, response);
        } catch (cause) {
          error = this.#failed(attempt, course, cause);
        }
        attemptMs = this.#clock.nowMs();
        const after = { attempt, course, error, nowMs: attemptMs };
        const reason = this.#reasonToRetry(context, after);
        if (reason === undefined || !(this.#takeRetry(course) || await this.#awaitRetry(context, after))) {
          if (response !== undefined) return this.#marked(context, target, response);
          throw error;
        }
        if (response !== undefined) discard(response);
        if (course.pauseMs > 0) await this.#pause(context, course.pauseMs);
        attemptMs = this.#clock.nowMs();
        if (gate !== null && !gate.tryEnter()) attemptMs = await this.#queue(context, course);
        target = this.#pickAgain(context, { attempt, course, error }, reason);
      }
    } finally {
      course.replay?.settle();
      if (course.holdsRetry) policy.budget?.giveBack();
      policy.budget?.leave();
    }
  }

  #marked(context: RequestContext, target: LiveTarget, response: Response): Response {
    this.#upstream.mark(target, context, response);
    return response;
  }

  #begin(context: RequestContext): Course {
    const startedMs = this.#clock.nowMs();
    const { body } = context;
    context.upstreamId = this.#upstream.id;
    const replay = body === null ? null : this.#replayOf(context);
    return {
      startedMs,
      headDueMs: startedMs + this.#upstream.requestMs,
      closeConnection: context.closeConnection,
      replay,
      hedges: this.#policy.hedgeMs !== Infinity && body === null && context.upgrade === null &&
        this.#policy.hedgesMethod(context.head.method),
      attempts: 0,
      tried: null,
      fresh: false,
      bodyTouched: false,
      holdsRetry: false,
      pauseMs: 0,
    };
  }

  /** Puts a body that can be read again in place of the request's, where a retry may need it. */
  #replayOf(context: RequestContext): ReplayBody | null {
    const { bodyBytesMax, attemptsMax } = this.#policy;
    const body = context.body!;
    const isKept = attemptsMax > 1 && (body.length ?? 0) <= bodyBytesMax && bodyBytesMax > 0 &&
      this.#policy.repeatsMethod(context.head.method);
    if (!isKept) return null;
    const replay = new ReplayBody(body, bodyBytesMax);
    context.body = replay.rewind();
    return replay;
  }

  #pick(context: RequestContext, course: Course): LiveTarget {
    const target = this.#upstream.take(context, course);
    if (target === undefined) {
      this.#upstream.gate?.cancel();
      throw this.#unavailable();
    }
    if (context.trace !== null) {
      note(context, target, { outcome: "picked", detail: this.#upstream.loadBalancing });
    }
    return target;
  }

  /** The next attempt, counted but not yet under way. */
  #attempt(context: RequestContext, { target, course, startedMs }: Begin): Attempt {
    const upstream = this.#upstream;
    const { attemptMs } = this.#policy;
    context.attempts++;
    course.attempts++;
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
      headDueMs: Math.min(course.headDueMs, startedMs + attemptMs),
      headMs: Math.min(upstream.requestMs, attemptMs),
      fresh: course.fresh,
    });
  }

  /**
   * Runs the attempt, and when it is slow a second one at another target; resolves with the one that has an answer.
   * Rejects with what the first one failed with when neither has.
   */
  async #hedged(first: Attempt, course: Course): Promise<{ attempt: Attempt; response: Response }> {
    const { budget, hedgeMs } = this.#policy;
    let second: Attempt | undefined;
    try {
      const { attempt, response, cause, failed } = await new Hedge({
        first,
        delayMs: hedgeMs,
        timers: this.#timers,
        second: () => second = this.#besides(first, course),
        isGood: ({ status }) => !this.#policy.repeatsStatus(status),
      }).run();
      if (failed !== undefined) {
        this.#failed(failed.attempt, course, failed.cause);
        (course.tried ??= []).push(failed.attempt.target);
      }
      if (response === undefined) throw cause;
      if (attempt === second) this.#meter.hedgeWon();
      return { attempt, response };
    } finally {
      if (second !== undefined) budget?.giveBack();
    }
  }

  /** A second attempt beside the first, if there is room in the budget and at a target that has not been asked. */
  #besides(first: Attempt, course: Course): Attempt | undefined {
    const { context } = first;
    const { budget } = this.#policy;
    if (budget !== null && !budget.tryTake()) {
      this.#meter.retryRefused();
      return refuseHedge(first, "the retry budget is used up");
    }
    const { gate } = this.#upstream;
    if (gate !== null && !gate.tryEnter()) {
      budget?.giveBack();
      return refuseHedge(first, "the upstream is at its limit of requests");
    }
    const fork = forkRequest(context);
    const target = this.#upstream.take(fork, { tried: [first.target] });
    if (target === undefined) {
      gate?.cancel();
      budget?.giveBack();
      return refuseHedge(first, "there is no other target");
    }
    context.attempts++;
    this.#meter.retry("hedge");
    if (context.trace !== null) note(context, target, { outcome: "picked", detail: "beside a slow attempt" });
    return this.#attempt(fork, { target, course, startedMs: this.#clock.nowMs() });
  }

  #answered(attempt: Attempt, { status, course, attemptMs, context }: Answer): void {
    const { target } = attempt;
    this.#meter.acquired();
    target.settled(attempt.context);
    context.targetAddress = target.address;
    course.bodyTouched = true;
    context.connectionReused = attempt.reused;
    context.upstreamHeadMs = attempt.answeredMs - course.startedMs;
    this.#meter.headLatency(target.address, attempt.answeredMs - attemptMs);
    if (context.trace !== null) {
      const detail = attempt.isHttp2 ? { detail: "over HTTP/2" } : {};
      note(context, target, { outcome: `answered ${status}`, ...detail });
    }
  }

  #failed(attempt: Attempt, course: Course, cause: unknown): ProxyError {
    const { context, target } = attempt;
    let error = toProxyError(cause);
    if (attempt.connected) {
      this.#meter.acquired();
      course.bodyTouched = true;
      context.connectionReused = attempt.reused;
    }
    const { attemptMs } = this.#policy;
    if (error.code === "request_timeout" && attemptMs !== Infinity && this.#isInTime(context, course)) {
      error = new ProxyError("upstream_try_timeout", `no answer within ${attemptMs} ms`, { cause });
    }
    this.#meter.failure(error.code);
    if (context.trace !== null) {
      note(context, target, { outcome: "failed", detail: `${error.code}: ${error.message}` });
    }
    return error;
  }

  /** The request as a whole may still take time, whatever the attempt's own limit. */
  #isInTime(context: RequestContext, course: Course): boolean {
    const headDueMs = context.body === null ? course.headDueMs : Infinity;
    return this.#clock.nowMs() < Math.min(context.deadlineMs, headDueMs);
  }

  /** Why there is to be another attempt, everything prepared for it; undefined when what there is stands. */
  #reasonToRetry(context: RequestContext, after: After): RetryReason | undefined {
    const { attempt, course, error, nowMs } = after;
    const policy = this.#policy;
    const reason = error === undefined ? "status" : policy.reasonOf(error);
    if (reason === undefined || policy.attemptsMax === 1) return undefined;
    const dueMs = Math.min(course.headDueMs, context.deadlineMs);
    if (nowMs >= dueMs || !this.#mayRepeat(context, after, reason)) return undefined;
    if (course.attempts >= policy.attemptsMax) {
      return refuse(context, attempt, `after ${course.attempts} attempts`);
    }
    // A connection that goes away, unlike the target, says so to what comes too late: once that is no failure.
    const isStale = (reason === "reset" && attempt.reused) || (reason === "refused-stream" && !course.fresh);
    if (!policy.isImplicit || !isStale) (course.tried ??= []).push(attempt.target);
    // A target that has not failed the request may be asked at once, unless the failure hints at overload.
    const isHarmless = isStale || reason === "connect-failure" || reason === "refused-stream";
    const atOnce = policy.isImplicit ||
      (isHarmless && course.tried!.length < this.#upstream.targets.length);
    course.pauseMs = atOnce ? 0 : Math.min(policy.pauseMs(course.attempts, this.#random), dueMs - nowMs);
    course.fresh = isStale;
    return reason;
  }

  /** Takes a place in the retry budget, unless the request has one or needs none. */
  #takeRetry(course: Course): boolean {
    const { budget } = this.#policy;
    return budget === null || course.holdsRetry || (course.holdsRetry = budget.tryTake());
  }

  /** As `#takeRetry`, for a while again and again, if nothing better than an error is at hand. */
  async #awaitRetry(context: RequestContext, { attempt, course, error, nowMs }: After): Promise<boolean> {
    const policy = this.#policy;
    const patienceMs = error === undefined ? 0 : policy.budgetWaitMs;
    const dueMs = Math.min(nowMs + patienceMs, course.headDueMs, context.deadlineMs);
    for (let now = nowMs; now < dueMs; now = this.#clock.nowMs()) {
      const pauseMs = BUDGET_LOOK_MS * (0.5 + this.#random.u32() / 2 ** 32);
      await this.#pause(context, Math.max(1, Math.min(pauseMs, dueMs - now)));
      if (this.#takeRetry(course)) return true;
    }
    this.#meter.retryRefused();
    if (context.trace !== null) {
      note(context, attempt.target, { outcome: "not retried", detail: "the retry budget is used up" });
    }
    return false;
  }

  /** The target of the next attempt, counted in flight. Throws the last error when none is left. */
  #pickAgain(context: RequestContext, { attempt, course, error }: Failed, reason: RetryReason): LiveTarget {
    const target = this.#policy.isImplicit && course.fresh
      ? (attempt.target.begin(context) ? attempt.target : undefined)
      : this.#other(context, course, attempt.target);
    if (target === undefined) {
      this.#upstream.gate?.cancel();
      throw error ?? this.#unavailable();
    }
    // Not before it is sure that there is another attempt: what stands keeps what it found out.
    context.closeConnection = course.closeConnection;
    if (course.replay !== null && course.bodyTouched) context.body = course.replay.rewind();
    this.#meter.retry(reason);
    if (context.trace !== null) note(context, target, { outcome: "picked", detail: `again after ${reason}` });
    return target;
  }

  /** A target that has not failed the request, else, where a policy says to go on, any but the last, else that. */
  #other(context: RequestContext, course: Course, failed: LiveTarget): LiveTarget | undefined {
    const next = this.#upstream.take(context, course);
    if (next !== undefined || this.#policy.isImplicit) return next;
    course.tried = [failed];
    const again = this.#upstream.take(context, course);
    if (again !== undefined) return again;
    course.tried = null;
    return this.#upstream.take(context, course);
  }

  #unavailable(): ProxyError {
    this.#meter.failure("upstream_unavailable");
    return new ProxyError("upstream_unavailable", `no target of "${this.#upstream.id}" is healthy`);
  }

  /** Whether sending the request once more can do no harm, and its body is there to be sent. */
  #mayRepeat(context: RequestContext, { attempt, course }: Failed, reason: RetryReason): boolean {
    const policy = this.#policy;
    const hasBody = context.body !== null;
    const isUnseen = reason === "connect-failure" || reason === "refused-stream";
    if (!isUnseen && !policy.repeatsMethod(context.head.method)) return false;
    if (policy.isImplicit && reason === "reset") {
      return attempt.reused && !course.fresh && !attempt.sawBytes && !hasBody;
    }
    return !hasBody || !course.bodyTouched || course.replay?.isRepeatable === true;
  }

  /** Waits for one of the upstream's places; resolves with `Clock.nowMs`. */
  async #queue(context: RequestContext, course: Course): Promise<number> {
    const { gate } = this.#upstream;
    if (context.trace !== null) {
      context.trace.note({ step: "upstream", subject: this.#upstream.id, outcome: "queued" });
    }
    try {
      await gate!.wait(context, this.#clock.nowMs(), Math.min(course.headDueMs, context.deadlineMs));
    } catch (cause) {
      const error = toProxyError(cause);
      this.#meter.failure(error.code);
      throw error;
    }
    if (!context.aborted) return this.#clock.nowMs();
    gate!.cancel();
    throw new ProxyError("client_closed", "the client left when its turn came");
  }

  async #pause(context: RequestContext, ms: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const cancel = this.#timers.after(ms, () => {
        context.onAbort = null;
        resolve();
      });
      context.onAbort = (cause) => {
        context.onAbort = null;
        cancel();
        reject(new ProxyError(cause, "abandoned between two attempts"));
      };
    });
    if (context.aborted) throw new ProxyError("client_closed", "the client left between two attempts");
  }
}

interface Begin {
  readonly target: LiveTarget;
  readonly course: Course;
  /** `Clock.nowMs` now. */
  readonly startedMs: number;
}

interface Answer {
  readonly status: number;
  readonly course: Course;
  /** `Clock.nowMs` when the attempt began, waiting for a connection included. */
  readonly attemptMs: number;
  /** The request itself; of two attempts at once, the second has a context of its own. */
  readonly context: RequestContext;
}

/** How an attempt ended: with an error, or with a status that is worth another attempt. */
interface Failed {
  readonly attempt: Attempt;
  readonly course: Course;
  readonly error: ProxyError | undefined;
}

interface After extends Failed {
  readonly nowMs: number;
}

function refuseHedge({ context, target }: Attempt, detail: string): undefined {
  if (context.trace !== null) note(context, target, { outcome: "not hedged", detail });
  return undefined;
}

function refuse(context: RequestContext, { target }: Attempt, detail: string): undefined {
  if (context.trace !== null) note(context, target, { outcome: "not retried", detail });
  return undefined;
}

function note(context: RequestContext, target: LiveTarget, what: { outcome: string; detail?: string }): void {
  context.trace?.note({ step: "upstream", subject: target.address, ...what });
}
