import type { Config } from "../config/document.ts";
import type { ResolvedConfig, ResolvedListener, ResolvedRoute } from "../config/resolve.ts";
import type { ConfigSummary, ListenerSummary, RouteSummary } from "../services/builtin_views.ts";
import type { UpstreamConfig } from "../upstream/upstream.ts";

/**
 * A configuration as the `config` handler shows it: the fields of the reference's answer. Only what is
 * listed here is shown, so that headers, templates and paths of keys stay private.
 */
export function configSummary(config: Config, resolved: ResolvedConfig): ConfigSummary {
  const { system, limits } = config;
  return {
    server: {
      worker_threads: system.workerThreads,
      max_connections: system.maxConnections,
      graceful_shutdown_timeout_secs: system.gracefulShutdownTimeoutSecs,
      trace_id_format: system.traceIdFormat,
      auto_reload: system.autoReload,
      route_cache_size: system.routeCacheSize,
    },
    listeners: resolved.listeners.map(listenerSummary),
    routes: resolved.routes.map(routeSummary),
    upstreams: resolved.upstreams.map(upstreamSummary),
    agents: [],
    filters: resolved.filters.map(({ id }) => id),
    waf: config.waf === undefined ? null : wafSummary(config.waf),
    limits: Object.fromEntries(Object.entries(limits).map(([name, value]) => [snakeCase(name), value])),
  };
}

function wafSummary({ mode, engine, auditLog }: NonNullable<Config["waf"]>): ConfigSummary["waf"] {
  return { mode, engine, audit_log: auditLog };
}

function listenerSummary(listener: ResolvedListener): ListenerSummary {
  return {
    id: listener.id,
    address: listener.address,
    protocol: listener.protocol,
    default_route: listener.defaultRoute ?? null,
    request_timeout_secs: listener.requestTimeoutSecs,
    keepalive_timeout_secs: listener.keepaliveTimeoutSecs,
    tls_enabled: false,
  };
}

function routeSummary(route: ResolvedRoute): RouteSummary {
  const { path, pathPrefix, pathRegex, host } = route.matches;
  return {
    id: route.id,
    priority: route.priority,
    matches: { path, pathPrefix, pathRegex, host },
    upstream: route.upstream ?? null,
    service_type: route.serviceType,
    builtin_handler: route.builtinHandler ?? null,
    filters: route.filters,
    waf_enabled: route.wafEnabled,
  };
}

function upstreamSummary(upstream: UpstreamConfig): unknown {
  const check = upstream.healthCheck;
  return {
    id: upstream.id,
    targets: upstream.targets.map(({ address, weight }) => ({ address, weight })),
    load_balancing: upstream.loadBalancing.type,
    health_check: check === undefined ? null : {
      interval_secs: check.intervalSecs,
      timeout_secs: check.timeoutSecs,
      healthy_threshold: check.healthyThreshold,
      unhealthy_threshold: check.unhealthyThreshold,
    },
    tls_enabled: upstream.tls !== undefined,
  };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
