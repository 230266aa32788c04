import { deepEqual, equal, rejects } from "node:assert/strict";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { contentCodings } from "../core/decompress.ts";
import { decompress } from "./decompress.ts";

const TEXT = new TextEncoder().encode("a=1' or 1=1 -- ".repeat(100));

Deno.test("decompress: every coding, within its bound", async () => {
  for (
    const [coding, data] of [
      ["gzip", gzipSync(TEXT)],
      ["deflate", deflateSync(TEXT)],
      ["deflate", deflateRawSync(TEXT)],
      ["br", brotliCompressSync(TEXT)],
    ] as const
  ) {
    deepEqual(new Uint8Array(await decompress(coding, data, TEXT.length)), TEXT, coding);
    await rejects(decompress(coding, data, TEXT.length - 1), {
      name: "DecompressError",
      failure: "too-large",
    });
    await rejects(decompress(coding, data.subarray(0, 5), 1000), { failure: "corrupt" });
    await rejects(decompress(coding, new Uint8Array(40).fill(7), 1000), { name: "DecompressError" });
  }
});

Deno.test("contentCodings: what a header names, the last one first", () => {
  deepEqual(contentCodings(undefined), []);
  deepEqual(contentCodings("identity"), []);
  deepEqual(contentCodings("GZIP"), ["gzip"]);
  deepEqual(contentCodings("x-gzip, br"), ["br", "gzip"]);
  equal(contentCodings("zstd"), "unknown");
  equal(contentCodings("gzip, gzip, gzip"), "unknown");
});
