import type { Address, Listen, ListenOptions, Log, Socket, SocketListener } from "../core/ports.ts";
import { DenoSocket, formatAddress, toAddress } from "./deno_socket.ts";

/** Permissions of a Unix socket's file when the listener does not say: its owner and group may connect. */
const UNIX_MODE_DEFAULT = 0o660;

/** How long accepting rests after the system refused a connection for want of resources. */
const ACCEPT_REST_MS = 50;

/** How it fails when the client resets the connection before it is accepted: its address cannot be asked for any more. */
const GONE = [Deno.errors.NotConnected, Deno.errors.ConnectionReset, Deno.errors.ConnectionAborted];

/** How often a failing accept is worth a line in the log. */
const ACCEPT_WARNING_INTERVAL_MS = 10_000;

/** Looks at the queue without a new connection after which it counts as empty, and the time between them. */
const QUIET_LOOKS = 3;
const QUIET_LOOK_MS = 5;

/** Clients that keep coming do not keep a closing listener open for longer than this. */
const CLOSE_MAX_MS = 500;

/** Kernel queue of connections not yet accepted; the kernel clamps it to its own maximum. */
const BACKLOG = 4096;

/** Thrown when an address cannot be bound; the message is for people. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** The listening port on Deno's sockets. */
export function createListen(log: Log): Listen {
  return async (address, options) => {
    if (address.type === "unix") await removeStaleSocket(address.path);
    const listener = bind(address, options);
    if (address.type === "unix") Deno.chmodSync(address.path, options.mode ?? UNIX_MODE_DEFAULT);
    return new DenoListener(listener, log);
  };
}

/**
 * Makes sure that nobody else listens on a TCP address. With `reusePort` a second process of the same
 * user would bind without an error and take a share of the connections; an exclusive bind tells.
 */
export function assertFree(address: Address): void {
  if (address.type === "ip" && address.port !== 0) bind(address, { reusePort: false }).close();
}

function bind(address: Address, options: ListenOptions): Deno.Listener {
  try {
    if (address.type === "unix") return Deno.listen({ transport: "unix", path: address.path });
    return Deno.listen({
      hostname: address.ip,
      port: address.port,
      reusePort: options.reusePort,
      tcpBacklog: BACKLOG,
    });
  } catch (cause) {
    throw new ListenError(`Cannot listen on ${formatAddress(address)}: ${explain(cause)}`, { cause });
  }
}

function explain(cause: unknown): string {
  if (cause instanceof Deno.errors.AddrInUse) {
    return "the address is in use by another process; stop it or change the address";
  }
  if (cause instanceof Deno.errors.AddrNotAvailable) return "this machine does not have that address";
  if (cause instanceof Deno.errors.PermissionDenied || cause instanceof Deno.errors.NotCapable) {
    return "permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE";
  }
  return cause instanceof Error ? cause.message : String(cause);
}

/** A socket file survives the crash of its owner. It is removed only when nobody answers on it. */
async function removeStaleSocket(path: string): Promise<void> {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch {
    return;
  }
  if (!info.isSocket) {
    throw new ListenError(`Cannot listen on unix:${path}: a file that is not a socket is there`);
  }
  try {
    const probe = await Deno.connect({ transport: "unix", path });
    probe.close();
  } catch (cause) {
    if (cause instanceof Deno.errors.ConnectionRefused) Deno.removeSync(path);
    return;
  }
  throw new ListenError(`Cannot listen on unix:${path}: another process answers on it`);
}

class DenoListener implements SocketListener {
  readonly address: Address;
  readonly #listener: Deno.Listener;
  readonly #log: Log;
  #closing: Promise<void> | undefined;
  #accepted = 0;
  #lastWarningMs = -Infinity;

  constructor(listener: Deno.Listener, log: Log) {
    this.#listener = listener;
    this.#log = log;
    this.address = toAddress(listener.addr);
  }

  async accept(): Promise<Socket | null> {
    while (true) {
      try {
        const connection = await this.#listener.accept();
        this.#accepted++;
        if ("setNoDelay" in connection) (connection as Deno.TcpConn).setNoDelay(true);
        return new DenoSocket(connection);
      } catch (cause) {
        if (cause instanceof Deno.errors.BadResource || cause instanceof Deno.errors.Interrupted) return null;
        // The client is gone already. A rest here would let a few such clients keep all others waiting.
        if (GONE.some((type) => cause instanceof type)) continue;
        this.#warn(cause);
        await rest(ACCEPT_REST_MS);
      }
    }
  }

  close(): Promise<void> {
    return this.#closing ??= this.#closeWhenQuiet();
  }

  /** The kernel resets what it has queued on a closed socket, so the queue is emptied first. */
  async #closeWhenQuiet(): Promise<void> {
    const dueMs = performance.now() + CLOSE_MAX_MS;
    let seen = this.#accepted;
    for (let quiet = 0; quiet < QUIET_LOOKS && performance.now() < dueMs;) {
      await rest(QUIET_LOOK_MS);
      quiet = seen === this.#accepted ? quiet + 1 : 0;
      seen = this.#accepted;
    }
    // First the file, so that nobody connects to a socket that is about to be gone, nor finds its remains.
    if (this.address.type === "unix") removeIfThere(this.address.path);
    this.#listener.close();
  }

  #warn(cause: unknown): void {
    const now = performance.now();
    if (now - this.#lastWarningMs < ACCEPT_WARNING_INTERVAL_MS) return;
    this.#lastWarningMs = now;
    this.#log("warn", "Accepting connections fails; trying again", {
      listener: formatAddress(this.address),
      error: cause instanceof Error ? cause.message : String(cause),
    });
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Somebody else removed it.
  }
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
