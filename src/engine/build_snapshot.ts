import type { Config, FilterConfig } from "../config/document.ts";
import {
  resolveConfig,
  type ResolvedConfig,
  type ResolvedListener,
  type ResolvedRoute,
} from "../config/resolve.ts";
import { assert } from "../core/assert.ts";
import type { AgentSet } from "../agents/runtime/live_agents.ts";
import type { AgentPlan } from "./agent_plan.ts";
import { CidrSet } from "../core/cidr.ts";
import type { RequestContext } from "../core/context.ts";
import type { Deadlines } from "../core/deadlines.ts";
import { ERRORS } from "../core/errors.ts";
import type { Response } from "../core/message.ts";
import type { Clock, Ports } from "../core/ports.ts";
import type { SharedMemory } from "../core/shared_memory.ts";
import { SharedTotals } from "../counters/shared_totals.ts";
import type { Filter } from "../filters/filter.ts";
import { agent as agentFilter } from "../filters/agent.ts";
import { headerEditor } from "../filters/header_editor.ts";
import { statusText } from "../http1/status_text.ts";
import { RateLimitFilter } from "../filters/rate_limit.ts";
import type { Families } from "../observe/families.ts";
import { NO_ROUTE_LABEL, type OutcomeMeter, RouteMeter } from "../observe/request_meters.ts";
import { configuredPath } from "../routing/matchers/path.ts";
import { buildScopedTables } from "../routing/scopes.ts";
import { type BuiltinDeps, type BuiltinHandler, createBuiltinService } from "../services/builtin.ts";
import type { BuiltinSources } from "../services/builtin_views.ts";
import { createErrorPages, type ErrorPages } from "../services/error_pages.ts";
import { grpcError, isGrpc } from "../services/grpc_errors.ts";
import type { Service } from "../services/service.ts";
import type { ShadowRuns } from "../services/shadow_runs.ts";
import { WEBSOCKET_VERSION } from "../tunnel/handshake.ts";
import { LiveUpstream } from "../upstream/live_upstream.ts";
import type { UpstreamPools } from "../upstream/pools.ts";
import { openRecords } from "../upstream/target_record.ts";
import { Chain, type ChainLink } from "./chain.ts";
import { configSummary } from "./config_summary.ts";
import type { ErrorPage, ListenerView } from "./engine.ts";
import { filterKind } from "./filter_kinds.ts";
import { fitnessEvents } from "./fitness_events.ts";
import { InFlightFilter, limitNeed, plannedLimits } from "./limit_filters.ts";
import type { LiveRoute } from "./live_route.ts";
import { type LogSinks, RequestLog } from "./request_log.ts";
import { RequestNames } from "./request_names.ts";
import { type RouteEndpoint, upstreamEndpoint } from "./route_endpoint.ts";
import { filterNeed, loadKey, REQUESTS_IN_FLIGHT, routeTotalsKey, TOTALS_KEY } from "./shared_needs.ts";
import { Snapshot } from "./snapshot.ts";
import { routeUpgrades } from "./build_upgrades.ts";
import type { TunnelDeps } from "./route_upgrades.ts";
import { readUpstreamTls } from "./upstream_tls.ts";

/** What snapshots are built from besides the configuration. */
export interface SnapshotDeps {
  readonly generation: number;
  readonly ports: Ports;
  readonly shared: SharedMemory;
  readonly workerIndex: number;
  readonly workerCount: number;
  readonly sinks: LogSinks;
  readonly instanceId: string;
  readonly families: Families;
  readonly outcomes: OutcomeMeter;
  readonly pools: UpstreamPools;
  readonly deadlines: Deadlines;
  readonly builtin: BuiltinSources;
  readonly version: string;
  /** `Clock.nowMs` when the thread began. */
  readonly startedMs: number;
  readonly readText: (path: string) => Promise<string>;
  readonly agents: AgentSet;
  /** The agents there should be: `agents` lacks those of the folder that could not be started. */
  readonly agentPlan: AgentPlan;
  readonly tunnels: TunnelDeps;
  /** Where copies of requests run; undefined where none may. */
  readonly shadows?: ShadowRuns;
  /** Stands in for proxying to an upstream, where nothing must leave the process. */
  readonly proxyEndpoint?: (upstream: LiveUpstream) => Service;
}

