import type { Clock } from "../core/ports.ts";
import type { HeadLimits } from "../http1/head_lines.ts";
import type { FloodKind } from "./flood_guard.ts";
import type { HeaderBlock } from "./header_block.ts";
import type { Http2Stream } from "./stream.ts";

/** What a session needs to know beside its socket. */
export interface SessionInit {
  readonly side: "client" | "server";
  readonly clock: Clock;
  /** Bounds of the header blocks that the peer sends. */
  readonly limits: HeadLimits;
  /** What the peer may send before it is taken, on one stream and on all together. */
  readonly windows: { readonly stream: number; readonly connection: number };
  /** Streams that a client may have open: announced here, and enforced by the owner. */
  readonly concurrentStreams: number;
}

/** Whose session it is. */
export interface SessionOwner {
  /** A client opened a stream: take it as its owner, or reset it. */
  opened(stream: Http2Stream, block: HeaderBlock): void;
  /** A stream has left the session, or the peer's settings have changed: there may be room for another. */
  changed(): void;
  /** The peer takes no more streams, or the connection has ended: `isOver` tells which. */
  leaving(): void;
  /** A PING of ours came back. */
  ponged(): void;
  flooded(kind: FloodKind): void;
}
