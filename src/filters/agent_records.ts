/** What the agents on a request's way said, for each other, for logs and for the explain trace. */

import type { Audit, Header, Outcome } from "../agents/contract/sentinel_types.ts";
import type { RequestView } from "../agents/runtime/bound_agent.ts";
import type { LiveAgent } from "../agents/runtime/live_agent.ts";
import { METADATA_MAX } from "../agents/runtime/outcome_rules.ts";
import { Slot } from "../core/context.ts";
import type { AgentNote, LogFields, RequestContext } from "../core/context.ts";
import { RuleFindings } from "../core/rule_findings.ts";

/** Most items kept of each list of one agent, and characters of each. */
const ITEMS_MAX = 16;
const ITEM_LENGTH_MAX = 128;
/** Most fields of an agent's own choice that go to the access log. */
const CUSTOM_FIELDS_MAX = 8;
/** Most notes that all results of all agents of one request may leave. */
export const REQUEST_NOTES_MAX = METADATA_MAX * 4;

const STRENGTH: Readonly<Record<AgentNote["verdict"], number>> = {
  skipped: 0,
  failed: 1,
  allow: 2,
  challenge: 3,
  redirect: 4,
  block: 5,
};

/** What one agent said about one request, with what only the access log wants to know. */
export class AgentRecord implements AgentNote {
  readonly agent: string;
  readonly shadow: boolean;
  verdict: AgentNote["verdict"] = "skipped";
  fuel = 0;
  ruleIds: readonly string[] = [];
  findings: RuleFindings | undefined = undefined;
  /** Why its first failed call gave nothing. */
  failure: string | undefined = undefined;
  #tags: readonly string[] | undefined;
  #reasonCodes: readonly string[] | undefined;
  #confidence: number | undefined;
  #custom: readonly Header[] | undefined;

  constructor({ id, isShadow }: { readonly id: string; readonly isShadow: boolean }) {
    this.agent = id;
    this.shadow = isShadow;
  }

  decided(outcome: Outcome, fuel: number): void {
    this.fuel += fuel;
    this.#rise(outcome.decision.type);
    this.#audit(outcome.audit);
  }

  /** It decided about a message. */
  judged(verdict: AgentNote["verdict"], fuel: number): void {
    this.fuel += fuel;
    this.#rise(verdict);
  }

  failed(kind: string, fuel: number): void {
    this.fuel += fuel;
    this.failure ??= kind;
    this.#rise("failed");
  }

  /** Adds what it said in its audit; verdict, rules and fuel are fields of every note. */
  addLogFields(fields: LogFields): void {
    const name = `agent_${this.agent}`;
    if (this.failure !== undefined) fields[`${name}_failure`] = this.failure;
    if (this.#tags !== undefined) fields[`${name}_tags`] = this.#tags.join(",");
    if (this.#reasonCodes !== undefined) fields[`${name}_reasons`] = this.#reasonCodes.join(",");
    if (this.#confidence !== undefined) fields[`${name}_confidence`] = this.#confidence;
    for (const { name: key, value } of this.#custom ?? []) fields[`${name}_${clipped(key)}`] = clipped(value);
  }

  #rise(verdict: AgentNote["verdict"]): void {
    if (STRENGTH[verdict] > STRENGTH[this.verdict]) this.verdict = verdict;
  }

  #audit(audit: Audit): void {
    if (audit.ruleIds.length > 0) this.ruleIds = joined(this.ruleIds, audit.ruleIds);
    if (audit.tags.length > 0) this.#tags = joined(this.#tags, audit.tags);
    if (audit.reasonCodes.length > 0) this.#reasonCodes = joined(this.#reasonCodes, audit.reasonCodes);
    if (audit.confidence !== undefined) this.#confidence = Math.round(audit.confidence * 1000) / 1000;
    const { custom } = audit;
    if (custom.some(isFinding)) this.#find(custom);
    if (custom.every(isFinding)) return;
    const others = custom.filter((fact) => !isFinding(fact));
    this.#custom = [...this.#custom ?? [], ...others].slice(0, CUSTOM_FIELDS_MAX);
  }

  #find(facts: readonly Header[]): void {
    const findings = this.findings ??= new RuleFindings();
    findings.add(facts);
    // Who only watches has refused nothing, whatever it says.
    if (this.shadow && findings.verdict === "block") findings.verdict = "detected";
  }
}

function isFinding({ name }: Header): boolean {
  return RuleFindings.owns(name);
}

function joined(have: readonly string[] = [], more: readonly string[]): string[] {
  const all = [...have];
  for (const item of more) {
    if (all.length >= ITEMS_MAX) break;
    const text = clipped(item);
    if (!all.includes(text)) all.push(text);
  }
  return all;
}

function clipped(text: string): string {
  return text.length <= ITEM_LENGTH_MAX ? text : `${text.slice(0, ITEM_LENGTH_MAX - 1)}…`;
}

/** What the agents of one request share besides `RequestContext.agentNotes`. */
export class RequestAgents {
  /** Made by the first of them. */
  view: RequestView | undefined = undefined;
  /** The same for those who see the headers that the client sent. */
  receivedView: RequestView | undefined = undefined;
  /** The first of them: it numbers requests. */
  readonly #first: Pick<LiveAgent, "nextSerial">;
  #serial: string | undefined;
  #notes: Map<string, string> | undefined;

  constructor(first: Pick<LiveAgent, "nextSerial">) {
    this.#first = first;
  }

  /** A name for the request that no other request of this thread has, or has had. */
  get serial(): string {
    return this.#serial ??= this.#first.nextSerial();
  }

  /** Leaves notes for agents that come later; false, and none is left, when there would be too many. */
  note(metadata: readonly Header[]): boolean {
    if (metadata.length === 0) return true;
    const notes = this.#notes ??= new Map<string, string>();
    if (notes.size + metadata.length > REQUEST_NOTES_MAX) {
      const added = new Set(metadata.map(({ name }) => name).filter((name) => !notes.has(name)));
      if (notes.size + added.size > REQUEST_NOTES_MAX) return false;
    }
    for (const { name, value } of metadata) notes.set(name, value);
    return true;
  }

  metadata(key: string): string | undefined {
    return this.#notes?.get(key);
  }
}

const REQUEST_AGENTS = new Slot<RequestAgents>();

/** What the agents of this request share. */
export function requestAgents(context: RequestContext, agent: Pick<LiveAgent, "nextSerial">): RequestAgents {
  const have = REQUEST_AGENTS.get(context);
  if (have !== undefined) return have;
  const agents = new RequestAgents(agent);
  REQUEST_AGENTS.set(context, agents);
  return agents;
}

/** Whether a live agent decided against the request. */
export function isStoppedByAgent({ agentNotes = [] }: RequestContext): boolean {
  return agentNotes.some((note) => !note.shadow && STRENGTH[note.verdict] > STRENGTH.allow);
}
