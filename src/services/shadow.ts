import { RequestContext } from "../core/context.ts";
import type { Afterwards, Lease } from "../core/context.ts";
import { type ErrorCode, type ProxyError, toProxyError } from "../core/errors.ts";
import { BytesBody, type MaybePromise, type Response } from "../core/message.ts";
import type { Clock, Log } from "../core/ports.ts";
import { shareOf } from "../core/share.ts";
import { wireText } from "../core/wire_text.ts";
import type { SharedTotals } from "../counters/shared_totals.ts";
import { CopiedBody } from "./body_copy.ts";
import type { Service } from "./service.ts";
import type { ShadowOptions } from "./shadow_options.ts";
import type { ShadowRun, ShadowRuns } from "./shadow_runs.ts";

/** Tells an upstream that nobody waits for its answer. A request that has it is a copy, and not copied again. */
const MARKER = "X-Shadow-Request";
const MARKER_KEY = "x-shadow-request";
/** Bytes of an answer that are read before the connection is given up instead. */
const ANSWER_BYTES_MAX = 1_048_576;
/** Answers of at most this size are waited for until they have been sent; longer ones may take for ever. */
const AWAITED_BYTES_MAX = 1_048_576;
/** Sampling does not depend on other decisions about the same request id. */
const SALT = 0x5aad;

/** How a copy came out; a metric label. */
export type ShadowResult =
  /** Its answer was read. */
  | "completed"
  /** There was no answer; the error's code is counted beside it. */
  | "failed"
  /** As many copies as may be were under way. */
  | "dropped"
  /** The body was longer than `max-body-bytes`. */
  | "body_too_long"
  /** The body never came to its end. */
  | "body_cut"
  /** The real request went on in another protocol, of which there can be no copy. */
  | "upgraded"
  /** The proxy ended first. */
  | "cancelled";

/** What is counted of copies; `observe/shadow_meter.ts` has the real one. */
export interface ShadowMeter {
  begun(): void;
  ended(result: ShadowResult): void;
  /** A copy that had not begun was given up. */
  skipped(result: ShadowResult): void;
  failure(code: ErrorCode): void;
  /** The head of a copy's answer came `ms` after the copy began. */
  latency(ms: number): void;
  /** How a copy's answer compares with the real one: `lateMs` is negative when it was faster. */
  compared(result: "same" | "different", lateMs: number): void;
}

/** What requests are copied with. */
export interface ShadowDeps {
  readonly options: ShadowOptions;
  /** Answers the real requests. */
  readonly service: Service;
  /** Answers the copies. */
  readonly target: Service;
  /** Where copies run; undefined where none may, as in explanations. */
  readonly runs: ShadowRuns | undefined;
  /** Counts the copies under way in all threads, in its first number. */
  readonly totals: SharedTotals;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: ShadowMeter;
}

/**
 * Answers as another service does, and sends copies of some requests to a second one. A copy begins when the
 * real answer has been sent, or is a stream that may take for ever, with what was copied of the body as it passed: so the real request never
 * waits for it.
 */
export function createShadowService(deps: ShadowDeps): Service {
  return new ShadowService(deps);
}

class ShadowService implements Service {
  readonly #deps: ShadowDeps;
  readonly #share: number;
  readonly #sampleKey: string | undefined;
  readonly #sampleValue: string | undefined;

  constructor(deps: ShadowDeps) {
    const { percentage, sampleHeader } = deps.options;
    this.#deps = deps;
    this.#share = percentage / 100;
    this.#sampleKey = sampleHeader?.name.toLowerCase();
    this.#sampleValue = sampleHeader?.value === undefined ? undefined : wireText(sampleHeader.value);
  }

  serve(context: RequestContext): MaybePromise<Response> {
    const { service } = this.#deps;
    const copy = this.#isSampled(context) ? this.#copyOf(context) : undefined;
    if (copy === undefined) return service.serve(context);
    try {
      const answer = service.serve(context);
      if (answer instanceof Promise) {
        return answer.then(
          (response) => copy.answered(response),
          (cause) => copy.failed(cause),
        );
      }
      return copy.answered(answer);
    } catch (cause) {
      return copy.failed(cause);
    }
  }

  dispose(): void {
    this.#deps.service.dispose?.();
  }

