import { BALANCERS } from "../balancers/registry.ts";
import { checkEndpoint } from "../core/address.ts";
import { identifier, kindChoices, repeated, variant } from "../core/named_blocks.ts";
import { hasContent, refused } from "../core/refused.ts";
import { block, decimal, duration, integer, oneOf, text } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import { DISCOVERIES } from "../discovery/registry.ts";
import { healthCheckBlock } from "../health/options.ts";
import { circuitBreaker } from "./breaker_options.ts";
import { outlierDetection } from "./outlier_options.ts";
import { retryPolicy } from "./retry_options.ts";
import {
  asksForHttp2,
  BALANCERS_UNAVAILABLE,
  normaliseBalancing,
  normaliseHealthCheck,
  normaliseUpstream,
} from "./upstream_spellings.ts";

const target = block({
  summary: "A place requests can go to.",
  args: ["address"],
  fields: {
    address: text({
      summary: "host:port, [IPv6]:port or unix:/path.",
      required: true,
      check: checkEndpoint,
      example: "127.0.0.1:3000",
    }),
    weight: integer({ summary: "Share of requests; 0 means none.", min: 0, max: 1_000_000, default: 1 }),
    maxRequests: refused({ summary: "Requests at once on this target." }),
    metadata: refused({ summary: "Labels for balancing by locality.", asks: hasContent }),
    zone: refused({ summary: "Zone for balancing by locality." }),
    tls: refused({ summary: "TLS for one target.", hint: "put tls in the upstream" }),
  },
});

const loadBalancing = block({
  summary: "How a target is chosen.",
  args: ["type"],
  always: true,
  normalise: normaliseBalancing,
  fields: {
    type: oneOf({
      summary: "Algorithm.",
      aliases: ["algorithm"],
      values: kindChoices(BALANCERS),
      unavailable: BALANCERS_UNAVAILABLE,
      default: "round-robin",
    }),
  },
});

const healthCheck = healthCheckBlock(normaliseHealthCheck);

function seconds<const O extends { min: number; default?: number; aliases?: readonly string[] }>(
  summary: string,
  options: O,
) {
  return duration({ unit: "s", max: 86_400, ...options, summary });
}

const count = (summary: string, options: { min: number; default: number }) =>
  integer({ summary, max: 100_000, ...options });

const connectionPool = block({
  summary: "Connections kept to each target, per thread.",
  always: true,
  fields: {
    maxConnections: count("Connections to one target.", { min: 1, default: 100 }),
    maxIdle: count("Idle connections kept to one target.", { min: 0, default: 100 }),
    idleTimeoutSecs: seconds("How long a connection may be idle.", {
      aliases: ["idle-timeout"],
      min: 0.1,
      default: 60,
    }),
    maxLifetimeSecs: duration({
      summary: "How long a connection is used; left out, for ever.",
      aliases: ["max-lifetime"],
      unit: "s",
      min: 0.1,
      max: 31_536_000,
    }),
  },
});

const queue = block({
  summary: "Waiting for a place when max-requests are under way, or for a connection when all to a target " +
    "are busy. Beyond its bounds the answer is 503 with Retry-After.",
  fields: {
    maxSize: integer({
      summary: "Requests of one thread that wait; left out, the limit max-queued-requests.",
      aliases: ["size"],
      min: 0,
      max: 1_000_000,
    }),
    timeoutMs: duration({
      summary: "How long a request waits.",
      aliases: ["timeout"],
      unit: "ms",
      min: 1,
      max: 86_400_000,
      default: 1000,
    }),
  },
});

const timeouts = block({
  summary: "Time limits towards a target.",
  aliases: ["timeout"],
  always: true,
  fields: {
    connectSecs: seconds("Until it accepts, TLS included.", {
      aliases: ["connect"],
      min: 0.001,
      default: 10,
    }),
    requestSecs: seconds(
      "Until the response head, over all attempts, from the end of an upload on; the body is bounded by read.",
      {
        aliases: ["request"],
        min: 0.001,
        default: 60,
      },
    ),
    readSecs: seconds("Without a byte from it.", { aliases: ["read"], min: 0.001, default: 30 }),
    writeSecs: seconds("Without it taking a byte.", { aliases: ["write"], min: 0.001, default: 30 }),
  },
});

