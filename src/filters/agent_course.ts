import type { BodyOutcome, FrameDecision, HeaderEdit, Outcome } from "../agents/contract/sentinel_types.ts";
import type { AgentFailure, AgentHook } from "../agents/runtime/agent_meter.ts";
import type { AgentVisit } from "../agents/runtime/agent_visit.ts";
import { type BodyChunk, chain, type RequestView } from "../agents/runtime/bound_agent.ts";
import type { CallResult, LiveAgent } from "../agents/runtime/live_agent.ts";
import { METADATA_MAX } from "../agents/runtime/outcome_rules.ts";
import type { RequestContext } from "../core/context.ts";
import { type ErrorCode, ProxyError } from "../core/errors.ts";
import type { MaybePromise, Response } from "../core/message.ts";
import type { Clock, Timers } from "../core/ports.ts";
import { mayHaveBody } from "../downstream/response_head.ts";
import type { PassingMessage, Ruling } from "../tunnel/message.ts";
import { BodyInspection } from "./agent_body_inspection.ts";
import type { Decoding } from "./agent_decoding.ts";
import {
  answerOf,
  editHeaders,
  editRequest,
  type Refusal,
  replaceResponse,
  type StatusPage,
} from "./agent_decisions.ts";
import { noteFailure, noteFindings, noteOutcome, summaryOf } from "./agent_notes.ts";
import {
  AgentRecord,
  isStoppedByAgent,
  REQUEST_NOTES_MAX,
  type RequestAgents,
  requestAgents,
} from "./agent_records.ts";
import { copyOf, frameOf, rulingOf, verdictOf } from "./agent_messages.ts";
import { shadowBody } from "./agent_shadow.ts";
import { ContextView, ReceivedView, ResponseView } from "./agent_views.ts";
import type { Verdict } from "./filter.ts";
import { seesReceived } from "./received_headers.ts";

/** Stands for a Close frame without a code. */
const CLOSE_WITHOUT_CODE = 1005;

/** Most header changes of one agent that wait for the response. */
const WAITING_EDITS_MAX = METADATA_MAX * 4;

/** How a filter uses its agent. */
export interface CourseSettings {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly statusPage: StatusPage;
  /** In place of the agent's own. */
  readonly timeoutMs: number | undefined;
  readonly isClosed: boolean;
  readonly seesRequests: boolean;
  readonly seesResponses: boolean;
  readonly seesBodies: boolean;
  readonly requestBytesMax: number;
  readonly responseBytesMax: number;
  /** How compressed bodies are decoded for it; undefined when they are not. */
  readonly requestDecoding: Decoding | undefined;
  readonly responseDecoding: Decoding | undefined;
  /** The agent has nothing to do with a request once it has seen its head, or its body. */
  readonly endsWithRequest: boolean;
  /** The same for the head of the response. */
  readonly endsWithResponseHead: boolean;
}

/** One request's way past one agent, from the first event to the last. */
export class AgentCourse {
  readonly context: RequestContext;
  readonly agent: LiveAgent;
  readonly settings: CourseSettings;
  readonly visit: AgentVisit;
  readonly view: RequestView;
  readonly record: AgentRecord;
  readonly #agents: RequestAgents;
  /** Header changes that wait for the response. */
  #responseEdits: HeaderEdit[] = [];
  /** It decided against the request, so the response is its own. */
  #hasAnswered = false;
  /** It decided so while the request was being sent. */
  #lateRefusal: Refusal | undefined;
  /** A body is shown as it passes, so events come until the end. */
  #isStreaming = false;
  #isOver = false;
  /** The request is to become a WebSocket whose messages the agent sees. */
  readonly #seesMessages: boolean;

  constructor(context: RequestContext, agent: LiveAgent, settings: CourseSettings) {
    const agents = requestAgents(context, agent);
    this.context = context;
    this.agent = agent;
    this.settings = settings;
    this.visit = agent.visit(settings.timeoutMs);
    this.view = seesReceived(agent)
      ? agents.receivedView ??= new ReceivedView(context, agents, settings.clock)
      : agents.view ??= new ContextView(context, agents, settings.clock);
    this.record = new AgentRecord(agent);
    this.#agents = agents;
    this.#seesMessages = context.upgrade?.plan?.inspects === true && agent.handles("websocket-frame");
    (context.agentNotes ??= []).push(this.record);
  }

