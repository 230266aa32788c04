import type { RouteInfo, ServiceType } from "../core/context.ts";
import type { RouteMeter } from "../observe/request_meters.ts";
import type { RouteMatches } from "../routing/route.ts";
import type { Service } from "../services/service.ts";
import type { Chain } from "./chain.ts";
import type { ErrorPage } from "./engine.ts";
import type { RouteUpgrades } from "./route_upgrades.ts";

/** A route as requests see it: everything resolved, nothing left to look up. */
export interface LiveRoute extends RouteInfo {
  readonly id: string;
  readonly priority: number;
  readonly matches: RouteMatches;
  readonly serviceType: ServiceType;
  /** Limits, policies and filters, in the order they see a request. */
  readonly chain: Chain;
  readonly endpoint: Service;
  /** What the route ends in, for explanations: `upstream "api"`, `builtin "status"`. */
  readonly endpointText: string;
  readonly meter: RouteMeter;
  /** Which other protocols its requests may go on in. */
  readonly upgrades: RouteUpgrades;
  readonly errorPage: ErrorPage;
  readonly bodyBytesMax: number;
  readonly bufferBytesMax: number;
  readonly bufferRequests: boolean;
  readonly bufferResponses: boolean;
  /** For the whole request, body of the response included; Infinity means the upstream's own limits alone. */
  readonly timeoutMs: number;
}
