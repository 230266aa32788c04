/** One made-up request on its way past one agent, outside any proxy. */

import type { BodyEdit, BodyOutcome, Outcome } from "../agents/contract/sentinel_types.ts";
import type { AgentFailure, AgentHook, AgentVerdictWord } from "../agents/runtime/agent_meter.ts";
import type { AgentVisit } from "../agents/runtime/agent_visit.ts";
import type { CallResult, LiveAgent } from "../agents/runtime/live_agent.ts";
import { RequestContext } from "../core/context.ts";
import { HeaderList } from "../core/headers.ts";
import type { MaybePromise, Response } from "../core/message.ts";
import type { Clock } from "../core/ports.ts";
import { editHeaders, editRequest } from "../filters/agent_decisions.ts";
import { requestAgents } from "../filters/agent_records.ts";
import { ContextView, ReceivedView, ResponseView } from "../filters/agent_views.ts";
import { keepReceived, seesReceived } from "../filters/received_headers.ts";
import { parseAuthority } from "../http1/authority.ts";
import { matchingPath } from "../routing/path.ts";
import type { RequestArgument } from "./request_argument.ts";

/** Port that stands for the client's: nobody is connected. */
const CLIENT_PORT = 40_000;

/** What a client sends, and what the upstream would answer. */
export interface SessionInput extends RequestArgument {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | undefined;
  readonly clientIp: string;
  /** Of HTTP/1; 1 when left out. */
  readonly minor?: 0 | 1;
  readonly response: {
    readonly status: number;
    readonly headers: readonly (readonly [name: string, value: string])[];
    readonly body: Uint8Array | undefined;
  };
}

/** What came of one call. */
export interface HookRun {
  readonly hook: AgentHook;
  readonly fuel: number;
  readonly ms: number;
  /** Undefined for calls that decide nothing. */
  readonly outcome: Outcome | undefined;
  /** What becomes of the body that was shown. */
  readonly edit: BodyEdit | undefined;
  readonly failed: { readonly kind: AgentFailure; readonly message: string } | undefined;
}

/** What came of the whole request. */
export interface SessionResult {
  readonly hooks: readonly HookRun[];
  readonly verdict: AgentVerdictWord | "failed";
  /** The request as it would be sent on, when it would be. */
  readonly sent: { readonly method: string; readonly target: string; readonly headers: HeaderList };
}

/** Makes every call that the agent handles, in the order in which a request brings them; the first refusal ends it. */
export async function runSession(live: LiveAgent, input: SessionInput, clock: Clock): Promise<SessionResult> {
  return await new Session(live, input, clock).run();
}

class Session {
  readonly #live: LiveAgent;
  readonly #input: SessionInput;
  readonly #clock: Clock;
  readonly #context: RequestContext;
  readonly #view: ContextView;
  readonly #visit: AgentVisit;
  readonly #hooks: HookRun[] = [];
  readonly #response: Response;
  #verdict: SessionResult["verdict"] = "allow";

