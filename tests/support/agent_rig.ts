/** An agent filter over a fake agent, with requests that go past it. */

import assert from "node:assert/strict";
import type { BodyEdit, Outcome } from "../../src/agents/contract/sentinel_types.ts";
import type { AgentEvent } from "../../src/agents/options.ts";
import type { BodyChunk, BoundAgent } from "../../src/agents/runtime/bound_agent.ts";
import type { LiveAgent } from "../../src/agents/runtime/live_agent.ts";
import type { RequestContext } from "../../src/core/context.ts";
import type { Body, MaybePromise, Response } from "../../src/core/message.ts";
import { agent, type AgentFilterDeps } from "../../src/filters/agent.ts";
import type { Filter, Verdict } from "../../src/filters/filter.ts";
import { Reading } from "../../src/core/reading.ts";
import { parseKdl } from "../../src/config/kdl.ts";
import {
  bodyOutcome,
  directoryOf,
  FakeFactory,
  type FakeInstance,
  liveAgent,
  type LiveRig,
  type LoggedLine,
  outcome,
} from "./fake_agent.ts";
import { FakeTime } from "./fake_socket.ts";
import { requestContext } from "./filter_fixture.ts";

export interface AgentRigInit {
  readonly hooks: (instance: FakeInstance) => Partial<BoundAgent>;
  readonly handles: readonly AgentEvent[];
  /** Of the agent. */
  readonly options?: string;
  /** Of the filter. */
  readonly filter?: string;
  readonly id?: string;
  readonly bodyBytesMax?: number;
  /** What the filter may reach besides. */
  readonly deps?: Partial<AgentFilterDeps>;
}

export interface AgentRig extends LiveRig {
  readonly filter: Filter;
  readonly time: FakeTime;
  readonly factory: FakeFactory;
  readonly logged: readonly LoggedLine[];
}

/** Options of an agent filter as the configuration would read them. */
export function filterOptions(body: string) {
  const parsed = parseKdl(`filter {\n${body}\n}`, "test.kdl");
  const reading = new Reading();
  const site = { reading, parent: parsed.nodes[0]!, name: "filter" };
  const options = agent.options.read(parsed.nodes, site);
  assert.deepEqual(reading.issues, []);
  return options;
}

export function agentFilter(
  live: readonly LiveAgent[],
  body: string,
  deps: Partial<AgentFilterDeps> = {},
): Filter {
  return agent.create(filterOptions(body), {
    clock: new FakeTime(),
    timers: { after: () => () => {}, every: () => () => {} },
    random: { u32: () => 7 },
    log: () => {},
    id: "f",
    shared: undefined,
    agents: directoryOf(...live),
    ...deps,
  });
}

export function agentRig(init: AgentRigInit): AgentRig {
  const time = new FakeTime();
  const factory = new FakeFactory(init.hooks, init.handles);
  if (init.bodyBytesMax !== undefined) Object.assign(factory, { bodyBytesMax: init.bodyBytesMax });
  const id = init.id ?? "waf";
  const made = liveAgent(factory, time, { options: init.options ?? "", spec: { id } });
  const logged: LoggedLine[] = [];
  const log: AgentFilterDeps["log"] = (level, message, fields) =>
    void logged.push({ level, message, fields });
  const filter = agentFilter([made.live], `agent "${id}"\n${init.filter ?? ""}`, {
    clock: time,
    timers: time,
    log,
    ...init.deps,
  });
  return { ...made, filter, time, factory, logged };
}

/** A verdict that must be there at once. */
export function atOnce<T>(value: MaybePromise<T> | undefined): T | undefined {
  assert.ok(!(value instanceof Promise), "answers at once");
  return value;
}

/** Status, reason and text of an answer. */
export async function told(verdict: Verdict): Promise<readonly [number, string, string] | undefined> {
  if (verdict === undefined) return undefined;
  return [verdict.response.status, verdict.reason, await textOf(verdict.response.body)];
}

/** A body in the given pieces, as a connection would give it: views into one buffer that is used again. */
export class PieceBody implements Body {
  readonly length: number | undefined;
  isCancelled = false;
  /** How often `read` was called. */
  reads = 0;
  readonly #pieces: (string | Error)[];
  readonly #buffer = new Uint8Array(4096);
  readonly #isLate: boolean;

  constructor(
    pieces: readonly (string | Error)[],
    init: { readonly length?: number; readonly late?: boolean } = {},
  ) {
    this.#pieces = [...pieces];
    this.length = init.length;
    this.#isLate = init.late ?? false;
  }

  read(): MaybePromise<Uint8Array | null> {
    this.reads++;
    if (this.isCancelled) return null;
    const piece = this.#pieces.shift();
    this.#buffer.fill(0x21);
    if (piece === undefined) return this.#isLate ? Promise.resolve(null) : null;
    if (piece instanceof Error) throw piece;
    const { written } = new TextEncoder().encodeInto(piece, this.#buffer);
    const view = this.#buffer.subarray(0, written);
    return this.#isLate ? Promise.resolve(view) : view;
  }

  cancel(): void {
    this.isCancelled = true;
    // Others have the buffer now.
    this.#buffer.fill(0x21);
  }
}

/** An edit that puts a text in place of a part. */
export function replace(text: string): BodyEdit {
  return { type: "replace", value: new TextEncoder().encode(text) };
}

/** What an agent makes of a part. */
export type Decide = (
  text: string,
  chunk: BodyChunk,
) => { readonly edit?: BodyEdit; readonly outcome?: Partial<Outcome> } | undefined;

/** A rig whose agent looks at bodies, and what it was shown: `text@index` with `!` for the last. */
export function bodyRig(
  decide: Decide,
  init: Partial<AgentRigInit> & { readonly head?: Partial<Outcome> } = {},
) {
  const shown: string[] = [];
  const onBody = (chunk: BodyChunk) => {
    const text = new TextDecoder().decode(chunk.data);
    shown.push(`${text}@${chunk.index}${chunk.last ? "!" : ""}`);
    const { edit, outcome: changes } = decide(text, chunk) ?? {};
    return bodyOutcome(edit, changes);
  };
  const rig = agentRig({
    hooks: () => ({
      onRequestHeaders: () => outcome(init.head),
      onRequestBody: (_request, chunk) => onBody(chunk),
      onResponseHeaders: () => outcome(init.head),
      onResponseBody: (_request, _response, chunk) => onBody(chunk),
    }),
    handles: ["request-headers", "request-body"],
    ...init,
  });
  return { ...rig, shown };
}

/** A request with a body in these pieces. */
export function upload(pieces: readonly (string | Error)[], init: { length?: number; late?: boolean } = {}) {
  const context = requestContext({ method: "POST", headers: [["Content-Length", "0"]] });
  const body = new PieceBody(pieces, init);
  context.body = body;
  return { context, body };
}

/** Everything a body gives, as text. */
export async function textOf(body: Body | null): Promise<string> {
  let text = "";
  while (body !== null) {
    const piece = await body.read();
    if (piece === null) break;
    assert.ok(piece.length > 0, "pieces are never empty");
    text += new TextDecoder().decode(piece);
  }
  return text;
}

/** The whole way of a request past one filter: what it answered, or what the response became. */
export async function pass(filter: Filter, context: RequestContext, response: Response): Promise<Verdict> {
  const verdict = await filter.onRequest?.(context);
  context.chainDepth = 1;
  await filter.onResponse?.(context, verdict?.response ?? response);
  context.status = (verdict?.response ?? response).status;
  filter.onEnd?.(context);
  return verdict;
}
