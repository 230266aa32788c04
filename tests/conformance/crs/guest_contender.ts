/**
 * The agent itself, called as the proxy would call it but without sockets, which is the quickest way to find
 * out what its engine does. What our own parser refuses never gets to the agent: the answer is a 400.
 */

import { AgentTrap } from "../../../src/agents/guest.ts";
import type { Header, Outcome, Request, Response } from "../../../src/agents/contract/sentinel_types.ts";
import { protocolName } from "../../../src/core/message.ts";
import { ProxyError } from "../../../src/core/errors.ts";
import type { HeadLimits } from "../../../src/http1/head_lines.ts";
import { type ParsedRequest, RequestHeadParser } from "../../../src/http1/request_head.ts";
import { loadAgent, type TestAgent } from "../../../wasm-agents/testing/load_agent.ts";
import { reflectionOf } from "./backend.ts";
import type { Observation } from "./judge.ts";
import type { Contender, RuleSet } from "./socket_contender.ts";

const HEAD_LIMITS: HeadLimits = {
  targetBytesMax: 65_536,
  headerBytesMax: 262_144,
  headerCountMax: 200,
  headerNameBytesMax: 1024,
  headerValueBytesMax: 65_536,
};

/** Fuel of a call: what the type `waf` grants. */
const CALL_FUEL = 1_000_000_000;

/** Fuel to read and compile all rules. */
const CONFIGURE_FUEL = 20_000_000_000;

const MEMORY_BYTES_MAX = 192 << 20;

/** Refused before the agent is asked. */
const REFUSED: Observation = {
  status: 400,
  response: "",
  ids: new Set(),
  messages: "",
};

