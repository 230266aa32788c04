import { brotliDecompress, gunzip, inflate, inflateRaw } from "node:zlib";
import { type ContentCoding, type Decompress, DecompressError } from "../core/decompress.ts";

type Inflate = (
  data: Uint8Array,
  options: { readonly maxOutputLength: number },
  done: (error: Error | null, result: Uint8Array) => void,
) => void;

const CODINGS: Readonly<Record<ContentCoding, Inflate>> = {
  gzip: gunzip as Inflate,
  deflate: inflate as Inflate,
  br: brotliDecompress as Inflate,
};

/** Decodes bodies with the platform's zlib and brotli, never into more than was asked for. */
export const decompress: Decompress = async (coding, data, bytesMax) => {
  try {
    return await run(CODINGS[coding], data, bytesMax);
  } catch (cause) {
    // Many senders leave zlib's head out (RFC 9110 §8.4.1.2).
    const isBare = coding === "deflate" && cause instanceof DecompressError && cause.failure === "corrupt";
    if (!isBare) throw cause;
    return await run(inflateRaw as Inflate, data, bytesMax);
  }
};

function run(inflate: Inflate, data: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    inflate(data, { maxOutputLength: bytesMax }, (error, result) => {
      // A brotli stream that is cut short gives nothing, and no error.
      if (error === null || error === undefined) {
        if (result.length > 0 || data.length < 3) return resolve(result);
        return reject(new DecompressError("corrupt", "it holds nothing"));
      }
      const isTooLarge = (error as { readonly code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
      const failure = isTooLarge ? "too-large" : "corrupt";
      reject(new DecompressError(failure, error.message, { cause: error }));
    });
  });
}
