import { BufferPool } from "../core/buffer_pool.ts";
import type { RequestContext } from "../core/context.ts";
import type { Deadlines } from "../core/deadlines.ts";
import { ProxyError } from "../core/errors.ts";
import type { Clock, Random } from "../core/ports.ts";
import type { UpgradePlan } from "../core/upgrade.ts";
import { HeldBytes } from "../tunnel/held_bytes.ts";
import { TUNNEL_BUFFER_BYTES, TUNNEL_BUFFERS_KEPT } from "../tunnel/splice.ts";

/** What the tunnels of a thread share. */
export interface TunnelDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly deadlines: Deadlines;
  /** Borrowed by directions that have much to pass on. */
  readonly buffers: BufferPool;
  /** Bounds what inspected messages hold together. */
  readonly held: HeldBytes;
}

/** Bytes that the inspected messages of one thread may hold together: 64 MB. */
const HELD_BYTES_MAX = 67_108_864;

/** The memory that the tunnels of a thread share. */
export function tunnelMemory(): Pick<TunnelDeps, "buffers" | "held"> {
  return {
    buffers: new BufferPool(TUNNEL_BUFFER_BYTES, TUNNEL_BUFFERS_KEPT),
    held: new HeldBytes(HELD_BYTES_MAX),
  };
}

/** A protocol that a route grants. */
export interface GrantedProtocol {
  /** Lower case, as in the Upgrade header. */
  readonly name: string;
  plan(context: RequestContext): UpgradePlan;
}

/** What plans the tunnels of CONNECT. */
export type PlanConnect = (context: RequestContext) => UpgradePlan;

/** Which other protocols the requests of a route may go on in. */
export class RouteUpgrades {
  readonly #granted: readonly GrantedProtocol[];
  readonly #planConnect: PlanConnect | undefined;

  /** Without `planConnect` the route does not take CONNECT. */
  constructor(granted: readonly GrantedProtocol[], planConnect?: PlanConnect) {
    this.#granted = granted;
    this.#planConnect = planConnect;
  }

  /** Plans the first of the granted protocols that the request offers, so that filters know of it. */
  choose(context: RequestContext): void {
    const upgrade = context.upgrade!;
    if (upgrade.isConnect) {
      upgrade.plan = this.#planConnect?.(context) ?? null;
      return;
    }
    const granted = this.#granted.find(({ name }) => upgrade.offers(name));
    if (granted !== undefined) upgrade.plan = granted.plan(context);
  }

  /**
   * Called once the filters have let the request pass. A wish that the route does not grant is ignored (RFC 9110
   * §7.8), as nginx and HAProxy do. WebSocket is refused, as Envoy does: who asks for that can do nothing with a page.
   */
  admit(context: RequestContext): void {
    const upgrade = context.upgrade!;
    if (upgrade.plan !== null) {
      upgrade.plan.admit();
      context.trace?.note({ step: "upgrade", subject: upgrade.plan.protocol, outcome: "admitted" });
    } else if (upgrade.isConnect) {
      throw new ProxyError("method_not_allowed", "the route has no connect block");
    } else if (upgrade.offers("websocket")) {
      throw new ProxyError("websocket_not_enabled", "the route has no websocket #true");
    } else {
      context.trace?.note({ step: "upgrade", subject: upgrade.offer.slice(0, 80), outcome: "ignored" });
      context.upgrade = null;
    }
  }
}
