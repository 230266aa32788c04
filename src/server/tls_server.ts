import { BufferPool } from "../core/buffer_pool.ts";
import type { Socket } from "../core/ports.ts";
import {
  type CertificateFacts,
  type ClientCertificate,
  HandshakeError,
  type TlsFacts,
  type TlsServer,
  type TlsSession,
} from "../core/tls.ts";
import { cipherSuite, cipherSuiteNamed } from "../tls/cipher_suites.ts";
import { type ClientHello, HELLO_RECORDS_BYTES_MAX, readClientHello } from "../tls/client_hello.ts";
import {
  type AlertName,
  alertRecord,
  type NegotiationRules,
  type Refusal,
  refusalOf,
} from "../tls/negotiation.ts";
import type { TlsOptions } from "../tls/options.ts";
import { chooseCredential, type CredentialSet, normalName, type ServerNames } from "../tls/server_names.ts";
import type { ClientCertificates } from "./client_certificates.ts";
import type { Credential } from "./tls_credentials.ts";
import { type EngineConnection, type EngineConstructor, openEngine } from "./tls_engine.ts";
import { HandshakeEnded, TlsSocket } from "./tls_socket.ts";

/** Most hellos come in one piece. */
const HELLO_BYTES_FIRST = 2048;
const SPARE_BUFFERS_MAX = 64;
/** What handshakes are read into: making one costs as much as a step of a resumed handshake. */
const BUFFERS = new BufferPool(HELLO_BYTES_FIRST, SPARE_BUFFERS_MAX);

const PLAIN_HTTP_TEXT = "This port speaks HTTPS: use https:// here\n";
const PLAIN_HTTP_ANSWER = new TextEncoder().encode(
  "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n" +
    `Content-Length: ${PLAIN_HTTP_TEXT.length}\r\nConnection: close\r\n\r\n${PLAIN_HTTP_TEXT}`,
);

/** Everything a listener's handshakes go by. */
export interface TlsServerInit {
  readonly engine: EngineConstructor;
  readonly options: TlsOptions;
  readonly names: ServerNames<Credential>;
  readonly fallback: CredentialSet<Credential>;
  readonly clients: ClientCertificates | null;
  readonly certificates: readonly CertificateFacts[];
  /** Application protocols that the listener speaks, its favourite first. */
  readonly protocols: readonly string[];
}

/** Shakes hands for one listener, by the certificates and rules that one configuration gave it. */
export class EngineTlsServer implements TlsServer {
  readonly certificates: readonly CertificateFacts[];
  readonly admission: string;
  readonly #init: TlsServerInit;
  readonly #rules: NegotiationRules;

  constructor(init: TlsServerInit) {
    this.#init = init;
    this.certificates = init.certificates;
    this.admission = init.clients === null ? "" : `${init.options.clientAuth} ${init.clients.digest}`;
    this.#rules = negotiationRules(init.options);
  }

  async handshake(socket: Socket, early: Uint8Array | null): Promise<TlsSession> {
    const first = BUFFERS.acquire();
    let tls: TlsSocket | null = null;
    try {
      const { buffer, filled, hello } = await readHello(socket, first, early);
      const chosen = this.#choose(hello);
      if ("alert" in chosen) {
        await alert(socket, chosen.alert);
        throw new HandshakeError(chosen.failure, chosen.message);
      }
      const connection = this.#open(chosen, hello);
      tls = new TlsSocket(socket, connection);
      await tls.handshake(buffer, filled);
      return { socket: tls, facts: this.#facts(tls, connection, hello) };
    } catch (cause) {
      tls?.close();
      throw tls === null ? cause : explain(cause);
    } finally {
      // Every read into it has ended, in one way or the other.
      BUFFERS.release(first);
    }
  }

  #open({ context }: Credential, hello: ClientHello): EngineConnection {
    // Who offers no protocol is given none.
    const offered = hello.protocols.length > 0 ? this.#init.protocols : null;
    try {
      return openEngine(this.#init.engine, context, offered);
    } catch (cause) {
      throw new HandshakeError("other", "the engine does not take the certificate", { cause });
    }
  }

  /** The certificate for what the client asks, or why there is none, or no agreement. */
  #choose(hello: ClientHello): Credential | Refusal {
    const { names, fallback, options } = this.#init;
    const asked = hello.serverName === null || isAddress(hello.serverName) ? null : hello.serverName;
    const found = asked === null ? undefined : names.find(asked);
    if (found === undefined && asked !== null && options.unknownName === "refuse") {
      const message = "no certificate has the name that the client asks for";
      return { failure: "unknown_name", alert: "unrecognized_name", message };
    }
    const credential = chooseCredential(found ?? fallback, hello);
    return refusalOf(hello, this.#rules, credential.keyType) ?? credential;
  }

  /** What was agreed upon. Throws `HandshakeError` when it is not what the listener allows. */
  #facts(tls: TlsSocket, connection: EngineConnection, hello: ClientHello): TlsFacts {
    const { version, cipher } = settled(tls, connection);
    const alpn: { alpnProtocol?: string | false } = {};
    if (hello.protocols.length > 0) connection.getAlpnNegotiatedProtocol(alpn);
    const allowed = this.#rules.cipherSuites;
    // The hello was judged by this before; the engine has the last word, and it is looked at.
    if (allowed !== null && !allowed.has(cipherSuiteNamed(cipher)?.id ?? -1)) {
      throw new HandshakeError("cipher", `${cipher} was agreed upon, and is not allowed`);
    }
    const resumed = connection.isSessionReused();
    return {
      version,
      cipher,
      serverName: hello.serverName === null ? "" : printable(normalName(hello.serverName)),
      protocol: alpn.alpnProtocol || "",
      resumed,
      client: this.#client(connection, { resumed }),
    };
  }

