import assert from "node:assert/strict";
import { ProxyError } from "../core/errors.ts";
import { octets } from "../../tests/support/fake_socket.ts";
import { type ParsedResponse, RESPONSE_HEAD_LIMITS, ResponseHeadParser } from "./response_head.ts";

function parse(text: string, method = "GET", parser = new ResponseHeadParser()): ParsedResponse {
  const bytes = octets(text);
  parser.reset(0);
  assert.equal(parser.scan(bytes, bytes.length), true, "the head is complete");
  return parser.parse(bytes, method);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (cause) {
    assert.ok(cause instanceof ProxyError, String(cause));
    return cause.code;
  }
  return "accepted";
}

Deno.test("response head: framing follows RFC 9112 §6.3", () => {
  const rows: { name: string; head: string; method?: string; want: Partial<ParsedResponse> }[] = [
    {
      name: "length",
      head: "HTTP/1.1 200 OK\r\nContent-Length: 5",
      want: { framing: "length", length: 5, keepAlive: true },
    },
    {
      name: "chunked",
      head: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked",
      want: { framing: "chunked", keepAlive: true },
    },
    {
      name: "chunked in capitals",
      head: "HTTP/1.1 200 OK\r\ntransfer-encoding: CHUNKED",
      want: { framing: "chunked" },
    },
    { name: "neither", head: "HTTP/1.1 200 OK\r\nServer: x", want: { framing: "close", keepAlive: false } },
    {
      name: "length 0",
      head: "HTTP/1.1 200 OK\r\nContent-Length: 0",
      want: { framing: "none", keepAlive: true },
    },
    {
      name: "same length twice",
      head: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5",
      want: { framing: "length", length: 5 },
    },
    {
      name: "HEAD",
      head: "HTTP/1.1 200 OK\r\nContent-Length: 5",
      method: "HEAD",
      want: { framing: "none", keepAlive: true },
    },
    { name: "204", head: "HTTP/1.1 204 No Content\r\nServer: x", want: { framing: "none", keepAlive: true } },
    {
      name: "204 that announces a body",
      head: "HTTP/1.1 204 No\r\nContent-Length: 3",
      want: { framing: "none", keepAlive: false },
    },
    {
      name: "304 with a length",
      head: "HTTP/1.1 304 Not Modified\r\nContent-Length: 3",
      want: { framing: "none", keepAlive: true },
    },
    { name: "103", head: "HTTP/1.1 103 Early Hints\r\nLink: x", want: { framing: "none", status: 103 } },
    {
      name: "1.0",
      head: "HTTP/1.0 200 OK\r\nContent-Length: 5",
      want: { framing: "length", keepAlive: false },
    },
    {
      name: "1.0 keep-alive",
      head: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: Keep-Alive",
      want: { keepAlive: true },
    },
    {
      name: "close",
      head: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close",
      want: { keepAlive: false },
    },
    {
      name: "close among others",
      head: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive, Close",
      want: { keepAlive: false },
    },
    { name: "no reason", head: "HTTP/1.1 200\r\nContent-Length: 5", want: { reason: "", status: 200 } },
    { name: "empty reason", head: "HTTP/1.1 200 \r\nContent-Length: 5", want: { reason: "" } },
    {
      name: "reason outside ASCII",
      head: "HTTP/1.1 404 nicht da \xe9\r\nContent-Length: 5",
      want: { reason: "nicht da ?" },
    },
    { name: "status above 599", head: "HTTP/1.1 999 Odd\r\nContent-Length: 5", want: { status: 999 } },
  ];
  for (const row of rows) {
    const got = parse(`${row.head}\r\n\r\n`, row.method);
    for (const [key, want] of Object.entries(row.want)) {
      assert.deepEqual(got[key as keyof ParsedResponse], want, `${row.name}: ${key}`);
    }
  }
});

Deno.test("response head: hop-by-hop lines go, the rest keeps order, case, duplicates and octets", () => {
  const { headers } = parse(
    "HTTP/1.1 200 OK\r\nX-B: 1\r\nConnection: keep-alive, x-secret\r\nset-cookie: a\r\nSet-Cookie:b\xff \r\n" +
      "Keep-Alive: timeout=5\r\nX-Secret: s\r\nTrailer: x\r\nUpgrade: h2c\r\nContent-Length:2\r\nContent-Length: 2\r\n\r\n",
  );
  assert.deepEqual([...headers], [["X-B", "1"], ["set-cookie", "a"], ["Set-Cookie", "b\xff"], [
    "Content-Length",
    "2",
  ]]);
});

