import type { Deadlines, Watch } from "../core/deadlines.ts";
import { ProxyError, toProxyError } from "../core/errors.ts";
import type { Clock, ConnectOptions, Dialer, Socket } from "../core/ports.ts";
import { Http2Connection, type Http2ConnectionOwner, type Http2Limits } from "./http2_connection.ts";
import type { PoolTarget, Want } from "./pool.ts";

/** How long a target that chose HTTP/1.1 is not asked again. */
const HTTP1_REMEMBERED_MS = 60_000;

/** Bounds of one pool; they may change while it lives. Connections keep those they were opened with. */
export interface Http2PoolLimits extends Http2Limits {
  /** Connections open or being opened. */
  readonly connectionsMax: number;
  /** Requests that wait for a place on one. */
  readonly queueMax: number;
}

/** What a pool needs besides its target. */
export interface Http2PoolDeps {
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** Takes a connection whose other side chose HTTP/1.1. */
  readonly adopt: (socket: Socket) => void;
}

interface Waiter extends Watch {
  readonly resolve: (connection: Http2Connection | null) => void;
  readonly reject: (error: ProxyError) => void;
}

/**
 * The HTTP/2 connections to one target. Requests share the first that has room; another one is opened when
 * all are full, up to the bound, and then requests wait in order.
 */
export class Http2Pool implements Http2ConnectionOwner {
  /** Places lent so far; a counter for metrics. */
  acquired = 0;

  readonly #target: PoolTarget;
  readonly #deps: Http2PoolDeps;
  #limits: Http2PoolLimits;
  /** Connections that take requests, and those that finish what they have. */
  readonly #open = new Set<Http2Connection>();
  readonly #leaving = new Set<Http2Connection>();
  readonly #waiters = new Set<Waiter>();
  #dialing = 0;
  /** `Clock.nowMs` until which the target is taken to speak HTTP/1.1. */
  #http1UntilMs = -Infinity;
  #retired = false;

  constructor(target: PoolTarget, limits: Http2PoolLimits, deps: Http2PoolDeps) {
    this.#target = target;
    this.#limits = limits;
    this.#deps = deps;
  }

  /** Connections open or being opened. */
  get size(): number {
    return this.#open.size + this.#leaving.size + this.#dialing;
  }

  /** Connections without a stream. */
  get idle(): number {
    let count = 0;
    for (const { busy } of this.#open) if (busy === 0) count++;
    return count;
  }

  /** Connections with streams. */
  get busy(): number {
    return this.#open.size + this.#leaving.size - this.idle;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** Whether requests should go over HTTP/1.1 for now: the target has chosen that when it was asked last. */
  get isHttp1(): boolean {
    return this.#http1UntilMs > this.#deps.deadlines.coarseMs;
  }

  configure(limits: Http2PoolLimits): void {
    this.#limits = limits;
  }

  /** A place on a connection that has room; undefined when none has. */
  take(): Http2Connection | undefined {
    for (const connection of this.#open) if (connection.room > 0) return this.#lend(connection);
    return undefined;
  }

  /** Waits for a place; null when the target chose HTTP/1.1. Rejects with `ProxyError`. */
  wait(want: Want): Promise<Http2Connection | null> {
    const { connectionsMax, queueMax, streamsMax } = this.#limits;
    const coming = (this.#dialing + Math.max(0, connectionsMax - this.size)) * streamsMax;
    if (this.#waiters.size >= coming + queueMax) {
      const { address } = this.#target;
      const error = new ProxyError("upstream_queue_full", `${this.size} connections to ${address} are full`);
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        dueMs: this.#deps.clock.nowMs() + want.timeoutMs,
        expire: () => this.#giveUp(waiter, this.#timedOut()),
        resolve,
        reject,
      };
      this.#waiters.add(waiter);
      this.#deps.deadlines.add(waiter);
      want.onWait((cause) =>
        this.#giveUp(waiter, new ProxyError(cause, "abandoned while waiting to connect"))
      );
      this.#dialForWaiters();
    });
  }

  /** No request will come any more: closes what is idle, the rest with its last stream. */
  retire(): void {
    this.#retired = true;
    for (const connection of [...this.#open]) connection.leave();
  }

  roomier(connection: Http2Connection): void {
    while (connection.room > 0) {
      const waiter = this.#nextWaiter();
      if (waiter === undefined) return;
      waiter.resolve(this.#lend(connection));
    }
  }

  leaving(connection: Http2Connection): void {
    if (this.#open.delete(connection)) this.#leaving.add(connection);
    this.#dialForWaiters();
  }

  closed(connection: Http2Connection): void {
    this.#open.delete(connection);
    this.#leaving.delete(connection);
    this.#dialForWaiters();
  }

  #lend(connection: Http2Connection): Http2Connection {
    this.acquired++;
    return connection.lend();
  }

  #timedOut(): ProxyError {
    if (this.#dialing > 0) return this.#connectTimedOut();
    return new ProxyError("upstream_queue_full", `no connection to ${this.#target.address} had room in time`);
  }

  #connectTimedOut(): ProxyError {
    const { address } = this.#target;
    return new ProxyError("upstream_connect_timeout", `${address} did not accept a connection in time`);
  }

  #giveUp(waiter: Waiter, error: ProxyError): void {
    if (!this.#waiters.delete(waiter)) return;
    this.#deps.deadlines.remove(waiter);
    waiter.reject(error);
  }

  #nextWaiter(): Waiter | undefined {
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      this.#deps.deadlines.remove(waiter);
      return waiter;
    }
    return undefined;
  }

  /** Opens as many connections as those who wait will fill, within the bound. */
  #dialForWaiters(): void {
    const { connectionsMax, streamsMax } = this.#limits;
    while (this.#dialing * streamsMax < this.#waiters.size && this.size < connectionsMax) this.#dial();
  }

  #dial(): void {
    this.#dialing++;
    this.#deps.dialer.connect(this.#dialOptions()).then(
      (socket) => this.#connected(socket),
      (cause: unknown) => this.#dialFailed(toProxyError(cause)),
    );
  }

