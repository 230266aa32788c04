/** How a request goes on in another protocol (RFC 9110 §7.8) or as a tunnel (§9.3.6): what each room needs to know of it. */

import type { HeaderList } from "./headers.ts";
import type { Response } from "./message.ts";
import type { Socket } from "./ports.ts";

/** One end of a connection that has left HTTP. What it begins with is taken by whoever uses it first. */
export interface TunnelSide {
  readonly socket: Socket;
  /** What had arrived behind the head; possibly empty. */
  early: Uint8Array;
  /** A read that was under way: what it brings (nothing being the end), or a rejection when the connection broke. */
  pending: Promise<Uint8Array> | null;
  /** Nothing may be written before this has settled, as our own head is still being written; null when it is not. */
  writable: Promise<void> | null;
  /** Closes the socket and tells whoever counts it. Safe to call twice. */
  close(): void;
}

/** Bytes that go both ways until both ends are done. */
export interface Tunnel {
  /** Resolves once both ends are closed. Never rejects. */
  run(): Promise<void>;
  /** The process is about to end, or the listener: says goodbye where the protocol has a word for it. */
  drain(): void;
  /** Cuts both ends. */
  abort(): void;
}

/** What the route that a request took makes of its wish for another protocol. */
export interface UpgradePlan {
  /** What is sent upstream as `Upgrade`, and expected back. */
  readonly protocol: string;
  /** Messages are shown to the filters of the route. */
  readonly inspects: boolean;
  /** Checks the request and takes a place; called after the filters. Throws `ProxyError`. */
  admit(): void;
  /**
   * Opens the other end by itself and resolves with the 200 that says so (CONNECT); undefined where an upstream is
   * asked to switch. Rejects with `ProxyError`.
   */
  connect?(): Promise<Response>;
  /** Checks the upstream's 101. Throws `upstream_protocol`. */
  checkAnswer(protocol: string, headers: HeaderList): void;
  /** Both ends have switched. */
  open(client: TunnelSide, upstream: TunnelSide): Tunnel;
  /** The request is over, whatever became of it: gives the place back and leaves what is to be logged. */
  end(): void;
}

/** How a WebSocket was closed. */
export interface WebSocketClose {
  readonly code: number;
  readonly reason: string;
  /** Who said so first. */
  readonly by: "client" | "upstream" | "proxy";
}

/** The wish of one request for another protocol, or with CONNECT for a tunnel, and what has come of it. */
export class Upgrade {
  /** The protocols of the `Upgrade` header, as the client wrote them; empty for CONNECT. */
  readonly offer: string;
  /** Null until a route has been found that offers one of them. */
  plan: UpgradePlan | null = null;
  /** The upstream's connection once it has switched. */
  upstream: TunnelSide | null = null;
  /** The answer to a CONNECT that opens the tunnel, unless something takes its place; null before, and for upgrades. */
  accepted: Response | null = null;
  /** The first Close frame that was seen; undefined where there was none, or frames were not looked at. */
  closed: WebSocketClose | undefined = undefined;
  /** Both ends have switched. */
  isOpen = false;

  constructor(offer: string) {
    this.offer = offer;
  }

  /** Whether this protocol (lower case, without version) is among those offered. */
  offers(protocol: string): boolean {
    return this.offer.toLowerCase().split(",").some((each) => each.trim() === protocol);
  }

  /** Whether this is CONNECT, which asks for a tunnel and no protocol. */
  get isConnect(): boolean {
    return this.offer === "";
  }

  /** Whether a response opens the tunnel of a CONNECT. */
  accepts(response: Response): boolean {
    return this.accepted === response && response.status === 200;
  }

  /** The request is over. */
  end(): void {
    this.upstream?.close();
    this.plan?.end();
  }
}
