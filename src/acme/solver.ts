/** A proof that a name is ours, as an authority asked for it. */
export interface Proof {
  /** Without `*.`. */
  readonly domain: string;
  readonly token: string;
  /** RFC 8555 §8.1. */
  readonly keyAuthorization: string;
}

/** A way to prove that names are ours. */
export interface Solver {
  /** The word of RFC 8555 §8. */
  readonly type: "http-01" | "dns-01";
  /**
   * Lays out all proofs of one order; resolves once the authority may look. What it resolves with takes them
   * away again, and never rejects. Rejects, with nothing left, when a proof cannot be laid out.
   */
  present(proofs: readonly Proof[], signal: AbortSignal): Promise<() => Promise<void>>;
}
