import { equal, ok } from "node:assert/strict";
import { ProxyPair } from "../support/proxy_pair.ts";
import { exchange } from "../support/raw_client.ts";

const GET = "GET /a HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n";
const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";

/** A version 2 header. */
function version2(fields: { command: number; family: number; block: string }): string {
  const { command, family, block } = fields;
  return SIGNATURE + String.fromCharCode(0x20 | command, family, block.length >> 8, block.length & 255) +
    block;
}

const IPV4_BLOCK = "\xcb\x00\x71\x07\x7f\x00\x00\x01\x1f\x90\x00\x50";
const IPV6_BLOCK = "\x20\x01\x0d\xb8" + "\0".repeat(11) + "\x01" + "\0".repeat(15) + "\x01" +
  "\x1f\x90\x00\x50";

/** Headers and the client address the origin must be told. */
const BELIEVED: readonly { name: string; header: string; want: string }[] = [
  { name: "v1 over IPv4", header: "PROXY TCP4 203.0.113.7 127.0.0.1 8080 80\r\n", want: "203.0.113.7" },
  { name: "v1 over IPv6", header: "PROXY TCP6 2001:db8::1 ::1 8080 80\r\n", want: "2001:db8::1" },
  { name: "v1 unknown", header: "PROXY UNKNOWN\r\n", want: "127.0.0.1" },
  { name: "v1 unknown with addresses", header: "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", want: "127.0.0.1" },
  {
    name: "v2 over IPv4",
    header: version2({ command: 1, family: 0x11, block: IPV4_BLOCK }),
    want: "203.0.113.7",
  },
  {
    name: "v2 over IPv6",
    header: version2({ command: 1, family: 0x21, block: IPV6_BLOCK }),
    want: "2001:db8::1",
  },
  {
    name: "v2 with extensions",
    header: version2({ command: 1, family: 0x11, block: `${IPV4_BLOCK}\x04\x00\x03abc` }),
    want: "203.0.113.7",
  },
  { name: "v2 local", header: version2({ command: 0, family: 0, block: "" }), want: "127.0.0.1" },
];

/** What must be closed without a word to the origin. */
const REFUSED: readonly { name: string; header: string }[] = [
  { name: "no header at all", header: "" },
  { name: "v1 without CR", header: "PROXY TCP4 203.0.113.7 127.0.0.1 8080 80\n" },
  { name: "v1 with a bad address", header: "PROXY TCP4 203.0.113.777 127.0.0.1 8080 80\r\n" },
  { name: "v1 with the wrong family", header: "PROXY TCP4 2001:db8::1 ::1 8080 80\r\n" },
  { name: "v1 with a bad port", header: "PROXY TCP4 203.0.113.7 127.0.0.1 80800 80\r\n" },
  { name: "v1 with too few words", header: "PROXY TCP4 203.0.113.7\r\n" },
  { name: "v1 that is too long", header: `PROXY TCP4 ${"1".repeat(200)}\r\n` },
  { name: "v2 of another version", header: SIGNATURE + "\x31\x11\x00\x0c" + IPV4_BLOCK },
  { name: "v2 with an unknown command", header: version2({ command: 7, family: 0x11, block: IPV4_BLOCK }) },
  {
    name: "v2 with a short address block",
    header: version2({ command: 1, family: 0x11, block: "\xcb\x00" }),
  },
];

const LISTENER = `proxy-protocol #true
        proxy-protocol-from "127.0.0.0/8"
        header-timeout-secs 1`;

Deno.test("PROXY protocol: headers of trusted peers give the client's address", async (t) => {
  await using pair = await ProxyPair.start({ listener: LISTENER });
  for (const { name, header, want } of BELIEVED) {
    await t.step(name, async () => {
      pair.origin.reset();
      const { responses } = await exchange(pair.port, header + GET, { timeoutMs: 4000 });
      equal(responses[0]?.status, 200);
      const seen = pair.origin.requests[0]!.headers.find(([key]) => key.toLowerCase() === "x-forwarded-for");
      equal(seen?.[1], want);
    });
  }
  for (const { name, header } of REFUSED) {
    await t.step(name, async () => {
      pair.origin.reset();
      const { responses, end } = await exchange(pair.port, header + GET, { timeoutMs: 4000 });
      ok(responses.every(({ status }) => status >= 400), "must not be served");
      equal(end, "closed");
      equal(pair.origin.receivedText, "");
    });
  }
});

Deno.test("PROXY protocol: a header of a stranger is a bad request", async () => {
  const listener = LISTENER.replace("127.0.0.0/8", "192.0.2.0/24");
  await using pair = await ProxyPair.start({ listener });
  const spoofed = await exchange(pair.port, BELIEVED[0]!.header + GET, { timeoutMs: 4000 });
  ok(spoofed.responses.every(({ status }) => status === 400));
  equal(spoofed.end, "closed");
  equal(pair.origin.receivedText, "");
});
