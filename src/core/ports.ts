/** The outside world, as the rooms below `server/` see it. `server/platform.ts` and the test fakes implement it. */

import type { Decompress } from "./decompress.ts";

/** A duplex byte stream. All calls may reject once the peer resets or after `close`. */
export interface Socket {
  /** Reads at least one byte into `buffer`, which must not be empty; the count, or 0 at the end of the stream. */
  read(buffer: Uint8Array): Promise<number>;
  /** Writes some of `bytes`; the count written, which may be less than asked. */
  write(bytes: Uint8Array): Promise<number>;
  /** Sends FIN and keeps reading. */
  closeWrite(): Promise<void>;
  /** Closes both ways; pending calls reject. Safe to call twice. */
  close(): void;
  /** Who is at the other end. */
  readonly remote: Address;
  /** What the two sides of a TLS connection agreed to speak (ALPN); undefined when they did not say. */
  readonly protocol?: string | undefined;
}

/** Where a socket ends: an IP endpoint, or a path for Unix sockets. */
export type Address =
  | { readonly type: "ip"; readonly ip: string; readonly port: number }
  | { readonly type: "unix"; readonly path: string };

/** What a connection to an upstream needs. */
export interface ConnectOptions {
  readonly address: { readonly type: "ip"; readonly host: string; readonly port: number } | {
    readonly type: "unix";
    readonly path: string;
  };
  readonly tls?: TlsClientOptions;
  /**
   * Names are looked up once, and only addresses that this says yes to are connected to. Rejects with
   * `connect_target_refused` when there is none. Left out, the system connects to whatever the name stands for.
   */
  readonly mayConnect?: (ip: string) => boolean;
  /** Rejects with `upstream_connect_timeout` past this. TLS handshake included. */
  readonly timeoutMs: number;
}

export interface TlsClientOptions {
  /** Name sent as SNI and checked against the certificate. */
  readonly serverName: string;
  /** PEM certificates trusted instead of the system's; empty means the system's. */
  readonly caCerts: readonly string[];
  readonly clientCert?: { readonly cert: string; readonly key: string };
  /** Any certificate is taken, for any name. */
  readonly skipVerify?: boolean;
  /** What is offered to be spoken (ALPN), the best first; HTTP/1.1 alone when left out. */
  readonly alpn?: readonly string[];
}

/** Opens sockets to upstreams. Rejects with `ProxyError` (`upstream_connect_*`, `upstream_tls_failed`). */
export interface Dialer {
  connect(options: ConnectOptions): Promise<Socket>;
}

/** A bound socket that hands out the connections of clients. */
export interface SocketListener {
  /** Where it is bound; the port is the real one when 0 was asked for. */
  readonly address: Address;
  /**
   * The next connection, or null once the listener is closed and its queue is empty. Never rejects:
   * running out of descriptors and the like are logged and waited out inside.
   */
  accept(): Promise<Socket | null>;
  /**
   * Hands out what the kernel has queued already, then closes; resolves when the address is free.
   * Keep calling `accept` until it gives null, else queued clients are reset. Safe to call twice.
   */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** Whether other threads bind the same address; ignored for Unix sockets, which only one thread can own. */
  readonly reusePort: boolean;
  /** Permissions of a Unix socket's file; 0o660 by default. */
  readonly mode?: number;
}

/** Binds a listening socket. Rejects with a readable message that names the address (busy, not allowed, …). */
export interface Listen {
  (address: Address, options: ListenOptions): Promise<SocketListener>;
}

export interface Clock {
  /** Monotonic milliseconds with fractions; for durations and deadlines. */
  nowMs(): number;
  /** Unix time in milliseconds; for logs and dates. */
  wallMs(): number;
}

/** Unpredictable numbers. */
export interface Random {
  /** A uniform integer in [0, 2^32). */
  u32(): number;
}

export interface Timers {
  /** Calls `run` once after `ms`; the result cancels it. */
  after(ms: number, run: () => void): () => void;
  /** Calls `run` every `ms` until cancelled. Does not keep the process alive. */
  every(ms: number, run: () => void): () => void;
}

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** Application log: one event, its fields as data. Never blocks. */
export interface Log {
  (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Everything together. Take only what you need: `Pick<Ports, "clock" | "log">`. */
export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly dialer: Dialer;
  readonly listen: Listen;
  readonly log: Log;
  /** Left out where nothing can decode; what needs it cannot be configured there. */
  readonly decompress?: Decompress;
}
