import {
  expectForwarded,
  expectRefused,
  type ForwardedCase,
  type RefusedCase,
} from "../support/framing_cases.ts";
import { ProxyPair } from "../support/proxy_pair.ts";

const HOST = "Host: example.test\r\n";

function line(requestLine: string): string {
  return `${requestLine}\r\n${HOST}\r\n`;
}

function field(text: string): string {
  return `GET /a HTTP/1.1\r\n${HOST}${text}\r\n\r\n`;
}

function host(text: string): string {
  return `GET /a HTTP/1.1\r\n${text}\r\n`;
}

const BAD_LINES: readonly RefusedCase[] = [
  {
    name: "two spaces before the target",
    send: line("GET  /a HTTP/1.1"),
    want: [400],
  },
  {
    name: "two spaces before the version",
    send: line("GET /a  HTTP/1.1"),
    want: [400],
  },
  {
    name: "tab before the target",
    send: line("GET\t/a HTTP/1.1"),
    want: [400],
  },
  {
    name: "tab before the version",
    send: line("GET /a\tHTTP/1.1"),
    want: [400],
  },
  { name: "space at the end", send: line("GET /a HTTP/1.1 "), want: [400] },
  { name: "space at the start", send: line(" GET /a HTTP/1.1"), want: [400] },
  { name: "space in the target", send: line("GET /a b HTTP/1.1"), want: [400] },
  { name: "no target", send: line("GET HTTP/1.1"), want: [400] },
  { name: "no method", send: line("/a HTTP/1.1"), want: [400] },
  { name: "no version, as in HTTP/0.9", send: line("GET /a"), want: [400] },
  { name: "ends in LF", send: `GET /a HTTP/1.1\n${HOST}\r\n`, want: [400] },
  { name: "ends in CR", send: `GET /a HTTP/1.1\r${HOST}\r\n`, want: [400] },
  {
    name: "ends in CR CR LF",
    send: `GET /a HTTP/1.1\r\r\n${HOST}\r\n`,
    want: [400],
  },
  {
    name: "only LF line ends",
    send: "GET /a HTTP/1.1\nHost: example.test\n\n",
    want: [400],
  },
  {
    name: "method with a separator",
    send: line("G@T /a HTTP/1.1"),
    want: [400],
  },
  { name: "method with a colon", send: line("GET: /a HTTP/1.1"), want: [400] },
  { name: "method with NUL", send: line("G\0ET /a HTTP/1.1"), want: [400] },
  { name: "target with NUL", send: line("GET /a\0b HTTP/1.1"), want: [400] },
  { name: "target with DEL", send: line("GET /a\x7f HTTP/1.1"), want: [400] },
  { name: "target with CR", send: line("GET /a\rb HTTP/1.1"), want: [400] },
  { name: "target without slash", send: line("GET a HTTP/1.1"), want: [400] },
  {
    name: "target of another scheme",
    send: line("GET ftp://example.test/a HTTP/1.1"),
    want: [400],
  },
  {
    name: "target is an authority",
    send: line("GET example.test:80 HTTP/1.1"),
    want: [400],
  },
  { name: "star for GET", send: line("GET * HTTP/1.1"), want: [400] },
  {
    name: "absolute target of another host",
    send: line("GET http://other.test/a HTTP/1.1"),
    want: [400],
  },
  {
    name: "absolute target of another port",
    send: line("GET http://example.test:81/a HTTP/1.1"),
    want: [400],
  },
  {
    name: "absolute target without host",
    send: line("GET http:///a HTTP/1.1"),
    want: [400],
  },
  {
    name: "absolute target with user info",
    send: line("GET http://example.test@other.test/a HTTP/1.1"),
    want: [400],
  },
  {
    name: "climbing above the root",
    send: line("GET /../../etc/passwd HTTP/1.1"),
    want: [400],
  },
  { name: "encoded NUL", send: line("GET /a%00b HTTP/1.1"), want: [400] },
  {
    name: "version in small letters",
    send: line("GET /a http/1.1"),
    want: [400],
  },
  { name: "version without minor", send: line("GET /a HTTP/1"), want: [400] },
  { name: "version 1.10", send: line("GET /a HTTP/1.10"), want: [400] },
  {
    name: "version 1.1 with text",
    send: line("GET /a HTTP/1.1x"),
    want: [400],
  },
  { name: "version 2.0", send: line("GET /a HTTP/2.0"), want: [505] },
  { name: "version 0.9", send: line("GET /a HTTP/0.9"), want: [400, 505] },
  // The preface itself begins an HTTP/2 connection here; the listener test of HTTP/2 has what `http1` makes of it.
  {
    name: "nearly the HTTP/2 preface",
    send: "PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n",
    want: [400, 505],
  },
  {
    name: "TLS hello",
    send: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    want: [400],
  },
  {
    name: "CONNECT",
    send: "CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\n\r\n",
    want: [400, 405, 501],
  },
  {
    name: "many empty lines first",
    send: `${"\r\n".repeat(50)}${line("GET /a HTTP/1.1")}`,
    want: [400],
  },
  {
    name: "target of 100 KB",
    send: line(`GET /${"a".repeat(100_000)} HTTP/1.1`),
    want: [414],
  },
  {
    name: "method of 100 KB",
    send: line(`${"A".repeat(100_000)} /a HTTP/1.1`),
    want: [400, 414, 501],
  },
];

