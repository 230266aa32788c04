import { equal, ok } from "node:assert/strict";
import { ProxyPair } from "../support/proxy_pair.ts";
import { exchange, RawClient } from "../support/raw_client.ts";
import { okResponse } from "../support/raw_origin.ts";

function head(fields: string, target = "/a"): string {
  return `GET ${target} HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n${fields}\r\n`;
}

function post(length: number): string {
  const start = "POST /a HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n";
  return `${start}Content-Length: ${length}\r\n\r\n${"x".repeat(length)}`;
}

function chunked(length: number): string {
  const start =
    "POST /a HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
  return `${start}${length.toString(16)}\r\n${"x".repeat(length)}\r\n0\r\n\r\n`;
}

function fields(count: number): string {
  return Array.from({ length: count }, (_, i) => `X-${i}: y\r\n`).join("");
}

const LIMITS = `max-header-size 2048
    max-header-count 20
    max-header-value 1000
    max-body-size 10000`;

/** Each limit below, at and above. Two headers of `head` count: Host and Connection. */
const CASES: readonly { name: string; send: string; want: number }[] = [
  { name: "19 headers", send: head(fields(17)), want: 200 },
  { name: "20 headers", send: head(fields(18)), want: 200 },
  { name: "21 headers", send: head(fields(19)), want: 431 },
  { name: "value of 999 bytes", send: head(`X: ${"y".repeat(999)}\r\n`), want: 200 },
  { name: "value of 1000 bytes", send: head(`X: ${"y".repeat(1000)}\r\n`), want: 200 },
  { name: "value of 1001 bytes", send: head(`X: ${"y".repeat(1001)}\r\n`), want: 431 },
  {
    name: "headers of 3 KB",
    send: head(`A: ${"y".repeat(990)}\r\nB: ${"y".repeat(990)}\r\nC: ${"y".repeat(990)}\r\n`),
    want: 431,
  },
  { name: "body of 9999 bytes", send: post(9_999), want: 200 },
  { name: "body of 10000 bytes", send: post(10_000), want: 200 },
  { name: "body of 10001 bytes", send: post(10_001), want: 413 },
  { name: "chunked body of 10000 bytes", send: chunked(10_000), want: 200 },
  { name: "chunked body of 10001 bytes", send: chunked(10_001), want: 413 },
  { name: "body announced as 1 TB", send: post(10_001).replace("10001", "1000000000000"), want: 413 },
];

Deno.test("limits: sizes below, at and above", async (t) => {
  await using pair = await ProxyPair.start({ limits: LIMITS });
  for (const { name, send, want } of CASES) {
    await t.step(name, async () => {
      pair.origin.reset();
      const { responses, end } = await exchange(pair.port, send, { timeoutMs: 4000 });
      equal(responses.map(({ status }) => status).join(), String(want));
      equal(end, "closed");
      if (want !== 200) equal(pair.origin.requests.length, 0, "the origin must not see a whole request");
    });
  }
});

Deno.test("limits: connections of one client", async () => {
  await using pair = await ProxyPair.start({ limits: "max-connections-per-client 3" });
  const clients: RawClient[] = [];
  try {
    for (let i = 0; i < 3; i++) {
      const client = await RawClient.connect(pair.port);
      clients.push(client);
      await client.send("GET /a HTTP/1.1\r\nHost: example.test\r\n\r\n");
      equal((await client.response({ timeoutMs: 3000 }))?.status, 200);
    }
    const { responses, end } = await exchange(pair.port, head(""), { timeoutMs: 3000 });
    ok(responses.every(({ status }) => status === 429));
    equal(end, "closed");
    clients.pop()!.close();
    // The place is free again once the proxy has noticed the close, which takes it a moment.
    let status: number | undefined;
    for (let i = 0; i < 50 && status !== 200; i++) {
      status = (await exchange(pair.port, head(""), { timeoutMs: 3000 })).responses[0]?.status;
    }
    equal(status, 200);
  } finally {
    for (const client of clients) client.close();
  }
});

Deno.test("limits: requests in flight", async () => {
  let release = () => {};
  const released = new Promise<void>((resolve) => release = resolve);
  let arrived = () => {};
  const held = new Promise<void>((resolve) => arrived = resolve);
  await using pair = await ProxyPair.start({ limits: "max-in-flight-requests 1" }, {
    script: async (connection) => {
      arrived();
      await released;
      await connection.send(okResponse("ok"));
    },
  });
  const first = exchange(pair.port, head(""), { timeoutMs: 8000 });
  await held;
  const second = await exchange(pair.port, head(""), { timeoutMs: 3000 });
  release();
  equal(second.responses[0]?.status, 503);
  equal((await first).responses[0]?.status, 200);
});
