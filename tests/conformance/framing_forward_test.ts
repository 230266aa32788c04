import { deepEqual, equal, ok } from "node:assert/strict";
import { expectForwarded, type ForwardedCase } from "../support/framing_cases.ts";
import { ProxyPair } from "../support/proxy_pair.ts";
import { exchange, headerOf, RawClient, textOf } from "../support/raw_client.ts";
import { okResponse } from "../support/raw_origin.ts";

function get(fields: string, target = "/a"): string {
  return `GET ${target} HTTP/1.1\r\nHost: example.test\r\n${fields}\r\n`;
}

const LINE = "GET /a HTTP/1.1";

const FORWARDED: readonly ForwardedCase[] = [
  {
    name: "header named by Connection",
    send: get("Connection: close, X-Secret\r\nX-Secret: 1\r\nX-Public: 2\r\n"),
    line: LINE,
    has: ["X-Public: 2"],
    lacks: ["x-secret"],
  },
  {
    name: "header named by Connection in another case, on a second line",
    send: get(
      "connection: keep-alive\r\nCONNECTION: x-sEcret ,, x-other\r\nX-Secret: 1\r\nX-Other: 2\r\n",
    ),
    line: LINE,
    lacks: ["x-secret", "x-other"],
  },
  {
    name: "Connection cannot take Host away",
    send: get("Connection: close, Host\r\n"),
    line: LINE,
    has: ["Host: example.test"],
  },
  {
    name: "Connection cannot take what the proxy adds",
    send: get("Connection: close, X-Forwarded-For, Via, X-Request-Id\r\n"),
    line: LINE,
    has: ["X-Forwarded-For: 127.0.0.1"],
  },
  {
    name: "Connection cannot take Content-Length",
    send:
      "POST /a HTTP/1.1\r\nHost: example.test\r\nConnection: close, Content-Length\r\nContent-Length: 5\r\n\r\nhello",
    line: "POST /a HTTP/1.1",
    body: "hello",
    has: ["Content-Length: 5"],
  },
  {
    name: "hop-by-hop headers",
    send: get(
      "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nTrailer: X\r\nUpgrade: x/1\r\n",
    ),
    line: LINE,
    lacks: ["keep-alive", "proxy-connection", "te", "trailer", "upgrade"],
  },
  {
    name: "h2c upgrade",
    send: get(
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
    ),
    line: LINE,
    lacks: ["upgrade", "http2-settings"],
  },
  {
    name: "h2c upgrade that Connection does not name",
    send: get("Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"),
    line: LINE,
    lacks: ["upgrade"],
  },
  {
    name: "upgrade that the route does not grant",
    send: get("Connection: Upgrade\r\nUpgrade: tunnel/1\r\n"),
    line: LINE,
    lacks: ["upgrade"],
  },
  {
    name: "absolute form of the same host",
    send: get("", "http://example.test/a"),
    line: LINE,
    has: ["Host: example.test"],
  },
  {
    name: "absolute form in capitals",
    send: get("", "HTTP://EXAMPLE.TEST/a"),
    line: LINE,
  },
  {
    name: "absolute form without path",
    send: get("", "http://example.test"),
    line: "GET / HTTP/1.1",
  },
  {
    name: "absolute form with a query alone",
    send: get("", "http://example.test?q"),
    line: "GET /?q HTTP/1.1",
  },
  {
    name: "forwarding headers of a stranger are replaced",
    send: get(
      "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.test\r\n",
    ),
    line: LINE,
    has: [
      "X-Forwarded-For: 127.0.0.1",
      "X-Forwarded-Proto: http",
      "X-Forwarded-Host: example.test",
    ],
  },
  {
    name: "Forwarded of a stranger does not pass",
    send: get("Forwarded: for=1.2.3.4;proto=https\r\n"),
    line: LINE,
    lacks: ["forwarded"],
  },
  {
    name: "internal tokens of strangers",
    send: get("X-Internal-Token: a\r\nAuthorization-Internal: b\r\n"),
    line: LINE,
    lacks: ["x-internal-token", "authorization-internal"],
  },
  {
    name: "ordinary credentials pass",
    send: get("Authorization: Basic YTpi\r\nCookie: a=b\r\n"),
    line: LINE,
    has: ["Authorization: Basic YTpi", "Cookie: a=b"],
  },
  {
    name: "Max-Forwards of OPTIONS counts down",
    send: "OPTIONS /a HTTP/1.1\r\nHost: example.test\r\nMax-Forwards: 3\r\n\r\n",
    line: "OPTIONS /a HTTP/1.1",
    has: ["Max-Forwards: 2"],
  },
  {
    name: "Max-Forwards of TRACE counts down",
    send: "TRACE /a HTTP/1.1\r\nHost: example.test\r\nMax-Forwards: 1\r\n\r\n",
    line: "TRACE /a HTTP/1.1",
    has: ["Max-Forwards: 0"],
  },
  {
    name: "Max-Forwards of GET stays",
    send: get("Max-Forwards: 0\r\n"),
    line: LINE,
    has: ["Max-Forwards: 0"],
  },
];

