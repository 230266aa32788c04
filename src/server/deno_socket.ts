import type { Address, Socket } from "../core/ports.ts";
import { type SocketOps, socketOps } from "./socket_ops.ts";

/** What the socket port needs of a Deno connection; TCP, TLS and Unix connections all have it. */
export interface DenoConnection {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  readonly remoteAddr: Deno.Addr;
  readonly localAddr: Deno.Addr;
}

/** A Deno connection as the socket port. Adds nothing per call but the closed state. */
export class DenoSocket implements Socket {
  readonly remote: Address;
  readonly local: Address;
  readonly protocol: string | undefined;
  readonly #connection: DenoConnection;
  readonly #ops: SocketOps | undefined;
  readonly #number: number;
  #closed = false;

  /** `ops`: how to read and write by number; undefined means by the connection's own methods. */
  constructor(
    connection: DenoConnection,
    init: { ops?: SocketOps | undefined; protocol?: string | undefined } = {},
  ) {
    const ops = "ops" in init ? init.ops : socketOps;
    this.#connection = connection;
    this.protocol = init.protocol;
    const number = ops?.numberOf(connection);
    this.#number = number ?? -1;
    this.#ops = number === undefined ? undefined : ops;
    this.remote = toAddress(connection.remoteAddr);
    this.local = toAddress(connection.localAddr);
  }

  read(buffer: Uint8Array): Promise<number> {
    const ops = this.#ops;
    return ops === undefined ? this.#connection.read(buffer).then(zeroAtEnd) : ops.read(this.#number, buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    const ops = this.#ops;
    return ops === undefined ? this.#connection.write(bytes) : ops.write(this.#number, bytes);
  }

  closeWrite(): Promise<void> {
    return this.#connection.closeWrite();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#connection.close();
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
