import type { CidrSet } from "../core/cidr.ts";
import type { Downstream } from "../core/context.ts";
import type { Deadlines, Watch } from "../core/deadlines.ts";
import type { Log, Socket, SocketListener } from "../core/ports.ts";
import { HandshakeError, type HandshakeFailure, type TlsServer, type TlsSession } from "../core/tls.ts";
import { statusText } from "../http1/status_text.ts";
import type { Admission, Rejection } from "./admission.ts";
import { Connection, type ConnectionDeps, type ListenerProtocol } from "./connection.ts";
import { type Http2Meter, Http2ServerConnection } from "./http2_connection.ts";
import type { ConnectionLimits } from "./limits.ts";
import { parseProxyHeader, type ProxyHeader } from "./proxy_protocol.ts";
import { TunnelConnection } from "./tunnel_connection.ts";

/** Connections being told that there is no room; beyond this many they are just closed. */
const REJECTING_MAX = 256;
/** How long a turned-away client is waited for, so that it can read why. */
const REJECT_LINGER_MS = 1000;
/** How long a drain waits for handshakes and PROXY headers under way when it began: as long as for a first request. */
const DRAIN_OPENING_MS = 1000;
/** Room for the longest PROXY header that is accepted. */
const PROXY_HEADER_BYTES = 2304;

/** What a listener does with new connections; replaced on reload. */
export interface ListenerSettings {
  readonly id: string;
  readonly namespace: string | undefined;
  readonly protocol: ListenerProtocol;
  readonly limits: ConnectionLimits;
  /** Peers whose forwarding headers are believed. */
  readonly trusted: CidrSet;
  /** Peers that send a PROXY header first; empty means nobody does. */
  readonly proxyHeaderFrom: CidrSet;
  /** How TLS is spoken; null on listeners without it. */
  readonly tls: TlsSettings | null;
}

/** TLS of a listener. */
export interface TlsSettings {
  readonly server: TlsServer;
  /** Time for the whole handshake. */
  readonly handshakeTimeoutMs: number;
  /** Handshakes under way at once; more connections are cut. */
  readonly handshakesMax: number;
}

/** What application protocols a listener with TLS offers (ALPN), its favourite first. */
export const APPLICATION_PROTOCOLS: readonly string[] = ["h2", "http/1.1"];

/** Told of what happens at a listener, for metrics. */
export interface AcceptorEvents {
  accepted(): void;
  rejected(reason: Rejection | "proxy_header"): void;
  /** A handshake is complete. */
  handshaken(session: TlsSession, durationMs: number): void;
  /** A handshake came to nothing. */
  handshakeFailed(failure: HandshakeFailure): void;
  closed(): void;
}

/** What an acceptor needs besides its socket. */
export interface AcceptorDeps {
  readonly connections: ConnectionDeps;
  readonly deadlines: Deadlines;
  readonly admission: Admission;
  readonly events: AcceptorEvents;
  readonly http2: Http2Meter;
  readonly log: Log;
}

type Served = Connection | Http2ServerConnection | TunnelConnection;

type OpenDownstream = { -readonly [K in keyof Downstream]: Downstream[K] };

/** One listening socket and the connections it accepted. */
export class Acceptor {
  readonly socket: SocketListener;
  #settings: ListenerSettings;
  readonly #deps: AcceptorDeps;
  readonly #connections = new Map<Served, OpenDownstream>();
  /** Accepted, but the PROXY header that is due has not come yet, or the handshake is not done. */
  readonly #opening = new Set<Socket>();
  /** Connections that were taken in and have not ended, those above included. */
  #present = 0;
  #rejecting = 0;
  #handshakes = 0;
  #draining = false;
  #drained: Promise<void> | null = null;
  #emptied: (() => void) | null = null;

  constructor(socket: SocketListener, settings: ListenerSettings, deps: AcceptorDeps) {
    this.socket = socket;
    this.#settings = settings;
    this.#deps = deps;
  }

  /** What new connections follow. */
  get settings(): ListenerSettings {
    return this.#settings;
  }

  /** Open connections. */
  get size(): number {
    return this.#connections.size;
  }

