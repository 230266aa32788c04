import type { MaybePromise } from "../../core/message.ts";
import type {
  BodyOutcome,
  CloseReason,
  FrameDecision,
  Outcome,
  Response,
  Summary,
} from "../contract/sentinel_types.ts";
import type { AgentInstance, BodyChunk, DirectedFrame, RequestView } from "./bound_agent.ts";
import type { CallResult, InstanceSource, LiveAgent } from "./live_agent.ts";
import { checkBodyOutcome, checkFrameDecision, checkOutcome } from "./outcome_rules.ts";

/**
 * What one agent has to do with one request, event by event. With isolation the instance of the first event serves
 * the others too and nobody else until `end`, so that a request's state lives as long as the request and no longer.
 * Call only what the agent handles.
 */
export class AgentVisit implements InstanceSource {
  readonly agent: LiveAgent;
  readonly #timeoutMs: number;
  readonly #keepsInstance: boolean;
  #lease: AgentInstance | undefined;
  #isTaken = false;
  #isEnded = false;
  /** Calls that wait for the one under way: an instance is never entered twice. */
  #queue: (() => void)[] | undefined;

  constructor(agent: LiveAgent, timeoutMs: number) {
    this.agent = agent;
    this.#timeoutMs = timeoutMs;
    this.#keepsInstance = agent.options.isolation !== "shared";
  }

  onRequestHeaders(request: RequestView): MaybePromise<CallResult<Outcome>> {
    return this.agent.call({
      hook: "request-headers",
      timeoutMs: this.#timeoutMs,
      run: (agent) => agent.onRequestHeaders!(request),
      check: (outcome) => checkOutcome(outcome, "request", request.method()),
    }, this);
  }

  onRequestBody(request: RequestView, chunk: BodyChunk): MaybePromise<CallResult<BodyOutcome>> {
    return this.agent.call({
      hook: "request-body",
      timeoutMs: this.agent.options.chunkTimeoutMs,
      run: (agent) => agent.onRequestBody!(request, chunk),
      check: (outcome) => checkBodyOutcome(outcome, "request", request.method()),
    }, this);
  }

  onResponseHeaders(request: RequestView, response: Response): MaybePromise<CallResult<Outcome>> {
    return this.agent.call({
      hook: "response-headers",
      timeoutMs: this.#timeoutMs,
      run: (agent) => agent.onResponseHeaders!(request, response),
      check: (outcome) => checkOutcome(outcome, "response", request.method()),
    }, this);
  }

  onResponseBody(
    request: RequestView,
    response: Response,
    chunk: BodyChunk,
  ): MaybePromise<CallResult<BodyOutcome>> {
    return this.agent.call({
      hook: "response-body",
      timeoutMs: this.agent.options.chunkTimeoutMs,
      run: (agent) => agent.onResponseBody!(request, response, chunk),
      check: (outcome) => checkBodyOutcome(outcome, "response", request.method()),
    }, this);
  }

  onRequestComplete(request: RequestView, summary: Summary): MaybePromise<CallResult<void>> {
    return this.agent.call({
      hook: "request-complete",
      timeoutMs: this.#timeoutMs,
      run: (agent) => agent.onRequestComplete!(request, summary),
    }, this);
  }

  onWebsocketOpen(request: RequestView): MaybePromise<CallResult<Outcome>> {
    return this.agent.call({
      hook: "websocket-open",
      timeoutMs: this.#timeoutMs,
      run: (agent) => agent.wsOpen!(request),
      check: (outcome) => checkOutcome(outcome, "request", request.method()),
    }, this);
  }

  onWebsocketFrame(request: RequestView, frame: DirectedFrame): MaybePromise<CallResult<FrameDecision>> {
    return this.agent.call({
      hook: "websocket-frame",
      timeoutMs: this.agent.options.chunkTimeoutMs,
      run: (agent) => agent.wsFrame!(request, frame),
      check: checkFrameDecision,
    }, this);
  }

  onWebsocketClose(request: RequestView, reason: CloseReason | undefined): MaybePromise<CallResult<void>> {
    return this.agent.call({
      hook: "websocket-close",
      timeoutMs: this.#timeoutMs,
      run: (agent) => agent.wsClose!(request, reason),
    }, this);
  }

  /** No more events of this request will come. Safe to call twice. */
  end(): void {
    this.#isEnded = true;
    if (!this.#isTaken) this.#letGo();
  }

  acquire(waitMs: number): MaybePromise<AgentInstance> {
    if (!this.#keepsInstance) return this.agent.pool.acquire(waitMs);
    if (!this.#isTaken) {
      this.#isTaken = true;
      return this.#take(waitMs);
    }
    return new Promise<void>((resolve) => (this.#queue ??= []).push(resolve)).then(() => this.#take(waitMs));
  }

  release(instance: AgentInstance): void {
    if (!this.#keepsInstance) return this.agent.pool.release(instance);
    this.#next();
  }

  lost(): void {
    this.#lease = undefined;
    this.#next();
  }

  /** For the call whose turn it is. */
  #take(waitMs: number): MaybePromise<AgentInstance> {
    if (this.#lease !== undefined) return this.#lease;
    const failed = (cause: unknown): never => {
      this.#next();
      throw cause;
    };
    try {
      const acquired = this.agent.pool.acquire(waitMs);
      if (acquired instanceof Promise) return acquired.then((instance) => this.#lease = instance, failed);
      return this.#lease = acquired;
    } catch (cause) {
      return failed(cause);
    }
  }

  #next(): void {
    const next = this.#queue?.shift();
    // It stays taken: the next call gets it in a later turn, and nobody else before.
    if (next !== undefined) return next();
    this.#isTaken = false;
    if (this.#isEnded) this.#letGo();
  }

  #letGo(): void {
    const instance = this.#lease;
    this.#lease = undefined;
    if (instance !== undefined) this.agent.pool.release(instance);
  }
}
