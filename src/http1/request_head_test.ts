import assert from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { ProxyError } from "../core/errors.ts";
import type { HeadLimits } from "./head_lines.ts";
import { type ParsedRequest, RequestHeadParser } from "./request_head.ts";

const LIMITS: HeadLimits = {
  targetBytesMax: 100,
  headerBytesMax: 400,
  headerCountMax: 8,
  headerNameBytesMax: 32,
  headerValueBytesMax: 128,
};

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}

function parse(text: string): ParsedRequest | undefined {
  const bytes = bytesOf(text);
  return new RequestHeadParser(LIMITS).parse(bytes, 0, bytes.length);
}

/** The code of the refusal, "incomplete", or a summary of the head. */
function outcome(text: string): string {
  try {
    const parsed = parse(text);
    if (parsed === undefined) return "incomplete";
    const { head, contentLength, chunked, keepAlive } = parsed;
    const body = chunked ? "chunked" : contentLength < 0 ? "none" : String(contentLength);
    return `${head.method} ${head.target} @${head.host} body=${body} ${keepAlive ? "keep" : "close"}`;
  } catch (error) {
    assert(error instanceof ProxyError, String(error));
    return error.code;
  }
}

const get = (headers: string) => `GET / HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;
const post = (headers: string) => `POST / HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;

