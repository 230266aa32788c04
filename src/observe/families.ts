import { acmeFamilies } from "./acme_families.ts";
import type { MetricsRegistry } from "./metrics.ts";
import { tunnelFamilies } from "./tunnel_families.ts";

/** Bounds of latency histograms, seconds. */
export const LATENCY_BUCKETS = Object.freeze([
  0.001,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
]);

/** Bounds of body size histograms, bytes. */
export const SIZE_BUCKETS = Object.freeze([1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8]);

/** Every metric of the proxy. A thread registers all of them; the supervisor fills its own, workers theirs. */
export type Families = ReturnType<typeof createFamilies>;

/** Registers every family under `sentinel_` and says which build this is. */
export function createFamilies(registry: MetricsRegistry, build: { readonly version: string }) {
  const families = {
    ...requestFamilies(registry),
    ...upstreamFamilies(registry),
    ...steeringFamilies(registry),
    ...discoveryFamilies(registry),
    ...connectionFamilies(registry),
    ...tlsFamilies(registry),
    ...acmeFamilies(registry),
    ...tunnelFamilies(registry),
    ...http2Families(registry),
    ...scopedFamilies(registry),
    ...processFamilies(registry),
  };
  families.up.labels().set(1);
  families.buildInfo.labels(build.version).set(1);
  return families;
}

function requestFamilies(registry: MetricsRegistry) {
  return {
    requests: registry.counter({
      name: "sentinel_requests_total",
      help: "Requests answered or given up.",
      labels: ["route", "method", "status"],
    }),
    requestDuration: registry.histogram({
      name: "sentinel_request_duration_seconds",
      help: "First byte of the head to last byte of the response.",
      labels: ["route", "method"],
      buckets: LATENCY_BUCKETS,
    }),
    activeRequests: registry.gauge({ name: "sentinel_active_requests", help: "Requests in flight." }),
    blockedRequests: registry.counter({
      name: "sentinel_blocked_requests_total",
      help: "Requests refused by a rule or limit.",
      labels: ["reason"],
    }),
    requestErrors: registry.counter({
      name: "sentinel_request_errors_total",
      help: "Requests that failed, by error code and whose fault it was.",
      labels: ["code", "fault"],
    }),
    requestBodySize: registry.histogram({
      name: "sentinel_request_body_size_bytes",
      help: "Request body bytes received.",
      labels: ["route"],
      buckets: SIZE_BUCKETS,
    }),
    responseBodySize: registry.histogram({
      name: "sentinel_response_body_size_bytes",
      help: "Response body bytes sent.",
      labels: ["route"],
      buckets: SIZE_BUCKETS,
    }),
    routeCacheEvictions: registry.counter({
      name: "sentinel_route_cache_evictions_total",
      help: "Route cache entries replaced by others.",
    }),
    rateLimitKeys: registry.gauge({
      name: "sentinel_rate_limit_keys",
      help: "Keys a rate limit keeps state for.",
      labels: ["scope"],
      merge: "max",
    }),
    rateLimitKeyEvictions: registry.counter({
      name: "sentinel_rate_limit_key_evictions_total",
      help: "Keys that gave way to others before they were idle.",
      labels: ["scope"],
    }),
  };
}

