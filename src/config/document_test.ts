/** The whole language is known: no name of the reference is unknown here, whether it is built or refused by name. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { parseConfig } from "./load.ts";

/** Where a name stands: the text around it, with `%` for the node. */
const places: { place: string; around: string; names: string }[] = [
  {
    place: "top level",
    around: "%",
    names:
      "schema-version version system server listeners routes upstreams filters agents waf namespace limits " +
      "observability rate-limits cache include",
  },
  {
    place: "system",
    around: "system { % }",
    names:
      "worker-threads workers max-connections graceful-shutdown-timeout-secs daemon pid-file user group " +
      "working-directory trace-id-format auto-reload route-cache-size trusted-proxies",
  },
  {
    place: "listener",
    around: 'listeners { listener "l" { % } }',
    names: "address protocol tls default-route namespace request-timeout-secs keepalive-timeout-secs " +
      "max-concurrent-streams keepalive-max-requests header-timeout-secs min-body-rate-bytes max-connections " +
      "proxy-protocol proxy-protocol-from trusted-proxies",
  },
  {
    place: "route",
    around: 'routes { route "r" { % } }',
    names:
      "matches match priority upstream back-to static-files api-schema inference filters builtin-handler cache " +
      "shadow waf-enabled websocket websocket-inspection fallback policies service-type retry-policy error-pages " +
      "circuit-breaker",
  },
  {
    place: "matches",
    around: 'routes { route "r" { matches { % } } }',
    names: "path path-prefix path-regex host header method query-param",
  },
  {
    place: "policies",
    around: 'routes { route "r" { policies { % } } }',
    names:
      "request-headers response-headers timeout-secs max-body-size rate-limit failure-mode buffer-requests " +
      "buffer-responses cache rewrite-path",
  },
  {
    place: "error-pages",
    around: 'routes { route "r" { error-pages { % } } }',
    names: "pages default-format include-stack-trace template-dir",
  },
  {
    place: "upstream",
    around: 'upstreams { upstream "u" { % } }',
    names:
      "target targets server endpoint address load-balancing health-check http-version connection-pool timeouts " +
      "tls circuit-breaker discovery retry outlier-detection max-requests sticky-session",
  },
  {
    place: "target",
    around: 'upstreams { upstream "u" { target { % } } }',
    names: "address weight max-requests metadata tls zone",
  },
  {
    place: "connection-pool",
    around: 'upstreams { upstream "u" { connection-pool { % } } }',
    names: "max-connections max-idle idle-timeout idle-timeout-secs max-lifetime max-lifetime-secs",
  },
  {
    place: "timeouts",
    around: 'upstreams { upstream "u" { timeouts { % } } }',
    names: "connect request read write connect-secs request-secs read-secs write-secs",
  },
  {
    place: "upstream tls",
    around: 'upstreams { upstream "u" { tls { % } } }',
    names: "sni insecure-skip-verify verify client-cert client-key ca-cert",
  },
  {
    place: "health-check",
    around: 'upstreams { upstream "u" { health-check { % } } }',
    names: "type path expected-status host interval interval-secs timeout timeout-secs healthy-threshold " +
      "unhealthy-threshold",
  },
  {
    place: "limits",
    around: "limits { % }",
    names:
      "max-header-size max-header-size-bytes max-header-count max-header-name-bytes max-header-value-bytes " +
      "max-body-size max-body-size-bytes max-body-buffer-bytes max-body-inspection-bytes max-decompression-ratio " +
      "max-decompressed-size-bytes max-connections-per-client max-connections-per-route max-total-connections " +
      "max-idle-connections-per-upstream max-in-flight-requests max-in-flight-requests-per-worker " +
      "max-queued-requests max-agent-queue-depth max-agent-body-bytes max-agent-response-bytes " +
      "max-requests-per-second-global max-requests-per-second-per-client max-requests-per-second-per-route " +
      "max-memory-bytes max-memory-percent",
  },
  {
    place: "rate-limits",
    around: "rate-limits { % }",
    names: "default-rps default-burst key global",
  },
  {
    place: "observability",
    around: "observability { % }",
    names: "metrics logging tracing",
  },
  {
    place: "metrics",
    around: "observability { metrics { % } }",
    names: "enabled address path endpoint high-cardinality",
  },
  {
    place: "logging",
    around: "observability { logging { % } }",
    names: "level format timestamps file access-log error-log audit-log",
  },
  {
    place: "access-log",
    around: "observability { logging { access-log { % } } }",
    names:
      "enabled file format buffer-size include-trace-id sample-rate sample-errors-always fields redact-headers " +
      "redact-query-params",
  },
  {
    place: "access-log fields",
    around: "observability { logging { access-log { fields { % } } } }",
    names:
      "timestamp trace_id method path query status latency_ms body_bytes_sent upstream_addr connection_reused " +
      "rate_limit_hit geo_country user_agent referer client_ip",
  },
  {
    place: "error-log",
    around: "observability { logging { error-log { % } } }",
    names: "enabled file level buffer-size",
  },
  {
    place: "audit-log",
    around: "observability { logging { audit-log { % } } }",
    names: "enabled file buffer-size log-blocked log-agent-decisions log-waf-events",
  },
  {
    place: "namespace",
    around: 'namespace "n" { % }',
    names: "limits listeners upstreams routes agents filters service exports",
  },
  {
    place: "service",
    around: 'namespace "n" { service "s" { % } }',
    names: "listener service-listener upstreams routes agents filters limits",
  },
  {
    place: "exports",
    around: 'namespace "n" { exports { % } }',
    names: "upstreams agents filters",
  },
];

for (const { place, around, names } of places) {
  Deno.test(`every name is known in ${place}`, () => {
    const unknown = names.split(" ").filter((name) => {
      const { issues } = parseConfig(around.replace("%", `${name} "x"`));
      return issues.some((issue) => issue.message.startsWith(`unknown name "${name}"`));
    });
    equal(unknown, []);
    const { issues } = parseConfig(around.replace("%", "no-such-name"));
    ok(
      issues.some((issue) => issue.message.startsWith('unknown name "no-such-name"')),
      "the check itself works",
    );
  });
}

const types = "rate-limit agent headers compress cors timeout log geo redirect url-rewrite".split(" ");

for (const type of types) {
  Deno.test(`filter type ${type} is known`, () => {
    const { issues } = parseConfig(`filters { filter "f" { type "${type}" } }`);
    ok(!issues.some((issue) => issue.message.includes("expects one of")));
  });
}

const algorithms = "round_robin roundrobin round-robin weighted weighted_round_robin weighted-round-robin " +
  "least_connections leastconnections least-connections ip_hash iphash ip-hash random consistent_hash consistenthash " +
  "power_of_two_choices p2c adaptive least_tokens_queued leasttokensqueued least_tokens maglev locality_aware " +
  "localityaware locality peak_ewma peakewma ewma deterministic_subset subset subsetting weighted_least_connections " +
  "weighted_least_conn wlc sticky sticky_session stickysession";

for (const algorithm of algorithms.split(" ")) {
  Deno.test(`load-balancing ${algorithm} is known`, () => {
    const { issues } = parseConfig(
      `upstreams { upstream "u" { target "a:1"; load-balancing "${algorithm}" } }`,
    );
    ok(!issues.some((issue) => issue.message.includes("expects one of")));
  });
}
