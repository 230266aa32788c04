import type { HandshakeFailure } from "../core/tls.ts";
import type { ClientHello } from "./client_hello.ts";
import { type CipherSuite, cipherSuite, type KeyType } from "./cipher_suites.ts";

/** What a listener allows. */
export interface NegotiationRules {
  readonly allowsTls12: boolean;
  readonly allowsTls13: boolean;
  /** Numbers of the cipher suites that may be used; null means all that the engine has. */
  readonly cipherSuites: ReadonlySet<number> | null;
}

/** Alert descriptions (RFC 8446 §6.2). */
export const ALERTS = {
  handshake_failure: 40,
  decode_error: 50,
  protocol_version: 70,
  internal_error: 80,
  unrecognized_name: 112,
  no_application_protocol: 120,
} as const;

/** Name of an alert that is sent. */
export type AlertName = keyof typeof ALERTS;

/** An alert record that ends a handshake whose keys are not settled yet. */
export function alertRecord(name: AlertName): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(21, 3, 3, 0, 2, 2, ALERTS[name]);
}

/** Why a client cannot be served, and what it is told. */
export interface Refusal {
  readonly failure: HandshakeFailure;
  readonly alert: AlertName;
  readonly message: string;
}

/**
 * Whether the engine's choice for this client is allowed; undefined when it is. The engine takes the newest
 * version that both know, then the first of the client's suites that fits version and certificate. It cannot be
 * told to take another, so a client whose own first choice is not allowed is refused.
 */
export function refusalOf(
  hello: ClientHello,
  rules: NegotiationRules,
  keyType: KeyType,
): Refusal | undefined {
  const is13 = hello.offersTls13 && rules.allowsTls13;
  if (!is13 && !(hello.offersTls12 && rules.allowsTls12)) {
    return { failure: "version", alert: "protocol_version", message: "no TLS version in common" };
  }
  const fits = (suite: CipherSuite | undefined): suite is CipherSuite =>
    suite !== undefined && (is13 ? suite.version === "1.3" : suite.keyType === keyType);
  const chosen = hello.cipherSuites.map(cipherSuite).find(fits);
  if (chosen === undefined) {
    return { failure: "cipher", alert: "handshake_failure", message: "no cipher suite in common" };
  }
  if (rules.cipherSuites !== null && !rules.cipherSuites.has(chosen.id)) {
    const message = `the client's first choice, ${chosen.name}, is not allowed`;
    return { failure: "cipher", alert: "handshake_failure", message };
  }
  return undefined;
}
