/** A configuration without scopes: every reference resolved, every id qualified, every inherited limit filled in. */

import type { ListenerConfig } from "../downstream/listener.ts";
import type { RouteConfig } from "../routing/route.ts";
import type { UpstreamConfig } from "../upstream/upstream.ts";
import type { AgentConfig, Config, FilterConfig } from "./document.ts";
import { eachScope, GLOBAL, qualify, ScopeTable } from "./scopes.ts";
import type { ResourceKind, Scope } from "./scopes.ts";
import { wafFilter, withWafFilter } from "./waf_agent.ts";

/** Where a thing was declared; both undefined for the global scope. */
export interface Owned {
  readonly namespace: string | undefined;
  readonly service: string | undefined;
}

/** A listener with the scope whose routes alone it serves. */
export interface ResolvedListener extends Omit<ListenerConfig, "namespace">, Owned {}

/** Bounds that hold for one route, its scope's limits and its policies applied. */
export interface RouteLimits {
  readonly maxBodySizeBytes: number;
  /** At most `maxBodySizeBytes`. */
  readonly maxBodyBufferBytes: number;
  /** Requests in flight on the route; undefined means only the process's bound counts. */
  readonly maxInFlight: number | undefined;
  readonly maxRequestsPerSecond: number | undefined;
}

/** A route whose `id`, upstreams and `filters` are qualified and known to exist. */
export interface ResolvedRoute extends Omit<RouteConfig, "serviceType">, Owned {
  readonly serviceType: "web" | "api" | "builtin";
  readonly limits: RouteLimits;
}

/** What the engine builds a snapshot from, beside the settings that have no scope. */
export interface ResolvedConfig {
  readonly listeners: readonly ResolvedListener[];
  /** In file order, global ones first, then each namespace's and its services'. */
  readonly routes: readonly ResolvedRoute[];
  /** With qualified ids. */
  readonly upstreams: readonly UpstreamConfig[];
  /** With qualified ids, also of the agents that filters name. */
  readonly filters: readonly FilterConfig[];
  /** With qualified ids. */
  readonly agents: readonly AgentConfig[];
}

/** Resolves a configuration that passed the checks. */
export function resolveConfig(config: Config): ResolvedConfig {
  const scopes = new ScopeTable(config);
  const listeners: ResolvedListener[] = [];
  const routes: ResolvedRoute[] = [];
  const upstreams: UpstreamConfig[] = [];
  const filters: FilterConfig[] = [];
  const agents: AgentConfig[] = [];
  for (const { scope, block } of eachScope(config)) {
    const owned: Owned = { namespace: scope.namespace, service: scope.service };
    for (const listener of block.listeners) listeners.push(resolveListener(listener, owned));
    for (const route of block.routes) routes.push(resolveRoute(route, { config, scope, scopes }));
    for (const upstream of block.upstreams) upstreams.push({ ...upstream, id: qualify(upstream.id, scope) });
    for (const filter of block.filters) filters.push(resolveFilter(filter, { scope, scopes }));
    for (const agent of block.agents) agents.push({ ...agent, id: qualify(agent.id, scope) });
  }
  const firewall = wafFilter(config);
  if (firewall === undefined || !routes.some(({ wafEnabled }) => wafEnabled)) {
    return { listeners, routes, upstreams, filters, agents };
  }
  const guarded = routes.map((route): ResolvedRoute => {
    if (!route.wafEnabled) return route;
    return { ...route, filters: withWafFilter(route.filters, { firewall, known: filters }) };
  });
  return { listeners, routes: guarded, upstreams, filters: [...filters, firewall], agents };
}

/** A default route is qualified like the routes it is one of. */
function resolveListener(listener: ListenerConfig, owned: Owned): ResolvedListener {
  const scope: Scope = owned.namespace === undefined ? { namespace: listener.namespace } : owned;
  const { defaultRoute } = listener;
  const qualified = defaultRoute === undefined ? {} : { defaultRoute: qualify(defaultRoute, scope) };
  return { ...listener, ...qualified, namespace: scope.namespace, service: owned.service };
}

/** An agent that no block declares is one of the agents folder, which is known by the name of its file. */
function resolveFilter(
  filter: FilterConfig,
  { scope, scopes }: Pick<RoutePlace, "scope" | "scopes">,
): FilterConfig {
  const id = qualify(filter.id, scope);
  if (filter.type !== "agent") return { ...filter, id };
  const found = scopes.find("agent", filter.options.agent, scope);
  if (found.type !== "found") return { ...filter, id };
  return { ...filter, id, options: { ...filter.options, agent: found.id } };
}

interface RoutePlace {
  readonly config: Config;
  readonly scope: Scope;
  readonly scopes: ScopeTable;
}

function resolveRoute(route: RouteConfig, { config, scope, scopes }: RoutePlace): ResolvedRoute {
  const find = (kind: ResourceKind, reference: string): string => {
    const found = scopes.find(kind, reference, scope);
    if (found.type !== "found") {
      throw new Error(`Unchecked configuration: ${kind} "${reference}" is ${found.type}`);
    }
    return found.id;
  };
  const upstream = route.upstream === undefined ? {} : { upstream: find("upstream", route.upstream) };
  const { shadow, trafficSplit, fallback } = route;
  return {
    ...route,
    ...upstream,
    ...(shadow && { shadow: { ...shadow, upstream: find("upstream", shadow.upstream) } }),
    ...(trafficSplit && {
      trafficSplit: {
        ...trafficSplit,
        upstreams: trafficSplit.upstreams.map((each) => ({ ...each, id: find("upstream", each.id) })),
      },
    }),
    ...(fallback && {
      fallback: {
        ...fallback,
        upstreams: fallback.upstreams.map((each) => ({ ...each, id: find("upstream", each.id) })),
      },
    }),
    id: qualify(route.id, scope),
    namespace: scope.namespace,
    service: scope.service,
    serviceType: route.builtinHandler === undefined ? route.serviceType : "builtin",
    filters: route.filters.map((reference) => find("filter", reference)),
    limits: routeLimits(route, { config, scope }),
  };
}

/** Nearest first: the route's policies, its service's limits, its namespace's, the global ones. */
function routeLimits(
  route: RouteConfig,
  { config, scope }: Pick<RoutePlace, "config" | "scope">,
): RouteLimits {
  const namespace = scope === GLOBAL ? undefined : config.namespaces.find(({ id }) => id === scope.namespace);
  const service = namespace?.services.find(({ id }) => id === scope.service);
  const [near, far, all] = [service?.limits, namespace?.limits, config.limits];
  const maxBodySizeBytes = route.policies.maxBodySizeBytes ?? near?.maxBodySizeBytes ??
    far?.maxBodySizeBytes ??
    all.maxBodySizeBytes;
  const buffer = near?.maxBodyBufferBytes ?? far?.maxBodyBufferBytes ?? all.maxBodyBufferBytes;
  return {
    maxBodySizeBytes,
    maxBodyBufferBytes: Math.min(buffer, maxBodySizeBytes),
    maxInFlight: near?.maxConnectionsPerRoute ?? far?.maxConnectionsPerRoute ?? all.maxConnectionsPerRoute,
    maxRequestsPerSecond: near?.maxRequestsPerSecondPerRoute ?? far?.maxRequestsPerSecondPerRoute ??
      all.maxRequestsPerSecondPerRoute,
  };
}
