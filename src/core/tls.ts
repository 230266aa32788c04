import type { Socket } from "./ports.ts";

/** What is known of a downstream connection's TLS, settled by its handshake and never changed. */
export interface TlsFacts {
  /** As the field writes it: `TLSv1.2` or `TLSv1.3`. */
  readonly version: string;
  /** IANA name of the cipher suite. */
  readonly cipher: string;
  /** The name that the client asked for, in lower case; empty when it named none. */
  readonly serverName: string;
  /** Application protocol agreed upon; empty when the client offered none. */
  readonly protocol: string;
  /** Whether an earlier session was resumed. */
  readonly resumed: boolean;
  /** Certificate of the client; null when it sent none, or was not asked. */
  readonly client: ClientCertificate | null;
}

/** A client's certificate and what became of its verification. */
export interface ClientCertificate {
  /** Empty when the chain leads to a trusted authority, is in date and not revoked; else why not, in a word. */
  readonly problem: ClientCertificateProblem | "";
  /** RFC 4514 text, most specific part first. */
  readonly subject: string;
  readonly issuer: string;
  /** Names as `DNS:a.example`, `URI:spiffe://…`, `email:…`, `IP:…`. */
  readonly names: readonly string[];
  /** Hexadecimal, lower case. */
  readonly serial: string;
  /** SHA-256 of the DER, hexadecimal, lower case. */
  readonly fingerprint: string;
  readonly der: Uint8Array;
}

/** Why a client's certificate is not believed. */
export type ClientCertificateProblem =
  | "expired"
  | "not_yet_valid"
  | "unknown_issuer"
  | "bad_signature"
  | "revoked"
  | "list_expired"
  | "list_missing"
  | "wrong_purpose"
  | "chain_too_long"
  | "unsupported"
  | "unreadable";

/** Why a handshake came to nothing; a label of metrics. */
export type HandshakeFailure =
  | "timeout"
  | "client_gone"
  | "plain_http"
  | "not_tls"
  | "malformed"
  | "version"
  | "cipher"
  | "unknown_name"
  | "protocol"
  | "client_certificate_missing"
  | "client_certificate_rejected"
  | "alert"
  | "overloaded"
  | "other";

/** A handshake that was refused or went wrong. The connection is to be closed. */
export class HandshakeError extends Error {
  override readonly name = "HandshakeError";
  readonly failure: HandshakeFailure;

  constructor(failure: HandshakeFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

/** A connection after its handshake. */
export interface TlsSession {
  /** Clear text; closing it closes the connection below. */
  readonly socket: Socket;
  readonly facts: TlsFacts;
}

/** The server's side of TLS for one listener: its certificates and rules, as read for one configuration. */
export interface TlsServer {
  /** When each certificate ends, for metrics and warnings. */
  readonly certificates: readonly CertificateFacts[];
  /** Stands for whom it lets in: another text where client certificates are judged otherwise. */
  readonly admission: string;
  /**
   * Shakes hands on an open connection; `early` are bytes of it that were read already. Has no time limit:
   * close the socket to end it. Rejects with `HandshakeError`, everything that is to be said having been said.
   */
  handshake(socket: Socket, early: Uint8Array | null): Promise<TlsSession>;
}

/** What is known of a certificate that a listener shows. */
export interface CertificateFacts {
  /** Its file: what an operator knows it by. */
  readonly file: string;
  /** Unix milliseconds. */
  readonly notAfterMs: number;
}

/**
 * Reads what a listener's TLS needs and makes it ready; `protocols` are the application protocols it speaks, the
 * favourite first. Rejects with a message for people that names listener and file.
 */
export interface OpenTlsServer<Options> {
  (listenerId: string, options: Options, protocols: readonly string[]): Promise<TlsServer>;
}
