import { equal } from "node:assert/strict";
import {
  expectForwarded,
  expectRefused,
  type ForwardedCase,
  type RefusedCase,
} from "../support/framing_cases.ts";
import { ProxyPair } from "../support/proxy_pair.ts";
import { bytesOf, RawClient, textOf } from "../support/raw_client.ts";

const HEAD = "POST /chunks HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n";
const LINE = "POST /chunks HTTP/1.1";

const WRONG: readonly (readonly [name: string, body: string])[] = [
  ["size with a sign", "+5\r\nhello\r\n0\r\n\r\n"],
  ["size with a minus sign", "-5\r\nhello\r\n0\r\n\r\n"],
  ["size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"],
  ["size behind a space", " 5\r\nhello\r\n0\r\n\r\n"],
  ["size with an underscore", "1_0\r\nhello\r\n0\r\n\r\n"],
  ["size that is no digit", "g\r\nhello\r\n0\r\n\r\n"],
  ["no size", "\r\nhello\r\n0\r\n\r\n"],
  ["no size but an extension", ";a=b\r\nhello\r\n0\r\n\r\n"],
  ["size of 2^64 + 5", "10000000000000005\r\nhello\r\n0\r\n\r\n"],
  [
    "size of 2^32 + 5 in 100 digits",
    `${"0".repeat(92)}100000005\r\nhello\r\n0\r\n\r\n`,
  ],
  ["size of 17 F", "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"],
  ["size line ending in LF", "5\nhello\r\n0\r\n\r\n"],
  ["size line ending in CR", "5\rhello\r\n0\r\n\r\n"],
  ["size line ending in CR CR LF", "5\r\r\nhello\r\n0\r\n\r\n"],
  ["size with NUL", "5\0\r\nhello\r\n0\r\n\r\n"],
  ["extension with LF", "5;a\nhello\r\n0\r\n\r\n"],
  ["extension with CR", "5;a\rb\r\nhello\r\n0\r\n\r\n"],
  ["extension with NUL", "5;a=\0\r\nhello\r\n0\r\n\r\n"],
  ["extension of 64 KB", `5;${"a".repeat(65_536)}\r\nhello\r\n0\r\n\r\n`],
  ["data longer than its size", "5\r\nhello!\r\n0\r\n\r\n"],
  ["data shorter than its size", "6\r\nhello\r\n0\r\n\r\n"],
  ["data ending in LF", "5\r\nhello\n0\r\n\r\n"],
  ["data ending in two LF", "5\r\nhello\n\n0\r\n\r\n"],
  ["data without an end", "5\r\nhello0\r\n\r\n"],
  ["end with LF LF", "5\r\nhello\r\n0\n\n"],
  ["end with CRLF LF", "5\r\nhello\r\n0\r\n\n"],
  ["trailer without colon", "5\r\nhello\r\n0\r\nbad\r\n\r\n"],
  ["trailer with space before the colon", "5\r\nhello\r\n0\r\nX : y\r\n\r\n"],
  ["trailer on a folded line", "5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n"],
  ["trailer ending in LF", "5\r\nhello\r\n0\r\nX: y\n\r\n"],
  ["trailer with NUL", "5\r\nhello\r\n0\r\nX: \0\r\n\r\n"],
  [
    "trailers of 64 KB",
    `5\r\nhello\r\n0\r\n${`X: ${"y".repeat(1000)}\r\n`.repeat(64)}\r\n`,
  ],
];

const FORWARDED: readonly ForwardedCase[] = [
  {
    name: "two chunks",
    send: `${HEAD}2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`,
    line: LINE,
    body: "hello",
  },
  {
    name: "size in capitals",
    send: `${HEAD}A\r\n0123456789\r\n0\r\n\r\n`,
    line: LINE,
    body: "0123456789",
  },
  {
    name: "size in small letters",
    send: `${HEAD}a\r\n0123456789\r\n0\r\n\r\n`,
    line: LINE,
    body: "0123456789",
  },
  {
    name: "size with leading zeros",
    send: `${HEAD}0005\r\nhello\r\n000\r\n\r\n`,
    line: LINE,
    body: "hello",
  },
  { name: "empty body", send: `${HEAD}0\r\n\r\n`, line: LINE, body: "" },
  {
    name: "data that looks like framing",
    send: `${HEAD}7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n`,
    line: LINE,
    body: "0\r\n\r\n\r\n",
  },
];

Deno.test("framing: wrong chunks are answered 400 and never look whole to the origin", async (t) => {
  await using pair = await ProxyPair.start();
  for (const [name, body] of WRONG) {
    const each: RefusedCase = {
      name,
      send: HEAD + body,
      want: [400],
      bodyIsWrong: true,
    };
    await t.step(name, () => expectRefused(pair, each));
  }
});

Deno.test("framing: right chunks arrive", async (t) => {
  await using pair = await ProxyPair.start();
  for (const each of FORWARDED) {
    await t.step(each.name, () => expectForwarded(pair, each));
  }
});

Deno.test("framing: chunk extensions and trailers stop at the proxy", async () => {
  await using pair = await ProxyPair.start();
  const send =
    `${HEAD}5;secret=extension\r\nhello\r\n0\r\nX-Trailer: secret\r\nContent-Length: 987654321\r\n\r\n`;
  await expectForwarded(pair, {
    name: "extension",
    send,
    line: LINE,
    body: "hello",
    lacks: ["x-trailer"],
  });
  equal(pair.origin.receivedText.includes("secret"), false);
  equal(pair.origin.receivedText.includes("987654321"), false);
});

Deno.test("framing: a request split at every byte is the same request", async () => {
  await using pair = await ProxyPair.start();
  const bytes = bytesOf(`${HEAD}5\r\nhello\r\n3;x\r\n wo\r\n0\r\n\r\n`);
  for (let cut = 1; cut < bytes.length; cut++) {
    pair.origin.reset();
    const client = await RawClient.connect(pair.port);
    try {
      await client.send(bytes.subarray(0, cut));
      await client.send(bytes.subarray(cut));
      equal(
        (await client.response({ timeoutMs: 5000 }))?.status,
        200,
        `cut at ${cut}`,
      );
      equal(textOf(pair.origin.requests[0]!.body), "hello wo", `cut at ${cut}`);
    } finally {
      client.close();
    }
  }
});