const CASES: readonly { readonly name: string; readonly input: string; readonly want: string }[] = [
  { name: "plain", input: get(""), want: "GET / @a body=none keep" },
  { name: "HTTP/1.0 without host", input: "GET / HTTP/1.0\r\n\r\n", want: "GET / @ body=none close" },
  {
    name: "HTTP/1.0 keep-alive",
    input: "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
    want: "GET / @ body=none keep",
  },
  { name: "close in a list", input: get("Connection: foo, Close\r\n"), want: "GET / @a body=none close" },
  { name: "leading empty line", input: `\r\n${get("")}`, want: "GET / @a body=none keep" },
  { name: "many leading empty lines", input: `\r\n\r\n\r\n${get("")}`, want: "bad_request" },
  {
    name: "host in upper case with port",
    input: "GET /x HTTP/1.1\r\nHost: A.B:80\r\n\r\n",
    want: "GET /x @a.b body=none keep",
  },
  {
    name: "IPv6 host",
    input: "GET /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
    want: "GET /x @[::1] body=none keep",
  },
  {
    name: "trailing dot",
    input: "GET /x HTTP/1.1\r\nHost: a.b.:80\r\n\r\n",
    want: "GET /x @a.b body=none keep",
  },
  { name: "missing host", input: "GET / HTTP/1.1\r\n\r\n", want: "bad_request" },
  { name: "empty host", input: "GET / HTTP/1.1\r\nHost:\r\n\r\n", want: "bad_request" },
  { name: "two hosts", input: get("host: a\r\n"), want: "bad_request" },
  { name: "user info", input: "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", want: "bad_request" },
  { name: "host with a path", input: "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", want: "bad_request" },
  { name: "host with a bad port", input: "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", want: "bad_request" },
  { name: "host list", input: "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", want: "bad_request" },
  {
    name: "absolute form",
    input: "GET http://a/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
    want: "GET /x?y @a body=none keep",
  },
  {
    name: "absolute form, no path",
    input: "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n",
    want: "GET / @a body=none keep",
  },
  {
    name: "absolute form, query only",
    input: "GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n",
    want: "GET /?q @a body=none keep",
  },
  {
    name: "absolute form, other host",
    input: "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    want: "bad_request",
  },
  {
    name: "absolute form, user info",
    input: "GET http://u@a/ HTTP/1.1\r\nHost: u@a\r\n\r\n",
    want: "bad_request",
  },
  {
    name: "absolute form, other scheme",
    input: "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    want: "bad_request",
  },
  { name: "asterisk", input: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", want: "OPTIONS * @a body=none keep" },
  { name: "asterisk with GET", input: "GET * HTTP/1.1\r\nHost: a\r\n\r\n", want: "bad_request" },
  {
    name: "CONNECT",
    input: "CONNECT A:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    want: "CONNECT A:443 @a body=none keep",
  },
  {
    name: "CONNECT, Host without port",
    input: "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    want: "CONNECT a:443 @a body=none keep",
  },
  {
    name: "CONNECT, IPv6",
    input: "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n",
    want: "CONNECT [::1]:443 @[::1] body=none keep",
  },
  {
    name: "CONNECT, other host",
    input: "CONNECT a:443 HTTP/1.1\r\nHost: b:443\r\n\r\n",
    want: "bad_request",
  },
  { name: "CONNECT, other port", input: "CONNECT a:443 HTTP/1.1\r\nHost: a:80\r\n\r\n", want: "bad_request" },
  { name: "CONNECT, no port", input: "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", want: "bad_request" },
  { name: "CONNECT, empty port", input: "CONNECT a: HTTP/1.1\r\nHost: a:\r\n\r\n", want: "bad_request" },
  { name: "CONNECT, no host", input: "CONNECT :443 HTTP/1.1\r\nHost: :443\r\n\r\n", want: "bad_request" },
  { name: "CONNECT, port 0", input: "CONNECT a:0 HTTP/1.1\r\nHost: a:0\r\n\r\n", want: "bad_request" },
  {
    name: "CONNECT, port beyond",
    input: "CONNECT a:65536 HTTP/1.1\r\nHost: a:65536\r\n\r\n",
    want: "bad_request",
  },
  {
    name: "CONNECT, zero in front",
    input: "CONNECT a:0443 HTTP/1.1\r\nHost: a:0443\r\n\r\n",
    want: "bad_request",
  },
  { name: "CONNECT, path", input: "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", want: "bad_request" },
  {
    name: "CONNECT, path behind",
    input: "CONNECT a:443/ HTTP/1.1\r\nHost: a:443/\r\n\r\n",
    want: "bad_request",
  },
  { name: "CONNECT, query", input: "CONNECT a:443?b HTTP/1.1\r\nHost: a:443\r\n\r\n", want: "bad_request" },
  { name: "CONNECT, URL", input: "CONNECT http://a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", want: "bad_request" },
  { name: "CONNECT, user", input: "CONNECT u@a:443 HTTP/1.1\r\nHost: u@a:443\r\n\r\n", want: "bad_request" },
  {
    name: "CONNECT, two ports",
    input: "CONNECT a:1:443 HTTP/1.1\r\nHost: a:1:443\r\n\r\n",
    want: "bad_request",
  },
  {
    name: "CONNECT, IPv6 without brackets",
    input: "CONNECT ::1:443 HTTP/1.1\r\nHost: ::1:443\r\n\r\n",
    want: "bad_request",
  },
  {
    name: "CONNECT, zone",
    input: "CONNECT [fe80::1%25a]:443 HTTP/1.1\r\nHost: [fe80::1%25a]:443\r\n\r\n",
    want: "bad_request",
  },
  { name: "CONNECT, asterisk", input: "CONNECT * HTTP/1.1\r\nHost: a\r\n\r\n", want: "bad_request" },
  { name: "CONNECT, no Host", input: "CONNECT a:443 HTTP/1.1\r\n\r\n", want: "bad_request" },
  {
    name: "CONNECT, Content-Length",
    input: "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 0\r\n\r\n",
    want: "bad_request",
  },
  {
    name: "CONNECT, chunked",
    input: "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nTransfer-Encoding: chunked\r\n\r\n",
    want: "bad_request",
  },
  {
    name: "CONNECT, HTTP/1.0",
    input: "CONNECT a:443 HTTP/1.0\r\nHost: a:443\r\n\r\n",
    want: "version_not_supported",
  },
  { name: "no slash", input: "GET x HTTP/1.1\r\nHost: a\r\n\r\n", want: "bad_request" },
  { name: "fragment", input: "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", want: "bad_request" },
  {
    name: "octet above ASCII in the target",
    input: "GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n",
    want: "bad_request",
  },
  { name: "HTTP/0.9", input: "GET /\r\n\r\n", want: "bad_request" },
  { name: "HTTP/2 preface", input: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", want: "version_not_supported" },
  { name: "HTTP/1.2", input: "GET / HTTP/1.2\r\nHost: a\r\n\r\n", want: "version_not_supported" },
  { name: "http/1.1 in lower case", input: "GET / http/1.1\r\nHost: a\r\n\r\n", want: "bad_request" },
  { name: "two spaces", input: "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", want: "bad_request" },
  { name: "tab instead of space", input: "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", want: "bad_request" },
  { name: "space after version", input: "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", want: "bad_request" },
  { name: "method with a bad octet", input: "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", want: "bad_request" },
  {
    name: "lower-case method is another method",
    input: "get / HTTP/1.1\r\nHost: a\r\n\r\n",
    want: "get / @a body=none keep",
  },
  { name: "bare LF", input: "GET / HTTP/1.1\nHost: a\r\n\r\n", want: "bad_request" },
  { name: "bare LF after a header", input: "GET / HTTP/1.1\r\nHost: a\n\r\n", want: "bad_request" },
  { name: "bare CR in a value", input: get("X: a\rb\r\n"), want: "bad_request" },
  { name: "NUL in a value", input: get("X: a\0b\r\n"), want: "bad_request" },
  { name: "folded line", input: get("X: a\r\n b\r\n"), want: "bad_request" },
  { name: "space before colon", input: get("X : a\r\n"), want: "bad_request" },
  { name: "empty name", input: get(": a\r\n"), want: "bad_request" },
  { name: "no colon", input: get("abc\r\n"), want: "bad_request" },
  { name: "empty value", input: get("X:\r\n"), want: "GET / @a body=none keep" },
  { name: "length", input: post("Content-Length: 12\r\n"), want: "POST / @a body=12 keep" },
  { name: "length zero", input: post("Content-Length: 0\r\n"), want: "POST / @a body=0 keep" },
  { name: "length with sign", input: post("Content-Length: +5\r\n"), want: "bad_request" },
  { name: "negative length", input: post("Content-Length: -5\r\n"), want: "bad_request" },
  { name: "length list", input: post("Content-Length: 5, 5\r\n"), want: "bad_request" },
  { name: "hex length", input: post("Content-Length: 0x5\r\n"), want: "bad_request" },
  { name: "length with inner space", input: post("Content-Length: 5 5\r\n"), want: "bad_request" },
  { name: "empty length", input: post("Content-Length:\r\n"), want: "bad_request" },
  { name: "length too long", input: post("Content-Length: 1000000000000000\r\n"), want: "bad_request" },
  {
    name: "two equal lengths",
    input: post("Content-Length: 5\r\nContent-Length: 5\r\n"),
    want: "bad_request",
  },
  { name: "chunked", input: post("Transfer-Encoding: chunked\r\n"), want: "POST / @a body=chunked keep" },
  { name: "Chunked", input: post("Transfer-Encoding: ChunkeD\r\n"), want: "POST / @a body=chunked keep" },
  {
    name: "chunked and length",
    input: post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
    want: "bad_request",
  },
  {
    name: "two codings in lines",
    input: post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    want: "bad_request",
  },
  { name: "xchunked", input: post("Transfer-Encoding: xchunked\r\n"), want: "bad_request" },
  { name: "identity", input: post("Transfer-Encoding: identity\r\n"), want: "bad_request" },
  { name: "chunked, identity", input: post("Transfer-Encoding: chunked, identity\r\n"), want: "bad_request" },
  {
    name: "gzip, chunked",
    input: post("Transfer-Encoding: gzip, chunked\r\n"),
    want: "method_not_implemented",
  },
  {
    name: "vertical tab before chunked",
    input: post("Transfer-Encoding: \x0bchunked\r\n"),
    want: "bad_request",
  },
  { name: "quoted chunked", input: post('Transfer-Encoding: "chunked"\r\n'), want: "bad_request" },
  {
    name: "chunked in HTTP/1.0",
    input: "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    want: "bad_request",
  },
  {
    name: "other expectation",
    input: post("Expect: tea\r\nContent-Length: 5\r\n"),
    want: "expectation_failed",
  },
  {
    name: "target at its limit",
    input: `GET /${"x".repeat(99)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    want: `GET /${"x".repeat(99)} @a body=none keep`,
  },
  {
    name: "target above its limit",
    input: `GET /${"x".repeat(100)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    want: "target_too_long",
  },
  { name: "endless first line", input: `GET /${"x".repeat(400)}`, want: "target_too_long" },
  { name: "headers at their number", input: get("X: y\r\n".repeat(7)), want: "GET / @a body=none keep" },
  { name: "headers above their number", input: get("X: y\r\n".repeat(8)), want: "headers_too_large" },
  { name: "name at its limit", input: get(`${"n".repeat(32)}: y\r\n`), want: "GET / @a body=none keep" },
  { name: "name above its limit", input: get(`${"n".repeat(33)}: y\r\n`), want: "headers_too_large" },
  { name: "value at its limit", input: get(`n: ${"y".repeat(128)}\r\n`), want: "GET / @a body=none keep" },
  { name: "value above its limit", input: get(`n: ${"y".repeat(129)}\r\n`), want: "headers_too_large" },
  {
    name: "block above its limit",
    input: get(`n: ${"y".repeat(120)}\r\n`.repeat(4)),
    want: "headers_too_large",
  },
  {
    name: "endless header block",
    input: `GET / HTTP/1.1\r\nHost: ${"a".repeat(500)}`,
    want: "headers_too_large",
  },
  { name: "cut in the first line", input: "GET / HT", want: "incomplete" },
  { name: "cut before the empty line", input: "GET / HTTP/1.1\r\nHost: a\r\n", want: "incomplete" },
  { name: "cut within the last line end", input: "GET / HTTP/1.1\r\nHost: a\r\n\r", want: "incomplete" },
];

for (const { name, input, want } of CASES) {
  Deno.test(`request head: ${name}`, () => assert.equal(outcome(input), want));
}

Deno.test("request head: order, case, duplicates and octets of headers are kept", () => {
  const parsed = parse("GET / HTTP/1.1\r\nX-b: 1\r\nHOST: a\r\nx-B:\t2 \r\nZ: \xe4\xff\r\n\r\n");
  assert.deepEqual([...parsed!.head.headers], [["X-b", "1"], ["HOST", "a"], ["x-B", "2"], ["Z", "\xe4\xff"]]);
  assert.deepEqual(parsed!.head.headers.getAll("x-b"), ["1", "2"]);
});

Deno.test("request head: any split of the bytes gives the same answer", () => {
  const inputs = CASES.filter(({ want }) => want !== "incomplete");
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: inputs.length - 1 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 200 }),
      (index, steps) => {
        const { input, want } = inputs[index]!;
        const bytes = bytesOf(input);
        const parser = new RequestHeadParser(LIMITS);
        let got = "incomplete";
        try {
          for (let end = 0, i = 0; end < bytes.length && got === "incomplete"; i++) {
            end = Math.min(bytes.length, end + steps[i % steps.length]!);
            const parsed = parser.parse(bytes, 0, end);
            if (parsed !== undefined) got = `${parsed.head.method} `;
          }
        } catch (error) {
          got = (error as ProxyError).code;
        }
        assert.ok(want.startsWith(got), `${input}: ${got} instead of ${want}`);
      },
    ),
    { numRuns: 400 },
  );
});

Deno.test("request head: pipelined requests follow each other, and the parser follows a shifted buffer", () => {
  const first = bytesOf(get("A: 1\r\n"));
  const second = bytesOf("GET /2 HTTP/1.1\r\nHost: b\r\nX-Own: c\r\n\r\n");
  const bytes = new Uint8Array([...first, ...second]);
  const parser = new RequestHeadParser(LIMITS);
  assert.equal(parser.parse(bytes, 0, bytes.length)!.head.target, "/");
  const start = parser.end;
  assert.equal(start, first.length);
  assert.equal(parser.parse(bytes, start, bytes.length - 5), undefined);
  const moved = bytes.slice(start);
  parser.shift(start);
  const { head } = parser.parse(moved, 0, moved.length)!;
  assert.equal(head.target, "/2");
  assert.deepEqual([...head.headers], [["Host", "b"], ["X-Own", "c"]]);
});
