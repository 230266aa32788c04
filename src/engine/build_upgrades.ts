import type { Config } from "../config/document.ts";
import type { ResolvedRoute } from "../config/resolve.ts";
import { assert } from "../core/assert.ts";
import type { Dialer, Random } from "../core/ports.ts";
import type { SharedMemory } from "../core/shared_memory.ts";
import { SharedGauges } from "../counters/shared_gauges.ts";
import { SharedTotals } from "../counters/shared_totals.ts";
import type { Families } from "../observe/families.ts";
import { RouteTunnelMeter, WebSocketMeter } from "../observe/tunnel_meters.ts";
import type { Chain } from "./chain.ts";
import { connectPlanner } from "./connect_tunnels.ts";
import { rawProtocols } from "./raw_tunnels.ts";
import { type GrantedProtocol, RouteUpgrades, type TunnelDeps } from "./route_upgrades.ts";
import {
  clientKeysMax,
  connectsKey,
  tunnelsKey,
  websocketClientsKey,
  websocketsKey,
} from "./shared_needs.ts";
import { webSocketProtocol } from "./websockets.ts";

/** What upgrades are built from besides the configuration. */
export interface UpgradesDeps {
  readonly shared: SharedMemory;
  readonly workerIndex: number;
  readonly workerCount: number;
  readonly families: Families;
  readonly ports: { readonly random: Random; readonly dialer: Dialer };
  readonly tunnels: TunnelDeps;
}

const NO_UPGRADES = new RouteUpgrades([]);

/** Which other protocols the requests of a route may go on in. */
export function routeUpgrades(
  { route, chain }: { readonly route: ResolvedRoute; readonly chain: Chain },
  config: Config,
  deps: UpgradesDeps,
): RouteUpgrades {
  const { websocket, upgrade, connect } = route;
  const { families, tunnels } = deps;
  const granted: GrantedProtocol[] = [];
  if (websocket?.enabled) {
    const meter = new WebSocketMeter(families, route.id);
    const totals = websocket.maxConnections === undefined
      ? undefined
      : totalsOf(websocketsKey(route.id), deps);
    const clients = websocket.maxConnectionsPerIp === undefined ? undefined : clientsOf(config, deps);
    granted.push(webSocketProtocol({
      routeId: route.id,
      options: websocket,
      meter,
      totals,
      clients,
      chain: route.websocketInspection ? chain : undefined,
      deps: tunnels,
    }));
  }
  if (upgrade !== undefined) {
    const meter = new RouteTunnelMeter(families, route.id);
    const totals = upgrade.maxConnections === undefined ? undefined : totalsOf(tunnelsKey(route.id), deps);
    granted.push(...rawProtocols({ options: upgrade, meter, totals, deps: tunnels }));
  }
  if (connect !== undefined) {
    const meter = new RouteTunnelMeter(families, route.id);
    const totals = connect.maxConnections === undefined ? undefined : totalsOf(connectsKey(route.id), deps);
    const { dialer } = deps.ports;
    return new RouteUpgrades(
      granted,
      connectPlanner({ options: connect, meter, totals, dialer, deps: tunnels }),
    );
  }
  return granted.length === 0 ? NO_UPGRADES : new RouteUpgrades(granted);
}

function totalsOf(key: string, { shared, workerIndex, workerCount }: UpgradesDeps): SharedTotals {
  const memory = shared[key];
  assert(memory !== undefined, `shared memory "${key}" was allocated`);
  return new SharedTotals(memory, { index: workerIndex, count: workerCount });
}

function clientsOf(config: Config, { shared, workerIndex, workerCount, ports }: UpgradesDeps): SharedGauges {
  const memory = shared[websocketClientsKey(config)];
  assert(memory !== undefined, "memory for WebSockets of clients was allocated");
  const seat = { index: workerIndex, count: workerCount };
  return new SharedGauges(memory, { maxKeys: clientKeysMax(config), seat, random: ports.random });
}