function upstreamFamilies(registry: MetricsRegistry) {
  return {
    upstreamAttempts: registry.counter({
      name: "sentinel_upstream_attempts_total",
      help: "Attempts to get an answer from an upstream.",
      labels: ["upstream", "route"],
    }),
    upstreamFailures: registry.counter({
      name: "sentinel_upstream_failures_total",
      help: "Attempts that failed.",
      labels: ["upstream", "route", "reason"],
    }),
    upstreamRetries: registry.counter({
      name: "sentinel_upstream_retries_total",
      help: "Attempts that were followed by another one, by why.",
      labels: ["upstream", "route", "reason"],
    }),
    retriesRefused: registry.counter({
      name: "sentinel_upstream_retries_refused_total",
      help: "Retries that were not made because the retry budget was used up.",
      labels: ["upstream", "route"],
    }),
    upstreamLatency: registry.histogram({
      name: "sentinel_upstream_latency_seconds",
      help: "Attempt start to response head.",
      labels: ["upstream", "target"],
      buckets: LATENCY_BUCKETS,
    }),
    connectionPoolSize: registry.gauge({
      name: "sentinel_connection_pool_size",
      help: "Open upstream connections.",
      labels: ["upstream"],
    }),
    connectionPoolIdle: registry.gauge({
      name: "sentinel_connection_pool_idle",
      help: "Upstream connections waiting for a request.",
      labels: ["upstream"],
    }),
    connectionPoolAcquired: registry.counter({
      name: "sentinel_connection_pool_acquired_total",
      help: "Times a connection was taken for a request.",
      labels: ["upstream"],
    }),
    targetHealth: registry.gauge({
      name: "sentinel_target_health",
      help: "1 healthy, 0 unhealthy, -1 not known.",
      labels: ["upstream", "target"],
      merge: "max",
    }),
    targetInFlight: registry.gauge({
      name: "sentinel_target_in_flight",
      help: "Requests in flight on a target.",
      labels: ["upstream", "target"],
      merge: "max",
    }),
    targetDraining: registry.gauge({
      name: "sentinel_target_draining",
      help: "1 when a target takes no new requests, as its configuration or an administrator wants it.",
      labels: ["upstream", "target"],
      merge: "max",
    }),
    targetRamp: registry.gauge({
      name: "sentinel_target_slow_start_ratio",
      help: "How far slow start has brought a target; 1 when it has its share.",
      labels: ["upstream", "target"],
      merge: "max",
    }),
    ...fitnessFamilies(registry),
  };
}

function fitnessFamilies(registry: MetricsRegistry) {
  return {
    healthChecks: registry.counter({
      name: "sentinel_health_checks_total",
      help: "Active checks of targets, by whether the target was well (good, bad).",
      labels: ["upstream", "target", "result"],
    }),
    breakerState: registry.gauge({
      name: "sentinel_circuit_breaker_state",
      help: "0 closed, 1 half-open, 2 open.",
      labels: ["upstream", "target"],
      merge: "max",
    }),
    breakerTransitions: registry.counter({
      name: "sentinel_circuit_breaker_transitions_total",
      help: "Times a target's circuit breaker entered a state.",
      labels: ["upstream", "target", "state"],
    }),
    targetEjected: registry.gauge({
      name: "sentinel_target_ejected",
      help: "Whether outlier detection has taken the target out.",
      labels: ["upstream", "target"],
      merge: "max",
    }),
    targetEjections: registry.counter({
      name: "sentinel_target_ejections_total",
      help: "Times outlier detection took a target out, by why.",
      labels: ["upstream", "target", "reason"],
    }),
    hedgesWon: registry.counter({
      name: "sentinel_upstream_hedges_won_total",
      help: "Second attempts beside a slow one whose answer was the one that was taken.",
      labels: ["upstream", "route"],
    }),
    retriesActive: registry.gauge({
      name: "sentinel_upstream_retries_active",
      help: "Attempts under way that are not their request's first; what the retry budget bounds.",
      labels: ["upstream"],
      merge: "max",
    }),
    upstreamAwaited: registry.gauge({
      name: "sentinel_upstream_requests_awaited",
      help: "Requests waiting for an answer, where a retry policy counts them.",
      labels: ["upstream"],
      merge: "max",
    }),
    upstreamQueued: registry.gauge({
      name: "sentinel_upstream_requests_queued",
      help: "Requests waiting for a place, where max-requests bounds them.",
      labels: ["upstream"],
      merge: "max",
    }),
    upstreamPanic: registry.gauge({
      name: "sentinel_upstream_panic",
      help: "Whether so few targets are well that all are used.",
      labels: ["upstream"],
      merge: "max",
    }),
  };
}

