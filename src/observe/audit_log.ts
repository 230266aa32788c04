import type { RequestContext } from "../core/context.ts";
import { jsonText, jsonValue } from "./log_text.ts";
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
}

/** Security decisions and changes of configuration, one JSON object per line. */
export class AuditLog {
  readonly #sink: LineSink;
  readonly #blocked: boolean;
  readonly #times = new Timestamps();

  constructor(options: Pick<AuditLogConfig, "logBlocked">, sink: LineSink) {
    this.#sink = sink;
    this.#blocked = options.logBlocked;
  }

  /** Writes a line when the request was refused by a rule or limit. */
  request(context: RequestContext, wallMs: number): void {
    const reason = context.reason ?? context.errorCode;
    if (!this.#blocked || reason === undefined) return;
    const label = blockedLabel(reason);
    if (label === undefined) return;
    this.event({
      type: label === "rate_limited" ? "rate_limit_exceeded" : "blocked",
      traceId: context.requestId,
      method: context.head.method,
      path: context.path,
      clientIp: context.clientIp,
      routeId: context.route?.id,
      namespace: context.route?.namespace,
      service: context.route?.service,
      reason: label,
      action: "block",
      statusCode: context.status,
    }, wallMs);
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
  return line + optional("namespace", event.namespace) + optional("service", event.service) + "}\n";
}

function optional(key: string, value: string | undefined): string {
  return value === undefined ? "" : `,"${key}":${jsonText(value)}`;
}

function list(key: string, values: readonly string[] | undefined): string {
  return values === undefined || values.length === 0 ? "" : `,"${key}":[${values.map(jsonText).join(",")}]`;
}