  /**
   * New connections follow these settings; open ones keep their limits but belong to the new listener. Where another
   * way in leads to it, they finish what they are at: who is still welcome comes anew.
   */
  update(settings: ListenerSettings): void {
    const isSameWayIn = wayIn(this.#settings) === wayIn(settings);
    this.#settings = settings;
    for (const [connection, downstream] of this.#connections) {
      adopt(downstream, settings);
      // A tunnel is a request that was let in.
      if (!isSameWayIn && !(connection instanceof TunnelConnection)) this.#endSoon(connection);
    }
  }

  /** Accepts until the socket is closed. */
  async run(): Promise<void> {
    while (true) {
      const socket = await this.socket.accept();
      if (socket === null) return;
      // Never rejects: a connection's failures are its own.
      void this.#serve(socket);
    }
  }

  /** Stops accepting, lets requests finish; resolves when no connection is left. May be asked for again. */
  drain(): Promise<void> {
    return this.#drained ??= this.#drain();
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    for (const connection of this.#connections.keys()) this.#endSoon(connection);
    // Closing hands out what the kernel has queued first, so connections may still come meanwhile.
    await this.socket.close();
    if (this.#present === 0) return;
    const { deadlines, connections: { clock } } = this.#deps;
    const watch: Watch = { dueMs: clock.nowMs() + DRAIN_OPENING_MS, expire: () => this.#cutOpening() };
    deadlines.add(watch);
    await new Promise<void>((resolve) => this.#emptied = resolve);
    deadlines.remove(watch);
  }

  /** Cuts what is still open, also what has yet to send its PROXY header; the number of connections that had a request under way. */
  abort(): number {
    this.#cutOpening();
    let busy = 0;
    for (const connection of this.#connections.keys()) {
      if (!connection.isIdle) busy++;
      this.#cut(connection);
    }
    return busy;
  }

  /** Lets a connection finish. Never throws, as the others are to hear of it too. */
  #endSoon(connection: Served): void {
    try {
      connection.drain();
    } catch (cause) {
      this.#deps.log("error", "A connection failed", { cause: String(cause) });
      this.#cut(connection);
    }
  }

  /** Never throws either. */
  #cut(connection: Served): void {
    try {
      connection.abort();
    } catch (cause) {
      this.#deps.log("error", "A connection failed", { cause: String(cause) });
    }
  }

  #cutOpening(): void {
    for (const socket of this.#opening) socket.close();
  }

  async #serve(socket: Socket): Promise<void> {
    const { admission } = this.#deps;
    const settings = this.#settings;
    const peerIp = socket.remote.type === "ip" ? socket.remote.ip : "";
    // Who sends PROXY headers brings many clients: the one that the header names is counted.
    let countedIp: string | null = sendsProxyHeader(socket, settings) ? "" : peerIp;
    const admitted = admission.admit(countedIp, settings.id);
    if (admitted !== "admitted") return this.#reject(socket, admitted);
    this.#deps.events.accepted();
    this.#present++;
    this.#opening.add(socket);
    let connection: Connection | null = null;
    let isTunnel = false;
    /** What closes everything. */
    let outer = socket;
    try {
      const opened = sendsProxyHeader(socket, settings)
        ? await this.#openProxied(socket, settings)
        : this.#open(socket, settings);
      this.#opening.delete(socket);
      if (opened === null) return;
      if (opened.proxiedIp !== undefined) {
        admission.release(countedIp, settings.id);
        countedIp = null;
        const verdict = admission.admit(opened.proxiedIp, settings.id);
        if (verdict !== "admitted") return await this.#reject(socket, verdict);
        countedIp = opened.proxiedIp;
      }
      const entered = settings.tls === null ? opened : await this.#secure(opened, settings.tls);
      if (entered === null) return;
      outer = entered.socket;
      connection = this.#begin(entered, settings);
      await connection.run();
      if (connection.http2 !== null) await this.#runHttp2(entered, connection);
      const { tunnel } = connection;
      if (tunnel !== null) {
        isTunnel = true;
        this.#runTunnel(tunnel, entered.downstream, () => this.#left(countedIp, settings.id));
      }
    } catch (cause) {
      this.#deps.log("error", "A connection failed", { cause: String(cause) });
      outer.close();
    } finally {
      this.#opening.delete(socket);
      if (connection !== null) this.#connections.delete(connection);
      if (!isTunnel) this.#left(countedIp, settings.id);
    }
  }

  /** A connection that was accepted is gone. */
  #left(countedIp: string | null, listenerId: string): void {
    if (countedIp !== null) this.#deps.admission.release(countedIp, listenerId);
    this.#deps.events.closed();
    if (--this.#present === 0) this.#emptied?.();
  }

  #open(socket: Socket, settings: ListenerSettings): Opened {
    const { remote } = socket;
    const { address } = this.socket;
    const peerIp = remote.type === "ip" ? remote.ip : "";
    const downstream: OpenDownstream = {
      listenerId: settings.id,
      namespace: settings.namespace,
      scheme: settings.tls === null ? "http" : "https",
      tls: null,
      localPort: address.type === "ip" ? address.port : 0,
      peerIp,
      peerPort: remote.type === "ip" ? remote.port : 0,
      peerTrusted: remote.type === "unix" ? false : settings.trusted.has(peerIp),
      requestsServed: 0,
      hopLines: undefined,
    };
    return { socket, downstream, early: null, proxiedIp: undefined };
  }

  /** The connection, with the client's real address; null when the PROXY header that was due did not come. */
  async #openProxied(socket: Socket, settings: ListenerSettings): Promise<Opened | null> {
    const received = await this.#readProxyHeader(socket, settings.limits.headTimeoutMs);
    if (received === null) {
      this.#deps.events.rejected("proxy_header");
      socket.close();
      return null;
    }
    const { header, rest } = received;
    const opened = this.#open(socket, settings);
    if (header.type !== "proxied") return { ...opened, early: rest };
    const { downstream } = opened;
    downstream.peerIp = header.ip;
    downstream.peerPort = header.port;
    downstream.peerTrusted = socket.remote.type === "unix" ? false : settings.trusted.has(header.ip);
    return { ...opened, early: rest, proxiedIp: header.ip };
  }

