import type { Config } from "../config/document.ts";
import { resolveConfig, type ResolvedListener } from "../config/resolve.ts";
import { parseEndpoint } from "../core/address.ts";
import { RequestContext } from "../core/context.ts";
import { Deadlines } from "../core/deadlines.ts";
import { ProxyError } from "../core/errors.ts";
import { HeaderList } from "../core/headers.ts";
import type { Response } from "../core/message.ts";
import type { Ports } from "../core/ports.ts";
import { allocateShared } from "../core/shared_memory.ts";
import { Trace, type TraceStep } from "../core/trace.ts";
import { answerRequest } from "../downstream/handler.ts";
import { parseAuthority } from "../http1/authority.ts";
import { createFamilies } from "../observe/families.ts";
import { MetricsRegistry } from "../observe/metrics.ts";
import { OutcomeMeter } from "../observe/request_meters.ts";
import { matchingPath } from "../routing/path.ts";
import type { RouteExplanation } from "../routing/table.ts";
import type { Service } from "../services/service.ts";
import type { LiveUpstream } from "../upstream/live_upstream.ts";
import { UpstreamPools } from "../upstream/pools.ts";
import type { AgentPorts } from "./agent_factory.ts";
import type { AgentPlan } from "./agent_plan.ts";
import { ThreadAgents } from "./thread_agents.ts";
import { buildSnapshot } from "./build_snapshot.ts";
import { Engine } from "./engine.ts";
import { tunnelMemory } from "./route_upgrades.ts";
import { sharedNeeds } from "./shared_needs.ts";

/** A request to be explained. */
export interface ExplainRequest {
  readonly method: string;
  readonly scheme: "http" | "https";
  /** `host[:port]`. */
  readonly authority: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly clientIp: string;
}

/** What a configuration would do with a request, and why. */
export interface Explanation {
  readonly listener: { readonly id: string; readonly address: string; readonly reason: string };
  /** The path that routes matched on, where it differs from the one in the target. */
  readonly normalisedPath: string | undefined;
  /** Every route, in the order tried. */
  readonly routes: readonly RouteExplanation[];
  /** Filters, target, errors: what happened after the route was found. */
  readonly steps: readonly TraceStep[];
  /** Status the proxy itself would answer with; undefined when an upstream would answer. */
  readonly status: number | undefined;
  readonly upstream: string | undefined;
  readonly target: string | undefined;
  /** The request as the upstream would see it; undefined when none would. */
  readonly sent: { readonly method: string; readonly target: string; readonly authority: string } | undefined;
}

/** Ports that an explanation needs; it never connects to anybody. */
export type ExplainPorts = Pick<Ports, "clock" | "random" | "timers" | "log" | "decompress">;

/** What an explanation is made with besides the configuration. */
export interface ExplainDeps extends ExplainPorts {
  readonly readText: (path: string) => Promise<string>;
  /** Agents decide as they would; what they may reach of the outside is in `agentPorts`. */
  readonly agents: AgentPlan;
  readonly agentPorts: AgentPorts;
}

/**
 * Runs a request through the configuration with the dataplane's own code, up to where it would leave
 * the proxy. Rejects when the configuration names files that cannot be read.
 */
export async function explain(
  config: Config,
  request: ExplainRequest,
  deps: ExplainDeps,
): Promise<Explanation> {
  const chosen = chooseListener(resolveConfig(config).listeners, request);
  const deadlines = new Deadlines(deps.clock, deps.timers);
  const ports: Ports = { ...deps, dialer: { connect: refuse }, listen: refuse };
  const registry = new MetricsRegistry();
  const families = createFamilies(registry, { version: "explain" });
  const shared = allocateShared(sharedNeeds(config, 1, deps.agents), {});
  const seat = { index: 0, count: 1 };
  const agents = new ThreadAgents({ ports, agentPorts: deps.agentPorts, registry, seat });
  const { set, problems } = await agents.prepare(deps.agents, shared);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  const sent: { context?: RequestContext } = {};
  const snapshot = await buildSnapshot(config, {
    generation: 0,
    ports,
    shared,
    agents: set,
    agentPlan: deps.agents,
    workerIndex: 0,
    workerCount: 1,
    sinks: SILENT_SINKS,
    instanceId: "explain",
    families,
    outcomes: new OutcomeMeter(families),
    pools: new UpstreamPools({ dialer: ports.dialer, clock: deps.clock, deadlines }),
    deadlines,
    readText: deps.readText,
    builtin: { processMetrics: () => ({ families: [] }) },
    startedMs: deps.clock.nowMs(),
    version: "explain",
    tunnels: { clock: deps.clock, random: deps.random, deadlines, ...tunnelMemory() },
    proxyEndpoint: (upstream) => new DryProxy(upstream, sent),
  });
  try {
    const context = contextOf(request, chosen.listener, deps.clock.nowMs());
    const view = snapshot.listeners.get(chosen.listener.id)!;
    const path = matchingPath(context.path);
    const response = await answerRequest(new Engine(snapshot, deps.clock), context);
    response.body?.cancel();
    const rawPath = request.target.split("?", 1)[0]!;
    const reached = sent.context;
    return {
      listener: { id: chosen.listener.id, address: chosen.listener.address, reason: chosen.reason },
      normalisedPath: path === undefined || path === rawPath ? undefined : path,
      routes: path === undefined
        ? []
        : view.table.explain(unrouted(request, { ...chosen, path }, deps.clock.nowMs())),
      steps: context.trace!.steps,
      status: reached === undefined ? response.status : undefined,
      upstream: reached?.upstreamId,
      target: reached?.targetAddress,
      sent: reached === undefined ? undefined : {
        method: reached.head.method,
        target: reached.head.target,
        authority: reached.head.authority,
      },
    };
  } finally {
    snapshot.retire(() => {});
    agents.dispose();
    deadlines.dispose();
  }
}

