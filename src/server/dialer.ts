import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { ProxyError } from "../core/errors.ts";
import type { ConnectOptions, Dialer, Socket, TlsClientOptions } from "../core/ports.ts";
import { type DenoConnection, DenoSocket } from "./deno_socket.ts";
import { connectNodeTls } from "./node_tls_socket.ts";

/** Opens upstream connections on Deno's sockets. Rejects with `upstream_connect_*` or `upstream_tls_failed`. */
export function createDialer(): Dialer {
  return { connect };
}

async function connect(options: ConnectOptions): Promise<Socket> {
  const abort = new AbortController();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    abort.abort();
  }, Math.min(options.timeoutMs, TIMER_MS_MAX));
  try {
    const { address, tls } = options;
    // Deno's own `caCerts` come on top of the system's authorities, and `startTls` takes no client
    // certificate: where either is configured, node's implementation does it.
    // So does it where no certificate is to be verified at all.
    const isSpecial = tls !== undefined &&
      (tls.caCerts.length > 0 || tls.clientCert !== undefined || tls.skipVerify === true);
    if (isSpecial || (tls !== undefined && address.type === "unix")) {
      return await connectNodeTls(address, tls, abort.signal);
    }
    const plain = await connectPlain(options, abort.signal);
    if (tls === undefined) return new DenoSocket(plain);
    const { connection, protocol } = await startTls(plain as Deno.TcpConn, tls, abort.signal);
    return new DenoSocket(connection, { protocol });
  } catch (cause) {
    if (timedOut) {
      throw new ProxyError("upstream_connect_timeout", `no connection within ${options.timeoutMs} ms`, {
        cause,
      });
    }
    throw cause;
  } finally {
    clearTimeout(timer);
  }
}

/** Addresses of a name that are tried, one after the other. */
const ADDRESSES_TRIED_MAX = 3;
/** The longest delay a timer takes; longer ones fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

async function connectPlain(
  { address, mayConnect }: ConnectOptions,
  signal: AbortSignal,
): Promise<Deno.Conn> {
  try {
    if (address.type === "unix") {
      return await unlessAborted(Deno.connect({ transport: "unix", path: address.path }), signal);
    }
    const { host, port } = address;
    const connection = mayConnect === undefined
      ? await unlessAborted(Deno.connect({ hostname: host, port, signal }), signal)
      : await connectToFirst(await allowedAddresses(host, mayConnect, signal), port, signal);
    connection.setNoDelay(true);
    return connection;
  } catch (cause) {
    if (cause instanceof ProxyError) throw cause;
    throw new ProxyError("upstream_connect_failed", describe(cause), { cause });
  }
}

/** What a host stands for, as far as it may be connected to, so that no second look-up can say otherwise. */
async function allowedAddresses(
  host: string,
  mayConnect: (ip: string) => boolean,
  signal: AbortSignal,
): Promise<string[]> {
  const found = isIP(host) !== 0
    ? [host]
    : (await unlessSignalled(lookup(host, { all: true, verbatim: true }), signal)).map(({ address }) =>
      address
    );
  const allowed = found.filter(mayConnect).slice(0, ADDRESSES_TRIED_MAX);
  if (allowed.length > 0) return allowed;
  throw new ProxyError("connect_target_refused", `"${host}" stands for no address that is allowed`);
}

/** A connection to the first of these addresses that takes one. */
async function connectToFirst(
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  let last: unknown;
  for (const hostname of addresses) {
    try {
      return await unlessAborted(Deno.connect({ hostname, port, signal }), signal);
    } catch (cause) {
      if (signal.aborted) throw cause;
      last = cause;
    }
  }
  throw last;
}

/** The connection, unless the signal comes first; one that comes too late is closed. */
async function unlessAborted<T extends Deno.Conn>(opening: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await unlessSignalled(opening, signal);
  } catch (cause) {
    opening.then((connection) => connection.close(), () => {});
    throw cause;
  }
}

/** What the promise brings, unless the signal comes first. */
async function unlessSignalled<T>(opening: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new Deno.errors.TimedOut("the connection took too long"));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([opening, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener("abort", onAbort);
  }
}

/** Speaks TLS on an open connection. */
async function startTls(
  plain: Deno.TcpConn,
  tls: TlsClientOptions,
  signal: AbortSignal,
): Promise<{ readonly connection: DenoConnection; readonly protocol: string | undefined }> {
  let connection: Deno.TlsConn | undefined;
  const close = () => {
    try {
      (connection ?? plain).close();
    } catch {
      // A failed handshake may have closed it already.
    }
  };
  signal.addEventListener("abort", close, { once: true });
  try {
    signal.throwIfAborted();
    const alpnProtocols = [...tls.alpn ?? ["http/1.1"]];
    connection = await Deno.startTls(plain, { hostname: tls.serverName, alpnProtocols });
    const { alpnProtocol } = await connection.handshake();
    return { connection, protocol: alpnProtocol ?? undefined };
  } catch (cause) {
    if (!signal.aborted) close();
    throw new ProxyError("upstream_tls_failed", describe(cause), { cause });
  } finally {
    signal.removeEventListener("abort", close);
  }
}

function describe(cause: unknown): string {
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
}
