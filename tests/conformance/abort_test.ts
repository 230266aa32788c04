import { equal, ok } from "node:assert/strict";
import { ProxyPair } from "../support/proxy_pair.ts";
import { exchange, RawClient, textOf } from "../support/raw_client.ts";
import { okResponse, type Script } from "../support/raw_origin.ts";
import { eventually } from "../support/servers.ts";

const GET = "GET /a HTTP/1.1\r\nHost: example.test\r\n\r\n";
const POST_HEAD = "POST /a HTTP/1.1\r\nHost: example.test\r\nContent-Length: 1000000\r\n\r\n";
const CHUNKED_HEAD = "POST /a HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n";
const HALF_BODY = "x".repeat(300_000);
const REPEATS = 5;

/** Connections the pool may keep after the dust has settled. */
const POOLED_MAX = 4;

/** Longer than "at once" by far, so that one cannot pass for the other. */
const READ_TIMEOUT_MS = 4000;
const PROMPT_MS = 2000;
const UPSTREAM = `timeouts { connect-secs 1; request-secs 30; read-secs ${
  READ_TIMEOUT_MS / 1000
}; write-secs 4; }`;

const LARGE = `HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n${"x".repeat(2_000_000)}`;
const hold: Script = (connection) => connection.gone;
const answerLarge: Script = async (connection) => {
  await connection.send(LARGE);
  await connection.gone;
};
const answerDrops: Script = async (connection) => {
  await connection.send(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
  );
  await connection.gone;
};

interface ClientAbort {
  readonly name: string;
  readonly script: Script;
  /** Gets the client to the point where it leaves. */
  readonly reach: (client: RawClient, pair: ProxyPair) => Promise<void>;
  /**
   * When the upstream connection must be seen closing. Not at once where a FIN may mean that the client has
   * only nothing more to say and still waits for the rest of an answer of known length.
   */
  readonly cutsUpstream: "never" | "at-once" | "at-read-timeout";
}

async function originSaw(pair: ProxyPair, text: string): Promise<void> {
  ok(
    await eventually(3000, () => pair.origin.receivedText.includes(text)),
    `the origin never saw ${text}`,
  );
}

const CLIENT_ABORTS: readonly ClientAbort[] = [
  {
    name: "before a byte",
    script: hold,
    cutsUpstream: "never",
    reach: () => Promise.resolve(),
  },
  {
    name: "inside the head",
    script: hold,
    cutsUpstream: "never",
    reach: (client) => client.send("GET /a HTTP/1.1\r\nHo").then(() => undefined),
  },
  {
    name: "inside a body with a length",
    script: hold,
    cutsUpstream: "at-once",
    reach: async (client, pair) => {
      await client.send(POST_HEAD + HALF_BODY);
      await originSaw(pair, "xxxx");
    },
  },
  {
    name: "inside a chunked body",
    script: hold,
    cutsUpstream: "at-once",
    reach: async (client, pair) => {
      await client.send(`${CHUNKED_HEAD}5\r\nhello\r\n`);
      await originSaw(pair, "hello");
    },
  },
  {
    name: "while waiting for the answer",
    script: hold,
    cutsUpstream: "at-once",
    reach: async (client, pair) => {
      await client.send(GET);
      await originSaw(pair, "GET /a");
    },
  },
  {
    name: "inside a large answer",
    script: answerLarge,
    cutsUpstream: "at-read-timeout",
    reach: async (client) => {
      await client.send(GET);
      await client.receivedAtLeast(100_000, 3000);
    },
  },
  {
    name: "inside an answer that drops slowly",
    script: answerDrops,
    cutsUpstream: "at-once",
    reach: async (client) => {
      await client.send(GET);
      await client.receivedAtLeast(60, 3000);
    },
  },
  {
    name: "after the answer",
    script: (connection) => connection.send(okResponse("ok")),
    cutsUpstream: "never",
    reach: async (client) => {
      await client.send(GET);
      equal((await client.response({ timeoutMs: 3000 }))?.status, 200);
    },
  },
];

