import assert from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { parseProxyHeader } from "./proxy_protocol.ts";

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
const V4 = `${SIGNATURE}\x21\x11\x00\x0c\x0a\x00\x00\x01\x0a\x00\x00\x02\x30\x39\x00\x50`;
const V6 = `${SIGNATURE}\x21\x21\x00\x24\x20\x01\x0d\xb8${"\0".repeat(11)}\x01${
  "\0".repeat(15)
}\x01\x30\x39\x00\x50`;

const CASES = [
  {
    name: "v1 TCP4",
    input: "PROXY TCP4 10.0.0.1 10.0.0.2 12345 80\r\nGET",
    want: { type: "proxied", ip: "10.0.0.1", port: 12345, bytes: 39 },
  },
  {
    name: "v1 TCP6",
    input: "PROXY TCP6 2001:DB8::1 ::1 1 80\r\n",
    want: { type: "proxied", ip: "2001:db8::1", port: 1, bytes: 33 },
  },
  { name: "v1 UNKNOWN", input: "PROXY UNKNOWN whatever\r\n", want: { type: "local", bytes: 24 } },
  { name: "v1 cut", input: "PROXY TCP4 10.0.0.1", want: "more" },
  { name: "v1 cut in the word", input: "PRO", want: "more" },
  { name: "nothing yet", input: "", want: "more" },
  { name: "v1 bare LF", input: "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\n", want: "invalid" },
  { name: "v1 bad address", input: "PROXY TCP4 10.0.0.256 10.0.0.2 1 2\r\n", want: "invalid" },
  { name: "v1 leading zero", input: "PROXY TCP4 10.0.0.01 10.0.0.2 1 2\r\n", want: "invalid" },
  { name: "v1 wrong family", input: "PROXY TCP4 ::1 ::1 1 2\r\n", want: "invalid" },
  { name: "v1 bad port", input: "PROXY TCP4 10.0.0.1 10.0.0.2 65536 2\r\n", want: "invalid" },
  { name: "v1 port missing", input: "PROXY TCP4 10.0.0.1 10.0.0.2 1\r\n", want: "invalid" },
  { name: "v1 too much", input: "PROXY TCP4 10.0.0.1 10.0.0.2 1 2 3\r\n", want: "invalid" },
  { name: "v1 too long", input: `PROXY TCP4 ${"1".repeat(120)}`, want: "invalid" },
  { name: "a request", input: "GET / HTTP/1.1\r\n", want: "invalid" },
  { name: "v2 IPv4", input: `${V4}GET`, want: { type: "proxied", ip: "10.0.0.1", port: 12345, bytes: 28 } },
  { name: "v2 IPv6", input: V6, want: { type: "proxied", ip: "2001:db8::1", port: 12345, bytes: 52 } },
  { name: "v2 LOCAL", input: `${SIGNATURE}\x20\x00\x00\x00`, want: { type: "local", bytes: 16 } },
  { name: "v2 UDP keeps the peer", input: V4.replace("\x11", "\x12"), want: { type: "local", bytes: 28 } },
  {
    name: "v2 with extensions",
    input: V4.replace("\x00\x0c", "\x00\x0f") + "abc",
    want: { type: "proxied", ip: "10.0.0.1", port: 12345, bytes: 31 },
  },
  { name: "v2 cut", input: V4.slice(0, 20), want: "more" },
  { name: "v2 other version", input: V4.replace("\x21", "\x31"), want: "invalid" },
  { name: "v2 other command", input: V4.replace("\x21", "\x22"), want: "invalid" },
  { name: "v2 address block too short", input: `${SIGNATURE}\x21\x11\x00\x04abcd`, want: "invalid" },
  { name: "v2 too long", input: `${SIGNATURE}\x21\x11\xff\xff`, want: "invalid" },
  { name: "v2 broken signature", input: "\r\n\r\nGET", want: "invalid" },
];

for (const { name, input, want } of CASES) {
  Deno.test(`PROXY header: ${name}`, () => assert.deepEqual(parseProxyHeader(bytesOf(input)), want));
}

Deno.test("PROXY header: every proper prefix of a good header asks for more", () => {
  for (const good of [CASES[0]!.input.slice(0, 39), V4, V6]) {
    for (let cut = 0; cut < good.length; cut++) {
      assert.equal(parseProxyHeader(bytesOf(good.slice(0, cut))), "more", `${cut}`);
    }
  }
});

Deno.test("PROXY header: no input throws", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (noise, v2) => {
    const bytes = v2 ? new Uint8Array([...bytesOf(SIGNATURE), ...noise]) : noise;
    assert.ok(parseProxyHeader(bytes) !== undefined);
  }));
});
