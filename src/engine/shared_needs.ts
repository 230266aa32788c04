import type { Config, FilterConfig } from "../config/document.ts";
import { resolveConfig } from "../config/resolve.ts";
import type { SharedMemory, SharedNeed } from "../core/shared_memory.ts";
import { gaugeBytes, SharedGauges } from "../counters/shared_gauges.ts";
import { SharedTotals, totalBytes } from "../counters/shared_totals.ts";
import { LOAD_NUMBERS } from "../upstream/retry_budget.ts";
import { clearRecordRow, recordNeeds } from "../upstream/target_record.ts";
import { agentKvNeed } from "./agent_factory.ts";
import { type AgentPlan, NO_AGENTS } from "./agent_plan.ts";
import { filterKind } from "./filter_kinds.ts";
import { limitNeed, plannedLimits } from "./limit_filters.ts";

/** Counts of connections and of requests in flight. */
export const TOTALS_KEY = "totals";
/** Count of live instances of agents. */
export const AGENT_INSTANCES_KEY = "agent-instances";
/** Places in the totals. */
export const CONNECTIONS = 0;
export const REQUESTS_IN_FLIGHT = 1;
const TOTALS = 2;
/** Connections of each client; the number of clients there is room for follows. */
const CLIENTS_PREFIX = "connections-per-client:";
/** Connections of a listener; its id follows. */
const LISTENER_PREFIX = "connections-of:";
/** Requests in flight on a route; its id follows. */
const ROUTE_PREFIX = "in-flight:";
/** Copies of a route's requests under way; its id follows. */
const SHADOW_PREFIX = "shadows-of:";
/** Requests and retries of an upstream; its id follows. */
const LOAD_PREFIX = "load:";
/** Open WebSockets of a route; its id follows. */
const WEBSOCKETS_PREFIX = "websockets-of:";
/** Open tunnels of a route; its id follows. */
const TUNNELS_PREFIX = "tunnels-of:";
/** Open tunnels that CONNECT asked a route for; its id follows. */
const CONNECTS_PREFIX = "connects-of:";
/** Open WebSockets of each client on each route; the number of those there is room for follows. */
const WEBSOCKET_CLIENTS_PREFIX = "websockets-per-client:";
const TOTALS_PREFIXES = [
  ROUTE_PREFIX,
  LISTENER_PREFIX,
  WEBSOCKETS_PREFIX,
  TUNNELS_PREFIX,
  CONNECTS_PREFIX,
  LOAD_PREFIX,
  SHADOW_PREFIX,
];
const GAUGES_PREFIXES = [CLIENTS_PREFIX, WEBSOCKET_CLIENTS_PREFIX];
/** Clients that can be told apart at least; constant, so that an ordinary reload keeps the counts. */
const CLIENTS_MIN = 65_536;

/** Distinct clients there can be at a time under a configuration. */
export function clientKeysMax(config: Config): number {
  return Math.max(CLIENTS_MIN, Math.min(config.system.maxConnections, config.limits.maxTotalConnections));
}

export function clientsKey(config: Config): string {
  return CLIENTS_PREFIX + clientKeysMax(config);
}

export function listenerTotalsKey(listenerId: string): string {
  return LISTENER_PREFIX + listenerId;
}

export function loadKey(upstreamId: string): string {
  return LOAD_PREFIX + upstreamId;
}

export function routeTotalsKey(routeId: string): string {
  return ROUTE_PREFIX + routeId;
}

export function websocketsKey(routeId: string): string {
  return WEBSOCKETS_PREFIX + routeId;
}

export function tunnelsKey(routeId: string): string {
  return TUNNELS_PREFIX + routeId;
}

export function connectsKey(routeId: string): string {
  return CONNECTS_PREFIX + routeId;
}

export function websocketClientsKey(config: Config): string {
  return WEBSOCKET_CLIENTS_PREFIX + clientKeysMax(config);
}

