import {
  expectForwarded,
  expectRefused,
  type ForwardedCase,
  type RefusedCase,
} from "../support/framing_cases.ts";
import { ProxyPair } from "../support/proxy_pair.ts";

const START = "POST /upload HTTP/1.1\r\nHost: example.test\r\n";
const CHUNKED = "5\r\nhello\r\n0\r\n\r\n";

function withLength(value: string, body = "hello"): string {
  return `${START}Content-Length:${value}\r\n\r\n${body}`;
}

function withCoding(value: string): string {
  return `${START}Transfer-Encoding:${value}\r\n\r\n${CHUNKED}`;
}

/** Lengths and codings that two parsers could read differently. */
const REFUSED: readonly RefusedCase[] = [
  ...[
    ["a sign", " +5"],
    ["a minus sign", " -5"],
    ["hexadecimal", " 0x5"],
    ["a fraction", " 5.0"],
    ["an exponent", " 5e0"],
    ["a list of equal values", " 5, 5"],
    ["a list of different values", " 5, 6"],
    ["two words", " 5 5"],
    ["a semicolon", " 5;a"],
    ["a letter", " 5a"],
    ["nothing", ""],
    ["white space", "  "],
    ["NUL after it", " 5\0"],
    ["NUL before it", "\x005"],
    ["vertical tab before it", "\x0b5"],
    ["form feed after it", " 5\x0c"],
    ["a no-break space", " \xa05"],
    ["quotes", ' "5"'],
    ["an underscore", " 1_0"],
    ["a digit of another script", " \xb2"],
    ["a bare CR", " 5\r5"],
  ].map(([name, value]) => ({
    name: `length with ${name}`,
    send: withLength(value!),
    want: [400],
  })),
  {
    name: "length beyond 64 bits",
    send: withLength(" 18446744073709551621"),
    want: [400, 413],
  },
  {
    name: "length beyond 53 bits",
    send: withLength(" 9007199254740993"),
    want: [400, 413],
  },
  {
    name: "two equal lengths",
    send: `${START}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
    want: [400],
  },
  {
    name: "two different lengths",
    send: `${START}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`,
    want: [400],
  },
  {
    name: "two lengths apart in case",
    send: `${START}Content-Length: 5\r\nX: y\r\ncontent-length: 0\r\n\r\nhello`,
    want: [400],
  },
  {
    name: "length with space before the colon",
    send: `${START}Content-Length : 5\r\n\r\nhello`,
    want: [400],
  },
  {
    name: "length on a folded line",
    send: `${START}Content-Length:\r\n 5\r\n\r\nhello`,
    want: [400],
  },
  {
    name: "length behind a leading space",
    send: `${START} Content-Length: 5\r\n\r\nhello`,
    want: [400],
  },
  {
    name: "length behind a bare LF",
    send: `${START}X: y\nContent-Length: 5\r\n\r\nhello`,
    want: [400],
  },
  {
    name: "length behind a bare CR",
    send: `${START}X: y\rContent-Length: 5\r\n\r\nhello`,
    want: [400],
  },
  {
    name: "length and chunked",
    send: `${START}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
    want: [400],
  },
  {
    name: "chunked and length",
    send: `${START}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n${CHUNKED}`,
    want: [400],
  },
  {
    name: "length and an unknown coding",
    send: `${START}Content-Length: 5\r\nTransfer-Encoding: x\r\n\r\nhello`,
    want: [400, 501],
  },
  {
    name: "length and an empty coding",
    send: `${START}Content-Length: 5\r\nTransfer-Encoding:\r\n\r\nhello`,
    want: [400, 501],
  },
  {
    name: "chunked in HTTP/1.0",
    send: `POST / HTTP/1.0\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
    want: [400],
  },
  ...[
    " chunked, identity",
    " identity",
    " identity, chunked",
    " xchunked",
    " chunkedx",
    " chunked chunked",
    " chunked, chunked",
    " chunked;q=1",
    " chunked;",
    " chunked,",
    " ,chunked",
    " chunked, gzip",
    " gzip",
    " gzip, chunked",
    ' "chunked"',
    " 'chunked'",
    " chunk",
    "",
    "\x0bchunked",
    "\x0cchunked",
    " chunked\x0b",
    " \0chunked",
    " chunked\0",
    " \xa0chunked",
    " ch\xfcnked",
    " chunked\r",
    " x\rchunked",
    " x\nchunked",
    "\r\n chunked",
    "\r\n\tchunked",
    " chunked\r\n , identity",
  ].map((value) => ({
    name: `coding ${JSON.stringify(value)}`,
    send: withCoding(value),
    want: [400, 501],
  })),
  {
    name: "two chunked lines",
    send: `${START}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
    want: [400],
  },
  {
    name: "identity line, then chunked",
    send: `${START}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
    want: [400],
  },
  {
    name: "chunked line, then identity",
    send: `${START}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n${CHUNKED}`,
    want: [400],
  },
  {
    name: "coding with space before the colon",
    send: `${START}Transfer-Encoding : chunked\r\n\r\n${CHUNKED}`,
    want: [400],
  },
  {
    name: "coding with tab before the colon",
    send: `${START}Transfer-Encoding\t: chunked\r\n\r\n${CHUNKED}`,
    want: [400],
  },
  {
    name: "coding with the colon on the next line",
    send: `${START}Transfer-Encoding\r\n: chunked\r\n\r\n${CHUNKED}`,
    want: [400],
  },
  {
    name: "coding with NUL in its name",
    send: `${START}Transfer\0-Encoding: chunked\r\n\r\n${CHUNKED}`,
    want: [400],
  },
  {
    name: "coding behind a bare CR",
    send: `${START}X: y\rTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
    want: [400],
  },
  {
    name: "coding behind a bare LF",
    send: `${START}X: y\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
    want: [400],
  },
  {
    name: "unknown expectation",
    send: `${START}Expect: 200-ok\r\nContent-Length: 5\r\n\r\nhello`,
    want: [417],
  },
];

const FORWARDED: readonly ForwardedCase[] = [
  {
    name: "plain length",
    send: withLength(" 5"),
    line: "POST /upload HTTP/1.1",
    body: "hello",
    has: ["Content-Length: 5"],
    lacks: ["transfer-encoding"],
  },
  {
    name: "length without space",
    send: withLength("5"),
    line: "POST /upload HTTP/1.1",
    body: "hello",
  },
  {
    name: "length between tabs",
    send: withLength("\t5\t"),
    line: "POST /upload HTTP/1.1",
    body: "hello",
    has: ["Content-Length: 5"],
  },
  {
    name: "length zero",
    send: withLength(" 0", ""),
    line: "POST /upload HTTP/1.1",
    body: "",
    has: ["Content-Length: 0"],
  },
  {
    name: "length with leading zeros, normalised",
    send: withLength(" 0005"),
    line: "POST /upload HTTP/1.1",
    body: "hello",
    has: ["Content-Length: 5"],
  },
  {
    name: "length of a GET",
    send: "GET /a HTTP/1.1\r\nHost: example.test\r\nContent-Length: 5\r\n\r\nhello",
    line: "GET /a HTTP/1.1",
    body: "hello",
  },
  {
    name: "plain chunked",
    send: withCoding(" chunked"),
    line: "POST /upload HTTP/1.1",
    body: "hello",
    lacks: ["content-length"],
  },
  {
    name: "chunked in capitals",
    send: withCoding(" CHUNKED"),
    line: "POST /upload HTTP/1.1",
    body: "hello",
  },
  {
    name: "chunked behind a tab",
    send: withCoding("\tchunked \t"),
    line: "POST /upload HTTP/1.1",
    body: "hello",
  },
  {
    name: "no body at all",
    send: `${START}\r\n`,
    line: "POST /upload HTTP/1.1",
    lacks: ["transfer-encoding"],
  },
];

Deno.test("framing: ambiguous lengths and codings are refused and never forwarded", async (t) => {
  await using pair = await ProxyPair.start();
  for (const each of REFUSED) {
    await t.step(each.name, () => expectRefused(pair, each));
  }
});

Deno.test("framing: clear lengths and codings arrive re-serialised", async (t) => {
  await using pair = await ProxyPair.start();
  for (const each of FORWARDED) {
    await t.step(each.name, () => expectForwarded(pair, each));
  }
});