Deno.test("client aborts: no socket is left, the upstream work is cut", async (t) => {
  await using pair = await ProxyPair.start({ upstream: UPSTREAM });
  const baseline = pair.sockets;
  for (const { name, script, reach, cutsUpstream } of CLIENT_ABORTS) {
    await t.step(name, async () => {
      pair.origin.script = script;
      for (let i = 0; i < REPEATS; i++) {
        pair.origin.reset();
        const client = await RawClient.connect(pair.port);
        await reach(client, pair);
        client.close();
      }
      if (cutsUpstream !== "never") {
        const waitMs = cutsUpstream === "at-once" ? PROMPT_MS : READ_TIMEOUT_MS + PROMPT_MS;
        ok(
          await eventually(waitMs, () => pair.origin.openCount === 0),
          "upstream connections stay open",
        );
      }
      ok(
        await pair.socketsSettle(baseline + POOLED_MAX),
        `${pair.sockets} sockets, ${baseline} at first`,
      );
    });
  }
  await t.step("the proxy still serves", async () => {
    pair.origin.script = (connection) => connection.send(okResponse("alive"));
    const { responses } = await exchange(
      pair.port,
      GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
      { timeoutMs: 3000 },
    );
    equal(textOf(responses[0]!.body), "alive");
  });
});

Deno.test("client aborts: behind a pipelined request the work ends at the read timeout at the latest", async () => {
  await using pair = await ProxyPair.start({ upstream: UPSTREAM }, {
    script: hold,
  });
  const baseline = pair.sockets;
  const client = await RawClient.connect(pair.port);
  await client.send(GET + GET);
  await originSaw(pair, "GET /a");
  client.close();
  // Each of the two requests may take its time; one connection may end up idle in the pool.
  const settled = await eventually(
    2 * READ_TIMEOUT_MS + PROMPT_MS,
    () => pair.sockets <= baseline + 1,
  );
  ok(settled, `${pair.sockets} sockets, ${baseline} at first`);
  equal(pair.origin.requests.length <= 2, true);
});

interface OriginAbort {
  readonly name: string;
  readonly script: Script;
  readonly send?: string;
  /** The status, or `broken` for an answer that is visibly cut short. */
  readonly want: number | "broken";
}

/** Answers, then waits until the bytes have had a chance to be read before the connection is cut. */
function sayAndAbort(text: string): Script {
  return async (connection) => {
    await connection.send(text);
    connection.abort();
  };
}

