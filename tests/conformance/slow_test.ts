import { deepEqual, equal, ok } from "node:assert/strict";
import { ProxyPair } from "../support/proxy_pair.ts";
import { exchange, RawClient } from "../support/raw_client.ts";

/** Bounds of the listener under test, in seconds. */
const HEADER_SECS = 1;
const KEEPALIVE_SECS = 2;
const REQUEST_SECS = 4;
const SEND_SECS = 2;

/** Upstream connections that may stay pooled: one for each client that got through at the same time. */
const POOLED_MAX = 4;

/** What a bound may take longer than it says: sweep interval and a busy machine. */
const SLACK_MS = 2500;

const LISTENER = `header-timeout-secs ${HEADER_SECS}
        keepalive-timeout-secs ${KEEPALIVE_SECS}
        request-timeout-secs ${REQUEST_SECS}
        send-timeout-secs ${SEND_SECS}`;

const GET = "GET /a HTTP/1.1\r\nHost: example.test\r\n\r\n";

/** A client that misbehaves until it is cut, and what it may see before. */
interface SlowCase {
  readonly name: string;
  readonly atMost: number;
  readonly atLeast: number;
  /** Statuses it may read before the end; empty means none needs to come. */
  readonly statuses: readonly number[];
  /** Sends whatever it wants; returns once it has nothing more to do. `closed` turns true when it is cut. */
  act(client: RawClient, state: { closed: boolean }): Promise<void>;
}

