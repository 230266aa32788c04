/** Why a certificate could not be had; a label of metrics. */
export type AcmeFailure =
  /** No connection, no answer in time, or half of one. */
  | "network"
  /** The authority wants less of us; it says how much later to ask again. */
  | "rate_limited"
  /** The authority could not see the proof that a name is ours. */
  | "challenge"
  /** The record that proves it could not be written, or does not show. */
  | "dns"
  /** The authority does not accept the account. */
  | "account"
  /** The authority refuses the order. */
  | "order"
  /** The authority failed. */
  | "server"
  /** The authority answered with what the protocol does not allow. */
  | "protocol"
  /** Files cannot be read or written. */
  | "storage"
  /** Another process is at it. */
  | "locked";

/** A failure to get a certificate, with a message for people. */
export class AcmeError extends Error {
  override readonly name = "AcmeError";
  readonly reason: AcmeFailure;
  /** How long the authority wants to be left alone. */
  readonly retryAfterMs: number | undefined;
  /** The authority's own word for it, such as `badNonce`: the last part of an `urn:ietf:params:acme:error:` URN. */
  readonly problem: string | undefined;

  constructor(
    reason: AcmeFailure,
    message: string,
    options: {
      readonly retryAfterMs?: number | undefined;
      readonly problem?: string;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.retryAfterMs = options.retryAfterMs;
    this.problem = options.problem;
  }
}

/** The words of anything thrown. */
export function reasonText(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