  #dialOptions(): ConnectOptions {
    const { endpoint, tls, protocol } = this.#target;
    let dueMs = 0;
    // A dial serves whoever is first when it ends, so it may take as long as the most patient would wait.
    for (const waiter of this.#waiters) dueMs = Math.max(dueMs, waiter.dueMs);
    const timeoutMs = Math.max(1, dueMs - this.#deps.clock.nowMs());
    if (tls === undefined) return { address: endpoint, timeoutMs };
    const alpn = protocol === "h2" ? ["h2"] : ["h2", "http/1.1"];
    return { address: endpoint, tls: { ...tls, alpn }, timeoutMs };
  }

  #connected(socket: Socket): void {
    const { tls, protocol, address } = this.#target;
    if (tls !== undefined && socket.protocol !== "h2") {
      if (protocol === "h2") {
        socket.close();
        return this.#dialFailed(new ProxyError("upstream_tls_failed", `${address} does not offer HTTP/2`));
      }
      return this.#choseHttp1(socket);
    }
    this.#dialing--;
    const connection = new Http2Connection(socket, { owner: this, limits: this.#limits }, this.#deps);
    this.#open.add(connection);
    this.roomier(connection);
    // Requests of the snapshot that went have waited for it; nobody else will come.
    if (this.#retired) connection.leave();
    this.#dialForWaiters();
  }

  #choseHttp1(socket: Socket): void {
    this.#dialing--;
    this.#http1UntilMs = this.#deps.clock.nowMs() + HTTP1_REMEMBERED_MS;
    this.#deps.adopt(socket);
    for (let waiter = this.#nextWaiter(); waiter !== undefined; waiter = this.#nextWaiter()) {
      waiter.resolve(null);
    }
  }

  /** Everybody whom the connection would have served is told; a timeout is for each to find out. */
  #dialFailed(error: ProxyError): void {
    this.#dialing--;
    if (error.code !== "upstream_connect_timeout") {
      for (let told = 0; told < this.#limits.streamsMax; told++) {
        const waiter = this.#nextWaiter();
        if (waiter === undefined) break;
        waiter.reject(error);
      }
    } else {
      this.#expireNow();
    }
    this.#dialForWaiters();
  }

  /** Who has run out of time need not wait for the next sweep. */
  #expireNow(): void {
    const now = this.#deps.clock.nowMs();
    for (const waiter of [...this.#waiters]) {
      if (waiter.dueMs <= now) this.#giveUp(waiter, this.#connectTimedOut());
    }
  }
}
