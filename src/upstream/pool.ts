import type { Watch } from "../core/deadlines.ts";
import { type ErrorCode, ProxyError, toProxyError } from "../core/errors.ts";
import type { ConnectOptions, Dialer, Socket, TlsClientOptions } from "../core/ports.ts";
import { type ConnectionDeps, type ConnectionOwner, UpstreamConnection } from "./connection.ts";
import type { Http2Bounds } from "./http2_connection.ts";
import { Http2Pool } from "./http2_pool.ts";

/** Where a pool's connections go; with the upstream's id it is the pool's identity. */
export interface PoolTarget {
  readonly upstreamId: string;
  /** `host:port` or `unix:/path`, as configured. */
  readonly address: string;
  readonly endpoint: ConnectOptions["address"];
  readonly tls: TlsClientOptions | undefined;
  /** `auto`: HTTP/2 where the target chooses it, which takes TLS. */
  readonly protocol: UpstreamProtocol;
}

/** What is spoken with a target. */
export type UpstreamProtocol = "http1" | "h2" | "auto";

/** Bounds of one pool; they may change while it lives. */
export interface PoolLimits {
  /** Connections open or being opened. */
  readonly connectionsMax: number;
  /** Connections kept without a request. */
  readonly idleMax: number;
  readonly idleTimeoutMs: number;
  /** Age past which a connection takes no further request; Infinity means any. */
  readonly lifetimeMs: number;
  /** Requests that wait for a connection. */
  readonly queueMax: number;
  /** How long they wait when all connections are busy; Infinity means as long as for connecting. */
  readonly queueTimeoutMs?: number;
  /** Of HTTP/2 connections; needed where they are spoken. */
  readonly http2?: Http2Bounds;
}

/** What a request asks of a pool. */
export interface Want {
  /** Bound on waiting, opening included. */
  readonly timeoutMs: number;
  /** Only a new connection will do, as a kept-alive one has just failed the request. */
  readonly fresh: boolean;
  /** Receives what to call when the request is given up meanwhile. */
  onWait(cancel: (cause: ErrorCode) => void): void;
}

export interface PoolDeps extends ConnectionDeps {
  readonly dialer: Dialer;
}

interface Waiter extends Watch {
  readonly fresh: boolean;
  readonly resolve: (connection: UpstreamConnection) => void;
  readonly reject: (error: ProxyError) => void;
}

/**
 * The connections to one target. The one used last is lent first, so that the others can grow old and
 * go; those who wait are served in order, by whatever comes first: a connection given back or a new one.
 */
export class TargetPool implements ConnectionOwner {
  readonly target: PoolTarget;
  /** The HTTP/2 connections to the same target; null when only HTTP/1.1 is to be spoken. */
  readonly http2: Http2Pool | null;
  /** Connections lent so far; a counter for metrics. */
  acquired = 0;

  readonly #deps: PoolDeps;
  #limits: PoolLimits;
  readonly #idle: UpstreamConnection[] = [];
  readonly #waiters = new Set<Waiter>();
  /** Connections open, lent or idle. */
  #open = 0;
  /** Connections that have left HTTP, not among those: routes bound them, for they would else starve the requests. */
  #tunnels = 0;
  #dialing = 0;
  #retired = false;

