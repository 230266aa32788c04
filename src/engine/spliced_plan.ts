import type { RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import type { Tunnel, TunnelSide } from "../core/upgrade.ts";
import type { SharedTotals } from "../counters/shared_totals.ts";
import type { RouteTunnelMeter } from "../observe/tunnel_meters.ts";
import { DuplexTunnel, type TunnelEvents, type TunnelSummary } from "../tunnel/duplex_tunnel.ts";
import { Splice } from "../tunnel/splice.ts";
import type { TunnelDeps } from "./route_upgrades.ts";

/** What a route's tunnels that nobody looks into have in common. */
export interface SplicedTunnels {
  readonly options: { readonly idleTimeoutSecs: number; readonly maxConnections?: number | undefined };
  readonly meter: RouteTunnelMeter;
  /** Counts the tunnels; undefined without a bound. */
  readonly totals: SharedTotals | undefined;
  readonly deps: TunnelDeps;
}

/** The plan of a tunnel whose bytes pass unseen: its place among the route's tunnels, its splices, its log line. */
export abstract class SplicedPlan<Route extends SplicedTunnels> implements TunnelEvents {
  abstract readonly protocol: string;
  readonly inspects = false;
  protected readonly context: RequestContext;
  protected readonly route: Route;
  #hasPlace = false;

  constructor(context: RequestContext, route: Route) {
    this.context = context;
    this.route = route;
  }

  open(client: TunnelSide, upstream: TunnelSide): Tunnel {
    const { meter, options, deps } = this.route;
    meter.opened();
    this.context.deadlineMs = Infinity;
    this.context.upgrade!.isOpen = true;
    const common = { buffers: deps.buffers, scanner: null, masks: null };
    return new DuplexTunnel({ client, upstream }, {
      idleMs: options.idleTimeoutSecs * 1000,
      hasFrames: false,
      directions: (host) => [
        new Splice({ ...common, host, from: client, to: upstream }),
        new Splice({ ...common, host, from: upstream, to: client }),
      ],
    }, { deadlines: deps.deadlines, events: this });
  }

  ended(end: TunnelSummary): void {
    this.route.meter.closed(end);
    const context = this.context;
    context.bodyBytesReceived = end.bytesFromClient;
    context.bodyBytesSent = end.bytesFromUpstream;
    context.logFields = { ...context.logFields, tunnel_protocol: this.protocol };
    if (end.cause !== undefined) context.logFields["tunnel_end"] = end.cause;
  }

  /** Counts one more tunnel of the route. Throws when there are as many as there may be. */
  protected takePlace(): void {
    const { totals, options } = this.route;
    if (totals === undefined) return;
    if (!totals.tryAcquire(0, options.maxConnections!)) {
      throw new ProxyError("tunnels_overloaded", `more than ${options.maxConnections} tunnels are open`);
    }
    this.#hasPlace = true;
  }

  /** Counts one less, if this one was counted. */
  protected givePlaceBack(): void {
    if (this.#hasPlace) this.route.totals!.release(0);
    this.#hasPlace = false;
  }
}