  #isSampled(context: RequestContext): boolean {
    const why = this.#passedBy(context);
    if (context.trace !== null) {
      const { upstream, percentage } = this.#deps.options;
      const outcome = why === undefined ? "copied" : "not copied";
      context.trace.note({
        step: "shadow",
        subject: upstream,
        outcome,
        detail: why ?? `${percentage} % of request ids`,
      });
    }
    return why === undefined;
  }

  /** Why a request is not copied; undefined when it is. */
  #passedBy({ head: { headers }, requestId, upgrade }: RequestContext): string | undefined {
    if (upgrade !== null) return "it goes on in another protocol";
    const key = this.#sampleKey;
    if (key !== undefined) {
      const wanted = this.#sampleValue;
      let at = headers.indexOf(key);
      while (at >= 0 && wanted !== undefined && headers.valueAt(at) !== wanted) {
        at = headers.indexOf(key, at + 1);
      }
      if (at < 0) return "the sample-header is missing, or another";
    }
    if (this.#share < 1 && shareOf(requestId, SALT) >= this.#share) {
      return "this request id is not among the sampled";
    }
    if (headers.has(MARKER_KEY)) return "it is a copy itself";
    return undefined;
  }

  #copyOf(context: RequestContext): Copy | undefined {
    const { runs, options, meter } = this.#deps;
    if (runs === undefined) return undefined;
    const { body } = context;
    if (body === null || !options.bufferBody) return new Copy(context, this.#deps, runs);
    if (body.length !== undefined && body.length > options.maxBodyBytes) return skip(meter, "body_too_long");
    const copy = new Copy(context, this.#deps, runs);
    // The place is taken before anything is kept, so that memory is bounded by what may be under way.
    if (!copy.takePlace()) return skip(meter, "dropped");
    copy.copyBody(options.maxBodyBytes);
    return copy;
  }
}

function skip(meter: ShadowMeter, result: ShadowResult): undefined {
  meter.skipped(result);
}

/** The copy of one request, from the decision to its end. */
class Copy implements ShadowRun, Afterwards {
  readonly #deps: ShadowDeps;
  readonly #runs: ShadowRuns;
  readonly #real: RequestContext;
  readonly #startedMs: number;
  /** The snapshot it belongs to, which lives until the copy is over. */
  readonly #lease: Lease | null;
  #body: CopiedBody | null = null;
  #bodyPending = false;
  /** Given up before it began. */
  #givenUp = false;
  #isQueued = false;
  #holdsPlace = false;
  /** Nothing of the real answer waits for this thread any more. */
  #realIsOver = false;
  #realStatus = 0;
  #realMs = 0;
  #context: RequestContext | null = null;
  #cancelled = false;

  constructor(real: RequestContext, deps: ShadowDeps, runs: ShadowRuns) {
    this.#real = real;
    this.#deps = deps;
    this.#runs = runs;
    this.#startedMs = deps.clock.nowMs();
    this.#lease = real.lease;
    this.#lease?.retain();
  }

