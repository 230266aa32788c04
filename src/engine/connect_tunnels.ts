import type { RequestContext } from "../core/context.ts";
import { type ErrorCode, ProxyError, toProxyError } from "../core/errors.ts";
import { HeaderList } from "../core/headers.ts";
import type { Response } from "../core/message.ts";
import type { Dialer, Socket } from "../core/ports.ts";
import type { Tunnel, TunnelSide, UpgradePlan } from "../core/upgrade.ts";
import type { SharedTotals } from "../counters/shared_totals.ts";
import type { RouteTunnelMeter } from "../observe/tunnel_meters.ts";
import type { ConnectTunnelOptions } from "../tunnel/connect_options.ts";
import { type ConnectTarget, connectTargetOf, ConnectTargets } from "../tunnel/connect_targets.ts";
import { DuplexTunnel, type TunnelEvents, type TunnelSummary } from "../tunnel/duplex_tunnel.ts";
import { Splice } from "../tunnel/splice.ts";
import type { PlanConnect, TunnelDeps } from "./route_upgrades.ts";

/** What a route does with CONNECT. */
export interface ConnectTunnels {
  readonly options: ConnectTunnelOptions;
  readonly meter: RouteTunnelMeter;
  /** Counts the tunnels; undefined without a bound. */
  readonly totals: SharedTotals | undefined;
  readonly dialer: Dialer;
  readonly deps: TunnelDeps;
}

interface Route extends ConnectTunnels {
  readonly targets: ConnectTargets;
}

/** Plans the tunnels of a route (RFC 9110 §9.3.6). */
export function connectPlanner(tunnels: ConnectTunnels): PlanConnect {
  const route = { ...tunnels, targets: new ConnectTargets(tunnels.options.targets) };
  return (context) => new ConnectPlan(context, route);
}

const NOTHING = new Uint8Array(0);

class ConnectPlan implements UpgradePlan, TunnelEvents {
  readonly protocol = "connect";
  readonly inspects = false;
  readonly #context: RequestContext;
  readonly #route: Route;
  /** As the client sent it: no filter may lead a tunnel elsewhere than the list was asked about. */
  readonly #target: ConnectTarget;
  #hasPlace = false;
  #isDialling = false;
  #isOver = false;

  constructor(context: RequestContext, route: Route) {
    this.#context = context;
    this.#route = route;
    this.#target = connectTargetOf(context.head.authority);
  }

  admit(): void {
    const { totals, options, targets } = this.#route;
    const { host, port } = this.#target;
    if (!targets.allows(this.#target)) {
      throw new ProxyError("connect_target_refused", `"${host}" with port ${port} is not among the targets`);
    }
    if (totals === undefined) return;
    if (!totals.tryAcquire(0, options.maxConnections!)) {
      throw new ProxyError("tunnels_overloaded", `more than ${options.maxConnections} tunnels are open`);
    }
    this.#hasPlace = true;
  }

  async connect(): Promise<Response> {
    const context = this.#context;
    const socket = await this.#dial();
    const upgrade = context.upgrade!;
    upgrade.upstream = { socket, early: NOTHING, pending: null, writable: null, close: () => socket.close() };
    context.trace?.note({ step: "upgrade", subject: context.targetAddress!, outcome: "connected" });
    return upgrade.accepted = { status: 200, reason: "", headers: new HeaderList(), body: null };
  }

  checkAnswer(): void {
    throw new ProxyError("internal_bug", "nobody is asked to answer a CONNECT");
  }

  open(client: TunnelSide, upstream: TunnelSide): Tunnel {
    const { meter, options, deps } = this.#route;
    meter.opened();
    this.#context.deadlineMs = Infinity;
    this.#context.upgrade!.isOpen = true;
    const common = { buffers: deps.buffers, scanner: null, mask: () => undefined };
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
    this.#isOver = true;
    this.#giveBack();
  }

  /** A place is held until the attempt to connect is over, else clients that leave could start any number of them. */
  #giveBack(): void {
    if (!this.#hasPlace || this.#isDialling) return;
    this.#route.totals!.release(0);
    this.#hasPlace = false;
  }

  /** Opens the connection; rejects early when the client leaves. */
  #dial(): Promise<Socket> {
    const context = this.#context;
    const { dialer, options, targets, deps } = this.#route;
    const { host, port } = this.#target;
    context.targetAddress = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    context.attempts++;
    const limitMs = context.connectTimeoutMs ?? options.connectTimeoutSecs * 1000;
    const leftMs = Math.max(0, context.deadlineMs - deps.clock.nowMs());
    this.#isDialling = true;
    return new Promise((resolve, reject) => {
      let isAbandoned = false;
      context.onAbort = (cause: ErrorCode) => {
        isAbandoned = true;
        context.onAbort = null;
        reject(new ProxyError(cause, "abandoned while connecting"));
      };
      dialer.connect({
        address: { type: "ip", host, port },
        mayConnect: (ip) => targets.mayConnect(ip, port),
        timeoutMs: Math.min(limitMs, leftMs),
      }).finally(() => {
        this.#isDialling = false;
        if (!isAbandoned) context.onAbort = null;
        if (this.#isOver) this.#giveBack();
      }).then((socket) => {
        if (isAbandoned) socket.close();
        else resolve(socket);
      }).catch((cause) => reject(failureOf(cause)));
    });
  }
}

/** The target is none of our upstreams: that it cannot be reached says nothing of the service's own health. */
function failureOf(cause: unknown): ProxyError {
  const error = toProxyError(cause);
  if (error.code !== "upstream_connect_failed") return error;
  return new ProxyError("connect_target_failed", error.message, { cause });
}