/** Copies of requests, shares of requests, and what happens after an upstream failed. */
function steeringFamilies(registry: MetricsRegistry) {
  return {
    shadowRequests: registry.counter({
      name: "sentinel_shadow_requests_total",
      help: "Requests chosen to be copied, by what became of the copy.",
      labels: ["route", "upstream", "result"],
    }),
    shadowErrors: registry.counter({
      name: "sentinel_shadow_errors_total",
      help: "Copies that got no answer, by error code.",
      labels: ["route", "upstream", "error_type"],
    }),
    shadowLatency: registry.histogram({
      name: "sentinel_shadow_latency_seconds",
      help: "Start of a copy to its response head, or to its failure.",
      labels: ["route", "upstream"],
      buckets: LATENCY_BUCKETS,
    }),
    shadowInFlight: registry.gauge({
      name: "sentinel_shadow_in_flight",
      help: "Copies under way.",
      labels: ["route", "upstream"],
    }),
    shadowCompared: registry.counter({
      name: "sentinel_shadow_compared_total",
      help: "Copies whose status was held against the real one.",
      labels: ["route", "upstream", "result"],
    }),
    shadowLatencyDifference: registry.histogram({
      name: "sentinel_shadow_latency_difference_seconds",
      help: "How much slower, or faster, a copy was answered than the real request.",
      labels: ["route", "upstream", "copy"],
      buckets: LATENCY_BUCKETS,
    }),
    fallbackAttempts: registry.counter({
      name: "sentinel_fallback_attempts_total",
      help: "Requests that went on to another upstream after one had failed.",
      labels: ["route", "from_upstream", "to_upstream", "reason"],
    }),
    fallbackSuccess: registry.counter({
      name: "sentinel_fallback_success_total",
      help: "Requests answered by an upstream that they had gone on to.",
      labels: ["route", "upstream"],
    }),
    fallbackExhausted: registry.counter({
      name: "sentinel_fallback_exhausted_total",
      help: "Requests that failed with no upstream left to go on to.",
      labels: ["route"],
    }),
    splitRequests: registry.counter({
      name: "sentinel_traffic_split_requests_total",
      help: "Requests of a traffic split, by the branch they took and why.",
      labels: ["route", "upstream", "reason"],
    }),
  };
}

function discoveryFamilies(registry: MetricsRegistry) {
  return {
    discoveryRefreshes: registry.counter({
      name: "sentinel_discovery_refreshes_total",
      help: "Answers of a source of targets, and times it had none.",
      labels: ["upstream", "type", "result"],
    }),
    discoveryTargets: registry.gauge({
      name: "sentinel_discovery_targets",
      help: "Targets of the last good answer.",
      labels: ["upstream", "type"],
      merge: "max",
    }),
    discoveryRejected: registry.gauge({
      name: "sentinel_discovery_rejected_targets",
      help: "Entries of the last answer that made no sense.",
      labels: ["upstream", "type"],
      merge: "max",
    }),
    discoveryAge: registry.gauge({
      name: "sentinel_discovery_age_seconds",
      help: "Time since the last good answer.",
      labels: ["upstream", "type"],
      merge: "max",
    }),
    discoveryFailing: registry.gauge({
      name: "sentinel_discovery_failing",
      help: "1 while the source fails or finds nothing, so that older targets are served; else 0.",
      labels: ["upstream", "type"],
      merge: "max",
    }),
    discoveryUpdates: registry.counter({
      name: "sentinel_discovery_updates_total",
      help: "Times that found targets were handed to all threads.",
      labels: ["result"],
    }),
  };
}

function connectionFamilies(registry: MetricsRegistry) {
  return {
    openConnections: registry.gauge({
      name: "sentinel_open_connections",
      help: "Downstream connections open.",
    }),
    downstreamConnections: registry.counter({
      name: "sentinel_downstream_connections_total",
      help: "Connections accepted.",
      labels: ["listener"],
    }),
    connectionsRejected: registry.counter({
      name: "sentinel_connection_rejected_total",
      help: "Connections closed before a request was read.",
      labels: ["listener", "reason"],
    }),
  };
}

function tlsFamilies(registry: MetricsRegistry) {
  return {
    tlsHandshakes: registry.counter({
      name: "sentinel_tls_handshakes_total",
      help: "TLS handshakes of clients, by version and whether a session was resumed.",
      labels: ["listener", "version", "resumed"],
    }),
    tlsHandshakeFailures: registry.counter({
      name: "sentinel_tls_handshake_failures_total",
      help: "TLS handshakes of clients that came to nothing, by why.",
      labels: ["listener", "reason"],
    }),
    tlsHandshakeDuration: registry.histogram({
      name: "sentinel_tls_handshake_duration_seconds",
      help: "First byte of the ClientHello awaited to handshake complete.",
      labels: ["version"],
      buckets: LATENCY_BUCKETS,
    }),
    tlsCertificateExpiry: registry.gauge({
      name: "sentinel_tls_certificate_expiry_timestamp_seconds",
      help: "When the certificate of a listener ends, Unix time.",
      labels: ["listener", "file"],
      merge: "max",
    }),
    tlsCertificateReloads: registry.counter({
      name: "sentinel_tls_certificate_reloads_total",
      help: "Times that certificate files changed and were read anew.",
      labels: ["result"],
    }),
  };
}

