import type { ResolvedRoute } from "../config/resolve.ts";
import { assert } from "../core/assert.ts";
import type { Ports } from "../core/ports.ts";
import type { SharedMemory } from "../core/shared_memory.ts";
import { SharedTotals } from "../counters/shared_totals.ts";
import { FallbackMeter } from "../observe/fallback_meter.ts";
import type { Families } from "../observe/families.ts";
import { UpstreamMeter } from "../observe/request_meters.ts";
import { ShadowMeter } from "../observe/shadow_meter.ts";
import { SplitMeter } from "../observe/split_meter.ts";
import { createFallbackService } from "../services/fallback.ts";
import type { FallbackOptions } from "../services/fallback_options.ts";
import { createProxyService } from "../services/proxy.ts";
import type { Service } from "../services/service.ts";
import { createShadowService } from "../services/shadow.ts";
import type { ShadowOptions } from "../services/shadow_options.ts";
import type { ShadowRuns } from "../services/shadow_runs.ts";
import { createTrafficSplit } from "../services/traffic_split.ts";
import type { TrafficSplitOptions } from "../services/traffic_split_options.ts";
import type { LiveUpstream } from "../upstream/live_upstream.ts";
import { RetryBudget } from "../upstream/retry_budget.ts";
import { RetryPolicy } from "../upstream/retry_policy.ts";
import type { UpstreamConfig } from "../upstream/upstream.ts";
import { loadKey, shadowTotalsKey } from "./shared_needs.ts";

const NO_RETRY_POLICY = new RetryPolicy(undefined, null);

/** Where a route's requests end, and how explanations call it. */
export interface RouteEndpoint {
  readonly endpoint: Service;
  readonly endpointText: string;
}

/** What the way to upstreams is built from. */
export interface EndpointDeps {
  readonly configs: readonly UpstreamConfig[];
  readonly upstreams: ReadonlyMap<string, LiveUpstream>;
  readonly ports: Pick<Ports, "clock" | "timers" | "random" | "log">;
  readonly shared: SharedMemory;
  readonly workerIndex: number;
  readonly workerCount: number;
  readonly families: Families;
  /** Where copies of requests run; undefined where none may. */
  readonly shadows: ShadowRuns | undefined;
  /** Stands in for proxying to an upstream, where nothing must leave the process. */
  readonly proxyEndpoint?: (upstream: LiveUpstream) => Service;
}

/** For which route something is built, and from what. */
interface At {
  readonly route: ResolvedRoute;
  readonly deps: EndpointDeps;
}

/**
 * The way of a route's requests to its upstreams, from the inside out: one upstream or several that share the
 * requests, then those to fall back to, then the copies. What a route does not have adds nothing. Undefined for a route without upstreams.
 */
export function upstreamEndpoint(route: ResolvedRoute, deps: EndpointDeps): RouteEndpoint | undefined {
  const { upstream, trafficSplit, shadow, fallback } = route;
  let found: RouteEndpoint;
  if (trafficSplit !== undefined) found = splitEndpoint(route, trafficSplit, deps);
  else if (upstream !== undefined) {
    found = { endpoint: proxyTo(upstream, route, deps), endpointText: `upstream "${upstream}"` };
  } else return undefined;
  let { endpoint, endpointText } = found;
  if (fallback !== undefined) {
    endpoint = fallingBack(endpoint, fallback, { route, deps });
    endpointText += `, then ${quoted(fallback.upstreams)}`;
  }
  if (shadow !== undefined) endpoint = shadowed(endpoint, shadow, { route, deps });
  return { endpoint, endpointText };
}

function splitEndpoint(
  route: ResolvedRoute,
  options: TrafficSplitOptions,
  deps: EndpointDeps,
): RouteEndpoint {
  const ids = options.upstreams.map(({ id }) => id);
  const branches = ids.map((id) => {
    const upstream = upstreamOf(id, deps);
    return { id, service: proxyTo(id, route, deps), isAvailable: () => upstream.isAvailable };
  });
  const meter = new SplitMeter(deps.families, { route: route.id, upstreams: ids });
  return {
    endpoint: createTrafficSplit({ options, branches, random: deps.ports.random, meter }),
    endpointText: `upstreams ${quoted(options.upstreams)}`,
  };
}

function quoted(upstreams: readonly { readonly id: string }[]): string {
  return upstreams.map(({ id }) => `"${id}"`).join(", ");
}

function fallingBack(service: Service, options: FallbackOptions, { route, deps }: At): Service {
  const upstreams = options.upstreams.map(({ id, skipIfUnhealthy }) => {
    const upstream = upstreamOf(id, deps);
    const isAvailable = () => upstream.isAvailable;
    return { id, skipIfUnhealthy, service: proxyTo(id, route, deps), isAvailable };
  });
  const { clock, timers } = deps.ports;
  const meter = new FallbackMeter(deps.families, route.id);
  return createFallbackService({ options, service, upstreams, clock, timers, meter });
}

function shadowed(service: Service, options: ShadowOptions, { route, deps }: At): Service {
  return createShadowService({
    options,
    service,
    // Copies are not worth a second attempt.
    target: proxyBy(NO_RETRY_POLICY, { id: options.upstream, route, deps }),
    runs: deps.shadows,
    totals: totalsOf(shadowTotalsKey(route.id), deps),
    clock: deps.ports.clock,
    log: deps.ports.log,
    meter: new ShadowMeter(deps.families, { route: route.id, upstream: options.upstream }),
  });
}

function proxyTo(id: string, route: ResolvedRoute, deps: EndpointDeps): Service {
  return proxyBy(retryPolicy(id, route, deps), { id, route, deps });
}

function proxyBy(policy: RetryPolicy, { id, route, deps }: At & { readonly id: string }): Service {
  const upstream = upstreamOf(id, deps);
  const meter = new UpstreamMeter(deps.families, upstream.id, route);
  return deps.proxyEndpoint?.(upstream) ?? createProxyService({ upstream, policy, meter, ...deps.ports });
}

/** The route's own policy, else its upstream's; the budget counts what all routes to the upstream do. */
function retryPolicy(id: string, route: ResolvedRoute, deps: EndpointDeps): RetryPolicy {
  const config = route.retryPolicy ?? deps.configs.find((upstream) => upstream.id === id)?.retry;
  if (config === undefined) return NO_RETRY_POLICY;
  const { percent, minConcurrency } = config.budget;
  const budget = new RetryBudget(totalsOf(loadKey(id), deps), {
    share: percent / 100,
    minimum: minConcurrency,
  });
  return new RetryPolicy(config, budget);
}

function totalsOf(key: string, { shared, workerIndex, workerCount }: EndpointDeps): SharedTotals {
  const memory = shared[key];
  assert(memory !== undefined, `shared memory "${key}" was allocated`);
  return new SharedTotals(memory, { index: workerIndex, count: workerCount });
}

function upstreamOf(id: string, { upstreams }: EndpointDeps): LiveUpstream {
  const upstream = upstreams.get(id);
  assert(upstream !== undefined, "upstreams of routes are checked when the configuration is read");
  return upstream;
}
