import { deepEqual, equal, rejects } from "node:assert/strict";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, inflateRawSync } from "node:zlib";
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

const bytes = (...parts: readonly (Uint8Array | readonly number[])[]) =>
  new Uint8Array(parts.flatMap((part) => [...part]));

Deno.test("decompress: nothing behind the end goes unseen, nothing is missing before it", async () => {
  const [one, two] = [gzipSync("a=1&"), gzipSync("b=2")];
  const zeros = new Uint8Array(5);
  for (
    const { name, coding, data, want } of [
      { name: "members", coding: "gzip", data: bytes(one, two), want: "a=1&b=2" },
      { name: "an empty member", coding: "gzip", data: bytes(gzipSync(""), two), want: "b=2" },
      { name: "zeros at the end", coding: "gzip", data: bytes(one, zeros), want: "a=1&" },
      // Python's gzip reads on after zeros.
      { name: "a member after zeros", coding: "gzip", data: bytes(one, zeros, two), want: null },
      { name: "other bytes", coding: "gzip", data: bytes(one, [120, 121]), want: null },
      { name: "cut", coding: "gzip", data: one.subarray(0, -1), want: null },
      { name: "bytes after zlib", coding: "deflate", data: bytes(deflateSync("a"), [0]), want: null },
      {
        name: "two zlib streams",
        coding: "deflate",
        data: bytes(deflateSync("a"), deflateSync("b")),
        want: null,
      },
      { name: "bytes after raw", coding: "deflate", data: bytes(deflateRawSync("a"), [0]), want: null },
      { name: "cut zlib", coding: "deflate", data: deflateSync("a").subarray(0, -1), want: null },
      { name: "whole brotli", coding: "br", data: brotliCompressSync(""), want: "" },
      { name: "bytes after brotli", coding: "br", data: bytes(brotliCompressSync("a"), [120]), want: null },
      { name: "cut brotli", coding: "br", data: brotliCompressSync(TEXT).subarray(0, -1), want: null },
      { name: "the first byte of brotli", coding: "br", data: Uint8Array.of(0x5b), want: null },
    ] as const
  ) {
    const decoded = decompress(coding, data, 2 * TEXT.length);
    if (want === null) await rejects(decoded, { failure: "corrupt" }, name);
    else equal(new TextDecoder().decode(await decoded), want, name);
  }
});

Deno.test("decompress: what is zlib to one decoder and raw to another is read by its head alone", async () => {
  // Read raw, a stored block: its length, the length's complement, then its bytes; the head of zlib is right too.
  const stored = new TextEncoder().encode("a".repeat(0x9c));
  const polyglot = bytes([0x78, 0x9c, 0x00, 0x63, 0xff], stored, deflateRawSync(""));
  equal(inflateRawSync(polyglot).length, stored.length);
  await rejects(decompress("deflate", polyglot, 1000), { failure: "corrupt" });
});

Deno.test("contentCodings: what a header names, the last one first", () => {
  deepEqual(contentCodings(undefined), []);
  deepEqual(contentCodings("identity"), []);
  deepEqual(contentCodings("GZIP"), ["gzip"]);
  deepEqual(contentCodings("x-gzip, br"), ["br", "gzip"]);
  equal(contentCodings("zstd"), "unknown");
  equal(contentCodings("gzip, gzip, gzip"), "unknown");
});
