import { checkEndpoint } from "../core/address.ts";
import { checkHeaderName } from "../core/header_edits.ts";
import { refused } from "../core/refused.ts";
import { block, bytes, decimal, flag, oneOf, text, texts } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";

/** Header values that are never logged unless somebody asks for it. */
const SECRET_HEADERS = ["authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key"];
/** Query parameters that carry secrets by convention. */
const SECRET_PARAMETERS = [
  "access_token",
  "api_key",
  "apikey",
  "authorization",
  "code",
  "key",
  "password",
  "secret",
  "sig",
  "signature",
  "token",
];

const enabled = flag({ summary: "Switch.", default: true });

const metrics = block({
  summary: "The admin listener: metrics, health and reload.",
  always: true,
  fields: {
    enabled,
    address: text({
      summary: "Where it listens. Whoever reaches it can reload, so it is on loopback unless told otherwise.",
      check: checkEndpoint,
      default: "127.0.0.1:9090",
    }),
    path: text({
      summary: "Path of the Prometheus metrics.",
      aliases: ["endpoint"],
      check: (path) => path.startsWith("/") ? undefined : `must start with "/", found "${path}"`,
      default: "/metrics",
    }),
    highCardinality: refused({
      summary: "Labels without bounds.",
      hint: "label sets are bounded; remove it",
    }),
  },
});

function file(summary: string) {
  return text({ summary: `${summary} "-" is standard output, "stderr" standard error.`, default: "-" });
}

const bufferSizeBytes = bytes({
  summary: "Bytes collected before a write; everything is written at least once a second.",
  name: "buffer-size",
  aliases: ["buffer-size-bytes"],
  min: 0,
  max: 64 * 1024 * 1024,
  default: 8192,
});

/** Which fields of an access log line may be switched, and whether they are there by default. */
const fieldSwitches = {
  timestamp: shown(),
  traceId: shown(),
  method: shown(),
  path: shown(),
  query: shown(),
  protocol: shown(),
  host: shown(),
  status: shown(),
  latencyMs: shown(),
  bodyBytesSent: shown(),
  bodyBytes: shown(),
  upstreamAddr: shown(),
  upstreamAttempts: shown(),
  connectionReused: shown(),
  rateLimitHit: shown(),
  userAgent: shown(),
  referer: shown(),
  clientIp: shown(),
  tls: shown(),
  routeId: shown(),
  upstream: shown(),
  namespace: shown(),
  service: shown(),
  geoCountry: refused({ summary: "Country of the client, which nothing finds out.", asks: () => false }),
};

function shown() {
  return flag({ summary: "Whether the field is written.", default: true });
}

const accessLog = block({
  summary: "One line per request.",
  fields: {
    enabled,
    file: file("File to append to."),
    format: oneOf({
      summary: "Form of a line: JSON, the combined format of web servers, or text for people.",
      values: { json: [], combined: ["clf", "common"], text: [] },
      default: "json",
    }),
    bufferSizeBytes,
    includeTraceId: flag({ summary: "Write the request id.", default: true }),
    sampleRate: decimal({ summary: "Share of requests that are logged.", min: 0, max: 1, default: 1 }),
    sampleErrorsAlways: flag({
      summary: "Log every answer of 400 and above, sampled or not.",
      default: true,
    }),
    fields: block({
      summary: "Fields of a line, each switched by `#false`.",
      always: true,
      fields: fieldSwitches,
    }),
    redactHeaders: texts({
      summary: "Headers whose values are replaced.",
      check: checkHeaderName,
      default: SECRET_HEADERS,
    }),
    redactQueryParams: texts({
      summary: "Query parameters whose values are replaced.",
      default: SECRET_PARAMETERS,
    }),
  },
});

const errorLog = block({
  summary: "Failures, one line each.",
  always: true,
  fields: {
    enabled,
    file: text({
      summary: `File to append to; "-" is standard error.`,
      default: "-",
    }),
    level: oneOf({
      summary: "Least severe line written.",
      values: { warn: ["warning"], error: [] },
      default: "warn",
    }),
    bufferSizeBytes,
  },
});

const auditLog = block({
  summary: "Security decisions and changes of configuration, one line each.",
  fields: {
    enabled,
    file: file("File to append to."),
    bufferSizeBytes,
    logBlocked: flag({ summary: "Requests that the proxy refused.", default: true }),
    logAgentDecisions: flag({ summary: "Decisions of agents against a request.", default: true }),
    logWafEvents: flag({
      summary: "What a firewall found in a request: one line with every rule that matched.",
      default: true,
    }),
  },
});

const logging = block({
  summary: "Application log, and the logs of requests.",
  always: true,
  fields: {
    level: oneOf({
      summary: "Least severe line of the application log.",
      values: { trace: [], debug: [], info: [], warn: ["warning"], error: [] },
      default: "info",
    }),
    format: oneOf({
      summary: "Form of the application log.",
      values: { json: [], text: ["pretty", "plain"] },
      default: "json",
    }),
    timestamps: refused({
      summary: "Timestamps in the application log.",
      feature: "timestamps #false",
      hint: "lines always carry a timestamp",
      asks: (node) => node.args[0]?.value === false,
    }),
    file: refused({
      summary: "File of the application log.",
      feature: "file of the application log",
      hint: "it goes to standard error; access-log, error-log and audit-log have files",
    }),
    accessLog,
    errorLog,
    auditLog,
  },
});

/** Options of metrics and logs. */
export const observability = block({
  summary: "Metrics and logs.",
  always: true,
  fields: {
    metrics,
    logging,
    tracing: refused({ summary: "Export of spans." }),
  },
});

/** Metrics and logs, defaults filled in. */
export type ObservabilityConfig = Infer<typeof observability>;
/** The admin listener. */
export type MetricsConfig = ObservabilityConfig["metrics"];
/** All logs. */
export type LoggingConfig = ObservabilityConfig["logging"];
/** The access log; there is none without its block. */
export type AccessLogConfig = NonNullable<LoggingConfig["accessLog"]>;
/** The error log, which is there unless it is switched off. */
export type ErrorLogConfig = LoggingConfig["errorLog"];
/** The audit log; there is none without its block. */
export type AuditLogConfig = NonNullable<LoggingConfig["auditLog"]>;
