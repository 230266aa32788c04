import type { Deadlines, Watch } from "../core/deadlines.ts";
import type { Tunnel, TunnelSide, WebSocketClose } from "../core/upgrade.ts";
import type { Direction, DirectionHost, TunnelCause } from "./direction.ts";
import type { SeenClose, Violation } from "./frame_scanner.ts";
import { GOING_AWAY } from "./frames.ts";

/** How long one side may go on alone without a byte once the other has said that it is done. */
const HALF_CLOSED_MS = 30_000;
/** How long the frames under way may take to end once the tunnel is to be closed. */
const STOP_MS = 30_000;
/** How long the answer to our Close frame is waited for (RFC 6455 §7.1.1). */
const PARTING_MS = 5000;
/** How long the other side is given once one has broken. */
const BROKEN_MS = 1000;

const TO_UPSTREAM = 1;
const TO_CLIENT = 2;
const BOTH = TO_UPSTREAM | TO_CLIENT;

/** How a tunnel is held together. */
export interface TunnelSettings {
  readonly idleMs: number;
  /** Whether it can be closed with a word. */
  readonly hasFrames: boolean;
}

/** Told of a tunnel's end. */
export interface TunnelEvents {
  /** Both ends are closed. */
  ended(end: TunnelSummary): void;
}

/** What is known of a tunnel that has ended. */
export interface TunnelSummary {
  readonly bytesFromClient: number;
  readonly bytesFromUpstream: number;
  readonly messagesFromClient: number;
  readonly messagesFromUpstream: number;
  readonly closed: WebSocketClose | undefined;
  readonly cause: TunnelCause | undefined;
}

/** Makes the two directions for their host. */
export type MakeDirections = (host: DirectionHost) => readonly [toUpstream: Direction, toClient: Direction];

/**
 * Two directions that share a fate: each ends by itself, so that what the other side still has to say arrives
 * (half-close), but both are bounded by one idle time; what breaks on one side is told to the other at once.
 */
export class DuplexTunnel implements Tunnel, DirectionHost, Watch {
  dueMs = Infinity;
  readonly #client: TunnelSide;
  readonly #upstream: TunnelSide;
  readonly #hasFrames: boolean;
  readonly #deadlines: Deadlines;
  readonly #events: TunnelEvents;
  readonly #toUpstream: Direction;
  readonly #toClient: Direction;
  /** Which directions are not over, and which of them have not sent our Close frame: bits of `bitOf`. */
  #running = BOTH;
  #staying = BOTH;
  #idleMs: number;
  #isStopping = false;
  #isOver = false;
  #closed: WebSocketClose | undefined;
  #cause: TunnelCause | undefined;
  #resolve: (() => void) | null = null;

  constructor(
    sides: { readonly client: TunnelSide; readonly upstream: TunnelSide },
    settings: TunnelSettings & { readonly directions: MakeDirections },
    deps: { readonly deadlines: Deadlines; readonly events: TunnelEvents },
  ) {
    this.#client = sides.client;
    this.#upstream = sides.upstream;
    this.#hasFrames = settings.hasFrames;
    this.#idleMs = settings.idleMs;
    this.#deadlines = deps.deadlines;
    this.#events = deps.events;
    [this.#toUpstream, this.#toClient] = settings.directions(this);
  }

  run(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    const over = new Promise<void>((resolve) => this.#resolve = resolve);
    this.#deadlines.add(this);
    this.touch();
    this.#toUpstream.start();
    this.#toClient.start();
    return over;
  }

  drain(): void {
    if (this.#hasFrames) {
      this.stop({ code: GOING_AWAY, reason: "the proxy is shutting down" }, "shutting_down");
    }
  }

  abort(): void {
    this.#cause ??= "shutting_down";
    this.#finish();
  }

  /** Closes both sides with a Close frame, each as soon as it is at the end of a frame. */
  stop({ code, reason }: SeenClose, cause: TunnelCause): void {
    if (this.#isStopping || this.#isOver) return;
    this.#isStopping = true;
    this.#cause ??= cause;
    this.#closed ??= { code, reason, by: "proxy" };
    this.dueMs = this.#deadlines.coarseMs + STOP_MS;
    if ((this.#running & TO_UPSTREAM) !== 0) this.#toUpstream.close(code, reason);
    if ((this.#running & TO_CLIENT) !== 0) this.#toClient.close(code, reason);
  }

  /** Called by the sweep. */
  expire(): void {
    if (this.#isStopping || this.#running !== BOTH) return this.#finish();
    this.#cause ??= "tunnel_idle";
    if (!this.#hasFrames) return this.#finish();
    this.stop({ code: GOING_AWAY, reason: "idle for too long" }, "tunnel_idle");
  }

  touch(): void {
    if (!this.#isStopping) this.dueMs = this.#deadlines.coarseMs + this.#idleMs;
  }

  ended(direction: Direction): void {
    const to = direction === this.#toUpstream ? this.#upstream : this.#client;
    // Who does not take the end any more shows it when it is read from.
    to.socket.closeWrite().catch(() => {});
    this.#idleMs = Math.min(this.#idleMs, HALF_CLOSED_MS);
    this.touch();
    this.#settle(direction);
  }

  broke(direction: Direction): void {
    this.#idleMs = Math.min(this.#idleMs, BROKEN_MS);
    this.ended(direction);
  }

  refused(_direction: Direction): void {
    this.#finish();
  }

  violated(_direction: Direction, { code, reason, cause }: Violation): void {
    this.stop({ code, reason }, cause);
  }

  sawClose(direction: Direction, { code, reason }: SeenClose): void {
    this.#closed ??= { code, reason, by: direction === this.#toUpstream ? "client" : "upstream" };
  }

  left(direction: Direction): void {
    this.#staying &= ~this.#bitOf(direction);
    if (this.#staying === 0 && !this.#isOver) {
      // Who cannot be understood is not waited for to answer, only to go.
      if (this.#toUpstream.isLost) this.#client.socket.closeWrite().catch(() => {});
      if (this.#toClient.isLost) this.#upstream.socket.closeWrite().catch(() => {});
      this.dueMs = Math.min(this.dueMs, this.#deadlines.coarseMs + PARTING_MS);
    }
  }

  parted(direction: Direction): void {
    this.#settle(direction);
  }

  #settle(direction: Direction): void {
    this.#running &= ~this.#bitOf(direction);
    if (this.#isStopping) this.left(direction);
    if (this.#running === 0) this.#finish();
  }

  #bitOf(direction: Direction): number {
    return direction === this.#toUpstream ? TO_UPSTREAM : TO_CLIENT;
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deadlines.remove(this);
    this.#client.close();
    this.#upstream.close();
    this.#toUpstream.dispose();
    this.#toClient.dispose();
    this.#events.ended({
      bytesFromClient: this.#toUpstream.bytes,
      bytesFromUpstream: this.#toClient.bytes,
      messagesFromClient: this.#toUpstream.messages,
      messagesFromUpstream: this.#toClient.messages,
      closed: this.#closed,
      cause: this.#cause,
    });
    this.#resolve?.();
  }
}
