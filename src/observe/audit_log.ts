import type { AgentNote, RequestContext } from "../core/context.ts";
import type { RuleFindings } from "../core/rule_findings.ts";
import { jsonData, jsonText, jsonValue } from "./log_text.ts";
import { MatchTags } from "./match_tags.ts";
import type { AuditLogConfig } from "./observability.ts";
import { blockedLabel } from "./request_meters.ts";
import type { LineSink } from "./sink.ts";
import { Timestamps } from "./timestamps.ts";

/** What an audit line is about. */
export type AuditEventType =
  | "blocked"
  | "agent_decision"
  | "waf_match"
  | "waf_block"
  | "rate_limit_exceeded"
  | "auth_event"
  | "config_change"
  | "cert_reload"
  | "circuit_breaker_change"
  | "cache_purge"
  | "admin_action"
  | "custom";

/** One entry. Events that no request caused have method `-` and the client address `internal`. */
export interface AuditEvent {
  readonly type: AuditEventType;
  readonly traceId: string;
  readonly method: string;
  /** Path without query, which may hold secrets. */
  readonly path: string;
  readonly clientIp: string;
  readonly routeId?: string | undefined;
  readonly namespace?: string | undefined;
  readonly service?: string | undefined;
  readonly reason?: string | undefined;
  readonly agentId?: string | undefined;
  readonly ruleIds?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly action?: string | undefined;
  readonly statusCode?: number | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** What a firewall says of each match, as JSON that can go to a log. */
  readonly matches?: readonly string[] | undefined;
}

/** Security decisions and changes of configuration, one JSON object per line. */
export class AuditLog {
  readonly #sink: LineSink;
  readonly #options: AuditOptions;
  readonly #times = new Timestamps();
  readonly #tags = new MatchTags();

  constructor(options: AuditOptions, sink: LineSink) {
    this.#sink = sink;
    this.#options = options;
  }

  /**
   * Writes a line when the request was refused by a rule or limit, and one for what each agent had against it. A firewall's
   * line says of the refusal all that there is to say.
   */
  request(context: RequestContext, wallMs: number): void {
    if (context.agentNotes !== undefined) {
      for (const note of context.agentNotes) this.#agent(context, note, wallMs);
    }
    const reason = context.reason ?? context.errorCode;
    if (!this.#options.logBlocked || reason === undefined) return;
    const label = blockedLabel(reason);
    if (label === undefined) return;
    // Other refusals have a reason that no firewall's line names.
    if (reason === "agent_blocked" && this.#options.logWafEvents && context.agentNotes?.some(isRefusal)) {
      return;
    }
    const type = label === "rate_limited" ? "rate_limit_exceeded" : "blocked";
    this.event({ type, ...about(context), reason: label, action: "block" }, wallMs);
  }

  #agent(context: RequestContext, note: AgentNote, wallMs: number): void {
    const { agent: agentId, verdict, shadow, findings } = note;
    if (findings !== undefined && findings.matches.length > 0) {
      if (!this.#options.logWafEvents) return;
      return this.event(this.#firewall(context, note, findings), wallMs);
    }
    if (!this.#options.logAgentDecisions || !DECISIONS.has(verdict)) return;
    const metadata = shadow ? { shadow } : undefined;
    const { ruleIds } = note;
    this.event(
      { type: "agent_decision", ...about(context), agentId, ruleIds, action: verdict, metadata },
      wallMs,
    );
  }

  #firewall(context: RequestContext, note: AgentNote, findings: RuleFindings): AuditEvent {
    const { matches, verdict, ruleIds } = findings;
    return {
      type: verdict === "block" ? "waf_block" : "waf_match",
      ...about(context),
      agentId: note.agent,
      ruleIds,
      tags: this.#tags.of(matches),
      action: verdict,
      metadata: metadataOf(findings, note),
      matches: matches.map((match) => match.plainText ?? jsonData(match.fields)),
    };
  }

  /** A configuration was put in use or refused. */
  configChange(
    change: { readonly reason: string; readonly metadata: Record<string, unknown> },
    wallMs: number,
  ) {
    const internal = { traceId: "", method: "-", path: "/-/config", clientIp: "internal" };
    this.event({ type: "config_change", ...internal, ...change }, wallMs);
  }

  event(event: AuditEvent, wallMs: number): void {
    this.#sink.write(auditLine(event, this.#times.iso(wallMs)));
  }
}

/** Which lines are wanted. */
export type AuditOptions = Pick<AuditLogConfig, "logBlocked" | "logAgentDecisions" | "logWafEvents">;

/** Verdicts that are decisions against a request, or would be in shadow mode. */
const DECISIONS: ReadonlySet<AgentNote["verdict"]> = new Set(["block", "redirect", "challenge"]);

/** Whether a firewall has refused the request, not only said so, with rules to name. */
function isRefusal({ shadow, verdict, findings }: AgentNote): boolean {
  return !shadow && verdict === "block" && findings?.verdict === "block" && findings.matches.length > 0;
}

function about(context: RequestContext) {
  return {
    traceId: context.requestId,
    method: context.head.method,
    path: context.path,
    clientIp: context.clientIp,
    routeId: context.route?.id,
    namespace: context.route?.namespace,
    service: context.route?.service,
    statusCode: context.status,
  };
}

/** Built up step by step: the engine takes far longer for spreads of objects that have one member or none. */
function metadataOf(findings: RuleFindings, { shadow }: AgentNote): Record<string, unknown> {
  const { decidingRule, inboundScore, outboundScore, leftOut } = findings;
  const said: Record<string, unknown> = {};
  if (shadow) said["shadow"] = shadow;
  if (decidingRule !== undefined) said["rule"] = decidingRule;
  if (inboundScore !== undefined) said["inbound_score"] = inboundScore;
  if (outboundScore !== undefined) said["outbound_score"] = outboundScore;
  if (leftOut !== 0) said["matches_left_out"] = leftOut;
  return said;
}

/** The line for an event, newline included. */
export function auditLine(event: AuditEvent, timestamp: string): string {
  let line = `{"timestamp":"${timestamp}","trace_id":${jsonText(event.traceId)}` +
    `,"event_type":"${event.type}","method":${jsonText(event.method)},"path":${jsonText(event.path)}` +
    `,"client_ip":${jsonText(event.clientIp)}`;
  line += optional("route_id", event.routeId) + optional("reason", event.reason);
  line += optional("agent_id", event.agentId) + list("rule_ids", event.ruleIds) + list("tags", event.tags);
  line += optional("action", event.action);
  if (event.statusCode !== undefined) line += `,"status_code":${event.statusCode}`;
  if (event.metadata !== undefined) {
    const pairs = Object.entries(event.metadata).map(([key, value]) =>
      `${jsonText(key)}:${jsonValue(value)}`
    );
    line += `,"metadata":{${pairs.join(",")}}`;
  }
  if (event.matches !== undefined) line += `,"matches":[${event.matches.join(",")}]`;
  return line + optional("namespace", event.namespace) + optional("service", event.service) + "}\n";
}

function optional(key: string, value: string | undefined): string {
  return value === undefined ? "" : `,"${key}":${jsonText(value)}`;
}

function list(key: string, values: readonly string[] | undefined): string {
  return values === undefined || values.length === 0 ? "" : `,"${key}":[${values.map(jsonText).join(",")}]`;
}
