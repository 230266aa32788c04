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

/** The longest delay a timer takes; longer ones fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

async function connectPlain({ address }: ConnectOptions, signal: AbortSignal): Promise<Deno.Conn> {
  try {
    if (address.type === "unix") {
      return await unlessAborted(Deno.connect({ transport: "unix", path: address.path }), signal);
    }
    const connection = await unlessAborted(
      Deno.connect({ hostname: address.host, port: address.port, signal }),
      signal,
    );
    connection.setNoDelay(true);
    return connection;
  } catch (cause) {
    throw new ProxyError("upstream_connect_failed", describe(cause), { cause });
  }
}

/** The connection, unless the signal comes first; one that comes too late is closed. */
async function unlessAborted<T extends Deno.Conn>(opening: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new Deno.errors.TimedOut("the connection took too long"));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([opening, aborted]);
  } catch (cause) {
    opening.then((connection) => connection.close(), () => {});
    throw cause;
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
