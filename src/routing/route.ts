import { errorPages } from "../core/error_pages_options.ts";
import { headerEdits } from "../core/header_edits.ts";
import { identifier, repeated } from "../core/named_blocks.ts";
import { rateLimitKey } from "../core/rate_limit_key.ts";
import { Problem } from "../core/reading.ts";
import { refused } from "../core/refused.ts";
import { block, bytes, duration, flag, integer, list, oneOf, scalar, text, texts } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";

import { connectOptions } from "../tunnel/connect_options.ts";
import { upgradeOptions } from "../tunnel/upgrade_options.ts";
import { websocketOptions } from "../tunnel/websocket_options.ts";
import { retryPolicy } from "../upstream/retry_options.ts";
import { hostEditProblem } from "../filters/header_editor.ts";
import { fallback } from "../services/fallback_options.ts";
import { shadow } from "../services/shadow_options.ts";
import { trafficSplit } from "../services/traffic_split_options.ts";
import { hostProblem } from "./matchers/host.ts";
import { regexProblem } from "./matchers/path_regex.ts";
import { normaliseRoute } from "./route_spellings.ts";

/** Names of priorities; larger numbers are tried first. */
export const PRIORITIES: Readonly<Record<string, number>> = {
  critical: 1000,
  high: 100,
  normal: 50,
  low: 10,
};
const PRIORITY_MAX = 1_000_000;

const priority = scalar(
  {
    summary: "Order among routes: critical (1000), high (100), normal (50), low (10) or a number.",
    default: 50,
  },
  {
    type: "value",
    expected: `"critical", "high", "normal", "low" or an integer`,
    json: {
      anyOf: [{ enum: Object.keys(PRIORITIES) }, { type: "integer", minimum: 0, maximum: PRIORITY_MAX }],
    },
  },
  (value): number | Problem => {
    if (typeof value === "string" && Object.hasOwn(PRIORITIES, value.toLowerCase())) {
      return PRIORITIES[value.toLowerCase()]!;
    }
    if (Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= PRIORITY_MAX) {
      return Number(value);
    }
    return new Problem(`expects "critical", "high", "normal", "low" or an integer from 0 to ${PRIORITY_MAX}`);
  },
);

const nameAndValue = (summary: string) =>
  block({
    summary,
    args: ["name", "value"],
    fields: {
      name: text({ summary: "Name.", required: true }),
      value: text({ summary: "Value it must have; left out, any." }),
    },
  });

function checkPath(path: string): string | undefined {
  return path.startsWith("/") ? undefined : `must start with "/", found "${path}"`;
}

const methods = list<string, { summary: string }>(
  { summary: "Request methods." },
  { type: "text", example: "GET" },
  (value) => {
    if (typeof value === "string" && /^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(value)) return value.toUpperCase();
    return new Problem(`expects method names such as "GET"`);
  },
);

const matches = block({
  summary: "Conditions: different kinds must all hold, of several values of one kind one is enough.",
  aliases: ["match"],
  always: true,
  fields: {
    path: texts({ summary: "Whole path.", check: checkPath, example: "/health" }),
    pathPrefix: texts({ summary: "Path up to a segment's end.", check: checkPath, example: "/api" }),
    pathRegex: texts({
      summary: "Regular expression searched for in the path.",
      check: regexProblem,
      example: "\\.png$",
    }),
    host: texts({
      summary: "Host; `*.` in front stands for any subdomain, other patterns are regular expressions.",
      check: hostProblem,
      example: "*.example.com",
    }),
    header: repeated({
      summary: "Request header.",
      block: nameAndValue("Request header, by presence or value."),
    }),
    method: methods,
    queryParam: repeated({
      summary: "Query parameter.",
      block: nameAndValue("Parameter, by presence or value."),
    }),
  },
});