const tls = block({
  summary: "Speak TLS to the targets; certificates are always verified.",
  fields: {
    sni: text({ summary: "Name sent and checked; left out, the target's host.", aliases: ["server-name"] }),
    caCert: text({
      summary: "PEM file of authorities, instead of the system's.",
      aliases: ["ca-file", "ca"],
    }),
    clientCert: text({ summary: "PEM file of our certificate.", aliases: ["cert-file", "cert"] }),
    clientKey: text({ summary: "PEM file of our key.", aliases: ["key-file", "key"] }),
    insecureSkipVerify: refused({
      summary: "Trusting any certificate.",
      hint: "give the authority as ca-cert instead",
    }),
    verify: refused({
      summary: "Verifying certificates, which is always done.",
      feature: "verify #false",
      hint: "give the authority as ca-cert instead",
      asks: (node) => node.args[0]?.value === false,
    }),
  },
  check(value, report) {
    if ((value.clientCert === undefined) === (value.clientKey === undefined)) return;
    const missing = value.clientCert === undefined ? "client-cert" : "client-key";
    report(value.clientCert === undefined ? "clientKey" : "clientCert", `"tls" needs "${missing}" too`);
  },
});

/** Options of one upstream. */
export const upstream = block({
  summary: "A service behind the proxy.",
  args: ["id"],
  normalise: normaliseUpstream,
  check(value, report) {
    if (value.panicThreshold === undefined || value.allTargetsDown === "fail-open") return;
    report("panicThreshold", `"panic-threshold" needs fail-open`, 'add: all-targets-down "fail-open"');
  },
  fields: {
    id: identifier("Name by which routes refer to it."),
    targets: repeated({
      summary: "Places requests can go to.",
      name: "target",
      aliases: ["targets"],
      block: target,
    }),
    loadBalancing,
    connectionPool,
    timeouts,
    tls,
    healthCheck,
    httpVersion: refused({
      summary: "HTTP/2 to the targets.",
      feature: "http-version 2",
      hint: "HTTP/1.1 is spoken; remove min-version",
      asks: asksForHttp2,
    }),
    circuitBreaker,
    outlierDetection,
    allTargetsDown: oneOf({
      summary:
        "What happens when health checks and outlier detection leave no target: 503, or all are used " +
        "as if they were well (panic). Breakers and drained targets stay as they are.",
      values: { reject: [], "fail-open": ["panic", "use-all"] },
      default: "reject",
    }),
    panicThreshold: decimal({
      summary: "Share of well targets below which all are used; left out, only when none is left.",
      aliases: ["panic-threshold-percent"],
      unit: "%",
      min: 0,
      max: 100,
    }),
    stickySession: refused({ summary: "Keeping a client on one target." }),
    discovery: variant({
      summary: "Finds the targets; those beside it are served until the first answer.",
      kinds: DISCOVERIES,
    }),
    retry: retryPolicy({
      summary: "Repeating requests that failed, unless their route says otherwise.",
      aliases: ["retry-policy"],
    }),
    maxRequests: integer({
      summary: "Requests at once on this upstream, all threads together; beyond it they wait in its queue.",
      min: 1,
      max: 1_000_000,
    }),
    queue,
  },
});

/** One upstream, defaults filled in. */
export type UpstreamConfig = NonNullable<Infer<typeof upstream>>;
/** One target as configured. */
export type TargetConfig = UpstreamConfig["targets"][number];
/** Where targets are looked up. */
export type DiscoveryConfig = NonNullable<UpstreamConfig["discovery"]>;
/** TLS towards targets; files as configured, not yet read. */
export type UpstreamTlsConfig = NonNullable<UpstreamConfig["tls"]>;
