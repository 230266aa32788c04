import type { DiscoveredTarget } from "../discovery/discovery.ts";
import { findDiscovery } from "../discovery/followers.ts";
import type { TargetConfig, UpstreamConfig } from "../upstream/upstream.ts";
import type { Config } from "./document.ts";
import { eachScope, qualify } from "./scopes.ts";
import type { Scope } from "./scopes.ts";

/** What was found for an upstream by its qualified id; undefined leaves its configured targets. */
export interface FoundTargets {
  (upstreamId: string): readonly DiscoveredTarget[] | undefined;
}

/** An upstream that asks for its targets to be found, with its qualified id. */
export interface DiscoveringUpstream {
  readonly id: string;
  readonly upstream: UpstreamConfig & { readonly discovery: NonNullable<UpstreamConfig["discovery"]> };
}

/** Every upstream of a configuration whose targets are to be found. */
export function discoveringUpstreams(config: Config): DiscoveringUpstream[] {
  const all: DiscoveringUpstream[] = [];
  for (const { scope, block } of eachScope(config)) {
    for (const upstream of block.upstreams) {
      const { discovery } = upstream;
      if (discovery !== undefined) {
        all.push({ id: qualify(upstream.id, scope), upstream: { ...upstream, discovery } });
      }
    }
  }
  return all;
}

/** The configuration with found targets in the places of the configured ones. What has none stays the same object. */
export function withTargets(config: Config, found: FoundTargets): Config {
  const inScope = (upstreams: readonly UpstreamConfig[], scope: Scope) =>
    upstreams.map((upstream) => servedUpstream(upstream, found(qualify(upstream.id, scope))));
  return {
    ...config,
    upstreams: inScope(config.upstreams, {}),
    namespaces: config.namespaces.map((namespace) => ({
      ...namespace,
      upstreams: inScope(namespace.upstreams, { namespace: namespace.id }),
      services: namespace.services.map((service) => ({
        ...service,
        upstreams: inScope(service.upstreams, { namespace: namespace.id, service: service.id }),
      })),
    })),
  };
}

function servedUpstream(
  upstream: UpstreamConfig,
  found: readonly DiscoveredTarget[] | undefined,
): UpstreamConfig {
  const { discovery, tls } = upstream;
  if (discovery === undefined || found === undefined) return upstream;
  const knowsPriorities = PRIORITY_BALANCERS.has(upstream.loadBalancing.type);
  const served = {
    ...upstream,
    targets: (knowsPriorities ? found : ofBestPriority(found)).map(targetConfig),
  };
  // Addresses are found by a name, and it is this name that certificates are for.
  const serverName = findDiscovery(discovery.type).serverName?.(discovery.options);
  if (tls === undefined || tls.sni !== undefined || serverName === undefined) return served;
  return { ...served, tls: { ...tls, sni: serverName } };
}

/** Balancers that turn to a higher priority when nothing of a lower one is fit. */
const PRIORITY_BALANCERS: ReadonlySet<string> = new Set(["locality-aware"]);

/** A balancer that knows no priorities would use the spare targets like all others (RFC 2782: lowest first). */
function ofBestPriority(targets: readonly DiscoveredTarget[]): readonly DiscoveredTarget[] {
  const takers = targets.filter(({ weight }) => weight > 0);
  const best = takers.reduce((least, { priority = 0 }) => Math.min(least, priority), Infinity);
  return takers.length === 0 ? targets : targets.filter(({ priority = 0 }) => priority === best);
}

function targetConfig({ address, weight, zone, priority = 0 }: DiscoveredTarget): TargetConfig {
  const where = zone === undefined ? {} : { zone };
  return { address, weight, priority, ...where, drain: false, metadata: [] };
}
