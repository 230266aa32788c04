/** Content codings (RFC 9110 §8.4.1) that can be undone. */

/** Names of codings, in small letters. */
export type ContentCoding = "gzip" | "deflate" | "br";

/** Why bytes could not be decoded. `corrupt`: they are not of the coding; `too-large`: there is more than was asked for. */
export type DecompressFailure = "corrupt" | "too-large";

/** Rejection of a `Decompress`. */
export class DecompressError extends Error {
  override readonly name = "DecompressError";
  readonly failure: DecompressFailure;

  constructor(failure: DecompressFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

/** Decodes a whole body into at most `bytesMax` bytes. Rejects with `DecompressError`. */
export interface Decompress {
  (coding: ContentCoding, data: Uint8Array, bytesMax: number): Promise<Uint8Array>;
}

/** Codings in one header; more would only ever hide something. */
const CODINGS_MAX = 2;

/**
 * The codings of a `Content-Encoding` value, the one that was applied last first; empty when there is none.
 * `unknown` for what cannot be undone.
 */
export function contentCodings(value: string | undefined): readonly ContentCoding[] | "unknown" {
  if (value === undefined) return [];
  const codings: ContentCoding[] = [];
  for (const part of value.toLowerCase().split(",")) {
    const word = part.trim();
    if (word === "" || word === "identity") continue;
    const coding = word === "x-gzip" ? "gzip" : word;
    if (coding !== "gzip" && coding !== "deflate" && coding !== "br") return "unknown";
    if (codings.length === CODINGS_MAX) return "unknown";
    codings.unshift(coding);
  }
  return codings;
}