/** The listener whose port the URL names; where none does, the first one. */
function chooseListener(
  listeners: readonly ResolvedListener[],
  request: ExplainRequest,
): { readonly listener: ResolvedListener; readonly reason: string } {
  const colon = /:(\d+)$/.exec(request.authority);
  const port = colon === null ? (request.scheme === "https" ? 443 : 80) : Number(colon[1]);
  const byPort = listeners.find(({ address }) => {
    const endpoint = parseEndpoint(address);
    return typeof endpoint !== "string" && endpoint.type === "ip" && endpoint.port === port;
  });
  if (byPort !== undefined) return { listener: byPort, reason: `it listens on port ${port}` };
  const first = listeners[0];
  if (first === undefined) throw new Error("The configuration has no listeners");
  return { listener: first, reason: `no listener has port ${port}, so the first one is taken` };
}

function contextOf(request: ExplainRequest, listener: ResolvedListener, nowMs: number): RequestContext {
  const headers = HeaderList.from(request.headers);
  if (!headers.has("host")) headers.append("Host", request.authority);
  const endpoint = parseEndpoint(listener.address);
  const context = new RequestContext({
    head: {
      method: request.method,
      target: request.target,
      host: parseAuthority(request.authority) ?? "",
      authority: request.authority,
      minor: 1,
      headers,
    },
    body: null,
    downstream: {
      listenerId: listener.id,
      namespace: listener.namespace,
      scheme: listener.protocol === "https" ? "https" : "http",
      tls: null,
      localPort: typeof endpoint === "string" || endpoint.type === "unix" ? 0 : endpoint.port,
      peerIp: request.clientIp,
      peerPort: 0,
      peerTrusted: false,
      requestsServed: 0,
    },
    startedMs: nowMs,
    bodyBytesMax: Infinity,
  });
  context.trace = new Trace();
  return context;
}

/** The request as routes see it, before any filter has changed it. */
function unrouted(
  request: ExplainRequest,
  at: { readonly listener: ResolvedListener; readonly path: string },
  nowMs: number,
): RequestContext {
  const context = contextOf(request, at.listener, nowMs);
  context.path = at.path;
  return context;
}

/** Stands in for a proxy service: picks a target as it would, and stops there. */
class DryProxy implements Service {
  readonly #upstream: LiveUpstream;
  readonly #sent: { context?: RequestContext };

  constructor(upstream: LiveUpstream, sent: { context?: RequestContext }) {
    this.#upstream = upstream;
    this.#sent = sent;
  }

  serve(context: RequestContext): Response {
    const target = this.#upstream.pick(context, null);
    const isFound = this.#upstream.targets.length === 0;
    if (target === undefined && !isFound) {
      throw new ProxyError("upstream_unavailable", `no target of "${this.#upstream.id}" takes traffic`);
    }
    context.upstreamId = this.#upstream.id;
    context.targetAddress = target?.address;
    this.#sent.context = context;
    const { loadBalancing, targets } = this.#upstream;
    // Only the upstream of a discovery may be without targets, and an explanation asks nobody.
    context.trace?.note({
      step: "upstream",
      subject: target?.address ?? this.#upstream.id,
      outcome: target === undefined ? "has targets that are found when the proxy runs" : "picked",
      detail: target === undefined ? loadBalancing : `${loadBalancing} over ${targets.length}`,
    });
    return { status: 200, reason: "", headers: new HeaderList(), body: null };
  }
}

function refuse(): Promise<never> {
  return Promise.reject(new ProxyError("internal_bug", "an explanation connects to nobody"));
}

const SILENT_SINKS = {
  sink: () => ({ write: () => {} }),
  dropped: () => new Map<string, number>(),
  reopen: () => {},
  retain: () => Promise.resolve(),
  flush: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