/** Sends one piece every `everyMs` until the connection is cut or the pieces are used up. */
async function drip(
  client: RawClient,
  state: { closed: boolean },
  pieces: Iterable<string>,
): Promise<void> {
  for (const piece of pieces) {
    if (state.closed || !await client.send(piece)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function* forever(piece: string): Generator<string> {
  for (let i = 0; i < 1000; i++) yield piece;
}

const CASES: readonly SlowCase[] = [
  {
    name: "silent from the start",
    atLeast: HEADER_SECS * 1000,
    atMost: Math.max(HEADER_SECS, KEEPALIVE_SECS) * 1000,
    statuses: [408],
    act: () => Promise.resolve(),
  },
  {
    name: "half a request line, then silence",
    atLeast: HEADER_SECS * 1000,
    atMost: HEADER_SECS * 1000,
    statuses: [408],
    act: (client) => client.send("GET /a HT").then(() => undefined),
  },
  {
    name: "head that drips octet by octet",
    atLeast: HEADER_SECS * 1000,
    atMost: HEADER_SECS * 1000,
    statuses: [408],
    act: (client, state) =>
      drip(
        client,
        state,
        "GET /a HTTP/1.1\r\nHost: example.test\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      ),
  },
  {
    name: "head that drips line by line",
    atLeast: HEADER_SECS * 1000,
    atMost: HEADER_SECS * 1000,
    statuses: [408],
    act: async (client, state) => {
      await client.send("GET /a HTTP/1.1\r\nHost: example.test\r\n");
      await drip(
        client,
        state,
        Array.from({ length: 60 }, (_, i) => `X-${i}: y\r\n`),
      );
    },
  },
  {
    name: "empty lines without a request",
    atLeast: 0,
    atMost: HEADER_SECS * 1000,
    statuses: [400, 408],
    act: (client, state) => drip(client, state, forever("\r\n")),
  },
  {
    name: "idle after an answer",
    atLeast: KEEPALIVE_SECS * 1000,
    atMost: KEEPALIVE_SECS * 1000,
    statuses: [200],
    act: (client) => client.send(GET).then(() => undefined),
  },
  {
    name: "second head that never ends",
    atLeast: HEADER_SECS * 1000,
    atMost: HEADER_SECS * 1000,
    statuses: [200, 408],
    act: (client) => client.send(`${GET}GET /b HTTP/1.1\r\n`).then(() => undefined),
  },
  {
    name: "body that stops half way",
    atLeast: HEADER_SECS * 1000,
    atMost: REQUEST_SECS * 1000,
    statuses: [408],
    act: (client) =>
      client.send(
        "POST /a HTTP/1.1\r\nHost: example.test\r\nContent-Length: 100\r\n\r\nhello",
      ).then(() => undefined),
  },
  {
    name: "body that drips",
    atLeast: HEADER_SECS * 1000,
    atMost: REQUEST_SECS * 1000,
    statuses: [408],
    act: async (client, state) => {
      await client.send(
        "POST /a HTTP/1.1\r\nHost: example.test\r\nContent-Length: 100000\r\n\r\n",
      );
      await drip(client, state, forever("x"));
    },
  },
  {
    name: "chunks that drip",
    atLeast: HEADER_SECS * 1000,
    atMost: REQUEST_SECS * 1000,
    statuses: [408],
    act: async (client, state) => {
      await client.send(
        "POST /a HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n",
      );
      await drip(client, state, forever("1\r\nx\r\n"));
    },
  },
  {
    name: "chunked body that never ends its last line",
    atLeast: HEADER_SECS * 1000,
    atMost: REQUEST_SECS * 1000,
    statuses: [408],
    act: (client) =>
      client.send(
        "POST /a HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
      )
        .then(() => undefined),
  },
];

/** Runs one misbehaving client to its end; how long it lasted and which statuses it saw. */
async function suffer(
  port: number,
  each: SlowCase,
): Promise<{ lastedMs: number; statuses: number[] }> {
  const client = await RawClient.connect(port);
  try {
    const state = { closed: false };
    const startedMs = performance.now();
    const acting = each.act(client, state);
    const closed = await client.closedWithin(each.atMost + SLACK_MS);
    const lastedMs = performance.now() - startedMs;
    state.closed = true;
    await acting;
    ok(closed, `still open after ${Math.round(lastedMs)} ms`);
    const statuses: number[] = [];
    for (;;) {
      const response = await client.response({ timeoutMs: 100 });
      if (response === null) break;
      statuses.push(response.status);
    }
    return { lastedMs, statuses };
  } finally {
    client.close();
  }
}

Deno.test("slow clients: each is cut at its bound while others are served", async (t) => {
  await using pair = await ProxyPair.start({ listener: LISTENER });
  const baseline = pair.sockets;
  const outcomes = CASES.map((each) => suffer(pair.port, each).catch((cause: unknown) => cause));
  let served = 0;
  let done = false;
  const others = (async () => {
    while (!done) {
      const { responses } = await exchange(
        pair.port,
        GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
        {
          timeoutMs: 3000,
        },
      );
      equal(responses[0]?.status, 200, "a good client must be served");
      served++;
    }
  })();
  const ended = await Promise.all(outcomes);
  done = true;
  await others;
  for (const [i, outcome] of ended.entries()) {
    const each = CASES[i]!;
    await t.step(each.name, () => {
      if (outcome instanceof Error) throw outcome;
      const { lastedMs, statuses } = outcome as {
        lastedMs: number;
        statuses: number[];
      };
      ok(
        lastedMs >= each.atLeast - 200,
        `cut after ${Math.round(lastedMs)} ms already`,
      );
      ok(
        statuses.every((status) => each.statuses.includes(status)),
        `saw ${statuses}, want ${each.statuses}`,
      );
    });
  }
  await t.step(
    "good clients were served all the time",
    () => ok(served > 20, `${served} requests`),
  );
  await t.step(
    "nothing is left open",
    async () =>
      ok(
        await pair.socketsSettle(baseline + POOLED_MAX),
        `${pair.sockets} sockets, ${baseline} at first`,
      ),
  );
});

Deno.test("slow clients: a reader that takes nothing is cut, and its upstream with it", async () => {
  const chunk = new Uint8Array(64 * 1024).fill(120);
  let sent = 0;
  let upstreamGone = () => {};
  const gone = new Promise<void>((resolve) => upstreamGone = resolve);
  await using pair = await ProxyPair.start({ listener: LISTENER }, {
    script: async (connection) => {
      let isGone = false;
      void connection.gone.then(() => {
        isGone = true;
        upstreamGone();
      });
      await connection.send(
        "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n",
      );
      while (!isGone) {
        await connection.send(chunk);
        sent += chunk.length;
      }
    },
  });
  const client = await RawClient.connect(pair.port);
  try {
    const startedMs = performance.now();
    await client.send(GET);
    await gone;
    const lastedMs = performance.now() - startedMs;
    ok(
      lastedMs >= SEND_SECS * 1000 - 200,
      `cut after ${Math.round(lastedMs)} ms already`,
    );
    ok(
      lastedMs <= SEND_SECS * 1000 + SLACK_MS,
      `cut after ${Math.round(lastedMs)} ms only`,
    );
    // Kernel buffers on both sides take some megabytes; the proxy must not swallow the rest.
    ok(sent < 64 * 1024 * 1024, `the proxy swallowed ${sent} bytes`);
  } finally {
    client.close();
  }
});

Deno.test("slow clients: a slow but steady reader gets everything", async () => {
  const body = "x".repeat(3 * 1024 * 1024);
  await using pair = await ProxyPair.start({ listener: LISTENER }, {
    script: (connection) =>
      connection.send(
        `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      ),
  });
  const client = await RawClient.connect(pair.port);
  try {
    await client.send(GET);
    const response = await client.response({ timeoutMs: 20_000 });
    deepEqual([response?.complete, response?.body.length], [true, body.length]);
  } finally {
    client.close();
  }
});

Deno.test("slow origin: silence before and inside the answer is cut at the read timeout", async (t) => {
  const upstream = "timeouts { connect-secs 1; request-secs 30; read-secs 1; write-secs 1; }";
  await using pair = await ProxyPair.start({ upstream }, {
    script: (connection) => connection.gone,
  });
  await t.step("before the head: 504", async () => {
    const client = await RawClient.connect(pair.port);
    try {
      await client.send(GET);
      equal(
        (await client.response({ timeoutMs: 1000 + SLACK_MS }))?.status,
        504,
      );
    } finally {
      client.close();
    }
  });
  await t.step(
    "inside the body: the answer is broken off, not ended",
    async () => {
      pair.origin.script = async (connection) => {
        await connection.send(
          "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
        );
        await connection.gone;
      };
      const { responses, end } = await exchange(pair.port, GET, {
        timeoutMs: 1000 + SLACK_MS,
      });
      equal(end, "closed");
      equal(responses[0]?.complete, false);
    },
  );
});