const policies = block({
  summary: "Bounds and changes for this route's requests.",
  always: true,
  check(value, report) {
    const problem = hostEditProblem(value.requestHeaders);
    if (problem !== undefined) report("requestHeaders", problem);
  },
  fields: {
    timeoutSecs: duration({
      summary: "Time for the whole request; then 504.",
      aliases: ["timeout"],
      unit: "s",
      min: 0.001,
      max: 86_400,
    }),
    maxBodySizeBytes: bytes({
      summary: "Request body of this route instead of the limit's.",
      name: "max-body-size",
      aliases: ["max-body-size-bytes"],
      min: 0,
      max: 1024 ** 4,
    }),
    requestHeaders: headerEdits,
    responseHeaders: headerEdits,
    failureMode: oneOf({
      summary: "What happens when a filter cannot do its work: go on without it, or refuse the request.",
      values: { closed: ["fail-closed"], open: ["fail-open"] },
      default: "closed",
    }),
    bufferRequests: flag({ summary: "Receive the whole request body before it is sent on.", default: false }),
    bufferResponses: flag({
      summary: "Receive the whole response body before it is sent on; server-sent events pass as they come.",
      default: false,
    }),
    rateLimit: block({
      summary: "Limit of requests to this route.",
      fields: {
        requestsPerSecond: integer({
          summary: "Requests per second.",
          aliases: ["max-rps", "rps"],
          required: true,
          min: 1,
          max: 10_000_000,
        }),
        burst: integer({ summary: "Requests at once.", min: 1, max: 10_000_000, default: 10 }),
        key: rateLimitKey({ summary: "What requests are counted by.", default: "client-ip" }),
      },
    }),
    cache: refused({ summary: "Caching of this route's responses." }),
    rewritePath: refused({
      summary: "Another path for the upstream.",
      hint: 'use a filter of type "url-rewrite" with replace-full-path',
    }),
  },
});

/** Options of one route. */
export const route = block({
  summary: "Which requests it takes, and what happens to them.",
  args: ["id"],
  normalise: normaliseRoute,
  fields: {
    id: identifier("Name in logs and metrics."),
    priority,
    matches,
    upstream: text({ summary: "Upstream that answers." }),
    trafficSplit,
    builtinHandler: oneOf({
      summary: "Answer of the proxy itself.",
      values: { status: [], health: [], metrics: [], "not-found": [], config: [], upstreams: [] },
      unavailable: { "cache-purge": [], "cache-stats": [] },
    }),
    serviceType: oneOf({
      summary: "Whom errors are written for: people (web) or programs (api).",
      values: { web: [], api: [], builtin: [] },
      unavailable: { static: [], inference: [] },
      default: "web",
    }),
    filters: texts({ summary: "Filters in the order they see the request." }),
    policies,
    errorPages,
    staticFiles: refused({ summary: "Files served by the proxy itself." }),
    apiSchema: refused({ summary: "Validation against a schema." }),
    inference: refused({ summary: "Gateway for language models." }),
    cache: refused({ summary: "Caching of responses." }),
    shadow,
    fallback,
    wafEnabled: flag({
      summary: "Whether the firewall looks at requests and responses, before all filters.",
      default: false,
    }),
    websocket: websocketOptions,
    websocketInspection: flag({
      summary: "Show whole messages of WebSockets to the agents of the route.",
      default: false,
    }),
    upgrade: upgradeOptions,
    connect: connectOptions,
    retryPolicy: retryPolicy({
      summary: "Repeating requests that failed; the whole block stands in for the upstream's retry.",
      aliases: ["retry"],
    }),
    circuitBreaker: refused({
      summary: "Pausing an upstream that fails.",
      hint: "put circuit-breaker in the upstream: it watches each target",
    }),
    agents: refused({ summary: "Agents on this route." }),
  },
});

/** One route as it was declared; `resolveConfig` qualifies its references. */
export type RouteConfig = NonNullable<Infer<typeof route>>;
/** Conditions of a route; a kind without values is an empty list. */
export type RouteMatches = RouteConfig["matches"];
/** Bounds and changes of a route. */
export type RoutePolicies = RouteConfig["policies"];
