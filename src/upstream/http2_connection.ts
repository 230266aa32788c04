import type { Deadlines, Watch } from "../core/deadlines.ts";
import type { Clock, Socket } from "../core/ports.ts";
import { RESPONSE_HEAD_LIMITS } from "../http1/response_head.ts";
import type { FloodKind } from "../http2/flood_guard.ts";
import { H2_ERROR } from "../http2/frames.ts";
import { CONNECTION_WINDOW_BYTES_MAX, STREAM_WINDOW_BYTES } from "../http2/limits.ts";
import { Session } from "../http2/session.ts";
import type { SessionOwner } from "../http2/session_owner.ts";
import type { Http2Stream } from "../http2/stream.ts";

/** How long the answer to a PING may take. */
const PING_TIMEOUT_MS = 5000;
/** What our PINGs carry: they are told apart from nothing else, so it says nothing. */
const PING_PAYLOAD = new Uint8Array(8);

/** Bounds that HTTP/2 adds to those of every connection; times in milliseconds. */
export interface Http2Bounds {
  /** Streams at once, if the target allows as many. */
  readonly streamsMax: number;
  /** Silence after which the target is asked whether it is there, while streams are open; Infinity means never. */
  readonly pingIntervalMs: number;
  /** Without the target taking a byte. */
  readonly writeTimeoutMs: number;
}

/** Bounds of one connection. */
export interface Http2Limits extends Http2Bounds {
  readonly idleTimeoutMs: number;
  readonly lifetimeMs: number;
}

/** Whose connection it is. */
export interface Http2ConnectionOwner {
  /** There is room for another stream, perhaps. */
  roomier(connection: Http2Connection): void;
  /** It takes no more streams; those it has go on. */
  leaving(connection: Http2Connection): void;
  closed(connection: Http2Connection): void;
}

/**
 * One HTTP/2 connection to a target. A request takes a place on it, then opens a stream there; when the
 * target says that it goes away, or its time is over, it finishes what it has and takes nothing new.
 */
export class Http2Connection implements SessionOwner, Watch {
  /** Always due: the sweep looks after the time limits of the connection and all its streams. */
  dueMs = 0;
  /** Streams opened before the present one. */
  exchanges = 0;
  readonly session: Session;

  readonly #deps: { readonly clock: Clock; readonly deadlines: Deadlines };
  readonly #owner: Http2ConnectionOwner;
  readonly #limits: Http2Limits;
  readonly #openedMs: number;
  #reserved = 0;
  #idleSinceMs: number;
  #isLeaving = false;
  #isClosed = false;
  #pingedMs = Infinity;

  constructor(
    socket: Socket,
    { owner, limits }: { readonly owner: Http2ConnectionOwner; readonly limits: Http2Limits },
    deps: { readonly clock: Clock; readonly deadlines: Deadlines },
  ) {
    this.#owner = owner;
    this.#limits = limits;
    this.#deps = deps;
    this.#openedMs = this.#idleSinceMs = deps.clock.nowMs();
    const connection = Math.min(limits.streamsMax * STREAM_WINDOW_BYTES, CONNECTION_WINDOW_BYTES_MAX);
    this.session = new Session(socket, {
      side: "client",
      clock: deps.clock,
      limits: RESPONSE_HEAD_LIMITS,
      windows: { stream: STREAM_WINDOW_BYTES, connection },
      concurrentStreams: 0,
    }, this);
    deps.deadlines.add(this);
    void this.session.run().finally(() => this.#ended());
  }

  get clock(): Clock {
    return this.#deps.clock;
  }

  /** Streams open or about to be. */
  get busy(): number {
    return this.session.streams.size + this.#reserved;
  }

  /** Streams that it could take now. */
  get room(): number {
    if (this.#isLeaving || this.session.isOver) return 0;
    return Math.min(this.#limits.streamsMax, this.session.peer.concurrentStreams) - this.busy;
  }

  /** Whether a stream opened now would not be looked at any more. */
  get isGone(): boolean {
    return this.session.isOver || this.session.peerGoawayId !== Infinity;
  }

  /** Takes a place for a stream, which `open` uses or `finish` gives back. */
  lend(): this {
    this.#reserved++;
    return this;
  }

  /** Gives a place back that was not used. */
  finish(): void {
    this.#reserved--;
    this.changed();
  }

  /** The stream for which there is a place. Its head has to be sent at once. */
  open(): Http2Stream {
    this.#reserved--;
    this.exchanges++;
    const stream = this.session.open();
    if (!this.session.hasIds) this.leave();
    return stream;
  }

  /** Takes nothing new and closes with its last stream. */
  leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#owner.leaving(this);
    this.#closeIfDone();
  }

  opened(stream: Http2Stream): void {
    // Never called on a client: the session refuses pushes.
    this.session.reset(stream, H2_ERROR.protocolError);
  }

  changed(): void {
    if (this.#isClosed) return;
    if (this.busy === 0) this.#idleSinceMs = this.#deps.deadlines.coarseMs;
    if (this.#isLeaving) this.#closeIfDone();
    else if (this.room > 0) this.#owner.roomier(this);
  }

  leaving(): void {
    this.leave();
  }

  ponged(): void {
    this.#pingedMs = Infinity;
  }

  flooded(_kind: FloodKind): void {
    // The connection fails with it, which the requests on it report.
  }

  /** Called by every sweep. */
  expire(): void {
    this.dueMs = 0;
    const now = this.#deps.clock.nowMs();
    const { session } = this;
    for (const stream of session.streams.values()) stream.owner?.check(now);
    const { writeTimeoutMs, idleTimeoutMs, lifetimeMs } = this.#limits;
    if (now - session.sender.output.stalledSinceMs >= writeTimeoutMs) {
      return session.close("the upstream takes no more bytes");
    }
    if (session.isOver) return;
    if (this.busy > 0) return this.#checkLife(now);
    if (now - this.#idleSinceMs >= idleTimeoutMs || now - this.#openedMs >= lifetimeMs) this.leave();
  }

  #checkLife(now: number): void {
    const { session } = this;
    if (now - this.#openedMs >= this.#limits.lifetimeMs) this.leave();
    if (now - this.#pingedMs >= PING_TIMEOUT_MS) return session.close("the upstream does not answer a PING");
    const isSilent = now - session.heardMs >= this.#limits.pingIntervalMs;
    if (!isSilent || this.#pingedMs !== Infinity) return;
    this.#pingedMs = now;
    session.sender.ping(PING_PAYLOAD, 0);
  }

  /** The socket is closed. */
  #ended(): void {
    this.#isClosed = true;
    this.#deps.deadlines.remove(this);
    this.#owner.closed(this);
  }

  #closeIfDone(): void {
    if (this.busy > 0 || this.session.isOver) return;
    this.session.sender.goaway(0, H2_ERROR.noError);
    this.session.closeGently();
  }
}