const BAD_FIELDS: readonly RefusedCase[] = [
  { name: "space before the colon", send: field("X : y"), want: [400] },
  { name: "tab before the colon", send: field("X\t: y"), want: [400] },
  { name: "space in the name", send: field("X Y: z"), want: [400] },
  { name: "no colon", send: field("X"), want: [400] },
  { name: "no name", send: field(": y"), want: [400] },
  { name: "NUL in the name", send: field("X\0: y"), want: [400] },
  { name: "NUL in the value", send: field("X: a\0b"), want: [400] },
  {
    name: "control character in the value",
    send: field("X: a\x01b"),
    want: [400],
  },
  { name: "DEL in the value", send: field("X: a\x7fb"), want: [400] },
  { name: "bare CR in the value", send: field("X: a\rb"), want: [400] },
  { name: "bare LF after the value", send: field("X: a\nY: b"), want: [400] },
  {
    name: "bare CR before a smuggled head",
    send: field("X: a\r\rGET / HTTP/1.1"),
    want: [400],
  },
  { name: "high octet in the name", send: field("X\xe9: y"), want: [400] },
  { name: "separator in the name", send: field("X(y): z"), want: [400] },
  { name: "folded line", send: field("X: a\r\n b"), want: [400] },
  { name: "folded line with tab", send: field("X: a\r\n\tb"), want: [400] },
  { name: "folded line of white space", send: field("X: a\r\n "), want: [400] },
  {
    name: "folded line first",
    send: `GET /a HTTP/1.1\r\n X: y\r\n${HOST}\r\n`,
    want: [400],
  },
  {
    name: "header of 100 KB",
    send: field(`X: ${"y".repeat(100_000)}`),
    want: [431],
  },
  {
    name: "200 headers",
    send: field(
      Array.from({ length: 200 }, (_, i) => `X-${i}: y`).join("\r\n"),
    ),
    want: [431],
  },
  {
    name: "a head that never ends",
    send: `GET /a HTTP/1.1\r\n${HOST}${"X: yyyyyyyyyyyyyyyy\r\n".repeat(5000)}`,
    want: [431],
  },
];

const BAD_HOSTS: readonly RefusedCase[] = [
  ["missing", ""],
  ["empty", "Host:\r\n"],
  ["twice", "Host: example.test\r\nHost: example.test\r\n"],
  ["twice and different", "Host: example.test\r\nHost: other.test\r\n"],
  ["twice apart in case", "Host: example.test\r\nhOST: other.test\r\n"],
  ["with user info", "Host: user@example.test\r\n"],
  ["with user and password", "Host: user:pass@example.test\r\n"],
  ["with a path", "Host: example.test/a\r\n"],
  ["with a query", "Host: example.test?a\r\n"],
  ["with a fragment", "Host: example.test#a\r\n"],
  ["with a scheme", "Host: http://example.test\r\n"],
  ["with a space", "Host: example test\r\n"],
  ["with a tab", "Host: example\ttest\r\n"],
  ["with a list", "Host: example.test, other.test\r\n"],
  ["with two ports", "Host: example.test:80:81\r\n"],
  ["with a port that is no number", "Host: example.test:a\r\n"],
  ["with a port out of range", "Host: example.test:65536\r\n"],
  ["with a backslash", "Host: example.test\\a\r\n"],
  ["with an open bracket", "Host: [::1\r\n"],
  ["with text behind the bracket", "Host: [::1]x\r\n"],
  ["with a high octet", "Host: ex\xe4mple.test\r\n"],
  ["with NUL", "Host: example.test\0\r\n"],
  ["only a port", "Host: :80\r\n"],
  ["only a dot", "Host: .\r\n"],
  ["folded", "Host:\r\n example.test\r\n"],
  ["behind a space", " Host: example.test\r\n"],
  ["with space before the colon", "Host : example.test\r\n"],
].map(([name, text]) => ({
  name: `Host ${name}`,
  send: host(text!),
  want: [400],
}));

