/** Compressed bodies, decoded for an agent that wants to see what is in them. */

import { contentCodings, type Decompress, DecompressError } from "../core/decompress.ts";
import type { MaybePromise } from "../core/message.ts";

/** How bodies are decoded for an agent. */
export interface Decoding {
  readonly decompress: Decompress;
  /** Decoded bytes for each byte of the body. */
  readonly ratioMax: number;
  /** Decoded bytes at most. */
  readonly bytesMax: number;
}

/** Short bodies may be packed tighter than long ones. */
const RATIO_FLOOR_BYTES = 65_536;

/** What came of decoding. */
export type Decoded =
  | { readonly type: "decoded"; readonly data: Uint8Array }
  | { readonly type: "failed"; readonly failure: "corrupt" | "too-large"; readonly message: string };

/** Undoes the codings of a `Content-Encoding`; undefined when it names none. Never rejects. */
export function decodeBody(
  data: Uint8Array,
  encoding: string | undefined,
  { decompress, ratioMax, bytesMax }: Decoding,
): MaybePromise<Decoded | undefined> {
  const codings = contentCodings(encoding);
  if (codings === "unknown") {
    return { type: "failed", failure: "corrupt", message: `Content-Encoding "${encoding}" cannot be undone` };
  }
  if (codings.length === 0 || data.length === 0) return undefined;
  const limit = Math.min(bytesMax, Math.max(RATIO_FLOOR_BYTES, data.length * ratioMax));
  return undo(data, codings, { decompress, limit });
}

async function undo(
  data: Uint8Array,
  codings: readonly Parameters<Decompress>[0][],
  { decompress, limit }: { readonly decompress: Decompress; readonly limit: number },
): Promise<Decoded> {
  let current = data;
  try {
    for (const coding of codings) current = await decompress(coding, current, limit);
    return { type: "decoded", data: current };
  } catch (cause) {
    if (!(cause instanceof DecompressError)) throw cause;
    const { failure } = cause;
    const message = failure === "too-large" ? `it decodes to more than ${limit} bytes` : cause.message;
    return { type: "failed", failure, message };
  }
}
