import type { Address, Socket } from "../core/ports.ts";
import { type SocketOps, socketOps } from "./socket_ops.ts";

/** What the socket port needs of a Deno connection; TCP, TLS and Unix connections all have it. */
export interface DenoConnection {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  readonly remoteAddr: Deno.Addr;
}

/**
 * A Deno connection as the socket port. Where it can be used by its number, nothing else of it is kept: with its
 * addresses and its set of pending reads a connection of Deno's takes 0.8 KB.
 */
export class DenoSocket implements Socket {
  readonly remote: Address;
  readonly protocol: string | undefined;
  /** Undefined where the number is enough. */
  readonly #connection: DenoConnection | undefined;
  readonly #ops: SocketOps;
  readonly #number: number;
  #closed = false;

  /** `ops`: what can be done by number; undefined means by the connection's own methods. */
  constructor(
    connection: DenoConnection,
    init: { ops?: SocketOps | undefined; protocol?: string | undefined } = {},
  ) {
    const ops = "ops" in init ? init.ops : socketOps;
    this.protocol = init.protocol;
    const number = ops?.numberOf(connection);
    this.#number = number ?? -1;
    this.#connection = number === undefined ? connection : undefined;
    this.#ops = ops!;
    this.remote = toAddress(connection.remoteAddr);
  }

  read(buffer: Uint8Array): Promise<number> {
    const connection = this.#connection;
    return connection === undefined
      ? this.#ops.read(this.#number, buffer)
      : connection.read(buffer).then(zeroAtEnd);
  }

  write(bytes: Uint8Array): Promise<number> {
    const connection = this.#connection;
    return connection === undefined ? this.#ops.write(this.#number, bytes) : connection.write(bytes);
  }

  closeWrite(): Promise<void> {
    const connection = this.#connection;
    return connection === undefined ? this.#ops.shutdown(this.#number) : connection.closeWrite();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      if (this.#connection === undefined) this.#ops.close(this.#number);
      else this.#connection.close();
    } catch {
      // The peer's reset may have closed it first; either way it is closed now.
    }
  }
}

function zeroAtEnd(count: number | null): number {
  return count ?? 0;
}

/** The address of one end of a Deno connection or listener. IPv4 addresses mapped into IPv6 come out as IPv4. */
export function toAddress(address: Deno.Addr): Address {
  if (!("hostname" in address)) return { type: "unix", path: "path" in address ? address.path ?? "" : "" };
  const ip = address.hostname;
  return { type: "ip", ip: ip.startsWith("::ffff:") ? ip.slice(7) : ip, port: address.port };
}

/** An address as people write it: `host:port`, `[v6]:port` or `unix:/path`. */
export function formatAddress(address: Address): string {
  if (address.type === "unix") return `unix:${address.path}`;
  return address.ip.includes(":") ? `[${address.ip}]:${address.port}` : `${address.ip}:${address.port}`;
}
