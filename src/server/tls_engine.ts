import nodeNet from "node:net";
import nodeTls from "node:tls";

/** What a handshake is made with. All PEM. */
export interface EngineContext {
  readonly cert: string;
  readonly key: string;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  readonly maxVersion: "TLSv1.2" | "TLSv1.3";
  /** Whether the client is asked for a certificate. */
  readonly requestCert: boolean;
  /** Whether a client without one is refused; its trust is not the engine's to judge. */
  readonly rejectUnauthorized: boolean;
  /** Authorities that the client is told of. */
  readonly ca: readonly string[];
}

/** The machine of one connection: bytes of the wire in and out, clear bytes in and out, no I/O of its own. */
export interface EngineConnection {
  /** Bytes from the wire; what comes of them is told by `onread`, `onhandshakedone` and `onerror` meanwhile. */
  readBuffer(bytes: Uint8Array): void;
  /** Clear bytes to be encrypted. Not 0 when it cannot. */
  writeBuffer(request: object, bytes: Uint8Array): number;
  /** Bytes for the wire; null or empty when there are none. */
  drainEncOut(): ArrayBuffer | null | undefined;
  /** Adds the message that says farewell to the bytes for the wire. */
  shutdown(request: { oncomplete(): void }): number;
  /** Gives the memory back. Must be called, and only once `start` was. */
  destroySsl(): void;
  initServerTls(context: EngineContext): number;
  attachJsStream(): number;
  setHandle(handle: EngineConnection): void;
  setOnread(onread: (bytes: ArrayBuffer | undefined) => void): void;
  setAlpnProtocols(protocols: readonly string[]): void;
  start(): number;
  getProtocol(out: { protocol?: string }): number;
  getCipher(out: { standardName?: string }): number;
  getAlpnNegotiatedProtocol(out: { alpnProtocol?: string | false }): number;
  getPeerCertificateChain(): { readonly certificates: readonly ArrayBuffer[] } | null | undefined;
  isSessionReused(): boolean;
  verifyError(): string;
  onhandshakedone: () => void;
  onerror: (cause: Error & { readonly code?: string }) => void;
}

/** Makes connections; see `EngineConnection`. */
export type EngineConstructor = new (kind: number, provider: number) => EngineConnection;

const KIND_SERVER = 1;

/**
 * Deno's rustls without its sockets: the machine below `node:tls`. Over our own sockets it costs a request 7 µs;
 * under node's streams it could not take a PROXY header first, nor be cut by our deadlines; `Deno.listenTls` takes
 * no client certificates, no versions, and never lets go of a name's certificate. It is internal API of Deno, so
 * this file alone knows it. Undefined where this version of Deno does not have it as expected.
 */
export function findTlsEngine(): EngineConstructor | undefined {
  try {
    const socket = new nodeTls.TLSSocket(new nodeNet.Socket(), { isServer: true, key: "", cert: "" });
    socket.on("error", () => {});
    const handle: unknown = Reflect.get(socket, "_handle");
    const found = handle?.constructor as EngineConstructor | undefined;
    socket.destroy();
    if (found === undefined) return undefined;
    const needed = [
      "initServerTls",
      "attachJsStream",
      "readBuffer",
      "drainEncOut",
      "writeBuffer",
      "destroySsl",
    ];
    const { prototype } = found as { prototype: object };
    return needed.every((name) => typeof Reflect.get(prototype, name) === "function") ? found : undefined;
  } catch {
    return undefined;
  }
}

/** A connection ready for the first bytes of the client; `protocols` null speaks of none. Throws when the context is not accepted. */
export function openEngine(
  engine: EngineConstructor,
  context: EngineContext,
  protocols: readonly string[] | null,
): EngineConnection {
  const connection = new engine(KIND_SERVER, 0);
  connection.attachJsStream();
  const accepted = connection.initServerTls(context) === 0;
  if (accepted) {
    if (protocols !== null) connection.setAlpnProtocols(protocols);
    connection.setHandle(connection);
    connection.start();
  }
  if (!accepted) throw new Error("the certificate, its key and the TLS versions do not go together");
  return connection;
}

/** Whether the engine accepts a context: what a handshake with it would meet, found out beforehand. */
export function accepts(engine: EngineConstructor, context: EngineContext): boolean {
  try {
    openEngine(engine, context, null).destroySsl();
    return true;
  } catch {
    return false;
  }
}
