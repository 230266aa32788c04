import { createTlsField } from "./tls_field.ts";
import { protocolName } from "../core/message.ts";
import { allLogFields, type LogFields, type RequestContext, type RouteInfo } from "../core/context.ts";
import type { AccessLogOptions } from "./access_log.ts";
import {
  answeredStatus,
  isRateLimited,
  LOG_FIELDS_MAX,
  refererReader,
  userAgentReader,
} from "./access_log_values.ts";
import type { Piece } from "./line_template.ts";
import { agentsJson } from "./agents_field.ts";
import { jsonInner, jsonText, jsonValue } from "./log_text.ts";
import { Redactor } from "./redact.ts";
import { millisText, Timestamps } from "./timestamps.ts";

/** Names the line uses itself; a filter's field of the same name is written with `field_` before it. */
const OWN_KEYS: ReadonlySet<string> = new Set([
  "timestamp",
  "instance_id",
  "trace_id",
  "method",
  "path",
  "query",
  "protocol",
  "host",
  "status",
  "duration_ms",
  "body_bytes",
  "body_bytes_sent",
  "agents",
  "connection_reused",
  "rate_limit_hit",
  "client_ip",
  "user_agent",
  "referer",
  "reason",
  "error",
  "listener",
  "route_id",
  "namespace",
  "service",
  "upstream",
  "upstream_addr",
  "upstream_attempts",
  "upstream_latency_ms",
]);

type Parts = (string | Piece)[];

/** One JSON object per line. `body_bytes` is what the client sent, `body_bytes_sent` what it got. */
export function jsonParts(options: AccessLogOptions, instanceId: string): Parts {
  const times = new Timestamps();
  const parts: Parts = [`{"instance_id":${jsonText(instanceId)}`];
  if (options.fields.timestamp) parts.push(',"timestamp":"', (_, __, wallMs) => times.iso(wallMs), '"');
  parts.push(...requestParts(options), ...outcomeParts(options), ...clientParts(options));
  parts.push(placePiece(options), targetPiece(options));
  parts.push((context) => extraFields(allLogFields(context)), "}\n");
  return parts;
}

function requestParts(options: AccessLogOptions): Parts {
  const on = options.fields;
  const redactor = new Redactor({ queryParams: options.redactQueryParams });
  const parts: Parts = [];
  if (options.includeTraceId && on.traceId) {
    parts.push(',"trace_id":"', (context) => jsonInner(context.requestId), '"');
  }
  if (on.method) parts.push(',"method":"', (context) => jsonInner(context.head.method), '"');
  if (on.path) parts.push(',"path":"', (context) => jsonInner(context.path), '"');
  if (on.query) {
    parts.push((context) => {
      return context.query === "" ? "" : ',"query":' + jsonText(redactor.query(context.query));
    });
  }
  if (on.protocol) parts.push(',"protocol":"', (context) => protocolName(context.head), '"');
  if (on.host) parts.push(',"host":"', (context) => jsonInner(context.head.host), '"');
  return parts;
}

function outcomeParts({ fields: on }: AccessLogOptions): Parts {
  const parts: Parts = [];
  if (on.status) parts.push(',"status":', (context) => String(answeredStatus(context)));
  if (on.latencyMs) {
    parts.push(',"duration_ms":', (context, nowMs) => millisText(nowMs - context.startedMs));
  }
  if (on.bodyBytes) parts.push(',"body_bytes":', (context) => String(context.bodyBytesReceived));
  if (on.bodyBytesSent) parts.push(',"body_bytes_sent":', (context) => String(context.bodyBytesSent));
  if (on.connectionReused) {
    parts.push(',"connection_reused":', (context) => context.connectionReused ? "true" : "false");
  }
  if (on.rateLimitHit) {
    parts.push(',"rate_limit_hit":', (context) => isRateLimited(context) ? "true" : "false");
  }
  parts.push(({ agentNotes }) => agentNotes === undefined ? "" : ',"agents":' + agentsJson(agentNotes));
  parts.push((context) => {
    if (context.reason === undefined && context.errorCode === undefined) return "";
    const reason = context.reason === undefined ? "" : ',"reason":' + jsonText(context.reason);
    return context.errorCode === undefined ? reason : reason + ',"error":"' + context.errorCode + '"';
  });
  return parts;
}

function clientParts(options: AccessLogOptions): Parts {
  const on = options.fields;
  const parts: Parts = [];
  if (on.clientIp) parts.push(',"client_ip":"', (context) => jsonInner(context.clientIp), '"');
  if (on.tls) {
    const field = createTlsField();
    parts.push(({ downstream: { tls } }) => tls === null ? "" : field(tls));
  }
  if (on.userAgent) parts.push(optionalText("user_agent", userAgentReader(options)));
  if (on.referer) parts.push(optionalText("referer", refererReader(options)));
  return parts;
}

function optionalText(key: string, read: (context: RequestContext) => string | undefined): Piece {
  const start = `,"${key}":"`;
  return (context) => {
    const value = read(context);
    return value === undefined ? "" : start + jsonInner(value) + '"';
  };
}

/** Listener, route, namespace, service and upstream: the same for most requests of a route, so kept. */
function placePiece({ fields: on }: AccessLogOptions): Piece {
  const kept = new WeakMap<RouteInfo, { listener: string; upstream: string | undefined; text: string }>();
  const render = (context: RequestContext): string => {
    const route = context.route;
    let text = ',"listener":' + jsonText(context.downstream.listenerId);
    if (route !== null) {
      if (on.routeId) text += ',"route_id":' + jsonText(route.id);
      if (on.namespace && route.namespace !== undefined) text += ',"namespace":' + jsonText(route.namespace);
      if (on.service && route.service !== undefined) text += ',"service":' + jsonText(route.service);
    }
    const upstream = context.upstreamId;
    return on.upstream && upstream !== undefined ? text + ',"upstream":' + jsonText(upstream) : text;
  };
  return (context) => {
    const route = context.route;
    if (route === null) return render(context);
    const listener = context.downstream.listenerId;
    const known = kept.get(route);
    if (known !== undefined && known.listener === listener && known.upstream === context.upstreamId) {
      return known.text;
    }
    const text = render(context);
    kept.set(route, { listener, upstream: context.upstreamId, text });
    return text;
  };
}

function targetPiece({ fields: on }: AccessLogOptions): Piece {
  return (context) => {
    if (context.upstreamId === undefined) return "";
    let text = "";
    if (on.upstreamAddr && context.targetAddress !== undefined) {
      text += ',"upstream_addr":"' + jsonInner(context.targetAddress) + '"';
    }
    if (on.upstreamAttempts) text += ',"upstream_attempts":' + context.attempts;
    if (on.latencyMs && context.upstreamHeadMs > 0) {
      text += ',"upstream_latency_ms":' + millisText(context.upstreamHeadMs);
    }
    return text;
  };
}

function extraFields(fields: Readonly<LogFields> | undefined): string {
  let text = "";
  let count = 0;
  for (const key in fields) {
    if (++count > LOG_FIELDS_MAX) break;
    text += "," + jsonText(OWN_KEYS.has(key) ? "field_" + key : key) + ":" + jsonValue(fields[key]);
  }
  return text;
}