  /** No further events will come. */
  get isOver(): boolean {
    return this.#isOver;
  }

  request(): MaybePromise<Verdict> {
    if (!this.settings.seesRequests) return undefined;
    return chain(this.agent.isShadow ? this.#shadowRequest() : this.#liveRequest(), (verdict) => {
      if (this.#seesMessages) return verdict ?? this.#open();
      if (this.settings.endsWithRequest && !this.#isStreaming) this.visit.end();
      return verdict;
    });
  }

  /** Decides about a message of a WebSocket. Throws `ProxyError` when it fails and must not. */
  message(message: PassingMessage): MaybePromise<Ruling> {
    const { settings, agent, view, visit } = this;
    if (!this.#seesMessages) return undefined;
    if (!(message.isFromClient ? settings.seesRequests : settings.seesResponses)) return undefined;
    if (agent.isShadow) {
      chain(visit.onWebsocketFrame(view, frameOf(copyOf(message))), (result) => void this.#ruled(result));
      return undefined;
    }
    return chain(visit.onWebsocketFrame(view, frameOf(message)), (result) => this.#ruled(result));
  }

  respond(response: Response): MaybePromise<void> {
    return chain(this.#respond(response), () => {
      if (this.settings.endsWithResponseHead && !this.#isStreaming && !this.#seesMessages) this.visit.end();
    });
  }

  #liveRequest(): MaybePromise<Verdict> {
    if (!this.agent.handles("request-headers")) return this.#requestBody({ isNeeded: false });
    const call = this.patient(this.visit.onRequestHeaders(this.view));
    return chain(call, (result) => this.#headersSeen(result));
  }

  /** A WebSocket is about to be opened. */
  #open(): MaybePromise<Verdict> {
    const { agent, view, visit } = this;
    if (agent.isShadow) {
      this.watch("websocket-open", visit.onWebsocketOpen(view));
      return undefined;
    }
    return chain(this.patient(visit.onWebsocketOpen(view)), (result) => {
      const outcome = this.settle("websocket-open", result);
      if (outcome === undefined) return undefined;
      if (outcome.needsMore) this.fail("websocket-open", "malformed", "it needs a body, and there is none");
      return this.#applyToRequest(outcome);
    });
  }

  #ruled(result: CallResult<FrameDecision>): Ruling {
    if (result.failed !== undefined) {
      this.#failed("websocket-frame", { kind: result.failed, message: result.message, fuel: result.fuel });
      return undefined;
    }
    const verdict = verdictOf(result.value);
    this.record.judged(verdict, result.fuel);
    this.agent.meter.decided("websocket-frame", verdict);
    return rulingOf(result.value);
  }

  #respond(response: Response): MaybePromise<void> {
    if (this.#responseEdits.length > 0) {
      editHeaders(response.headers, this.#responseEdits);
      this.#responseEdits = [];
    }
    if (this.#lateRefusal !== undefined) return this.#replaceError(response, this.#lateRefusal);
    if (this.#hasAnswered || !this.settings.seesResponses) return;
    if (this.agent.isShadow) return this.#shadowResponse(response);
    if (!this.agent.handles("response-headers")) return this.#responseBody(response, { isNeeded: false });
    const call = this.patient(this.visit.onResponseHeaders(this.view, new ResponseView(response)));
    return chain(call, (result) => this.#responseSeen(response, result));
  }

  /** The request is over: tells the agent, and writes down what it said. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.agent.isShadow) this.#compare();
    const told = this.#closed();
    if (told instanceof Promise) told.then(() => this.#complete());
    else this.#complete();
    const { findings } = this.record;
    if (findings === undefined || findings.matches.length === 0) return;
    this.agent.meter.found(findings.ruleIds, findings.verdict);
    noteFindings(this.context, this.agent.id, findings);
  }

  /** Tells the agent that the WebSocket which it saw is closed. */
  #closed(): MaybePromise<void> {
    const { context: { upgrade }, view, visit } = this;
    if (!this.#seesMessages || upgrade?.isOpen !== true) return;
    const { closed } = upgrade;
    // A Close frame without a code has no reason either (RFC 6455 §7.1.5).
    const reason = closed === undefined || closed.code === CLOSE_WITHOUT_CODE ? undefined : closed;
    return chain(visit.onWebsocketClose(view, reason), (done) => {
      this.record.fuel += done.fuel;
      if (done.failed !== undefined) this.record.failure ??= done.failed;
    });
  }

  #complete(): void {
    if (this.agent.handles("request-complete")) {
      const nowMs = this.settings.clock.nowMs();
      const done = this.visit.onRequestComplete(this.view, summaryOf(this.context, nowMs));
      if (done instanceof Promise) done.then(() => this.visit.end());
      else {
        this.record.fuel += done.fuel;
        if (done.failed !== undefined) this.record.failure ??= done.failed;
        this.visit.end();
      }
    } else this.visit.end();
  }

  /** Takes note of what a call gave; undefined when it gave nothing and the request may go on without. */
  settle<T extends Outcome | BodyOutcome>(hook: AgentHook, result: CallResult<T>): T | undefined {
    if (result.failed !== undefined) {
      this.#failed(hook, { kind: result.failed, message: result.message, fuel: result.fuel });
      return undefined;
    }
    const value: Outcome | BodyOutcome = result.value;
    const outcome: Outcome = "outcome" in value ? value.outcome : value;
    const excess = this.agent.isShadow ? undefined : this.#excess(hook, outcome);
    if (excess !== undefined) {
      this.record.fuel += result.fuel;
      this.fail(hook, "malformed", excess);
      return undefined;
    }
    this.record.decided(outcome, result.fuel);
    this.agent.meter.decided(hook, outcome.decision.type);
    if (this.context.trace !== null) {
      noteOutcome(this.context, this.#noted(hook), { outcome, fuel: result.fuel });
    }
    return result.value;
  }

  /** Leaves its notes, unless the results of the request are too much together: then says of what. */
  #excess(hook: AgentHook, { responseHeaders, metadata }: Outcome): string | undefined {
    const isWaiting = hook === "request-headers" || hook === "request-body";
    if (isWaiting && this.#responseEdits.length + responseHeaders.length > WAITING_EDITS_MAX) {
      return `more than ${WAITING_EDITS_MAX} of its header changes wait for the response`;
    }
    if (this.#agents.note(metadata)) return undefined;
    return `the request has more than ${REQUEST_NOTES_MAX} notes`;
  }

  /** What the agent was to do cannot be done: its failure mode decides. */
  fail(hook: AgentHook, kind: AgentFailure, message: string): void {
    this.agent.meter.failed(hook, kind, { fuel: 0, ms: 0 });
    this.#failed(hook, { kind, message, fuel: 0 });
  }

  #failed(
    hook: AgentHook,
    failure: { readonly kind: AgentFailure; readonly message: string; readonly fuel: number },
  ): void {
    const { kind, message } = failure;
    const { isClosed } = this.settings;
    this.record.failed(kind, failure.fuel);
    noteFailure(this.context, this.#noted(hook), { kind, message, isClosed });
    if (isClosed && !this.agent.isShadow) {
      throw new ProxyError("agent_failed", `agent "${this.agent.id}": ${kind}: ${message}`);
    }
  }

  #noted(hook: AgentHook) {
    return { agent: this.agent.id, isShadow: this.agent.isShadow, hook };
  }

  #headersSeen(result: CallResult<Outcome>): MaybePromise<Verdict> {
    const outcome = this.settle("request-headers", result);
    const answer = outcome && this.#applyToRequest(outcome);
    return answer ?? this.#requestBody({ isNeeded: outcome?.needsMore === true });
  }

  /** Does what an outcome says while the request has not been sent; the answer, if it decides against it. */
  #applyToRequest(outcome: Outcome): Verdict {
    this.#responseEdits.push(...outcome.responseHeaders);
    if (outcome.decision.type !== "allow") {
      this.#hasAnswered = true;
      return answerOf(outcome.decision, this.context, this.settings.statusPage);
    }
    editRequest(this.context, outcome);
    return undefined;
  }

  #requestBody(wish: { readonly isNeeded: boolean }): MaybePromise<Verdict> {
    const { context, agent, settings } = this;
    if (!settings.seesBodies || !agent.handles("request-body")) {
      if (wish.isNeeded) {
        this.fail("request-headers", "malformed", "it needs the body, which it is not shown");
      }
      return undefined;
    }
    if (!wish.isNeeded && (context.body === null || agent.options.bodiesOnDemand)) return undefined;
    const inspection = new BodyInspection(this, {
      hook: "request-body",
      mode: agent.options.requestBodyMode,
      bytesMax: settings.requestBytesMax,
      tooLarge: "agent_body_too_large",
      corrupt: "agent_body_corrupt",
      headers: context.head.headers,
      decoding: settings.requestDecoding,
      call: (chunk) => this.visit.onRequestBody(this.view, chunk),
      apply: (outcome) => this.#applyToRequest(outcome),
      applyLate: (outcome) => this.#applyLate(outcome),
    });
    return chain(inspection.begin(context.body, wish), (inspected) => {
      this.#isStreaming = inspected.isStreaming;
      if (inspected.body !== context.body) {
        const { headers } = context.head;
        const length = inspected.body?.length;
        if (length !== undefined && headers.has("content-length")) {
          headers.set("Content-Length", String(length));
        }
        context.body = inspected.body;
      }
      return inspected.answer;
    });
  }

  /** The request is being sent: only what concerns the response can still be done, or the whole be broken off. */
  #applyLate(outcome: Outcome): void {
    this.#responseEdits.push(...outcome.responseHeaders);
    if (outcome.decision.type === "allow") return;
    this.#lateRefusal = outcome.decision;
    throw new ProxyError(
      "agent_blocked",
      `agent "${this.agent.id}" decided against the request within its body`,
    );
  }

