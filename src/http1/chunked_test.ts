import assert from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { ProxyError } from "../core/errors.ts";
import { ChunkedDecoder } from "./chunked.ts";

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}

/** Decodes with the input cut into pieces of these sizes; "<data>|<rest>", "…" when unfinished, or the error. */
function decode(text: string, sizes: readonly number[]): string {
  const decoder = new ChunkedDecoder("bad_request");
  const bytes = bytesOf(text);
  let data = "";
  let at = 0;
  try {
    for (let piece = 0; at < bytes.length; piece++) {
      const end = Math.min(bytes.length, at + sizes[piece % sizes.length]!);
      while (at < end) {
        const found = decoder.decode(bytes, at, end);
        at = decoder.position;
        if (found === "data") {
          data += String.fromCharCode(...bytes.subarray(decoder.dataStart, decoder.dataEnd));
        } else if (found === "done") return `${data}|${text.slice(at)}`;
        else break;
      }
    }
    return `${data}…`;
  } catch (error) {
    assert(error instanceof ProxyError);
    return error.code;
  }
}

const CASES: readonly { readonly name: string; readonly input: string; readonly want: string }[] = [
  { name: "two chunks", input: "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", want: "abc0123456789|" },
  { name: "bytes after the end are left alone", input: "1\r\na\r\n0\r\n\r\nGET /", want: "a|GET /" },
  { name: "empty body", input: "0\r\n\r\n", want: "|" },
  { name: "extension", input: '1;a=b;c="d"\r\na\r\n0;x\r\n\r\n', want: "a|" },
  { name: "extension with LF", input: "1;a\nb\r\na\r\n0\r\n\r\n", want: "bad_request" },
  { name: "extension too long", input: `1;${"x".repeat(300)}\r\na\r\n0\r\n\r\n`, want: "bad_request" },
  { name: "trailers", input: "1\r\na\r\n0\r\nX: y\r\nZ:\r\n\r\nrest", want: "a|rest" },
  { name: "trailer without colon", input: "0\r\nabc\r\n\r\n", want: "bad_request" },
  { name: "trailer folded", input: "0\r\nX: y\r\n z\r\n\r\n", want: "bad_request" },
  { name: "trailer with bare LF", input: "0\r\nX: y\n\r\n", want: "bad_request" },
  {
    name: "trailers too long",
    input: `0\r\n${"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(300)}\r\n`,
    want: "bad_request",
  },
  { name: "bare LF after size", input: "1\na\r\n0\r\n\r\n", want: "bad_request" },
  { name: "bare LF after data", input: "1\r\na\n0\r\n\r\n", want: "bad_request" },
  { name: "data longer than size", input: "1\r\nab\r\n0\r\n\r\n", want: "bad_request" },
  { name: "no size", input: "\r\na\r\n0\r\n\r\n", want: "bad_request" },
  { name: "size with 0x", input: "0x1\r\na\r\n0\r\n\r\n", want: "bad_request" },
  { name: "negative size", input: "-1\r\na\r\n0\r\n\r\n", want: "bad_request" },
  { name: "size with space", input: "1 \r\na\r\n0\r\n\r\n", want: "bad_request" },
  { name: "space before size", input: " 1\r\na\r\n0\r\n\r\n", want: "bad_request" },
  { name: "size that would overflow", input: "fffffffffffffffff\r\na", want: "bad_request" },
  { name: "leading zeros count as digits", input: "00000000000001\r\na\r\n0\r\n\r\n", want: "bad_request" },
  { name: "unfinished", input: "5\r\nabc", want: "abc…" },
];

for (const { name, input, want } of CASES) {
  Deno.test(`chunked: ${name}`, () => {
    for (const sizes of [[input.length], [1], [2], [3, 1]]) {
      assert.equal(decode(input, sizes), want, `${sizes}`);
    }
  });
}

Deno.test("chunked: what is encoded is decoded, however it is cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1, maxLength: 50, unit: "binary-ascii" }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 10 }),
      (chunks, sizes) => {
        const encoded = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("") +
          "0\r\n\r\n";
        assert.equal(decode(encoded, sizes), `${chunks.join("")}|`);
      },
    ),
    { numRuns: 300 },
  );
});
