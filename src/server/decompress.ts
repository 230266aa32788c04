import { brotliDecompress, gunzip, inflate, inflateRaw } from "node:zlib";
import { type ContentCoding, type Decompress, DecompressError } from "../core/decompress.ts";

/** What came out, and the machine, which knows how many bytes it took. */
interface Inflated {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

type Inflate = (
  data: Uint8Array,
  options: { readonly maxOutputLength: number; readonly info: true },
  done: (error: Error | null, result: Inflated) => void,
) => void;

const CODINGS: Readonly<Record<ContentCoding, (data: Uint8Array) => Inflate>> = {
  gzip: () => gunzip as unknown as Inflate,
  // Many senders leave zlib's head out (RFC 9110 §8.4.1.2). The head decides: tried one after the other, bytes that are
  // something else to either would be seen as one here, and taken for the other behind us.
  deflate: (data) => (hasZlibHead(data) ? inflate : inflateRaw) as unknown as Inflate,
  br: () => brotliDecompress as unknown as Inflate,
};

/**
 * Decodes bodies with the platform's zlib and brotli, never into more than was asked for. A body is one stream, whole and with
 * nothing behind it, or the members of one gzip file, behind which zeros may stand: what is not decoded nobody has looked at,
 * and some decoders go on after what others take for the end.
 */
export const decompress: Decompress = async (coding, data, bytesMax) => {
  // A brotli stream that is cut short ends without an error, so it is offered a byte more: a whole one does not take it.
  const offered = coding === "br" ? extended(data) : data;
  const { buffer, engine } = await run(CODINGS[coding](data), offered, bytesMax);
  const taken = engine.bytesWritten;
  if (taken > data.length) throw new DecompressError("corrupt", "unexpected end of file");
  const isPadding = coding === "gzip" && data.subarray(taken).every((byte) => byte === 0);
  if (taken < data.length && !isPadding) throw new DecompressError("corrupt", "there is more after its end");
  return buffer;
};

/** RFC 1950 §2.2: method 8, and both bytes together a multiple of 31. No raw stream that an encoder writes begins so. */
function hasZlibHead(data: Uint8Array): boolean {
  const [method = 0, flags = 0] = data;
  return (method & 15) === 8 && (method << 8 | flags) % 31 === 0;
}

function extended(data: Uint8Array): Uint8Array {
  const longer = new Uint8Array(data.length + 1);
  longer.set(data);
  return longer;
}

function run(inflate: Inflate, data: Uint8Array, bytesMax: number): Promise<Inflated> {
  return new Promise((resolve, reject) => {
    inflate(data, { maxOutputLength: bytesMax, info: true }, (error, result) => {
      if (error === null || error === undefined) return resolve(result);
      const isTooLarge = (error as { readonly code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
      const failure = isTooLarge ? "too-large" : "corrupt";
      reject(new DecompressError(failure, error.message, { cause: error }));
    });
  });
}
