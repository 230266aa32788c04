import nodeNet from "node:net";
import nodeTls from "node:tls";
import { ProxyError } from "../core/errors.ts";
import type { Address, ConnectOptions, Socket, TlsClientOptions } from "../core/ports.ts";

/**
 * Opens a TLS connection through node's implementation: the one that can replace the system's
 * authorities, and present a client certificate under another server name than the address.
 */
export function connectNodeTls(
  address: ConnectOptions["address"],
  tls: TlsClientOptions,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const place = address.type === "unix"
      ? { path: address.path }
      : { host: address.host, port: address.port };
    const options: nodeTls.ConnectionOptions = {
      ...place,
      ALPNProtocols: [...tls.alpn ?? ["http/1.1"]],
      rejectUnauthorized: tls.skipVerify !== true,
    };
    // An IP address is checked against the certificate, but never sent as a server name (RFC 6066 §3).
    if (nodeNet.isIP(tls.serverName) === 0) options.servername = tls.serverName;
    if (tls.caCerts.length > 0) options.ca = [...tls.caCerts];
    if (tls.clientCert !== undefined) Object.assign(options, tls.clientCert);
    const socket = nodeTls.connect(options);
    let accepted = false;
    socket.once("connect", () => accepted = true);
    const fail = (cause: Error) => {
      socket.destroy();
      reject(
        new ProxyError(accepted ? "upstream_tls_failed" : "upstream_connect_failed", cause.message, {
          cause,
        }),
      );
    };
    const aborted = () => fail(new Error("the handshake took too long"));
    socket.once("error", fail);
    signal.addEventListener("abort", aborted, { once: true });
    socket.once("secureConnect", () => {
      signal.removeEventListener("abort", aborted);
      socket.removeListener("error", fail);
      socket.setNoDelay(true);
      resolve(new NodeTlsSocket(socket));
    });
  });
}

/** A node stream as the socket port. */
class NodeTlsSocket implements Socket {
  readonly remote: Address;
  readonly protocol: string | undefined;
  readonly #socket: nodeTls.TLSSocket;
  #ended = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;
  /** Bytes taken from the stream that the last reader had no room for. */
  #rest: Uint8Array | null = null;

  constructor(socket: nodeTls.TLSSocket) {
    this.#socket = socket;
    this.protocol = typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : undefined;
    this.remote = { type: "ip", ip: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
    socket.on("readable", () => this.#notify());
    socket.on("end", () => {
      this.#ended = true;
      this.#notify();
    });
    socket.on("error", (cause) => {
      this.#failure ??= cause;
      this.#notify();
    });
    socket.on("close", () => {
      if (!this.#ended) this.#failure ??= new Error("the connection is closed");
      this.#notify();
    });
  }

  async read(buffer: Uint8Array): Promise<number> {
    while (true) {
      const bytes = this.#rest ?? this.#socket.read() as Uint8Array | null;
      if (bytes !== null) {
        const count = Math.min(bytes.length, buffer.length);
        buffer.set(bytes.subarray(0, count));
        this.#rest = count < bytes.length ? bytes.subarray(count) : null;
        return count;
      }
      if (this.#ended) return 0;
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      // Node may keep the bytes past the callback, while the caller's buffer is used again.
      this.#socket.write(bytes.slice(), (cause) => cause ? reject(cause) : resolve(bytes.length));
    });
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve) => this.#socket.end(() => resolve()));
  }

  close(): void {
    this.#failure ??= new Error("the connection is closed");
    this.#socket.destroy();
    this.#notify();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
