import type { Address, Socket } from "../core/ports.ts";

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
  readonly #connection: DenoConnection;
  #closed = false;

  constructor(connection: DenoConnection) {
    this.#connection = connection;
    this.remote = toAddress(connection.remoteAddr);
    this.local = toAddress(connection.localAddr);
  }

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#connection.read(buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#connection.write(bytes);
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