Deno.test("forwarding: what the origin sees", async (t) => {
  await using pair = await ProxyPair.start();
  for (const each of FORWARDED) {
    await t.step(each.name, () => expectForwarded(pair, each));
  }
});

Deno.test("forwarding: every request carries Via, a request id and a trace", async () => {
  await using pair = await ProxyPair.start();
  await exchange(pair.port, get("Via: 1.0 before\r\nConnection: close\r\n"), {
    timeoutMs: 3000,
  });
  const [seen] = pair.origin.requests;
  const value = (name: string) =>
    seen!.headers.filter(([key]) => key.toLowerCase() === name).map((
      [, text],
    ) => text).join(", ");
  ok(/^1\.0 before, 1\.1 \S+$/.test(value("via")), value("via"));
  ok(/^[!-~]{1,128}$/.test(value("x-request-id")), value("x-request-id"));
  ok(
    /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/.test(value("traceparent")),
    value("traceparent"),
  );
});

Deno.test("forwarding: Max-Forwards 0 ends at the proxy", async (t) => {
  await using pair = await ProxyPair.start();
  for (const method of ["TRACE", "OPTIONS"]) {
    await t.step(method, async () => {
      const send =
        `${method} /a HTTP/1.1\r\nHost: example.test\r\nMax-Forwards: 0\r\nConnection: close\r\n\r\n`;
      const { responses } = await exchange(pair.port, send, {
        timeoutMs: 3000,
      });
      equal(responses.length, 1);
      ok(
        [200, 204, 405].includes(responses[0]!.status),
        String(responses[0]!.status),
      );
      equal(pair.origin.receivedText, "");
    });
  }
});

Deno.test("forwarding: OPTIONS * is never turned into another target", async () => {
  await using pair = await ProxyPair.start();
  const send = "OPTIONS * HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n";
  const { responses } = await exchange(pair.port, send, { timeoutMs: 3000 });
  equal(responses.length, 1);
  ok(
    [200, 204, 404].includes(responses[0]!.status),
    String(responses[0]!.status),
  );
  ok(
    pair.origin.requests.every(({ target }) => target === "*"),
    pair.origin.receivedText,
  );
});

Deno.test("forwarding: hop-by-hop headers of the answer stop at the proxy", async () => {
  await using pair = await ProxyPair.start({}, {
    script: (connection) =>
      connection.send(
        okResponse("ok", [
          "Connection: X-Hop",
          "X-Hop: secret",
          "Keep-Alive: timeout=9",
          "Proxy-Connection: a",
          "Upgrade: h2c",
          "Set-Cookie: a=1",
          "set-cookie: b=2",
          "X-eNd: kept",
        ]),
      ),
  });
  const { responses } = await exchange(
    pair.port,
    get("Connection: close\r\n"),
    { timeoutMs: 3000 },
  );
  const names = responses[0]!.headers.map(([name]) => name);
  for (const hop of ["x-hop", "keep-alive", "proxy-connection", "upgrade"]) {
    ok(!names.some((name) => name.toLowerCase() === hop), `${hop} in ${names}`);
  }
  deepEqual(names.filter((name) => name.toLowerCase() === "set-cookie"), [
    "Set-Cookie",
    "set-cookie",
  ]);
  ok(names.includes("X-eNd"));
});

Deno.test("forwarding: pipelined requests are answered in order, one at a time", async () => {
  await using pair = await ProxyPair.start({}, {
    script: (connection, { target }) => connection.send(okResponse(target)),
  });
  const count = 50;
  const requests = Array.from(
    { length: count },
    (_, i) => get(i === count - 1 ? "Connection: close\r\n" : "", `/${i}`),
  );
  const { responses, end } = await exchange(pair.port, requests.join(""), {
    timeoutMs: 5000,
  });
  deepEqual(
    responses.map(({ body }) => textOf(body)),
    requests.map((_, i) => `/${i}`),
  );
  equal(end, "closed");
});

Deno.test("forwarding: Expect is answered by the proxy when the body is wanted, and not passed on", async () => {
  await using pair = await ProxyPair.start();
  const client = await RawClient.connect(pair.port);
  try {
    await client.send(
      "POST /a HTTP/1.1\r\nHost: example.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    );
    equal((await client.response({ timeoutMs: 3000 }))?.status, 100);
    await client.send("hello");
    equal((await client.response({ timeoutMs: 3000 }))?.status, 200);
    const [seen] = pair.origin.requests;
    equal(textOf(seen!.body), "hello");
    ok(!seen!.headers.some(([name]) => name.toLowerCase() === "expect"));
  } finally {
    client.close();
  }
});

Deno.test("forwarding: HTTP/1.0 clients get no chunks and a closed connection", async () => {
  await using pair = await ProxyPair.start({}, {
    script: (connection) =>
      connection.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      ),
  });
  const { responses, end } = await exchange(
    pair.port,
    "GET /a HTTP/1.0\r\n\r\n",
    { timeoutMs: 3000 },
  );
  equal(end, "closed");
  equal(textOf(responses[0]!.body), "hello");
  equal(headerOf(responses[0]!, "transfer-encoding"), undefined);
});
