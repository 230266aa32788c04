import { clientText } from "./tls_field.ts";
import { protocolName } from "../core/message.ts";
import { allLogFields, type LogFields, type RequestContext } from "../core/context.ts";
import { agentsText } from "./agents_field.ts";
import type { AccessLogOptions } from "./access_log.ts";
import { answeredStatus, LOG_FIELDS_MAX, refererReader, userAgentReader } from "./access_log_values.ts";
import type { Piece } from "./line_template.ts";
import { quotedText } from "./log_text.ts";
import { Redactor } from "./redact.ts";
import { millisText, Timestamps } from "./timestamps.ts";

type Parts = (string | Piece)[];

/**
 * The form that web servers share, with id and duration at its end. What is switched off or not known is
 * `-`, so that every field keeps its place:
 * `ip - - [time] "method target protocol" status bytes "referer" "agent" id 1.234ms`
 */
export function combinedParts(options: AccessLogOptions): Parts {
  const on = options.fields;
  const times = new Timestamps();
  const referer = refererReader(options);
  const userAgent = userAgentReader(options);
  return [
    on.clientIp ? (context) => quotedText(context.clientIp) : "-",
    " - - [",
    on.timestamp ? (_, __, wallMs) => times.common(wallMs) : "-",
    '] "',
    ...requestLineParts(options),
    '" ',
    on.status ? (context) => String(answeredStatus(context)) : "-",
    " ",
    on.bodyBytesSent ? (context) => context.bodyBytesSent > 0 ? String(context.bodyBytesSent) : "-" : "-",
    ' "',
    on.referer ? (context) => quotedText(referer(context)) : "-",
    '" "',
    on.userAgent ? (context) => quotedText(userAgent(context)) : "-",
    '" ',
    options.includeTraceId && on.traceId ? (context) => quotedText(context.requestId) : "-",
    " ",
    on.latencyMs ? (context, nowMs) => millisText(nowMs - context.startedMs) + "ms" : "-",
    "\n",
  ];
}

/** For people: time, status, request line, duration and size, then everything else as `key=value`. */
export function textParts(options: AccessLogOptions): Parts {
  const on = options.fields;
  const times = new Timestamps();
  const parts: Parts = [];
  if (on.timestamp) parts.push((_, __, wallMs) => times.iso(wallMs), " ");
  if (on.status) parts.push((context) => String(answeredStatus(context)), " ");
  parts.push('"', ...requestLineParts(options), '"');
  if (on.latencyMs) parts.push(" ", (context, nowMs) => millisText(nowMs - context.startedMs), "ms");
  if (on.bodyBytesSent) parts.push(" ", (context) => String(context.bodyBytesSent), "B");
  const pair = (
    field: keyof typeof on,
    key: string,
    read: (context: RequestContext) => string | undefined,
  ) => {
    if (on[field]) parts.push((context) => textPair(key, read(context)));
  };
  pair("clientIp", "client", (context) => context.clientIp);
  pair("tls", "tls", ({ downstream: { tls } }) => tls?.version);
  pair("tls", "client_cert", ({ downstream: { tls } }) => tls === null ? undefined : clientText(tls));
  pair("host", "host", (context) => context.head.host);
  pair("routeId", "route", (context) => context.route?.id);
  pair("namespace", "namespace", (context) => context.route?.namespace);
  pair("service", "service", (context) => context.route?.service);
  pair("upstream", "upstream", (context) => context.upstreamId);
  pair("upstreamAddr", "target", (context) => context.targetAddress);
  pair("upstreamAttempts", "attempts", ({ attempts }) => attempts > 1 ? String(attempts) : undefined);
  parts.push(({ reason, errorCode }) => textPair("reason", reason) + textPair("error", errorCode));
  parts.push(({ agentNotes }) => agentNotes === undefined ? "" : textPair("agents", agentsText(agentNotes)));
  if (options.includeTraceId) pair("traceId", "id", (context) => context.requestId);
  parts.push((context) => extraPairs(allLogFields(context)), "\n");
  return parts;
}

function requestLineParts(options: AccessLogOptions): Parts {
  const on = options.fields;
  const redactor = new Redactor({ queryParams: options.redactQueryParams });
  const parts: Parts = [];
  parts.push(on.method ? (context) => quotedText(context.head.method) : "-", " ");
  parts.push(on.path ? (context) => quotedText(context.path) : "-");
  if (on.query) {
    parts.push(({ query }) => query === "" ? "" : "?" + quotedText(redactor.query(query)));
  }
  if (on.protocol) parts.push(" ", (context) => protocolName(context.head));
  return parts;
}

function extraPairs(fields: Readonly<LogFields> | undefined): string {
  let text = "";
  let count = 0;
  for (const key in fields) {
    if (++count > LOG_FIELDS_MAX) break;
    text += textPair(quotedText(key), String(fields[key]));
  }
  return text;
}

// Quotes only where the value would otherwise not end at the next space.
function textPair(key: string, value: string | undefined): string {
  if (value === undefined || value === "") return "";
  const safe = quotedText(value);
  const bare = !safe.includes(" ") && !safe.includes("=");
  return " " + key + "=" + (bare ? safe : '"' + safe + '"');
}