  constructor(live: LiveAgent, input: SessionInput, clock: Clock) {
    this.#live = live;
    this.#input = input;
    this.#clock = clock;
    this.#context = contextOf(input, clock.nowMs());
    keepReceived(this.#context);
    const View = seesReceived(live) ? ReceivedView : ContextView;
    this.#view = new View(this.#context, requestAgents(this.#context, live), clock);
    this.#visit = live.visit();
    const { status, headers } = input.response;
    this.#response = { status, reason: "", headers: HeaderList.from(headers), body: null };
  }

  async run(): Promise<SessionResult> {
    try {
      await this.#request();
      if (this.#verdict === "allow") await this.#respond();
      if (this.#live.handles("request-complete")) await this.#complete();
    } finally {
      this.#visit.end();
    }
    const { method, target, headers } = this.#context.head;
    return { hooks: this.#hooks, verdict: this.#verdict, sent: { method, target, headers } };
  }

  async #request(): Promise<void> {
    const { body } = this.#input;
    let needsBody = body !== undefined;
    if (this.#live.handles("request-headers")) {
      const outcome = await this.#call("request-headers", () => this.#visit.onRequestHeaders(this.#view));
      if (outcome === undefined || !this.#applyToRequest(outcome)) return;
      needsBody ||= outcome.needsMore;
    }
    if (!needsBody || !this.#live.handles("request-body")) return;
    const chunk = { data: body ?? new Uint8Array(0), index: 0, last: true };
    const outcome = await this.#callWithBody(
      "request-body",
      () => this.#visit.onRequestBody(this.#view, chunk),
    );
    if (outcome !== undefined) this.#applyToRequest(outcome);
  }

  async #respond(): Promise<void> {
    const { status, body } = this.#input.response;
    this.#context.status = status;
    const view = new ResponseView(this.#response);
    let needsBody = body !== undefined;
    if (this.#live.handles("response-headers")) {
      const call = () => this.#visit.onResponseHeaders(this.#view, view);
      const outcome = await this.#call("response-headers", call);
      if (outcome === undefined || !this.#applyToResponse(outcome)) return;
      needsBody ||= outcome.needsMore;
    }
    if (!needsBody || !this.#live.handles("response-body")) return;
    const chunk = { data: body ?? new Uint8Array(0), index: 0, last: true };
    const call = () => this.#visit.onResponseBody(this.#view, view, chunk);
    const outcome = await this.#callWithBody("response-body", call);
    if (outcome !== undefined) this.#applyToResponse(outcome);
  }

  async #complete(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const result = await this.#timed("request-complete", () =>
      this.#visit.onRequestComplete(this.#view, {
        status: this.#verdict === "allow" ? this.#context.status : 0,
        durationMs: nowMs - this.#context.startedMs,
        requestBytes: BigInt(this.#input.body?.length ?? 0),
        responseBytes: BigInt(this.#input.response.body?.length ?? 0),
        upstreamAttempts: this.#verdict === "allow" ? 1 : 0,
        error: undefined,
        agents: [{ agent: this.#live.id, verdict: this.#verdict, ruleIds: [] }],
      }));
    this.#hooks.push({ ...result.run, outcome: undefined, edit: undefined });
  }

  async #call(
    hook: AgentHook,
    make: () => MaybePromise<CallResult<Outcome>>,
  ): Promise<Outcome | undefined> {
    const { run, value } = await this.#timed(hook, make);
    return this.#note({ ...run, outcome: value, edit: undefined });
  }

  async #callWithBody(
    hook: AgentHook,
    make: () => MaybePromise<CallResult<BodyOutcome>>,
  ): Promise<Outcome | undefined> {
    const { run, value } = await this.#timed(hook, make);
    // The bytes are the guest's, and lie there until its next call.
    const edit: BodyEdit | undefined = value?.edit.type === "replace"
      ? { type: "replace", value: value.edit.value.slice() }
      : value?.edit;
    return this.#note({ ...run, outcome: value?.outcome, edit });
  }

  #note(run: HookRun): Outcome | undefined {
    this.#hooks.push(run);
    if (run.failed !== undefined) this.#verdict = "failed";
    return run.outcome;
  }

  async #timed<T>(hook: AgentHook, make: () => MaybePromise<CallResult<T>>) {
    const startMs = this.#clock.nowMs();
    const made = make();
    // A call that does not wait is over here; the time of a microtask is not its own.
    const endMs = this.#clock.nowMs();
    const result = made instanceof Promise ? await made : made;
    const ms = (made instanceof Promise ? this.#clock.nowMs() : endMs) - startMs;
    const failed = result.failed === undefined ? undefined : { kind: result.failed, message: result.message };
    const value = result.failed === undefined ? result.value : undefined;
    return { run: { hook, fuel: result.fuel, ms, failed }, value };
  }

  /** Whether the request goes on. */
  #applyToRequest(outcome: Outcome): boolean {
    editHeaders(this.#response.headers, outcome.responseHeaders);
    this.#verdict = outcome.decision.type;
    if (this.#verdict !== "allow") return false;
    editRequest(this.#context, outcome);
    requestAgents(this.#context, this.#live).note(outcome.metadata);
    return true;
  }

  #applyToResponse(outcome: Outcome): boolean {
    editHeaders(this.#response.headers, outcome.responseHeaders);
    this.#verdict = outcome.decision.type;
    return this.#verdict === "allow";
  }
}

function contextOf(input: SessionInput, nowMs: number): RequestContext {
  const headers = HeaderList.from(input.headers);
  if (!headers.has("host")) headers.append("Host", input.authority);
  if (input.body !== undefined && !headers.has("content-length") && !headers.has("transfer-encoding")) {
    headers.append("Content-Length", String(input.body.length));
  }
  const context = new RequestContext({
    head: {
      method: input.method,
      target: input.target,
      host: parseAuthority(input.authority) ?? "",
      authority: input.authority,
      minor: input.minor ?? 1,
      headers,
    },
    body: null,
    downstream: {
      listenerId: "agent-run",
      namespace: undefined,
      scheme: input.scheme,
      tls: null,
      localPort: input.scheme === "https" ? 443 : 80,
      peerIp: input.clientIp,
      peerPort: CLIENT_PORT,
      peerTrusted: false,
      requestsServed: 0,
    },
    startedMs: nowMs,
    bodyBytesMax: Infinity,
  });
  context.path = matchingPath(context.path) ?? context.path;
  context.requestId = "agent-run";
  return context;
}
