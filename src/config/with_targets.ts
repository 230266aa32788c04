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
  if (discovery === undefined) return upstream;
  // Addresses are found by a name, and it is this name that certificates are for.
  const serverName = findDiscovery(discovery.type).serverName?.(discovery.options);
  const named = tls === undefined || tls.sni !== undefined || serverName === undefined || found === undefined
    ? upstream
    : { ...upstream, tls: { ...tls, sni: serverName } };
  return found === undefined ? named : { ...named, targets: found.map(targetConfig) };
}

function targetConfig({ address, weight, zone, priority = 0 }: DiscoveredTarget): TargetConfig {
  const where = zone === undefined ? {} : { zone };
  return { address, weight, priority, ...where, drain: false, metadata: [] };
}