/** Builds everything a configuration means. Rejects when a file it names cannot be read. */
export async function buildSnapshot(config: Config, deps: SnapshotDeps): Promise<Snapshot> {
  const resolved = resolveConfig(config);
  const tls = await readUpstreamTls(resolved.upstreams, deps.readText);
  return new SnapshotBuilder(config, resolved, deps).build(tls);
}

class SnapshotBuilder {
  readonly #config: Config;
  readonly #resolved: ResolvedConfig;
  readonly #deps: SnapshotDeps;
  readonly #upstreams = new Map<string, LiveUpstream>();
  readonly #filters = new Map<string, ChainLink>();
  readonly #inFlight: ChainLink;
  /** Pages of the route that a request took, for answers of agents that bring none. */
  readonly #statusPage = (context: RequestContext, status: number): Response => {
    const page = (context.route as LiveRoute | null)?.errorPage as RouteErrorPage;
    return page.renderStatus(context, status);
  };
  #builtinDeps: BuiltinDeps | undefined;

  constructor(config: Config, resolved: ResolvedConfig, deps: SnapshotDeps) {
    this.#config = config;
    this.#resolved = resolved;
    this.#deps = deps;
    const { maxInFlightRequests, maxInFlightRequestsPerWorker } = config.limits;
    this.#inFlight = this.#inFlightLink("limits:in-flight", TOTALS_KEY, {
      number: REQUESTS_IN_FLIGHT,
      max: maxInFlightRequests,
      ownMax: maxInFlightRequestsPerWorker ?? Infinity,
    });
  }

  build(tls: Awaited<ReturnType<typeof readUpstreamTls>>): Snapshot {
    const { families, outcomes, pools, shared, generation, ports, agents, workerIndex } = this.#deps;
    const { maxIdleConnectionsPerUpstream, maxQueuedRequests } = this.#config.limits;
    const bounds = { idleMax: maxIdleConnectionsPerUpstream, queueMax: maxQueuedRequests };
    for (const upstream of this.#resolved.upstreams) {
      const records = openRecords(upstream, shared, workerIndex);
      const init = {
        config: upstream,
        tls: tls.get(upstream.id),
        pools,
        bounds,
        records,
        clock: ports.clock,
        load: { totals: this.#totals(loadKey(upstream.id)), threads: this.#deps.workerCount },
        watch: {
          deadlines: this.#deps.deadlines,
          random: ports.random,
          events: fitnessEvents(upstream.id, families, ports.log),
        },
        random: ports.random,
        instance: machineOf(this.#deps.instanceId),
      };
      this.#upstreams.set(upstream.id, new LiveUpstream(init));
    }
    const routes = this.#resolved.routes.map((route) => this.#route(route));
    const upstreams = [...this.#upstreams.values()];
    const filters = [...this.#filters.values()];
    return new Snapshot({
      config: this.#config,
      generation,
      listeners: this.#listeners(routes),
      routes,
      upstreams,
      rateLimits: filters.flatMap(({ id, filter }) =>
        filter instanceof RateLimitFilter ? [{ scope: id, filter }] : []
      ),
      unroutedMeter: new RouteMeter(families, outcomes, { id: NO_ROUTE_LABEL }),
      errorPage: new RouteErrorPage(createErrorPages({ serviceType: "web" }), ports.clock),
      requestLog: new RequestLog(this.#config.observability.logging, { ...ports, ...this.#deps }),
      names: new RequestNames(this.#config.system.traceIdFormat, ports),
      agents,
      dispose() {
        for (const { filter } of filters) filter.dispose?.();
        agents.dispose();
        for (const upstream of upstreams) upstream.dispose();
      },
    });
  }

  #listeners(routes: readonly LiveRoute[]): Map<string, ListenerView> {
    const { system } = this.#config;
    const tables = buildScopedTables(routes, { cacheSize: system.routeCacheSize });
    const tells = ({ tls }: ResolvedListener) =>
      tls !== undefined && tls.clientAuth !== "none" && tls.clientCertificateHeaders;
    const anyTells = this.#resolved.listeners.some(tells);
    return new Map(this.#resolved.listeners.map((listener) => {
      const table = tables.tableFor(listener);
      return [listener.id, {
        clientCertificates: anyTells ? tells(listener) ? "tell" : "drop" : null,
        table,
        trusted: new CidrSet([...system.trustedProxies, ...listener.trustedProxies]),
        keepsReceived: table.routes.some(({ chain }) => chain.needsReceived),
      }];
    }));
  }

  #route(route: ResolvedRoute): LiveRoute {
    const { families, outcomes, ports } = this.#deps;
    const { policies, limits } = route;
    const pages = createErrorPages({ serviceType: route.serviceType, config: route.errorPages });
    const chain = new Chain(this.#links(route), policies.failureMode, ports.log);
    return {
      id: route.id,
      namespace: route.namespace,
      service: route.service,
      priority: route.priority,
      matches: route.matches,
      serviceType: route.serviceType,
      pathPrefixes: route.matches.pathPrefix.map(configuredPath).sort((a, b) => b.length - a.length),
      chain,
      ...this.#endpoint(route),
      upgrades: routeUpgrades({ route, chain }, this.#config, this.#deps),
      meter: new RouteMeter(families, outcomes, route),
      errorPage: new RouteErrorPage(pages, ports.clock),
      bodyBytesMax: limits.maxBodySizeBytes,
      bufferBytesMax: limits.maxBodyBufferBytes,
      bufferRequests: policies.bufferRequests,
      bufferResponses: policies.bufferResponses,
      timeoutMs: (policies.timeoutSecs ?? Infinity) * 1000,
    };
  }

  #endpoint(route: ResolvedRoute): RouteEndpoint {
    if (route.builtinHandler !== undefined) {
      const endpoint = this.#builtin(route.builtinHandler);
      return { endpoint, endpointText: `builtin "${route.builtinHandler}"` };
    }
    const { shadows } = this.#deps;
    const configs = this.#resolved.upstreams;
    return upstreamEndpoint(route, { ...this.#deps, shadows, configs, upstreams: this.#upstreams }) ??
      { endpoint: this.#builtin("not-found"), endpointText: "no upstream" };
  }

  #totals(key: string): SharedTotals {
    const memory = this.#deps.shared[key];
    assert(memory !== undefined, `shared memory "${key}" was allocated`);
    return new SharedTotals(memory, { index: this.#deps.workerIndex, count: this.#deps.workerCount });
  }

  #builtin(handler: BuiltinHandler): Service {
    this.#builtinDeps ??= {
      sources: this.#deps.builtin,
      version: this.#deps.version,
      instanceId: this.#deps.instanceId,
      clock: this.#deps.ports.clock,
      startedMs: this.#deps.startedMs,
      config: configSummary(this.#config, this.#resolved),
      upstreams: () =>
        Array.from(this.#upstreams.values(), (upstream) => ({
          id: upstream.id,
          loadBalancing: upstream.loadBalancing,
          targets: upstream.states(),
        })),
    };
    return createBuiltinService(handler, this.#builtinDeps);
  }

  /** Bounds first, then the route's own header changes, then its filters. */
  #links(route: ResolvedRoute): ChainLink[] {
    const links = [this.#inFlight];
    const { maxInFlight } = route.limits;
    if (maxInFlight !== undefined) {
      const id = `limits:in-flight:${route.id}`;
      links.push(
        this.#inFlightLink(id, routeTotalsKey(route.id), { number: 0, max: maxInFlight, ownMax: Infinity }),
      );
    }
    for (const planned of plannedLimits(this.#config, route, this.#resolved)) {
      links.push(this.#once(planned.id, "rate-limit", () => {
        return new RateLimitFilter(planned.limit, this.#filterDeps(planned.id, limitNeed(planned).key));
      }));
    }
    const headers = headerPolicies(route);
    if (headers !== undefined) links.push({ id: `policies:${route.id}`, type: "headers", filter: headers });
    for (const agent of this.#deps.agentPlan.attached) {
      links.push(this.#once(`agents-dir:${agent}`, "agent", () => {
        return agentFilter.create({ agent, phase: "both" }, this.#filterDeps(agent, undefined));
      }));
    }
    for (const id of route.filters) {
      const config = this.#resolved.filters.find((filter) => filter.id === id);
      assert(config !== undefined, "filters of routes are checked when the configuration is read");
      links.push(this.#once(`filter:${id}`, config.type, () => this.#filter(config)));
    }
    return links;
  }

  /** Routes that name the same filter share it, and with it what it counts. */
  #once(id: string, type: string, create: () => Filter): ChainLink {
    let link = this.#filters.get(id);
    if (link === undefined) {
      link = { id: id.replace(/^filter:/, ""), type, filter: create() };
      this.#filters.set(id, link);
    }
    return link;
  }

  #filter(config: FilterConfig): Filter {
    return filterKind(config.type).create(
      config.options,
      this.#filterDeps(config.id, filterNeed(config)?.key),
    );
  }

  #filterDeps(id: string, key: string | undefined) {
    const { ports: { clock, random, timers, log, decompress }, agents, agentPlan } = this.#deps;
    const shared = key === undefined ? undefined : this.#deps.shared[key];
    const agentMode = (wanted: string) =>
      agentPlan.specs.find((spec) => spec.id === wanted)?.options.failureMode;
    const base = { clock, random, timers, log, id, shared, agents };
    return { ...base, agentMode, decompress, statusPage: this.#statusPage };
  }

  #inFlightLink(
    id: string,
    key: string,
    bounds: { readonly number: number; readonly max: number; readonly ownMax: number },
  ): ChainLink {
    return { id, type: "in-flight", filter: new InFlightFilter(this.#totals(key), bounds.number, bounds) };
  }
}

/** The machine's name without the process's number behind it, so that a restart changes nothing. */
function machineOf(instanceId: string): string {
  return instanceId.replace(/-\d+$/, "");
}

/** The header changes of a route's policies, as the outermost filter of its chain. */
function headerPolicies(route: ResolvedRoute): Filter | undefined {
  const request = headerEditor(route.policies.requestHeaders);
  const response = headerEditor(route.policies.responseHeaders);
  if (request === undefined && response === undefined) return undefined;
  const filter: Filter = {};
  if (request !== undefined) {
    filter.onRequest = (context) => {
      request.editRequest(context);
      return undefined;
    };
  }
  if (response !== undefined) filter.onResponse = (_context, answer) => response.editResponse(answer);
  return filter;
}

/** Statuses that invite the client to come again soon. */
const RETRY_AFTER_SECONDS = "1";

/** The error pages of one route, told apart by the request. */
class RouteErrorPage implements ErrorPage {
  readonly #pages: ErrorPages;
  readonly #clock: Clock;

  constructor(pages: ErrorPages, clock: Clock) {
    this.#pages = pages;
    this.#clock = clock;
  }

  render(context: RequestContext, code: keyof typeof ERRORS) {
    const { status } = ERRORS[code];
    const response = this.renderStatus(context, status, code);
    // Only CONNECT is refused so, and what it names allows nothing (RFC 9110 §15.5.6).
    if (code === "method_not_allowed") response.headers.set("Allow", "");
    if (code === "upgrade_required") {
      // What is spoken instead (RFC 6455 §4.4, RFC 9110 §15.5.22).
      response.headers.set("Sec-WebSocket-Version", WEBSOCKET_VERSION);
    }
    // A page's own headers may say it better.
    const comesAgain = (status === 503 || status === 429) && !response.headers.has("retry-after");
    if (comesAgain) response.headers.append("Retry-After", RETRY_AFTER_SECONDS);
    return response;
  }

  renderStatus(context: RequestContext, status: number, code?: keyof typeof ERRORS): Response {
    const { headers } = context.head;
    if (isGrpc(headers.get("content-type"))) {
      const message = code === undefined ? statusText(status) : ERRORS[code].text;
      return grpcError({ status, code, message, requestId: context.requestId });
    }
    return this.#pages.render({
      status,
      code,
      requestId: context.requestId,
      accept: headers.joined("accept"),
      wallMs: this.#clock.wallMs(),
    });
  }
}