  /** The connection behind its handshake; null when nothing came of that. */
  async #secure(opened: Opened, tls: TlsSettings): Promise<Opened | null> {
    const session = await this.#shakeHands(opened, tls);
    if (session === null) return null;
    opened.downstream.tls = session.facts;
    return { ...opened, socket: session.socket, early: null };
  }

  /** What a connection speaks: with TLS what was agreed upon, and HTTP/1.1 with who offered nothing. */
  #protocolOf({ tls }: Downstream): ListenerProtocol {
    if (tls === null) return this.#settings.protocol;
    return tls.protocol === "h2" ? "h2c" : "http1";
  }

  /** The connection after its handshake; null when there was none, the socket being closed then. */
  async #shakeHands({ socket, early }: Opened, tls: TlsSettings): Promise<TlsSession | null> {
    const { deadlines, events, log, connections: { clock } } = this.#deps;
    if (this.#handshakes >= tls.handshakesMax) {
      events.handshakeFailed("overloaded");
      socket.close();
      return null;
    }
    const startedMs = clock.nowMs();
    let late = false;
    const expire = () => {
      late = true;
      socket.close();
    };
    const watch: Watch = { dueMs: deadlines.coarseMs + tls.handshakeTimeoutMs, expire };
    deadlines.add(watch);
    this.#handshakes++;
    this.#opening.add(socket);
    try {
      const session = await tls.server.handshake(socket, early);
      events.handshaken(session, clock.nowMs() - startedMs);
      return session;
    } catch (cause) {
      socket.close();
      const failure = late ? "timeout" : cause instanceof HandshakeError ? cause.failure : "other";
      events.handshakeFailed(failure);
      log(failure === "other" ? "warn" : "debug", "A TLS handshake failed", {
        listener: this.#settings.id,
        failure,
        cause: cause instanceof Error ? cause.message : String(cause),
      });
      return null;
    } finally {
      deadlines.remove(watch);
      this.#handshakes--;
      this.#opening.delete(socket);
    }
  }

  /** A connection that came when those settings held; they may have changed while it was opened. */
  #begin({ socket, downstream, early }: Opened, settings: ListenerSettings): Connection {
    const { limits } = this.#settings;
    if (settings !== this.#settings) adopt(downstream, this.#settings);
    const init = { downstream, limits, protocol: this.#protocolOf(downstream) };
    const connection = new Connection(socket, init, this.#deps.connections);
    if (early !== null) connection.input.preload(early);
    this.#connections.set(connection, downstream);
    // The listener may have begun to drain while a PROXY header was awaited.
    if (this.#draining || wayIn(settings) !== wayIn(this.#settings)) this.#endSoon(connection);
    return connection;
  }

  /** Goes on with a client that has left HTTP. Not awaited by anybody, as that would hold on to all that came before. */
  #runTunnel(tunnel: TunnelConnection, downstream: OpenDownstream, left: () => void): void {
    this.#connections.set(tunnel, downstream);
    const running = tunnel.run();
    if (this.#draining) this.#endSoon(tunnel);
    running.catch((cause) => this.#deps.log("error", "A connection failed", { cause: String(cause) }))
      .then(() => {
        this.#connections.delete(tunnel);
        left();
      });
  }

  /** Goes on with a client that speaks HTTP/2. */
  async #runHttp2(
    { socket, downstream }: Opened,
    { limits, http2: early, isDraining }: Connection,
  ): Promise<void> {
    const init = { downstream, limits, meter: this.#deps.http2 };
    const connection = new Http2ServerConnection(socket, init, this.#deps.connections);
    this.#connections.set(connection, downstream);
    try {
      const running = connection.run(early!);
      if (this.#draining || isDraining) this.#endSoon(connection);
      await running;
    } finally {
      this.#connections.delete(connection);
    }
  }

  async #readProxyHeader(
    socket: Socket,
    timeoutMs: number,
  ): Promise<{ readonly header: ProxyHeader; readonly rest: Uint8Array } | null> {
    const { deadlines } = this.#deps;
    const watch: Watch = { dueMs: deadlines.coarseMs + timeoutMs, expire: () => socket.close() };
    deadlines.add(watch);
    const buffer = new Uint8Array(PROXY_HEADER_BYTES);
    let filled = 0;
    try {
      while (filled < buffer.length) {
        const count = await socket.read(buffer.subarray(filled));
        if (count === 0) return null;
        filled += count;
        const header = parseProxyHeader(buffer.subarray(0, filled));
        if (header === "invalid") return null;
        if (header !== "more") return { header, rest: buffer.subarray(header.bytes, filled) };
      }
      return null;
    } catch {
      return null;
    } finally {
      deadlines.remove(watch);
    }
  }

  /** Says why in HTTP, as far as there is room even for that. */
  async #reject(socket: Socket, reason: Rejection): Promise<void> {
    this.#deps.events.rejected(reason);
    // Behind TLS it could only be said after a handshake, which is what there is no room for.
    if (this.#settings.tls !== null || this.#rejecting >= REJECTING_MAX) return socket.close();
    this.#rejecting++;
    const { deadlines } = this.#deps;
    const watch: Watch = { dueMs: deadlines.coarseMs + REJECT_LINGER_MS, expire: () => socket.close() };
    deadlines.add(watch);
    try {
      await socket.write(REJECTIONS[reason]);
      await socket.closeWrite();
      const sink = new Uint8Array(1024);
      while (await socket.read(sink) > 0);
    } catch {
      // The client went first, or took too long.
    } finally {
      deadlines.remove(watch);
      socket.close();
      this.#rejecting--;
    }
  }
}

/** A connection that is ready to be served. */
interface Opened {
  readonly socket: Socket;
  readonly downstream: OpenDownstream;
  /** Bytes that came with the PROXY header. */
  readonly early: Uint8Array | null;
  /** The client that a PROXY header named. */
  readonly proxiedIp: string | undefined;
}

/** What stands between clients and a listener's routes. */
function wayIn({ tls }: ListenerSettings): string {
  return tls === null ? "plain" : `tls ${tls.server.admission}`;
}

/** A connection belongs to a listener as it is now. */
function adopt(downstream: OpenDownstream, settings: ListenerSettings): void {
  downstream.listenerId = settings.id;
  downstream.namespace = settings.namespace;
  // Trust can be withdrawn from open connections; a peer becomes trusted with its next connection.
  downstream.peerTrusted &&= settings.trusted.has(downstream.peerIp);
}

/** Whether the connection begins with a PROXY header. */
function sendsProxyHeader({ remote }: Socket, { proxyHeaderFrom }: ListenerSettings): boolean {
  if (proxyHeaderFrom.isEmpty) return false;
  return remote.type === "unix" || proxyHeaderFrom.has(remote.ip);
}

const REJECTIONS: Readonly<Record<Rejection, Uint8Array>> = {
  total_connections: rejection(503, "The proxy is at its connection limit"),
  listener_connections: rejection(503, "The listener is at its connection limit"),
  client_connections: rejection(429, "Too many connections from this address"),
  draining: rejection(503, "The proxy is shutting down"),
};

function rejection(status: number, text: string): Uint8Array {
  return new TextEncoder().encode(
    `HTTP/1.1 ${status} ${statusText(status)}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${text.length + 1}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n${text}\n`,
  );
}