  constructor(target: PoolTarget, limits: PoolLimits, deps: PoolDeps) {
    this.target = target;
    this.#limits = limits;
    this.#deps = deps;
    const { http2 } = limits;
    this.http2 = target.protocol === "http1" || http2 === undefined
      ? null
      : new Http2Pool(target, { ...limits, ...http2 }, { ...deps, adopt: (socket) => this.#adopt(socket) });
  }

  /** Connections open or being opened, without tunnels. */
  get size(): number {
    return this.#open + this.#dialing;
  }

  get idle(): number {
    return this.#idle.length;
  }

  /** Connections lent to requests now, tunnels included. */
  get busy(): number {
    return this.#open - this.#idle.length + this.#tunnels;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** Takes new bounds over; connections above them are closed as they come back. */
  configure(limits: PoolLimits): void {
    this.#limits = limits;
    if (limits.http2 !== undefined) this.http2?.configure({ ...limits, ...limits.http2 });
    while (this.#idle.length > limits.idleMax) this.#idle[0]!.close();
  }

  /** The idle connection used last, lent for one exchange; undefined when there is none. */
  take(): UpstreamConnection | undefined {
    const connection = this.#idle.pop();
    return connection === undefined ? undefined : this.#lend(connection);
  }

  /** Waits for a connection: a new one, or one that comes back. Rejects with `ProxyError`. */
  wait(want: Want): Promise<UpstreamConnection> {
    const { connectionsMax, queueMax, queueTimeoutMs = Infinity } = this.#limits;
    if (this.size >= connectionsMax && want.fresh) this.#idle[0]?.close();
    if (this.size >= connectionsMax && this.#waiters.size - this.#dialing >= queueMax) {
      const { address } = this.target;
      const error = new ProxyError("upstream_queue_full", `${this.size} connections to ${address} are busy`);
      return Promise.reject(error);
    }
    const isBusy = this.size >= connectionsMax;
    const timeoutMs = isBusy ? Math.min(want.timeoutMs, queueTimeoutMs) : want.timeoutMs;
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        fresh: want.fresh,
        dueMs: this.#deps.clock.nowMs() + timeoutMs,
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

  /** No request will come any more: closes what is idle now, and the rest when it comes back. */
  retire(): void {
    this.#retired = true;
    this.http2?.retire();
    while (this.#idle.length > 0) this.#idle[this.#idle.length - 1]!.close();
  }

  /** An exchange ended well. */
  finished(connection: UpstreamConnection): void {
    const limits = this.#limits;
    const now = this.#deps.deadlines.coarseMs;
    const endOfLifeMs = connection.openedMs + limits.lifetimeMs;
    if (this.#retired || now >= endOfLifeMs || this.size > limits.connectionsMax) return connection.close();
    const waiter = this.#nextWaiter("used");
    if (waiter !== undefined) return waiter.resolve(this.#lend(connection));
    // Who waits still wants a new connection, and this one may hold the place that it needs.
    if (this.#waiters.size > this.#dialing && this.size >= limits.connectionsMax) return connection.close();
    if (this.#idle.length >= limits.idleMax) return connection.close();
    this.#idle.push(connection);
    connection.park(Math.min(now + limits.idleTimeoutMs, endOfLifeMs));
  }

  switched(): void {
    this.#open--;
    this.#tunnels++;
    this.#dialForWaiters();
  }

  tunnelEnded(): void {
    this.#tunnels--;
  }

  closed(connection: UpstreamConnection): void {
    this.#open--;
    const index = this.#idle.lastIndexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    this.#dialForWaiters();
  }

  #lend(connection: UpstreamConnection): UpstreamConnection {
    this.acquired++;
    connection.lend();
    return connection;
  }

  #timedOut(): ProxyError {
    const { address } = this.target;
    return this.#dialing > 0
      ? new ProxyError("upstream_connect_timeout", `${address} did not accept a connection in time`)
      : new ProxyError("upstream_queue_full", `no connection to ${address} became free in time`);
  }

  #giveUp(waiter: Waiter, error: ProxyError): void {
    if (!this.#waiters.delete(waiter)) return;
    this.#deps.deadlines.remove(waiter);
    waiter.reject(error);
  }

  /** Takes the first waiter that a new or a used connection suits out of the queue. */
  #nextWaiter(connection: "new" | "used"): Waiter | undefined {
    for (const waiter of this.#waiters) {
      if (connection === "used" && waiter.fresh) continue;
      this.#waiters.delete(waiter);
      this.#deps.deadlines.remove(waiter);
      return waiter;
    }
    return undefined;
  }

  /** Opens as many connections as there are waiters without one, within the bound. */
  #dialForWaiters(): void {
    while (this.#dialing < this.#waiters.size && this.size < this.#limits.connectionsMax) this.#dial();
  }

  #dial(): void {
    this.#dialing++;
    const { endpoint, tls } = this.target;
    const timeoutMs = this.#longestWaitMs();
    const options = tls === undefined
      ? { address: endpoint, timeoutMs }
      : { address: endpoint, tls, timeoutMs };
    this.#deps.dialer.connect(options).then(
      (socket) => this.#connected(socket),
      (cause: unknown) => this.#dialFailed(toProxyError(cause)),
    );
  }

  /** A dial serves whoever is first when it ends, so it may take as long as the most patient would wait. */
  #longestWaitMs(): number {
    let dueMs = 0;
    for (const waiter of this.#waiters) dueMs = Math.max(dueMs, waiter.dueMs);
    return Math.max(1, dueMs - this.#deps.clock.nowMs());
  }

  #connected(socket: Socket): void {
    this.#dialing--;
    this.#adopt(socket);
  }

  /** Takes a new connection in: for who waits, or for later. */
  #adopt(socket: Socket): void {
    this.#open++;
    const connection = new UpstreamConnection(socket, this, this.#deps);
    const waiter = this.#nextWaiter("new");
    if (waiter !== undefined) waiter.resolve(this.#lend(connection));
    else this.finished(connection);
  }

  #dialFailed(error: ProxyError): void {
    this.#dialing--;
    // Somebody who came after this dial began, and it timed out, is owed the rest of their time.
    const [first] = this.#waiters;
    const patient = error.code === "upstream_connect_timeout" && first !== undefined &&
      first.dueMs > this.#deps.clock.nowMs();
    if (!patient) this.#nextWaiter("new")?.reject(error);
    this.#dialForWaiters();
  }
}
