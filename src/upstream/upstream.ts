import { BALANCERS } from "../balancers/registry.ts";
import { sticky } from "../balancers/sticky.ts";
import { checkEndpoint } from "../core/address.ts";
import { identifier, repeated, variant } from "../core/named_blocks.ts";
import { refused } from "../core/refused.ts";
import { block, decimal, duration, flag, integer, oneOf, pairs, text } from "../core/schema.ts";
import type { Infer, Schema } from "../core/schema.ts";
import { DISCOVERIES } from "../discovery/registry.ts";
import { healthCheckBlock } from "../health/options.ts";
import { circuitBreaker } from "./breaker_options.ts";
import { outlierDetection } from "./outlier_options.ts";
import { retryPolicy } from "./retry_options.ts";
import { normaliseHealthCheck, normaliseUpstream } from "./upstream_spellings.ts";

/** Priorities of targets. */
const PRIORITY_MAX = 65_535;

function zone(summary: string) {
  return text({
    summary,
    check: (word) => /^[!-~]{1,128}$/.test(word) ? undefined : "must be a word of at most 128 characters",
  });
}

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
    maxRequests: integer({
      summary:
        "Requests in flight on it at a time, all threads together; others are preferred when it is full.",
      aliases: ["max-in-flight"],
      min: 1,
      max: 1_000_000,
    }),
    zone: zone("Where it stands, for balancing by locality."),
    priority: integer({
      summary: "Targets of a lower number are preferred by balancing by locality.",
      min: 0,
      max: PRIORITY_MAX,
      default: 0,
    }),
    drain: flag({ summary: "Takes no new requests.", aliases: ["draining"], default: false }),
    metadata: pairs({
      summary: "Labels; `zone` and `priority` stand for the options of these names.",
      check: (name, value) =>
        name === "priority" && !/^\d{1,5}$/.test(value) ? "must be a number" : undefined,
    }),
    tls: refused({ summary: "TLS for one target.", hint: "put tls in the upstream" }),
  },
});

const loadBalancing = variant({
  summary: "How a target is chosen.",
  kinds: BALANCERS,
  default: "round-robin",
  typeAliases: ["algorithm"],
});

const healthCheck = healthCheckBlock(normaliseHealthCheck);

/** Options of `sticky` beside `load-balancing`, as JSON has them: `normaliseUpstream` puts them into it. */
const stickySession: Schema<undefined> = {
  summary: "Options of sticky load balancing, which this turns on when `load-balancing` is left out.",
  shape: sticky.options.shape,
  read: () => undefined,
};

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

/** Which HTTP is spoken: over TLS the target chooses, where both are allowed (RFC 7301). */
const httpVersion = block({
  summary: "Versions of HTTP spoken with the targets; without TLS, 2 is spoken only if it is the least.",
  always: true,
  fields: {
    minVersion: integer({ summary: "Oldest version: 1 or 2.", min: 1, max: 2, default: 1 }),
    maxVersion: integer({
      summary: "Newest version: 1 or 2; over TLS, the target is offered it.",
      min: 1,
      max: 2,
      default: 2,
    }),
    h2PingInterval: duration({
      summary: "Silence after which an HTTP/2 connection with open streams is pinged; 0 means never.",
      unit: "s",
      aliases: ["h2-ping-interval-secs"],
      min: 0,
      max: 86_400,
      default: 0,
    }),
    maxH2Streams: integer({
      summary: "Streams at once on one HTTP/2 connection, if the target allows as many.",
      min: 1,
      max: 10_000,
      default: 100,
    }),
  },
  check(value, report) {
    if (value.minVersion > value.maxVersion) {
      report("minVersion", '"min-version" is above "max-version"');
    }
  },
});

const tls = block({
  summary: "Speak TLS to the targets; their certificates are verified.",
  fields: {
    sni: text({ summary: "Name sent and checked; left out, the target's host.", aliases: ["server-name"] }),
    caCert: text({
      summary: "PEM file of authorities, instead of the system's.",
      aliases: ["ca-file", "ca"],
    }),
    clientCert: text({ summary: "PEM file of our certificate.", aliases: ["cert-file", "cert"] }),
    clientKey: text({ summary: "PEM file of our key.", aliases: ["key-file", "key"] }),
    insecureSkipVerify: flag({
      summary: "Take any certificate, for any name: whoever is on the way can read and change everything. " +
        "Warned of at every start and reload; giving the authority as ca-cert is nearly always possible.",
      default: false,
    }),
    verify: flag({ summary: "The same the other way round: #false takes any certificate.", default: true }),
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
    httpVersion,
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
    stickySession,
    slowStartSecs: seconds("Over which a target that is new or comes back gets more and more of its share.", {
      aliases: ["slow-start"],
      min: 0,
      default: 0,
    }),
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
