import type { Config } from "../config/document.ts";
import { findBalancer } from "../balancers/find_balancer.ts";
import { resolveConfig } from "../config/resolve.ts";
import { parseEndpoint } from "../core/address.ts";
import { loadOrReport } from "./load.ts";
import type { GlobalOptions } from "./program.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

/** Advice on a configuration that is valid; the status is 0 whatever it says, unless nothing could be read. */
export async function lintVerb(options: GlobalOptions, terminal: Terminal): Promise<number> {
  const loaded = await loadOrReport(options, terminal);
  if (loaded === undefined) return EXIT.failed;
  const advice = lint(loaded.config);
  for (const line of advice) terminal.out(`advice: ${line}`);
  terminal.out(advice.length === 0 ? "nothing to advise" : `${advice.length} pieces of advice`);
  return EXIT.ok;
}

/** What could be better about a configuration, one sentence each. */
export function lint(config: Config): string[] {
  return [
    ...lintRoutes(config),
    ...lintUpstreams(config),
    ...lintBalancing(config),
    ...lintListeners(config),
    ...lintObservability(config),
  ];
}

function* lintRoutes(config: Config): Iterable<string> {
  for (const route of resolveConfig(config).routes) {
    const isProxied = route.upstream !== undefined || route.trafficSplit !== undefined;
    if (isProxied && route.policies.timeoutSecs === undefined) {
      yield `Route "${route.id}" has no policies { timeout-secs }; the upstream's request-secs alone bounds it`;
    }
    if (!isProxied && route.builtinHandler === undefined && route.filters.length === 0) {
      yield `Route "${route.id}" has neither an upstream nor a builtin-handler nor a filter that answers`;
    }
  }
}

function* lintUpstreams(config: Config): Iterable<string> {
  for (const { id, targets, discovery, healthCheck } of resolveConfig(config).upstreams) {
    if (healthCheck !== undefined) continue;
    yield targets.length === 1 && discovery === undefined
      ? `Upstream "${id}" has a single target and no health-check: when it fails, every request waits for it`
      : `Upstream "${id}" has no health-check: a dead target is tried again and again`;
  }
}

function* lintBalancing(config: Config): Iterable<string> {
  for (const { id, targets, loadBalancing } of resolveConfig(config).upstreams) {
    const { type, options } = loadBalancing;
    const weights = new Set(targets.map(({ weight }) => weight).filter((weight) => weight > 0));
    if (weights.size > 1 && findBalancer(type)?.shares === "equal") {
      yield `Upstream "${id}" has weights, which ${type} does not look at; "weighted" does`;
    }
    if (type === "sticky" && options.secret === undefined) {
      yield `Upstream "${id}" is sticky without a secret: clients that know its id can choose their target`;
    }
    if (type === "locality-aware" && options.zone === undefined) {
      yield `Upstream "${id}" is locality-aware, and no zone says where this proxy is`;
    }
  }
}

function* lintListeners(config: Config): Iterable<string> {
  const { listeners, filters } = resolveConfig(config);
  const hasTls = listeners.some(({ tls }) => tls !== undefined);
  for (const { id, address } of hasTls ? [] : listeners) {
    const endpoint = parseEndpoint(address);
    if (typeof endpoint !== "string" && endpoint.type === "ip" && endpoint.port === 80) {
      yield `Listener "${id}" serves port 80 and there is none with TLS; add one with protocol "https"`;
    }
  }
  if (hasTls && !filters.some(({ type }) => type === "hsts")) {
    yield 'No filter of type "hsts" tells browsers to come by HTTPS only';
  }
}

function* lintObservability({ observability }: Config): Iterable<string> {
  const { metrics, logging } = observability;
  if (!metrics.enabled) yield "Metrics are off, and with them the admin listener, /ready and POST /-/reload";
  if (logging.accessLog?.enabled !== true) {
    yield "There is no access log: observability { logging { access-log { } } }";
  }
  const endpoint = parseEndpoint(metrics.address);
  if (
    metrics.enabled && typeof endpoint !== "string" && endpoint.type === "ip" && endpoint.host === "0.0.0.0"
  ) {
    yield `The admin listener on ${metrics.address} shows the configuration to the whole network`;
  }
}
