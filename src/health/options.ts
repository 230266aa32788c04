import { kindChoices } from "../core/named_blocks.ts";
import { block, bytes, duration, integer, oneOf, pairs, text, texts } from "../core/schema.ts";
import type { Infer, Report } from "../core/schema.ts";
import { statusRanges } from "../core/status_ranges.ts";
import type { ConfigNode } from "../core/config_node.ts";
import { readiness } from "./readiness_options.ts";

/** Types of checks; `registry.ts` has what they do. */
export const CHECK_TYPES = ["http", "tcp", "grpc", "inference"] as const;

const MIB = 1024 * 1024;

function seconds<const O extends { min: number; default: number; aliases: readonly string[] }>(
  summary: string,
  options: O,
) {
  return duration({ unit: "s", max: 86_400, ...options, summary });
}

const threshold = (summary: string, standard: number) =>
  integer({ summary, min: 1, max: 1000, default: standard });

function checkPath(path: string): string | undefined {
  return /^\/[!-~]*$/.test(path) ? undefined : `must be a path such as "/health", found "${path}"`;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;
/** Headers that frame the message or that the check sets itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "te",
  "upgrade",
  "expect",
]);

function checkHeader(name: string, value: string): string | undefined {
  if (!TOKEN.test(name)) return "is no header name";
  if (OWN_HEADERS.has(name.toLowerCase())) return "cannot be set here";
  // deno-lint-ignore no-control-regex
  return /[\x00-\x1f\x7f]|[^\x00-\xff]/.test(value) ? "must not contain control characters" : undefined;
}

const types = oneOf({
  summary:
    "What is tried: a connection (tcp), a request that must be answered with an expected status (http), " +
    "the gRPC health service (grpc), or a language model's list of models and more (inference).",
  values: kindChoices(CHECK_TYPES.map((type) => ({ type }))),
  default: "tcp",
});

/** JSON may nest the options: `"type": { "http": { "path": "/health" } }`. */
const type = {
  ...types,
  shape: { type: "choice", values: CHECK_TYPES, aliases: [], json: { type: "object" } } as const,
};

const fields = {
  type,
  intervalSecs: seconds("Time between checks.", { aliases: ["interval"], min: 0.1, default: 10 }),
  timeoutSecs: seconds("Time for an answer.", { aliases: ["timeout"], min: 0.01, default: 5 }),
  healthyThreshold: threshold(
    "Good checks in a row until a target is healthy; those after the first come faster than the interval.",
    2,
  ),
  unhealthyThreshold: threshold("Bad checks in a row until a target is unhealthy.", 3),
  path: text({ summary: "Request target of an http check.", default: "/health", check: checkPath }),
  method: text({
    summary: "Method of an http check; GET when left out.",
    check: (method) =>
      TOKEN.test(method) && method !== "CONNECT" ? undefined : "is no method a check can have",
    example: "HEAD",
  }),
  expectedStatus: statusRanges({
    summary: "Statuses that count as healthy; 200 when left out.",
    default: { ranges: [[200, 200]], shown: [200] },
  }),
  expectedBody: text({
    summary: "Text that the body of an http check's answer must hold.",
    aliases: ["body-contains", "body-match"],
  }),
  maxBodySizeBytes: bytes({
    summary: "Bytes of an answer's body that are looked at.",
    name: "max-body-size",
    aliases: ["max-body-size-bytes"],
    min: 1,
    max: 16 * MIB,
    default: 65_536,
  }),
  host: text({
    summary: "Host header of a check's requests; left out, the target's address.",
    check: (host) => /^[!-~]+$/.test(host) ? undefined : "must not contain spaces or control characters",
  }),
  headers: pairs({ summary: "Further headers of a check's requests.", check: checkHeader }),
  service: text({
    summary: "Service that a grpc check asks about; left out, the server as a whole.",
    check: (service) => /^[!-~]+$/.test(service) ? undefined : "must not contain spaces",
    example: "shop.Cart",
  }),
  endpoint: text({
    summary: "Request target of an inference check; /v1/models when left out.",
    check: checkPath,
    example: "/v1/models",
  }),
  expectedModels: texts({
    summary: "Models that an inference check's answer must list: by id, or by what the id begins with.",
    example: "llama-3",
  }),
  readiness,
};

/** Options that make sense for some types only; those with defaults are there for all. */
const ONLY: Readonly<Partial<Record<keyof typeof fields, readonly string[]>>> = {
  method: ["http"],
  expectedBody: ["http"],
  service: ["grpc"],
  endpoint: ["inference"],
  expectedModels: ["inference"],
  readiness: ["inference"],
  host: ["http", "grpc", "inference"],
  headers: ["http", "grpc", "inference"],
};

function checkTypeOptions(value: Record<string, unknown>, report: Report): void {
  for (const [key, allowed] of Object.entries(ONLY)) {
    const given = value[key];
    if (given === undefined || (Array.isArray(given) && given.length === 0)) continue;
    const chosen = String(value["type"]);
    if (!allowed.includes(chosen)) {
      const words = allowed.map((word) => `"${word}"`).join(" or ");
      report(key, `a check of type "${chosen}" has no such option`, `it belongs to type ${words}`);
    }
  }
}

/** How targets are looked at; a block of upstreams. `normalise` rewrites other spellings. */
export function healthCheckBlock(normalise: (node: ConfigNode) => ConfigNode) {
  return block({
    summary: "Looks at every target at intervals, once for all threads; unhealthy ones get no requests.",
    normalise,
    check: (value, report) => checkTypeOptions(value, report),
    fields,
  });
}

/** A check as configured, defaults filled in; options of other types are there too, unused. */
export type HealthCheckConfig = NonNullable<Infer<ReturnType<typeof healthCheckBlock>>>;