/** How the agent is to be run. */
export interface GuestOptions {
  readonly component: Uint8Array | string | URL;
  readonly rules: RuleSet;
  /** Folder whose `.data` files rules may name. */
  readonly dataFolder?: string;
  /** More of the agent's options. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Loads the agent and gives it the rules. */
export async function startGuest(
  options: GuestOptions,
): Promise<Contender & { readonly agent: TestAgent }> {
  const assets: Record<string, string | Uint8Array> = {};
  const rules: string[] = [];
  if (options.rules.directives !== "") {
    assets["setup.conf"] = options.rules.directives;
    rules.push("setup.conf");
  }
  for (const path of options.rules.files) {
    assets[path] = Deno.readFileSync(path);
    rules.push(path);
  }
  for (
    const entry of options.dataFolder === undefined ? [] : Deno.readDirSync(options.dataFolder)
  ) {
    const path = `${options.dataFolder}/${entry.name}`;
    if (entry.name.endsWith(".data")) assets[path] = Deno.readFileSync(path);
  }
  const load = () =>
    loadAgent(options.component, {
      config: { rules, files: Object.keys(assets), "log-last-phase": true, ...options.config },
      grants: ["assets", "clock", "log", "kv", "conn-info", "random", "crypto"],
      host: { assets },
      fuel: CALL_FUEL,
      configureFuel: CONFIGURE_FUEL,
      limits: { memoryBytesMax: MEMORY_BYTES_MAX, accounting: "loop" },
    });
  let agent = await load();
  let count = 0;
  return {
    agent,
    lanes: 1,
    async observe({ bytes }) {
      try {
        return await observe(agent, bytes, String(count++));
      } catch (error) {
        if (!(error instanceof AgentTrap)) throw error;
        // As the proxy does, which discards an instance that has trapped.
        agent = await load();
        return { status: undefined, response: "", ids: new Set(), messages: `trap: ${error.message}` };
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function observe(
  agent: TestAgent,
  bytes: Uint8Array,
  id: string,
): Promise<Observation> {
  let parsed: ParsedRequest | undefined;
  const parser = new RequestHeadParser(HEAD_LIMITS);
  try {
    parsed = parser.parse(bytes, 0, bytes.length);
  } catch (error) {
    if (error instanceof ProxyError) return REFUSED;
    throw error;
  }
  const body = parsed === undefined ? undefined : bodyOf(parsed, bytes.subarray(parser.end));
  if (parsed === undefined || body === undefined) return REFUSED;
  const seen = new Seen();
  const linesBefore = agent.host.lines.length;
  const request = requestView(parsed, id);
  let status = await askAboutRequest(agent, { request, body }, seen);
  let response = "";
  if (status === undefined) {
    const reply = parsed.head.target.split("?")[0] === "/reflect"
      ? reflectionOf(body)
      : { status: 200, headers: {}, body: new Uint8Array(0) };
    status = await askAboutResponse(agent, { request, reply }, seen) ??
      reply.status;
    response = new TextDecoder("latin1").decode(reply.body);
  }
  await agent.onRequestComplete(request, { status });
  for (const line of agent.host.lines.splice(linesBefore)) {
    seen.messages.push(JSON.stringify(line));
  }
  return {
    status,
    response,
    ids: seen.ids,
    messages: seen.messages.join("\n"),
  };
}

class Seen {
  readonly ids = new Set<number>();
  readonly messages: string[] = [];

  /** Takes note of the matches; returns the status of a refusal. */
  add(outcome: Outcome): number | undefined {
    for (const id of outcome.audit.ruleIds) this.ids.add(Number(id));
    for (const { value } of outcome.audit.custom) this.messages.push(value);
    if (outcome.decision.type === "block") return outcome.decision.value.status;
    return outcome.decision.type === "allow" ? undefined : 302;
  }
}

async function askAboutRequest(
  agent: TestAgent,
  { request, body }: { request: Request; body: Uint8Array },
  seen: Seen,
): Promise<number | undefined> {
  const outcome = await agent.onRequest(request);
  const status = seen.add(outcome);
  if (status !== undefined || !outcome.needsMore) return status;
  return seen.add((await agent.onRequestBody(request, body)).outcome);
}

async function askAboutResponse(
  agent: TestAgent,
  { request, reply }: {
    request: Request;
    reply: ReturnType<typeof reflectionOf>;
  },
  seen: Seen,
): Promise<number | undefined> {
  const headers = Object.entries(reply.headers).map(([name, value]) => ({
    name,
    value,
  }));
  headers.push({ name: "Content-Length", value: String(reply.body.length) });
  const response: Response = {
    status: () => reply.status,
    ...headerAccess(headers),
  };
  const outcome = await agent.onResponse(request, response);
  const status = seen.add(outcome);
  if (status !== undefined || !outcome.needsMore) return status;
  return seen.add(
    (await agent.onResponseBody({ request, response }, reply.body)).outcome,
  );
}

function requestView(
  { head }: ParsedRequest,
  id: string,
): Request & { connection: unknown } {
  const question = head.target.indexOf("?");
  const notes: Readonly<Record<string, string>> = {
    "http.protocol": protocolName(head),
  };
  return {
    id: () => id,
    method: () => head.method,
    target: () => head.target,
    path: () => question < 0 ? head.target : head.target.slice(0, question),
    query: () => question < 0 ? "" : head.target.slice(question + 1),
    host: () => head.host,
    ...headerAccess(
      [...head.headers].map(([name, value]) => ({ name, value })),
    ),
    route: () => undefined,
    upstream: () => undefined,
    traceparent: () => "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    metadata: (key) => notes[key],
    connection: {
      clientAddress: "127.0.0.1",
      clientPort: 40_000,
      tls: undefined,
    },
  };
}

function headerAccess(
  headers: readonly Header[],
): Pick<Request, "header" | "headers"> {
  return {
    headers: () => headers,
    header: (name) => {
      const key = name.toLowerCase();
      const values = headers.filter((each) => each.name.toLowerCase() === key)
        .map(({ value }) => value);
      return values.length === 0 ? undefined : values.join(", ");
    },
  };
}

/** The body without its transfer coding; undefined when it never ends. */
function bodyOf(
  parsed: ParsedRequest,
  rest: Uint8Array,
): Uint8Array | undefined {
  if (!parsed.chunked) {
    const length = Math.max(0, parsed.contentLength);
    return rest.length >= length ? rest.subarray(0, length) : undefined;
  }
  const parts: number[] = [];
  const text = new TextDecoder("latin1").decode(rest);
  for (let at = 0;;) {
    const end = text.indexOf("\r\n", at);
    const size = end < 0 ? NaN : parseInt(text.slice(at, end), 16);
    if (Number.isNaN(size) || end + 2 + size + 2 > text.length) {
      return undefined;
    }
    if (size === 0) return Uint8Array.from(parts);
    parts.push(...rest.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}
