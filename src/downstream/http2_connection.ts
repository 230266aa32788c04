import { type Downstream, RequestContext } from "../core/context.ts";
import type { Watch } from "../core/deadlines.ts";
import { HeaderList } from "../core/headers.ts";
import type { Socket } from "../core/ports.ts";
import type { FloodKind } from "../http2/flood_guard.ts";
import { H2_ERROR } from "../http2/frames.ts";
import type { HeaderBlock } from "../http2/header_block.ts";
import { SERVER_CONNECTION_WINDOW_BYTES, SERVER_STREAM_WINDOW_BYTES } from "../http2/limits.ts";
import { Session } from "../http2/session.ts";
import type { SessionOwner } from "../http2/session_owner.ts";
import type { Http2Stream } from "../http2/stream.ts";
import type { ConnectionDeps } from "./connection.ts";
import { Http2Exchange } from "./http2_exchange.ts";
import type { ConnectionLimits } from "./limits.ts";

/** How long a drain waits for streams that were under way when it began (RFC 9113 §6.8). */
const DRAIN_GRACE_MS = 1000;
/** The highest stream id: in GOAWAY it says that nothing is refused yet. */
const STREAM_ID_MAX = 0x7fffffff;
const PING_PAYLOAD = new Uint8Array(8);

/** Told what happens on HTTP/2 connections, for metrics. */
export interface Http2Meter {
  opened(): void;
  closed(): void;
  flooded(kind: FloodKind): void;
  /** A stream above the bound on concurrent ones was refused. */
  refused(): void;
}

/** What one connection is and may do. */
export interface Http2ConnectionInit {
  readonly downstream: Downstream;
  readonly limits: ConnectionLimits;
  readonly meter: Http2Meter;
}

/**
 * One client connection that speaks HTTP/2: each stream is a request of its own. A stream counts until its
 * request has been dealt with, not until the client resets it: so resetting brings no further work about
 * than the bound on streams allows.
 */
export class Http2ServerConnection implements SessionOwner, Watch {
  /** Always due: the sweep looks after the time limits of the connection and all its streams. */
  dueMs = 0;
  readonly session: Session;
  readonly deps: ConnectionDeps;
  readonly limits: ConnectionLimits;
  readonly downstream: Downstream;

  readonly #meter: Http2Meter;
  /** Requests that are being answered. */
  #active = 0;
  #idleSinceMs: number;
  #draining: "no" | "announced" | "final" = "no";
  #drainDueMs = Infinity;

  constructor(socket: Socket, init: Http2ConnectionInit, deps: ConnectionDeps) {
    this.deps = deps;
    this.downstream = init.downstream;
    this.limits = init.limits;
    this.#meter = init.meter;
    this.#idleSinceMs = deps.clock.nowMs();
    this.session = new Session(socket, {
      side: "server",
      clock: deps.clock,
      limits: init.limits.head,
      windows: { stream: SERVER_STREAM_WINDOW_BYTES, connection: SERVER_CONNECTION_WINDOW_BYTES },
      concurrentStreams: init.limits.streamsMax,
    }, this);
  }

  get isIdle(): boolean {
    return this.#active === 0;
  }

  /** Serves the connection until it ends. Never rejects. `early` begins with the client's preface. */
  async run(early: Uint8Array): Promise<void> {
    const { deadlines } = this.deps;
    deadlines.add(this);
    this.#meter.opened();
    try {
      await this.session.run(early);
    } finally {
      deadlines.remove(this);
      this.#meter.closed();
    }
  }

  /** Finishes the requests at hand, and those under way to us, then closes. */
  drain(): void {
    if (this.#draining !== "no" || this.session.isOver) return;
    this.#draining = "announced";
    this.#drainDueMs = this.deps.clock.nowMs() + DRAIN_GRACE_MS;
    // What the client sent before it has read this is still taken: the answer to the PING tells when that is over.
    this.session.sender.goaway(STREAM_ID_MAX, H2_ERROR.noError);
    this.session.sender.ping(PING_PAYLOAD, 0);
  }

  /** Cuts the connection; requests at hand are aborted. */
  abort(): void {
    this.session.close("the proxy is ending");
  }

  opened(stream: Http2Stream, block: HeaderBlock): void {
    const isOver = this.#active >= this.limits.streamsMax;
    if (this.#draining === "final" || isOver) {
      if (isOver) this.#meter.refused();
      this.session.guard.spend("closed");
      return this.session.reset(stream, H2_ERROR.refusedStream);
    }
    this.#active++;
    void new Http2Exchange(this, stream).run(block).finally(() => this.#ended());
    if (this.downstream.requestsServed >= this.limits.requestsMax) this.drain();
  }

  changed(): void {
    // The peer's settings bear on what is sent, which looks at them itself.
  }

  leaving(): void {
    // A client that says so opens nothing more, and closes when it has its answers.
  }

  ponged(): void {
    if (this.#draining === "announced") this.#refuseNew();
  }

  flooded(kind: FloodKind): void {
    this.#meter.flooded(kind);
  }

  /** Called by every sweep. */
  expire(): void {
    this.dueMs = 0;
    const { session, limits } = this;
    const now = this.deps.clock.nowMs();
    for (const stream of session.streams.values()) stream.owner?.check(now);
    if (now >= this.#drainDueMs && this.#draining === "announced") this.#refuseNew();
    const isStuck = now - session.sender.output.stalledSinceMs >= limits.sendTimeoutMs ||
      now - session.assemblingSinceMs >= limits.headTimeoutMs;
    if (isStuck) return session.close("the client is too slow");
    if (this.#active > 0) return;
    const patienceMs = this.downstream.requestsServed === 0 ? limits.headTimeoutMs : limits.idleTimeoutMs;
    if (now - this.#idleSinceMs < patienceMs) return;
    if (session.isOver) return session.close("the client does not close");
    session.sender.goaway(session.lastPeerId, H2_ERROR.noError);
    session.closeGently();
  }

  /** The context of a request whose head could not be read. */
  unreadable(startedMs: number): RequestContext {
    const head = {
      method: "-",
      target: "-",
      host: "",
      authority: "",
      minor: 1 as const,
      major: 2 as const,
      headers: new HeaderList(),
    };
    return new RequestContext({
      head,
      body: null,
      downstream: this.downstream,
      startedMs,
      bodyBytesMax: 0,
    });
  }

  #refuseNew(): void {
    this.#draining = "final";
    this.session.sender.goaway(this.session.lastPeerId, H2_ERROR.noError);
    if (this.#active === 0) this.session.closeGently();
  }

  #ended(): void {
    this.#active--;
    if (this.#active > 0) return;
    this.#idleSinceMs = this.deps.deadlines.coarseMs;
    if (this.#draining === "final") this.session.closeGently();
  }
}
