/** Loads the firewall with rules that a test writes down, and says what it decided. */

import type { Outcome, Response } from "../../../src/agents/contract/sentinel_types.ts";
import { buildAgent } from "../../build.ts";
import { FakeHost } from "../../testing/fake_host.ts";
import { ConfigRefused, loadAgent, type TestAgent } from "../../testing/load_agent.ts";
import { request, type RequestParts, type TestRequest } from "../../testing/messages.ts";

const built = buildAgent(new URL("../", import.meta.url));

/** Fuel of `configure`: as much as a tank holds. */
const CONFIGURE_FUEL = 2_000_000_000;

/** Fuel of a call; measured limits are the business of other tests. */
const CALL_FUEL = 200_000_000;

/** Rules and what goes with them. */
export interface WafOptions {
  /** Further files: rules to include, lists of phrases. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Options of the agent besides `rules`. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly host?: FakeHost;
  /** Fuel of a call, where a test needs more than others. */
  readonly fuel?: number;
}

/** The firewall with the rules of a text, which is the file `test.conf`. */
export async function wafWith(rules: string, options: WafOptions = {}): Promise<Waf> {
  const { component } = await built;
  const assets = { "test.conf": rules, ...options.files };
  const host = options.host ?? new FakeHost({ assets });
  const agent = await loadAgent(component, {
    config: { rules: ["test.conf"], files: Object.keys(assets), "log-warnings": true, ...options.config },
    grants: ["assets", "clock", "kv", "conn-info", "log"],
    host,
    fuel: options.fuel ?? CALL_FUEL,
    configureFuel: CONFIGURE_FUEL,
  });
  return new Waf(agent, host);
}

/** What is wrong with rules, one line for each problem; none when they load. */
export async function problemsOf(rules: string, options: WafOptions = {}): Promise<string[]> {
  try {
    await wafWith(rules, options);
    return [];
  } catch (error) {
    if (error instanceof ConfigRefused) return error.problems.map(({ message }) => message);
    throw error;
  }
}

/** A match as the log has it. */
export interface Match {
  readonly id: number;
  readonly msg: string;
  readonly var?: string;
  readonly value?: string;
  /** Of a long value: the part that was met. */
  readonly match?: string;
  /** Where what is shown of a long value begins, and the length of all of it. */
  readonly valueFrom?: number;
  readonly valueBytes?: number;
  readonly data?: string;
  readonly severity?: number;
  readonly tags: readonly string[];
  readonly score: number;
  readonly file: string;
  readonly line: number;
}

/** A verdict in brief. */
export interface Verdict {
  /** `allow`, `more`, `block 403`, `redirect 302 https://…`. */
  readonly decision: string;
  readonly ids: readonly number[];
  readonly matches: readonly Match[];
  readonly facts: Readonly<Record<string, string>>;
  readonly outcome: Outcome;
}

/** A request with an id of its own. */
export interface WafRequest extends RequestParts {
  readonly body?: string | Uint8Array;
}

/** A loaded firewall. */
export class Waf {
  readonly agent: TestAgent;
  readonly host: FakeHost;
  #count = 0;

  constructor(agent: TestAgent, host: FakeHost) {
    this.agent = agent;
    this.host = host;
  }

  /** Lines of warnings that the rules gave, as `file:line message`. */
  get warnings(): string[] {
    return this.host.lines.map(({ message, fields }) => `${fields.file}:${fields.line} ${message}`);
  }

  /** A request to `target`, with an id that no other has. */
  request(target: string, parts: WafRequest = {}): TestRequest {
    return request(target, { id: `request-${++this.#count}`, ...parts });
  }

  /** The verdict about a request; with a body, the one after the body. */
  async judge(target: string, parts: WafRequest = {}): Promise<Verdict> {
    const { body } = parts;
    const headers = body === undefined ? parts.headers ?? {} : {
      "Content-Type": "application/x-www-form-urlencoded",
      "Content-Length": String(bytesOf(body).length),
      ...parts.headers,
    };
    const message = this.request(target, {
      ...parts,
      headers,
      method: parts.method ?? (body === undefined ? "GET" : "POST"),
    });
    const head = verdictOf(await this.agent.onRequest(message));
    if (body === undefined || head.decision !== "more") return head;
    const whole = verdictOf((await this.agent.onRequestBody(message, bytesOf(body))).outcome);
    return { ...whole, ids: [...head.ids, ...whole.ids], matches: [...head.matches, ...whole.matches] };
  }

  /** The verdict about a response; with a body, the one after the body. */
  async judgeResponse(message: TestRequest, response: Response, body?: string): Promise<Verdict> {
    const head = verdictOf(await this.agent.onResponse(message, response));
    if (body === undefined || head.decision !== "more") return head;
    const { outcome } = await this.agent.onResponseBody({ request: message, response }, body);
    return verdictOf(outcome);
  }
}

/** An outcome in brief. */
export function verdictOf(outcome: Outcome): Verdict {
  const facts = Object.fromEntries(outcome.audit.custom.map(({ name, value }) => [name, value]));
  const matches = JSON.parse(facts["waf.matches"] ?? "[]") as Match[];
  return { decision: decisionOf(outcome), ids: matches.map(({ id }) => id), matches, facts, outcome };
}

function decisionOf({ decision, needsMore }: Outcome): string {
  if (decision.type === "block") return `block ${decision.value.status}`;
  if (decision.type === "redirect") return `redirect ${decision.value.status} ${decision.value.location}`;
  return needsMore ? "more" : decision.type;
}

function bytesOf(body: string | Uint8Array): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}
