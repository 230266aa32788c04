import type { RequestContext } from "../core/context.ts";
import { type ErrorCode, ProxyError, toProxyError } from "../core/errors.ts";
import { HeaderList } from "../core/headers.ts";
import type { Response } from "../core/message.ts";
import type { Dialer, Socket } from "../core/ports.ts";
import type { UpgradePlan } from "../core/upgrade.ts";
import type { ConnectTunnelOptions } from "../tunnel/connect_options.ts";
import { type ConnectTarget, connectTargetOf, ConnectTargets } from "../tunnel/connect_targets.ts";
import type { PlanConnect } from "./route_upgrades.ts";
import { SplicedPlan, type SplicedTunnels } from "./spliced_plan.ts";

/** What a route does with CONNECT. */
export interface ConnectTunnels extends SplicedTunnels {
  readonly options: ConnectTunnelOptions;
  readonly dialer: Dialer;
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

class ConnectPlan extends SplicedPlan<Route> implements UpgradePlan {
  readonly protocol = "connect";
  /** As the client sent it: no filter may lead a tunnel elsewhere than the list was asked about. */
  readonly #target: ConnectTarget;
  #isDialling = false;
  #isOver = false;

  constructor(context: RequestContext, route: Route) {
    super(context, route);
    this.#target = connectTargetOf(context.head.authority);
  }

  admit(): void {
    const { targets } = this.route;
    const { host, port } = this.#target;
    if (!targets.allows(this.#target)) {
      throw new ProxyError("connect_target_refused", `"${host}" with port ${port} is not among the targets`);
    }
    this.takePlace();
  }

  async connect(): Promise<Response> {
    const context = this.context;
    const socket = await this.#dial();
    const upgrade = context.upgrade!;
    upgrade.upstream = { socket, early: NOTHING, pending: null, writable: null, close: () => socket.close() };
    context.trace?.note({ step: "upgrade", subject: context.targetAddress!, outcome: "connected" });
    return upgrade.accepted = { status: 200, reason: "", headers: new HeaderList(), body: null };
  }

  checkAnswer(): void {
    throw new ProxyError("internal_bug", "nobody is asked to answer a CONNECT");
  }

  end(): void {
    this.#isOver = true;
    this.#giveBack();
  }

  /** A place is held until the attempt to connect is over, else clients that leave could start any number of them. */
  #giveBack(): void {
    if (!this.#isDialling) this.givePlaceBack();
  }

  /** Opens the connection; rejects early when the client leaves. */
  #dial(): Promise<Socket> {
    const context = this.context;
    const { dialer, options, targets, deps } = this.route;
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