function http2Families(registry: MetricsRegistry) {
  return {
    http2Connections: registry.gauge({
      name: "sentinel_http2_connections",
      help: "Downstream connections open that speak HTTP/2.",
    }),
    http2Floods: registry.counter({
      name: "sentinel_http2_floods_total",
      help: "HTTP/2 connections cut because of frames that bring nothing, by their kind.",
      labels: ["listener", "kind"],
    }),
    http2RefusedStreams: registry.counter({
      name: "sentinel_http2_refused_streams_total",
      help: "HTTP/2 streams refused because their connection had max-concurrent-streams of them.",
      labels: ["listener"],
    }),
  };
}

function scopedFamilies(registry: MetricsRegistry) {
  return {
    scopedRequests: registry.counter({
      name: "sentinel_scoped_requests_total",
      help: "Requests of a namespace or service.",
      labels: ["namespace", "service", "route", "method", "status"],
    }),
    scopedRequestDuration: registry.histogram({
      name: "sentinel_scoped_request_duration_seconds",
      help: "Duration of requests of a namespace or service.",
      labels: ["namespace", "service", "route", "method"],
      buckets: LATENCY_BUCKETS,
    }),
    scopedActiveRequests: registry.gauge({
      name: "sentinel_scoped_active_requests",
      help: "Requests of a namespace or service in flight.",
      labels: ["namespace", "service"],
    }),
    scopedUpstreamAttempts: registry.counter({
      name: "sentinel_scoped_upstream_attempts_total",
      help: "Upstream attempts of a namespace or service.",
      labels: ["namespace", "service", "upstream", "route"],
    }),
    scopedUpstreamFailures: registry.counter({
      name: "sentinel_scoped_upstream_failures_total",
      help: "Failed upstream attempts of a namespace or service.",
      labels: ["namespace", "service", "upstream", "route", "reason"],
    }),
    scopedRateLimitHits: registry.counter({
      name: "sentinel_scoped_rate_limit_hits_total",
      help: "Requests of a namespace or service that met a rate limit.",
      labels: ["namespace", "service", "route", "policy"],
    }),
  };
}

function processFamilies(registry: MetricsRegistry) {
  return {
    up: registry.gauge({ name: "sentinel_up", help: "Whether the proxy runs.", merge: "max" }),
    buildInfo: registry.gauge({
      name: "sentinel_build_info",
      help: "The running version; always 1.",
      labels: ["version"],
      merge: "max",
    }),
    memoryUsage: registry.gauge({
      name: "sentinel_memory_usage_bytes",
      help: "Resident memory of the process.",
      merge: "max",
    }),
    cpuUsage: registry.gauge({
      name: "sentinel_cpu_usage_percent",
      help: "Processor time of the process since the last look; 100 is one core.",
      merge: "max",
    }),
    cpuSeconds: registry.counter({
      name: "sentinel_cpu_seconds_total",
      help: "Processor time of the process, user and system.",
    }),
    workers: registry.gauge({ name: "sentinel_workers", help: "Worker threads running.", merge: "max" }),
    workerRestarts: registry.counter({
      name: "sentinel_worker_restarts_total",
      help: "Workers replaced after they died.",
    }),
    reloads: registry.counter({
      name: "sentinel_reloads_total",
      help: "Configuration reloads.",
      labels: ["result"],
    }),
    configGeneration: registry.gauge({
      name: "sentinel_config_generation",
      help: "Number of the configuration in use, counted from 1; found targets that change count too.",
      merge: "max",
    }),
    logLinesDropped: registry.counter({
      name: "sentinel_log_lines_dropped_total",
      help: "Log lines lost to a full buffer or a failing file.",
      labels: ["log"],
    }),
  };
}