Deno.test("response head: whatever is ambiguous or malformed is refused", () => {
  const rows: Record<string, string> = {
    "not HTTP": "SSH-2.0-OpenSSH\r\n\r\n",
    "HTTP/2": "HTTP/2 200 OK\r\n\r\n",
    "HTTP/1.2": "HTTP/1.2 200 OK\r\n\r\n",
    "lower case": "http/1.1 200 OK\r\n\r\n",
    "leading empty line": "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "two-digit status": "HTTP/1.1 20 OK\r\n\r\n",
    "four-digit status": "HTTP/1.1 2000 OK\r\n\r\n",
    "status below 100": "HTTP/1.1 099 OK\r\n\r\n",
    "signed status": "HTTP/1.1 +20 OK\r\n\r\n",
    "two spaces": "HTTP/1.1  200 OK\r\n\r\n",
    "NUL in the reason": "HTTP/1.1 200 O\0K\r\n\r\n",
    "bare CR in the reason": "HTTP/1.1 200 O\rK\r\n\r\n",
    "bare LF": "HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\n",
    "obs-fold": "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
    "space before colon": "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n",
    "no name": "HTTP/1.1 200 OK\r\n: 1\r\n\r\n",
    "no colon": "HTTP/1.1 200 OK\r\nfoo\r\n\r\n",
    "NUL in a value": "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
    "CR in a value": "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
    "length and chunked": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "lengths differ": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "length list": "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
    "length with plus": "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
    "negative length": "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "hex length": "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n",
    "empty length": "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
    "huge length": "HTTP/1.1 200 OK\r\nContent-Length: 1234567890123456\r\n\r\n",
    "bad length on 304": "HTTP/1.1 304 OK\r\nContent-Length: x\r\n\r\n",
    "gzip, chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "chunked twice": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "identity": "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
    "xchunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "chunked in HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
  };
  for (const [name, head] of Object.entries(rows)) {
    assert.equal(codeOf(() => parse(head)), "upstream_protocol", name);
  }
});

Deno.test("response head: what is not HTTP is noticed at its first bytes", () => {
  const parser = new ResponseHeadParser();
  parser.reset(0);
  assert.equal(codeOf(() => parser.scan(octets("SSH"), 3)), "upstream_protocol");
});

Deno.test("response head: may arrive byte by byte, behind an informational one", () => {
  const bytes = octets(
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabc",
  );
  const parser = new ResponseHeadParser();
  const statuses: number[] = [];
  let start = 0;
  parser.reset(0);
  for (let end = 1; end <= bytes.length && statuses.length < 2; end++) {
    if (!parser.scan(bytes, end)) continue;
    const parsed = parser.parse(bytes, "GET");
    statuses.push(parsed.status);
    start = parser.end;
    if (parsed.status === 100) parser.reset(start);
    else assert.deepEqual([...parsed.headers], [["Content-Length", "3"], ["X", "y"]]);
  }
  assert.deepEqual(statuses, [100, 200]);
  assert.equal(bytes.length - start, 3);
});

Deno.test("response head: bounds hold below, at and above", () => {
  const limits = { ...RESPONSE_HEAD_LIMITS, headerCountMax: 3, headerValueBytesMax: 10 };
  const parser = new ResponseHeadParser(limits);
  const lines = (count: number) => "HTTP/1.1 200 OK\r\n" + "X: y\r\n".repeat(count) + "\r\n";
  const value = (length: number) => `HTTP/1.1 200 OK\r\nX: ${"v".repeat(length)}\r\n\r\n`;
  const rows: [string, string, string][] = [
    ["2 lines", lines(2), "accepted"],
    ["3 lines", lines(3), "accepted"],
    ["4 lines", lines(4), "upstream_head_too_large"],
    ["9 bytes", value(9), "accepted"],
    ["10 bytes", value(10), "accepted"],
    ["11 bytes", value(11), "upstream_head_too_large"],
  ];
  for (const [name, head, want] of rows) assert.equal(codeOf(() => parse(head, "GET", parser)), want, name);
});