const ORIGIN_ABORTS: readonly OriginAbort[] = [
  { name: "before the head", script: sayAndAbort(""), want: 502 },
  {
    name: "inside the status line",
    script: sayAndAbort("HTTP/1.1 20"),
    want: 502,
  },
  {
    name: "inside a header",
    script: sayAndAbort("HTTP/1.1 200 OK\r\nContent-Le"),
    want: 502,
  },
  {
    name: "before the empty line",
    script: sayAndAbort("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"),
    want: 502,
  },
  {
    name: "after 100 Continue",
    script: sayAndAbort("HTTP/1.1 100 Continue\r\n\r\n"),
    want: 502,
  },
  {
    name: "before the body",
    script: sayAndAbort("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    want: "broken",
  },
  {
    name: "inside the body",
    script: sayAndAbort("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"),
    want: "broken",
  },
  { name: "inside a large body", script: sayAndAbort(LARGE), want: "broken" },
  {
    name: "before the first chunk",
    script: sayAndAbort(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    want: "broken",
  },
  {
    name: "inside a chunk",
    script: sayAndAbort(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
    ),
    want: "broken",
  },
  {
    name: "between chunks",
    script: sayAndAbort(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ),
    want: "broken",
  },
  {
    name: "before the last empty line",
    script: sayAndAbort(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    ),
    want: "broken",
  },
  {
    name: "while a body is being sent",
    script: sayAndAbort(""),
    send: POST_HEAD + HALF_BODY,
    want: 502,
  },
  {
    name: "after the answer",
    script: sayAndAbort(okResponse("ok")),
    want: 200,
  },
];

/** Answers that break the protocol; each must become 502, and nothing of a second answer may leak. */
const MALFORMED: readonly (readonly [name: string, answer: string])[] = [
  ["no HTTP at all", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
  ["HTTP/2 answer", "HTTP/2 200 OK\r\n\r\n"],
  ["status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok"],
  ["status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok"],
  ["status 099", "HTTP/1.1 099 No\r\nContent-Length: 2\r\n\r\nok"],
  ["bare LF line ends", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"],
  [
    "bare CR in a value",
    "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nok",
  ],
  [
    "NUL in a value",
    "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok",
  ],
  [
    "folded line",
    "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
  ],
  ["space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok"],
  [
    "two different lengths",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
  ],
  ["length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok"],
  [
    "length and chunked",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  ],
  [
    "unknown coding",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nok",
  ],
  [
    "coding on top of chunked",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\nok",
  ],
  [
    "unasked upgrade",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nok",
  ],
  ["endless interim answers", "HTTP/1.1 102 Processing\r\n\r\n".repeat(1000)],
  ["head of 1 MB", `HTTP/1.1 200 OK\r\nX: ${"y".repeat(1_000_000)}\r\n\r\n`],
  ["10000 headers", `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(10_000)}\r\n`],
];

const SECRET = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nSECRET";

Deno.test("origin aborts: 502 or a visibly broken answer, no socket left", async (t) => {
  await using pair = await ProxyPair.start({}, { beforeBody: true });
  const baseline = pair.sockets;
  for (const { name, script, send, want } of ORIGIN_ABORTS) {
    await t.step(name, async () => {
      pair.origin.script = script;
      for (let i = 0; i < REPEATS; i++) {
        const client = await RawClient.connect(pair.port);
        try {
          await client.send(send ?? GET);
          const response = await client.response({ timeoutMs: 5000 });
          if (want === "broken") {
            ok(
              response === null || !response.complete,
              "a cut answer must not look whole",
            );
          } else equal(response?.status, want);
        } finally {
          client.close();
        }
      }
      ok(
        await pair.socketsSettle(baseline + POOLED_MAX),
        `${pair.sockets} sockets, ${baseline} at first`,
      );
    });
  }
});

Deno.test("malformed answers: 502, and no byte of what follows", async (t) => {
  await using pair = await ProxyPair.start({}, { beforeBody: true });
  for (const [name, answer] of MALFORMED) {
    await t.step(name, async () => {
      pair.origin.script = (connection) => connection.send(answer + SECRET);
      const { responses, rest } = await exchange(
        pair.port,
        GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
        { timeoutMs: 5000 },
      );
      equal(responses.map(({ status }) => status).join(), "502");
      ok(
        !responses.some(({ body }) => textOf(body).includes("SECRET")) &&
          rest.length === 0,
        "a byte leaked",
      );
    });
  }
});

Deno.test("answers with bytes behind them: the next request does not get them", async (t) => {
  await using pair = await ProxyPair.start({}, { beforeBody: true });
  const followed: readonly (readonly [name: string, answer: string, body: string])[] = [
    ["behind a length", okResponse("first"), "first"],
    [
      "behind the last chunk",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n",
      "first",
    ],
    ["behind 204", "HTTP/1.1 204 No Content\r\n\r\n", ""],
    [
      "behind 304",
      "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n",
      "",
    ],
  ];
  for (const [name, answer, body] of followed) {
    await t.step(name, async () => {
      pair.origin.script = (connection) => connection.send(answer + SECRET);
      const client = await RawClient.connect(pair.port);
      try {
        await client.send(GET);
        equal(textOf((await client.response({ timeoutMs: 5000 }))!.body), body);
        pair.origin.script = (connection) => connection.send(okResponse("second"));
        await client.send(GET);
        equal(
          textOf((await client.response({ timeoutMs: 5000 }))!.body),
          "second",
        );
      } finally {
        client.close();
      }
    });
  }
});

Deno.test("an early answer while the client still sends is delivered", async () => {
  await using pair = await ProxyPair.start({}, {
    beforeBody: true,
    script: (connection) => connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"),
  });
  const client = await RawClient.connect(pair.port);
  try {
    await client.send(POST_HEAD + HALF_BODY);
    const response = await client.response({ timeoutMs: 5000 });
    equal(response?.status, 403);
    equal(textOf(response!.body), "no");
  } finally {
    client.close();
  }
});

Deno.test("a kept-alive connection that the origin closed is replaced without an error", async () => {
  await using pair = await ProxyPair.start({}, {
    script: async (connection) => {
      await connection.send(okResponse("ok"));
      connection.abort();
    },
  });
  for (let i = 0; i < 30; i++) {
    const { responses } = await exchange(
      pair.port,
      GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
      { timeoutMs: 3000 },
    );
    equal(responses[0]?.status, 200, `request ${i}`);
  }
});
