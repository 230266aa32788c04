import type { RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import type { Tunnel, TunnelSide, UpgradePlan } from "../core/upgrade.ts";
import type { SharedTotals } from "../counters/shared_totals.ts";
import type { RouteTunnelMeter } from "../observe/tunnel_meters.ts";
import { DuplexTunnel, type TunnelEvents, type TunnelSummary } from "../tunnel/duplex_tunnel.ts";
import { Splice } from "../tunnel/splice.ts";
import type { UpgradeOptions } from "../tunnel/upgrade_options.ts";
import type { GrantedProtocol, TunnelDeps } from "./route_upgrades.ts";

/** What a route does with protocols that it lets through unseen. */
export interface RawTunnels {
  readonly options: UpgradeOptions;
  readonly meter: RouteTunnelMeter;
  /** Counts the open ones; undefined without a bound. */
  readonly totals: SharedTotals | undefined;
  readonly deps: TunnelDeps;
}

/** The protocols that a route lets through unseen. */
export function rawProtocols(route: RawTunnels): GrantedProtocol[] {
  return route.options.protocols.map((name) => ({
    name,
    plan: (context) => new RawPlan(name, context, route),
  }));
}

class RawPlan implements UpgradePlan, TunnelEvents {
  readonly protocol: string;
  readonly inspects = false;
  readonly #context: RequestContext;
  readonly #route: RawTunnels;
  #hasPlace = false;

  constructor(protocol: string, context: RequestContext, route: RawTunnels) {
    this.protocol = protocol;
    this.#context = context;
    this.#route = route;
  }

  admit(): void {
    if (this.#context.body !== null) {
      throw new ProxyError("bad_request", "a request with a body cannot go on in another protocol");
    }
    const { totals, options } = this.#route;
    if (totals === undefined) return;
    if (!totals.tryAcquire(0, options.maxConnections!)) {
      throw new ProxyError("tunnels_overloaded", `more than ${options.maxConnections} tunnels are open`);
    }
    this.#hasPlace = true;
  }

  checkAnswer(protocol: string): void {
    if (protocol.toLowerCase() === this.protocol) return;
    throw new ProxyError(
      "upstream_protocol",
      `the upstream switched to another protocol than ${this.protocol}`,
    );
  }

  open(client: TunnelSide, upstream: TunnelSide): Tunnel {
    const { meter, options, deps } = this.#route;
    meter.opened();
    this.#context.deadlineMs = Infinity;
    this.#context.upgrade!.isOpen = true;
    const { buffers } = deps;
    const common = { buffers, scanner: null, mask: () => undefined };
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
    this.#route.meter.closed(end);
    const context = this.#context;
    context.bodyBytesReceived = end.bytesFromClient;
    context.bodyBytesSent = end.bytesFromUpstream;
    context.logFields = { ...context.logFields, tunnel_protocol: this.protocol };
    if (end.cause !== undefined) context.logFields["tunnel_end"] = end.cause;
  }

  end(): void {
    if (this.#hasPlace) this.#route.totals!.release(0);
    this.#hasPlace = false;
  }
}