export function shadowTotalsKey(routeId: string): string {
  return SHADOW_PREFIX + routeId;
}

/** The memory a filter's kind asks for, by the identity it keeps across reloads. */
export function filterNeed(filter: FilterConfig): SharedNeed | undefined {
  const bytes = filterKind(filter.type).sharedBytes?.(filter.options);
  return bytes === undefined ? undefined : { key: `filter:${filter.type}:${filter.id}:${bytes}`, bytes };
}

/** Memory that all threads share under a configuration. */
export function* sharedNeeds(
  config: Config,
  workerCount: number,
  agents: AgentPlan = NO_AGENTS,
): Generator<SharedNeed> {
  yield { key: TOTALS_KEY, bytes: totalBytes(TOTALS, workerCount) };
  yield { key: AGENT_INSTANCES_KEY, bytes: totalBytes(1, workerCount) };
  for (const spec of agents.specs) {
    const need = agentKvNeed(spec.options);
    if (need !== undefined) yield need;
  }
  yield { key: clientsKey(config), bytes: gaugeBytes(clientKeysMax(config), workerCount) };
  const resolved = resolveConfig(config);
  for (const filter of resolved.filters) {
    const need = filterNeed(filter);
    if (need !== undefined) yield need;
  }
  for (const listener of resolved.listeners) {
    if (listener.maxConnections !== undefined) {
      yield { key: listenerTotalsKey(listener.id), bytes: totalBytes(1, workerCount) };
    }
  }
  for (const upstream of resolved.upstreams) {
    yield* recordNeeds(upstream, workerCount);
    yield { key: loadKey(upstream.id), bytes: totalBytes(LOAD_NUMBERS, workerCount) };
  }
  if (resolved.routes.some(({ websocket }) => websocket?.maxConnectionsPerIp !== undefined)) {
    yield { key: websocketClientsKey(config), bytes: gaugeBytes(clientKeysMax(config), workerCount) };
  }
  for (const route of resolved.routes) {
    if (route.websocket?.maxConnections !== undefined) {
      yield { key: websocketsKey(route.id), bytes: totalBytes(1, workerCount) };
    }
    if (route.upgrade?.maxConnections !== undefined) {
      yield { key: tunnelsKey(route.id), bytes: totalBytes(1, workerCount) };
    }
    if (route.connect?.maxConnections !== undefined) {
      yield { key: connectsKey(route.id), bytes: totalBytes(1, workerCount) };
    }
    yield* plannedLimits(config, route, resolved).map(limitNeed);
    if (route.limits.maxInFlight !== undefined) {
      yield { key: routeTotalsKey(route.id), bytes: totalBytes(1, workerCount) };
    }
    if (route.shadow !== undefined) {
      yield { key: shadowTotalsKey(route.id), bytes: totalBytes(1, workerCount) };
    }
  }
}

/** Gives back what a thread that died had counted. */
export function clearWorker(shared: SharedMemory, workerIndex: number): void {
  const totals = shared[TOTALS_KEY];
  if (totals === undefined) return;
  const seat = { index: workerIndex, count: totals.byteLength / totalBytes(TOTALS, 1) };
  for (const [key, memory] of Object.entries(shared)) {
    if (
      key === TOTALS_KEY || key === AGENT_INSTANCES_KEY ||
      TOTALS_PREFIXES.some((prefix) => key.startsWith(prefix))
    ) {
      new SharedTotals(memory, seat).clearWorker(workerIndex);
    }
    clearRecordRow(key, memory, workerIndex);
    const prefix = GAUGES_PREFIXES.find((each) => key.startsWith(each));
    if (prefix === undefined) continue;
    const maxKeys = Number(key.slice(prefix.length));
    // The table was seeded when it was first used; here the number only names the holder of its lock.
    const random = { u32: () => 0x80000000 + workerIndex };
    new SharedGauges(memory, { maxKeys, seat, random }).clearWorker(workerIndex);
  }
}