  #responseSeen(response: Response, result: CallResult<Outcome>): MaybePromise<void> {
    const outcome = this.settle("response-headers", result);
    if (outcome !== undefined && this.#applyToResponse(response, outcome)) return;
    return this.#responseBody(response, { isNeeded: outcome?.needsMore === true });
  }

  /** Does what an outcome says while the response has not been sent; true when another answer took its place. */
  #applyToResponse(response: Response, outcome: Outcome): boolean {
    if (outcome.decision.type !== "allow") this.#replace(response, outcome.decision);
    editHeaders(response.headers, outcome.responseHeaders);
    return outcome.decision.type !== "allow";
  }

  #replace(response: Response, refusal: Refusal): void {
    const answer = answerOf(refusal, this.context, this.settings.statusPage);
    this.#hasAnswered = true;
    this.context.reason = answer.reason;
    replaceResponse(response, answer.response);
  }

  /** The error that broke off the request gives way to what the agent decided. */
  #replaceError(response: Response, refusal: Refusal): void {
    this.context.errorCode = undefined;
    this.context.errorDetail = undefined;
    this.#replace(response, refusal);
  }

  #responseBody(response: Response, wish: { readonly isNeeded: boolean }): MaybePromise<void> {
    const { agent, settings, context } = this;
    if (!settings.seesBodies || !agent.handles("response-body")) {
      if (wish.isNeeded) {
        this.fail("response-headers", "malformed", "it needs the body, which it is not shown");
      }
      return;
    }
    if (!mayHaveBody(context.head.method, response.status)) return;
    if (!wish.isNeeded && (response.body === null || agent.options.bodiesOnDemand)) return;
    const responseView = new ResponseView(response);
    const inspection = new BodyInspection(this, {
      hook: "response-body",
      mode: agent.options.responseBodyMode,
      bytesMax: settings.responseBytesMax,
      tooLarge: "response_too_large",
      corrupt: "upstream_protocol",
      headers: response.headers,
      decoding: settings.responseDecoding,
      call: (chunk) => this.visit.onResponseBody(this.view, responseView, chunk),
      apply: (outcome) => {
        const isReplaced = this.#applyToResponse(response, outcome);
        return isReplaced ? { response, reason: context.reason ?? "agent_blocked" } : undefined;
      },
      applyLate: (outcome) => {
        if (outcome.decision.type === "allow") return;
        context.reason = "agent_blocked";
        throw new ProxyError(
          "agent_blocked",
          `agent "${agent.id}" decided against the response within its body`,
        );
      },
    });
    return chain(inspection.begin(response.body, wish), ({ body, answer, isStreaming }) => {
      if (answer !== undefined) return;
      response.body = body;
      this.#isStreaming = isStreaming;
    });
  }

  #shadowRequest(): undefined {
    const { agent, context, view, visit } = this;
    const told = agent.handles("request-headers") ? visit.onRequestHeaders(view) : undefined;
    if (told !== undefined) this.watch("request-headers", told);
    if (context.body === null || !this.settings.seesBodies || !agent.handles("request-body")) {
      return undefined;
    }
    if (!this.#isWanted(told)) return undefined;
    this.#isStreaming = true;
    context.body = shadowBody(this, context.body, {
      hook: "request-body",
      mode: agent.options.requestBodyMode,
      bytesMax: this.settings.requestBytesMax,
      encoding: context.head.headers.joined("content-encoding"),
      decoding: this.settings.requestDecoding,
      call: (chunk: BodyChunk) => visit.onRequestBody(view, chunk),
    });
    return undefined;
  }

  #shadowResponse(response: Response): void {
    const { agent, context, view, visit } = this;
    // The head goes on and may change, so the agent gets a copy.
    const copy = new ResponseView({ ...response, headers: response.headers.clone(), body: null });
    const told = agent.handles("response-headers") ? visit.onResponseHeaders(view, copy) : undefined;
    if (told !== undefined) this.watch("response-headers", told);
    if (response.body === null || !this.settings.seesBodies || !agent.handles("response-body")) return;
    if (!mayHaveBody(context.head.method, response.status) || !this.#isWanted(told)) return;
    this.#isStreaming = true;
    response.body = shadowBody(this, response.body, {
      hook: "response-body",
      mode: agent.options.responseBodyMode,
      bytesMax: this.settings.responseBytesMax,
      encoding: response.headers.joined("content-encoding"),
      decoding: this.settings.responseDecoding,
      call: (chunk: BodyChunk) => visit.onResponseBody(view, copy, chunk),
    });
  }

  /** Whether a shadow is shown a body; where it has to ask for it, it has as long as nobody knows. */
  #isWanted(told: MaybePromise<CallResult<Outcome>> | undefined): boolean {
    if (!this.agent.options.bodiesOnDemand) return true;
    if (told === undefined || told instanceof Promise) return told !== undefined;
    return told.failed === undefined && told.value.needsMore;
  }

  /** Takes note of a shadow's call whenever it is done; nobody waits for it. */
  watch<T extends Outcome | BodyOutcome>(hook: AgentHook, pending: MaybePromise<CallResult<T>>): void {
    chain(pending, (result) => void this.settle(hook, result));
  }

  /** Whether the shadow would have done what the live agents did. */
  #compare(): void {
    const { verdict } = this.record;
    if (verdict === "skipped" || verdict === "failed") return;
    const wouldStop = verdict !== "allow";
    const isStopped = isStoppedByAgent(this.context);
    this.agent.meter.compared(wouldStop === isStopped ? "agrees" : wouldStop ? "stricter" : "laxer");
  }

  /** Waits for a call that waits, unless the client leaves or the time of the request is up. */
  patient<T>(pending: MaybePromise<T>): MaybePromise<T> {
    return pending instanceof Promise ? this.#wait(pending) : pending;
  }

  #wait<T>(pending: Promise<T>): Promise<T> {
    const { context, agent, settings } = this;
    const { deadlineMs, onAbort: previous } = context;
    return new Promise((resolve, reject) => {
      const done = () => {
        stopTimer?.();
        if (context.onAbort === abort) context.onAbort = previous;
      };
      const giveUp = (cause: ErrorCode) => {
        done();
        reject(new ProxyError(cause, `while agent "${agent.id}" looked at the request`));
      };
      const abort = (cause: ErrorCode) => {
        giveUp(cause);
        previous?.(cause);
      };
      context.onAbort = abort;
      const leftMs = Math.max(0, deadlineMs - settings.clock.nowMs());
      const stopTimer = leftMs === Infinity
        ? undefined
        : settings.timers.after(leftMs, () => giveUp("request_timeout"));
      pending.finally(done).then(resolve, reject);
    });
  }
}