  #client(
    connection: EngineConnection,
    { resumed }: { readonly resumed: boolean },
  ): ClientCertificate | null {
    const { clients, options } = this.#init;
    if (clients === null) return null;
    const sent = connection.getPeerCertificateChain()?.certificates ?? [];
    let client = clients.judge(sent.map((der) => new Uint8Array(der)));
    // A second opinion, which the engine has of new sessions only.
    if (client !== null && client.problem === "" && !resumed && connection.verifyError() !== "") {
      client = { ...client, problem: "unsupported" };
    }
    if (options.clientAuth !== "required") return client;
    if (client === null) {
      throw new HandshakeError("client_certificate_missing", "the client showed no certificate");
    }
    if (client.problem !== "") {
      const who = client.subject || client.fingerprint;
      throw new HandshakeError("client_certificate_rejected", `${client.problem}: ${who}`);
    }
    return client;
  }
}

/** What the engine settled: read in what it sent, as its own answers take ten times as long. */
function settled(
  tls: TlsSocket,
  connection: EngineConnection,
): { readonly version: string; readonly cipher: string } {
  const told = tls.settled;
  const suite = told === undefined ? undefined : cipherSuite(told.cipherSuite);
  if (told !== undefined && suite !== undefined) return { version: told.version, cipher: suite.name };
  const version: { protocol?: string } = {};
  const named: { standardName?: string } = {};
  connection.getProtocol(version);
  connection.getCipher(named);
  return { version: version.protocol ?? "", cipher: named.standardName ?? "" };
}

function negotiationRules(options: TlsOptions): NegotiationRules {
  const suites = options.cipherSuite.map((name) => cipherSuiteNamed(name)!);
  const has = (version: string) => suites.length === 0 || suites.some((suite) => suite.version === version);
  return {
    allowsTls12: options.minVersion === "TLS1.2" && has("1.2"),
    allowsTls13: options.maxVersion === "TLS1.3" && has("1.3"),
    cipherSuites: suites.length === 0 ? null : new Set(suites.map((suite) => suite.id)),
  };
}

/** The versions that a listener allows, as the engine takes them. */
export function engineVersions(options: TlsOptions) {
  const { allowsTls12, allowsTls13 } = negotiationRules(options);
  return {
    minVersion: allowsTls12 ? "TLSv1.2" : "TLSv1.3",
    maxVersion: allowsTls13 ? "TLSv1.3" : "TLSv1.2",
  } as const;
}

/** Reads until the hello is whole, into the first buffer or a larger one. Rejects with `HandshakeError` where it is none. */
async function readHello(
  socket: Socket,
  first: Uint8Array,
  early: Uint8Array | null,
): Promise<{ readonly buffer: Uint8Array; readonly filled: number; readonly hello: ClientHello }> {
  let buffer = first;
  let filled = 0;
  if (early !== null && early.length > 0) {
    if (early.length > buffer.length) buffer = new Uint8Array(HELLO_RECORDS_BYTES_MAX + early.length);
    buffer.set(early);
    filled = early.length;
  }
  while (true) {
    const reading = readClientHello(buffer.subarray(0, filled));
    if (reading.type === "hello") return { buffer, filled, hello: reading.hello };
    if (reading.type !== "more") throw await refuseReading(socket, reading);
    if (filled === buffer.length) {
      const larger = new Uint8Array(HELLO_RECORDS_BYTES_MAX);
      larger.set(buffer);
      buffer = larger;
    }
    const count = await socket.read(buffer.subarray(filled)).catch((cause) => {
      throw new HandshakeError("client_gone", "the connection broke before the hello", { cause });
    });
    if (count === 0) throw new HandshakeError("client_gone", "the client sent no whole hello");
    filled += count;
  }
}

async function refuseReading(
  socket: Socket,
  reading: { readonly type: "plain_http" | "not_tls" | "malformed"; readonly reason?: string },
): Promise<HandshakeError> {
  if (reading.type === "plain_http") await socket.write(PLAIN_HTTP_ANSWER).catch(() => {});
  else await alert(socket, "decode_error");
  return new HandshakeError(reading.type, reading.reason ?? "the first bytes are no TLS");
}

async function alert(socket: Socket, name: AlertName): Promise<void> {
  // So short a message fits any socket; whether it arrives is the client's concern.
  await socket.write(alertRecord(name)).catch(() => {});
}

/** What went wrong, in a word for metrics. */
function explain(cause: unknown): HandshakeError {
  if (cause instanceof HandshakeError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof HandshakeEnded) return new HandshakeError("client_gone", message, { cause });
  const code: unknown = cause instanceof Error ? Reflect.get(cause, "code") : undefined;
  if (typeof code !== "string" || !code.startsWith("ERR_SSL_")) {
    return new HandshakeError("client_gone", message, { cause });
  }
  if (code === "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE") {
    return new HandshakeError("client_certificate_missing", message, { cause });
  }
  if (code === "ERR_SSL_NO_APPLICATION_PROTOCOL") return new HandshakeError("protocol", message, { cause });
  if (message.startsWith("received fatal alert")) return new HandshakeError("alert", message, { cause });
  return new HandshakeError("malformed", message, { cause });
}

/** Names are told to logs and upstreams. */
function printable(name: string): string {
  return /^[\x21-\x7e]*$/.test(name) ? name : "";
}

/** An address is no name (RFC 6066 §3), though some clients send it as one. */
function isAddress(name: string): boolean {
  return name.includes(":") || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}