  /** Whether there was room for one more. */
  takePlace(): boolean {
    this.#holdsPlace = this.#deps.totals.tryAcquire(0, this.#deps.options.maxConcurrent);
    if (!this.#holdsPlace) this.#letGo();
    return this.#holdsPlace;
  }

  /** Keeps the body as it passes. */
  copyBody(bytesMax: number): void {
    this.#bodyPending = true;
    this.#real.body = this.#body = new CopiedBody(this.#real.body!, bytesMax, (outcome) => {
      this.#bodyPending = false;
      if (outcome === "whole") this.#goOn();
      else this.#giveUp(outcome === "too-long" ? "body_too_long" : "body_cut");
    });
  }

  answered(response: Response): Response {
    if (response.status === 101) {
      this.#giveUp("upgraded");
      return response;
    }
    this.#realAnswered(response.status);
    const length = response.body === null ? 0 : response.body.length;
    if (length === undefined || length > AWAITED_BYTES_MAX) this.requestEnded();
    return response;
  }

  failed(cause: unknown): never {
    this.#realAnswered(toProxyError(cause).status);
    throw cause;
  }

  requestEnded(): void {
    this.#realIsOver = true;
    this.#goOn();
  }

  /** Called in a turn of its own. Never throws. */
  begin(): void {
    void this.#run();
  }

  cancel(): void {
    this.#cancelled = true;
    const context = this.#context;
    if (context === null) {
      this.#giveUp("cancelled");
    } else {
      context.aborted = true;
      context.onAbort?.("shutting_down");
    }
  }

  #realAnswered(status: number): void {
    this.#realStatus = status;
    this.#realMs = this.#deps.clock.nowMs() - this.#startedMs;
    this.#real.afterwards = this;
  }

  /** Goes on once the real request is over and the body's fate is known. */
  #goOn(): void {
    if (!this.#realIsOver || this.#bodyPending || this.#givenUp || this.#isQueued) return;
    this.#isQueued = true;
    if (!this.#holdsPlace && !this.takePlace()) return this.#deps.meter.skipped("dropped");
    if (!this.#runs.add(this)) this.#giveUp("cancelled");
  }

  /** Ends a copy that has not begun. */
  #giveUp(result: ShadowResult): void {
    if (this.#givenUp) return;
    this.#givenUp = true;
    this.#body = null;
    this.#deps.meter.skipped(result);
    this.#letGo();
  }

  #letGo(): void {
    if (this.#holdsPlace) this.#deps.totals.release(0);
    this.#holdsPlace = false;
    this.#lease?.release(this.#real);
  }

  async #run(): Promise<void> {
    const { target, clock, meter, options } = this.#deps;
    const startedMs = clock.nowMs();
    const context = this.#context = this.#copiedRequest(startedMs + options.timeoutMs);
    meter.begun();
    let result: ShadowResult = "completed";
    try {
      const response = await target.serve(context);
      this.#compare(response.status, clock.nowMs() - startedMs);
      await discard(response);
    } catch (cause) {
      const error = toProxyError(cause);
      result = this.#cancelled ? "cancelled" : "failed";
      if (!this.#cancelled) this.#runFailed(error, clock.nowMs() - startedMs);
    } finally {
      context.body?.cancel();
      context.onAbort = null;
      this.#runs.ended(this);
      meter.ended(result);
      this.#letGo();
    }
  }

  #runFailed(error: ProxyError, ms: number): void {
    this.#deps.meter.failure(error.code);
    // An answer that broke off has been compared when it began.
    if (this.#context!.status === 0) this.#compare(error.status, ms);
  }

  #compare(status: number, ms: number): void {
    const { meter, options, log } = this.#deps;
    this.#context!.status = status;
    meter.latency(ms);
    if (options.compare === "off") return;
    const same = status === this.#realStatus;
    meter.compared(same ? "same" : "different", ms - this.#realMs);
    const { route, requestId, head, path, trace } = this.#real;
    if (trace !== null) {
      const real = `${this.#realStatus} in ${rounded(this.#realMs)} ms`;
      const detail = `${real}, the copy ${status} in ${rounded(ms)} ms`;
      const outcome = same ? "answered alike" : "answered otherwise";
      trace.note({ step: "shadow", subject: options.upstream, outcome, detail });
    }
    if (same || options.compare !== "log") return;
    log("info", "A copied request was answered with another status", {
      route: route?.id,
      requestId,
      upstream: options.upstream,
      method: head.method,
      path,
      status: this.#realStatus,
      shadowStatus: status,
      ms: rounded(this.#realMs),
      shadowMs: rounded(ms),
    });
  }

  /** The request as the real upstream got it, with the mark of a copy. */
  #copiedRequest(deadlineMs: number): RequestContext {
    const real = this.#real;
    const headers = real.head.headers.clone();
    headers.setKeyed(MARKER, MARKER_KEY, "true");
    const context = new RequestContext({
      head: { ...real.head, headers },
      body: this.#body === null ? null : bodyOf(this.#body),
      downstream: real.downstream,
      startedMs: real.startedMs,
      bodyBytesMax: Infinity,
    });
    context.path = real.path;
    context.query = real.query;
    context.clientIp = real.clientIp;
    context.requestId = real.requestId;
    context.traceparent = real.traceparent;
    context.headersCleaned = real.headersCleaned;
    context.acceptsTrailers = real.acceptsTrailers;
    context.route = real.route;
    context.deadlineMs = deadlineMs;
    return context;
  }
}

function bodyOf(copied: CopiedBody): BytesBody | null {
  const bytes = copied.take();
  return bytes.length === 0 ? null : new BytesBody(bytes, copied.trailers);
}

/** Reads an answer to its end, or to its bound. Rejects when it breaks off. */
async function discard({ body }: Response): Promise<void> {
  if (body === null) return;
  let left = ANSWER_BYTES_MAX;
  while (left > 0) {
    const piece = await body.read();
    if (piece === null) return;
    left -= piece.length;
  }
  body.cancel();
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