const FORWARDED: readonly ForwardedCase[] = [
  {
    name: "plain",
    send: line("GET /a HTTP/1.1"),
    line: "GET /a HTTP/1.1",
    has: ["Host: example.test"],
  },
  {
    name: "empty line first",
    send: `\r\n${line("GET /a HTTP/1.1")}`,
    line: "GET /a HTTP/1.1",
  },
  {
    name: "method in small letters",
    send: line("get /a HTTP/1.1"),
    line: "get /a HTTP/1.1",
  },
  {
    name: "unknown method",
    send: line("PURGE-IT /a HTTP/1.1"),
    line: "PURGE-IT /a HTTP/1.1",
  },
  {
    name: "query kept as it is",
    send: line("GET /a?b=%2f&c=d+e&&= HTTP/1.1"),
    line: "GET /a?b=%2f&c=d+e&&= HTTP/1.1",
  },
  {
    name: "escapes kept as they are",
    send: line("GET /%61%2Db%20c HTTP/1.1"),
    line: "GET /%61%2Db%20c HTTP/1.1",
  },
  {
    name: "dot segments kept as they are",
    send: line("GET /a/../b/./c HTTP/1.1"),
    line: "GET /a/../b/./c HTTP/1.1",
  },
  {
    name: "doubled slashes kept",
    send: line("GET //a///b HTTP/1.1"),
    line: "GET //a///b HTTP/1.1",
  },
  {
    name: "host in capitals with port",
    send: host("HOST: EXAMPLE.test:8080\r\n"),
    line: "GET /a HTTP/1.1",
    has: ["HOST: EXAMPLE.test:8080"],
  },
  {
    name: "IPv6 host",
    send: host("Host: [::1]:8080\r\n"),
    line: "GET /a HTTP/1.1",
    has: ["Host: [::1]:8080"],
  },
  {
    name: "host without white space",
    send: host("Host:example.test\r\n"),
    line: "GET /a HTTP/1.1",
  },
  {
    name: "high octets in a value",
    send: field("X: \xe4\xf6\xfc"),
    line: "GET /a HTTP/1.1",
    has: ["X: \xe4\xf6\xfc"],
  },
  { name: "empty value", send: field("X:"), line: "GET /a HTTP/1.1" },
  {
    name: "duplicates, order and case of headers",
    send: field("x-One: 1\r\nX-TWO: 2\r\nX-one: 3"),
    line: "GET /a HTTP/1.1",
    has: ["x-One: 1", "X-TWO: 2", "X-one: 3"],
  },
  {
    name: "HTTP/1.0 with host",
    send: line("GET /a HTTP/1.0"),
    line: "GET /a HTTP/1.1",
    has: ["Host: example.test"],
  },
  { name: "HEAD", send: line("HEAD /a HTTP/1.1"), line: "HEAD /a HTTP/1.1" },
  {
    name: "80 headers",
    send: field(Array.from({ length: 79 }, (_, i) => `X-${i}: y`).join("\r\n")),
    line: "GET /a HTTP/1.1",
    has: ["X-78: y"],
  },
];

Deno.test("framing: wrong request lines are refused", async (t) => {
  await using pair = await ProxyPair.start();
  for (const each of BAD_LINES) {
    await t.step(each.name, () => expectRefused(pair, each));
  }
});

Deno.test("framing: wrong header lines are refused", async (t) => {
  await using pair = await ProxyPair.start();
  for (const each of BAD_FIELDS) {
    await t.step(each.name, () => expectRefused(pair, each));
  }
});

Deno.test("framing: wrong hosts are refused", async (t) => {
  await using pair = await ProxyPair.start();
  for (const each of BAD_HOSTS) {
    await t.step(each.name, () => expectRefused(pair, each));
  }
});

Deno.test("framing: right heads arrive byte for byte", async (t) => {
  await using pair = await ProxyPair.start();
  for (const each of FORWARDED) {
    await t.step(each.name, () => expectForwarded(pair, each));
  }
});
