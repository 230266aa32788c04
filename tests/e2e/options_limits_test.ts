import { equal, match, ok } from "node:assert/strict";
import { ask, bodyOf, namedOrigin, OptionStage } from "../support/option_stage.ts";
import { exchange, headerOf, RawClient } from "../support/raw_client.ts";
import { okResponse, type RawOrigin } from "../support/raw_origin.ts";
import { eventually } from "../support/servers.ts";

const quiet =
  `observability { metrics { enabled #false; }; logging { level "warn"; error-log { enabled #false; }; }; }`;

interface CountWish {
  readonly requests: number;
  readonly status: number;
  readonly path?: string;
  readonly headers?: string;
  readonly clients?: number;
}

/** Sends as many requests at once over keep-alive connections; how many were answered with the status. */
async function count(port: number, wish: CountWish) {
  const { clients = 16 } = wish;
  const each = Math.ceil(wish.requests / clients);
  const request = `GET ${wish.path ?? "/"} HTTP/1.1\r\nHost: example.test\r\n${wish.headers ?? ""}`;
  const startedMs = performance.now();
  const text = `${request}\r\n`.repeat(each - 1) + `${request}Connection: close\r\n\r\n`;
  const all = await Promise.all(
    Array.from({ length: clients }, () => exchange(port, text, { timeoutMs: 15_000 })),
  );
  const statuses = all.flatMap(({ responses }) => responses.map(({ status }) => status));
  equal(statuses.length, clients * each, "every request is answered");
  const seconds = (performance.now() - startedMs) / 1000;
  return { found: statuses.filter((status) => status === wish.status).length, seconds };
}

/** Burst, and what the seconds since added; never more. */
function exact(got: { found: number; seconds: number }, limit: { burst: number; rps: number }): void {
  const most = limit.burst + limit.rps * Math.ceil(got.seconds);
  ok(
    got.found >= limit.burst && got.found <= most,
    `${got.found} admitted, ${limit.burst} to ${most} wanted`,
  );
}

function sizes(place: { port(name: string): number }, originPort: number): string {
  return `system { worker-threads 1; trusted-proxies "127.0.0.0/8"; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${place.port("main")}"; }; }
routes {
  route "all" { priority "low"; matches { path-prefix "/"; }; upstream "origin"; }
  route "small" { matches { path-prefix "/small"; }; upstream "origin"; policies { max-body-size 10; }; }
  route "large" { matches { path-prefix "/large"; }; upstream "origin"; policies { max-body-size 3000; }; }
  route "buffered" { matches { path-prefix "/buffered"; }; upstream "origin"; policies { buffer-requests #true; buffer-responses #true; }; }
  route "other" { matches { path-prefix "/hang/other"; }; upstream "origin"; }
  route "queue" { matches { path-prefix "/hang/queue"; }; upstream "narrow"; }
  route "narrow" { matches { path-prefix "/narrow"; }; upstream "narrow"; }
}
upstreams {
  upstream "origin" { target "127.0.0.1:${originPort}"; }
  upstream "narrow" { target "127.0.0.1:${originPort}"; connection-pool { max-connections 1; }; timeouts { read-secs 2; }; }
}
limits {
  max-header-size-bytes 1000
  max-header-count 10
  max-header-name-bytes 20
  max-header-value-bytes 300
  max-target-size-bytes 100
  max-body-size-bytes 1000
  max-body-buffer-bytes 400
  max-queued-requests 1
  max-connections-per-route 3
  max-in-flight-requests-per-worker 5
  max-requests-per-second-per-client 20
}
${quiet}
`;
}

let client = 0;
/** A header that makes the request another client's, so that cases do not use up each other's rates. */
const somebody = () => `X-Forwarded-For: 198.51.100.${++client}`;

const SIZES: readonly {
  name: string;
  target: string;
  headers?: readonly string[];
  body?: number;
  want: number;
}[] = [
  { name: "target of 100 bytes", target: `/${"t".repeat(99)}`, want: 200 },
  { name: "target of 101 bytes", target: `/${"t".repeat(100)}`, want: 414 },
  { name: "header name of 20 bytes", target: "/", headers: [`${"n".repeat(20)}: v`], want: 200 },
  { name: "header name of 21 bytes", target: "/", headers: [`${"n".repeat(21)}: v`], want: 431 },
  { name: "header value of 300 bytes", target: "/", headers: [`v: ${"v".repeat(300)}`], want: 200 },
  { name: "header value of 301 bytes", target: "/", headers: [`v: ${"v".repeat(301)}`], want: 431 },
  {
    name: "header block of 900 bytes",
    target: "/",
    headers: Array(3).fill(`v: ${"v".repeat(270)}`),
    want: 200,
  },
  {
    name: "header block of 1100 bytes",
    target: "/",
    headers: Array(4).fill(`v: ${"v".repeat(270)}`),
    want: 431,
  },
  { name: "10 headers", target: "/", headers: Array(7).fill("v: v"), want: 200 },
  { name: "11 headers", target: "/", headers: Array(8).fill("v: v"), want: 431 },
  { name: "body of 1000 bytes", target: "/", body: 1000, want: 200 },
  { name: "body of 1001 bytes", target: "/", body: 1001, want: 413 },
  { name: "body of 10 bytes on a route with less", target: "/small", body: 10, want: 200 },
  { name: "body of 11 bytes on a route with less", target: "/small", body: 11, want: 413 },
  { name: "body of 3000 bytes on a route with more", target: "/large", body: 3000, want: 200 },
  { name: "body of 3001 bytes on a route with more", target: "/large", body: 3001, want: 413 },
  { name: "buffered body of 400 bytes", target: "/buffered", body: 400, want: 200 },
  { name: "buffered body of 401 bytes", target: "/buffered", body: 401, want: 413 },
  { name: "buffered response of 401 bytes", target: "/buffered/long", want: 502 },
];

Deno.test("options of limits: sizes, queues and requests in flight", async (t) => {
  await using origin = namedOrigin("origin", {
    "/buffered/long": (connection) => connection.send(okResponse("x".repeat(401))),
  });
  await using stage = await OptionStage.start((place) => sizes(place, origin.port));
  const port = stage.port("main");
  for (const { name, target, headers = [], body, want } of SIZES) {
    await t.step(name, async () => {
      const sent = body === undefined ? {} : { method: "POST", body: "x".repeat(body) };
      equal((await ask(port, target, { ...sent, headers: [somebody(), ...headers] })).status, want);
    });
  }
  await t.step(
    "max-queued-requests: one waits, the next is refused, and the one is served",
    () => queue(port, origin),
  );
  await t.step(
    "max-connections-per-route, then max-in-flight-requests-per-worker",
    () => inFlight(port, origin),
  );
  await t.step("max-requests-per-second-per-client", async () => {
    const one = await count(port, { requests: 64, status: 200, headers: `${somebody()}\r\n`, clients: 1 });
    exact(one, { burst: 20, rps: 20 });
    equal((await ask(port, "/", { headers: [somebody()] })).status, 200, "another client has its own");
  });
});

async function queue(port: number, origin: RawOrigin): Promise<void> {
  const before = origin.requests.length;
  const held = ask(port, "/hang/queue", { headers: [somebody()] });
  ok(await eventually(3000, () => origin.requests.length > before));
  const waiting = ask(port, "/narrow", { headers: [somebody()] });
  // Whoever comes third is refused; who is third is known only once the second has been queued.
  let refused = 0;
  ok(
    await eventually(3000, async () => {
      const third = await exchange(
        port,
        `GET /narrow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${somebody()}\r\n\r\n`,
        {
          timeoutMs: 4000,
        },
      );
      refused = third.responses[0]?.status ?? 0;
      return refused === 503;
    }),
  );
  equal((await held).status, 504, "read-secs ends the wait");
  equal((await waiting).status, 200);
}

async function inFlight(port: number, origin: RawOrigin): Promise<void> {
  const clients: RawClient[] = [];
  const under = () => origin.requests.filter(({ target }) => target.startsWith("/hang")).length;
  const before = under();
  const hold = async (path: string) => {
    const client = await RawClient.connect(port);
    clients.push(client);
    await client.send(`GET /hang${path} HTTP/1.1\r\nHost: example.test\r\n${somebody()}\r\n\r\n`);
    ok(await eventually(3000, () => under() === before + clients.length), "it is under way");
  };
  try {
    for (let i = 0; i < 3; i++) await hold("");
    equal((await ask(port, "/hang", { headers: [somebody()] })).status, 503, "three on one route are enough");
    equal((await ask(port, "/small", { headers: [somebody()] })).status, 200, "another route has room");
    for (let i = 0; i < 2; i++) await hold("/other");
    equal(
      (await ask(port, "/small", { headers: [somebody()] })).status,
      503,
      "five in one thread are enough",
    );
  } finally {
    for (const client of clients) client.close();
  }
}

Deno.test("options of limits: rates are exact over two threads", async (t) => {
  await using origin = namedOrigin("origin");
  await using stage = await OptionStage.start((place) =>
    `system { worker-threads 2; max-connections 40; trusted-proxies "127.0.0.0/8"; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${place.port("main")}"; }; }
routes {
  route "filter" { matches { path-prefix "/filter"; }; upstream "origin"; filters "limit"; }
  route "shared" { matches { path-prefix "/shared"; }; upstream "origin"; filters "limit"; }
  route "policy" { matches { path-prefix "/policy"; }; upstream "origin"; policies { rate-limit { requests-per-second 1; burst 25; key "header:X-Key"; }; }; }
  route "wide" { matches { path-prefix "/wide"; }; upstream "origin"; policies { rate-limit { rps 100000; burst 100000; }; }; }
  route "default" { matches { path-prefix "/default"; }; upstream "origin"; }
  route "default-other" { matches { path-prefix "/other"; }; upstream "origin"; }
}
upstreams { upstream "origin" { target "127.0.0.1:${origin.port}"; }; }
filters { filter "limit" { type "rate-limit"; max-rps 1; burst 40; key "client-ip"; message "slow down"; status-code 420; }; }
limits { max-requests-per-second-per-route 300; max-connections-per-client 30; max-total-connections 50; }
rate-limits { default-rps 1; default-burst 15; key "path"; }
${quiet}
`
  );
  const port = stage.port("main");
  const cases: { name: string; path: string; headers: string; burst: number; rps: number }[] = [
    { name: "filter", path: "/filter", headers: `${somebody()}\r\n`, burst: 40, rps: 1 },
    { name: "policy by header", path: "/policy", headers: "X-Key: a\r\n", burst: 25, rps: 1 },
    { name: "policy by another header", path: "/policy", headers: "X-Key: b\r\n", burst: 25, rps: 1 },
    { name: "default-rps by path", path: "/default/a", headers: "", burst: 15, rps: 1 },
    { name: "default-rps by another path", path: "/default/b", headers: "", burst: 15, rps: 1 },
  ];
  for (const { name, path, headers, burst, rps } of cases) {
    await t.step(name, async () => {
      exact(await count(port, { requests: 96, status: 200, path, headers }), { burst, rps });
    });
  }
  await t.step("one filter of two routes counts both together", async () => {
    const headers = `${somebody()}\r\n`;
    const first = await count(port, { requests: 32, status: 200, path: "/filter", headers });
    const second = await count(port, { requests: 32, status: 200, path: "/shared", headers });
    const both = { found: first.found + second.found, seconds: first.seconds + second.seconds };
    exact(both, { burst: 40, rps: 1 });
  });
  await t.step("the answer: status-code, message and how much is left", async () => {
    const headers = `${somebody()}`;
    await count(port, { requests: 64, status: 200, path: "/filter", headers: `${headers}\r\n` });
    const response = await ask(port, "/filter", { headers: [headers] });
    equal(response.status, 420);
    equal(bodyOf(response), "slow down");
    equal(headerOf(response, "x-ratelimit-limit"), "1");
    equal(headerOf(response, "x-ratelimit-remaining"), "0");
    match(headerOf(response, "retry-after") ?? "", /^[1-9]\d*$/);
  });
  await t.step("max-requests-per-second-per-route", async () => {
    // One second's worth at once; every further second adds as many.
    exact(await count(port, { requests: 1600, status: 200, path: "/wide" }), { burst: 300, rps: 300 });
  });
  await t.step("max-connections-per-client 30, max-connections 40 of 50 in total", () => connections(port));
});

async function connections(port: number): Promise<void> {
  const clients: RawClient[] = [];
  const request = "GET /nowhere HTTP/1.1\r\nHost: example.test\r\n\r\n";
  try {
    const statuses: (number | undefined)[] = [];
    for (let i = 0; i < 31; i++) {
      const client = await RawClient.connect(port);
      clients.push(client);
      await client.send(request);
      statuses.push((await client.response({ timeoutMs: 3000 }).catch(() => null))?.status);
    }
    equal(statuses.slice(0, 30).every((status) => status === 404), true, statuses.join());
    ok(statuses[30] !== 404, "the 31st connection of a client is refused");
  } finally {
    for (const client of clients) client.close();
  }
}

Deno.test("options of limits: the bounds of everybody together", async (t) => {
  await using origin = namedOrigin("origin");
  await using stage = await OptionStage.start((place) =>
    `system { worker-threads 2; max-connections 5; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${place.port("main")}"; }; }
routes { route "all" { upstream "origin"; matches { path-prefix "/"; }; }; }
upstreams { upstream "origin" { target "127.0.0.1:${origin.port}"; }; }
limits { max-requests-per-second-global 12; max-in-flight-requests 2; }
${quiet}
`
  );
  const port = stage.port("main");
  await t.step("max-in-flight-requests of both threads", async () => {
    const held = await Promise.all([1, 2].map(() => RawClient.connect(port)));
    for (const [i, client] of held.entries()) {
      await client.send("GET /hang HTTP/1.1\r\nHost: h\r\n\r\n");
      ok(await eventually(3000, () => origin.requests.length === i + 1));
    }
    equal((await ask(port, "/")).status, 503);
    for (const client of held) client.close();
    ok(
      await eventually(3000, async () => (await ask(port, "/")).status === 200),
      "the places are free again",
    );
  });
  await t.step("max-connections of the system", async () => {
    const held: RawClient[] = [];
    for (let i = 0; i < 5; i++) {
      const client = await RawClient.connect(port);
      held.push(client);
      await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
      // Which answer is the rate's business; that there is one shows that the connection counts.
      ok(await client.response({ timeoutMs: 3000 }));
    }
    const sixth = await exchange(port, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", { timeoutMs: 3000 });
    equal(sixth.responses.map(({ status }) => status).join(), "503");
    equal(sixth.end, "closed");
    for (const client of held) client.close();
  });
  await t.step("max-requests-per-second-global", async () => {
    let limited: Awaited<ReturnType<typeof ask>> | undefined;
    ok(
      await eventually(8000, async () => {
        const answer = await ask(port, "/").catch(() => undefined);
        if (answer?.status === 429) limited = answer;
        return limited !== undefined;
      }),
      "nobody is refused",
    );
    equal(headerOf(limited!, "x-ratelimit-limit"), "12");
  });
});

Deno.test("options of limits: rate-limits global, and idle connections to upstreams", async (t) => {
  await using origin = namedOrigin("origin");
  await using stage = await OptionStage.start((place) =>
    `system { worker-threads 2; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${place.port("main")}"; }; }
routes {
  route "all" { upstream "origin"; matches { path-prefix "/"; }; }
  route "own" { upstream "origin"; matches { path-prefix "/own"; }; policies { rate-limit { rps 1; burst 5; }; }; }
}
upstreams { upstream "origin" { target "127.0.0.1:${origin.port}"; }; }
limits { max-idle-connections-per-upstream 0; }
rate-limits { global { max-rps 1; burst 20; key "header:X-Key"; }; }
${quiet}
`
  );
  const port = stage.port("main");
  await t.step("one key over all routes, and beside a route's own limit", async () => {
    const first = await count(port, { requests: 16, status: 200, path: "/a", headers: "X-Key: a\r\n" });
    const second = await count(port, { requests: 16, status: 200, path: "/b", headers: "X-Key: a\r\n" });
    exact({ found: first.found + second.found, seconds: first.seconds + second.seconds }, {
      burst: 20,
      rps: 1,
    });
    exact(await count(port, { requests: 16, status: 200, path: "/own", headers: "X-Key: b\r\n" }), {
      burst: 5,
      rps: 1,
    });
  });
  await t.step("max-idle-connections-per-upstream 0 keeps nothing", async () => {
    const before = origin.received.length;
    for (let i = 0; i < 4; i++) equal((await ask(port, "/a", { headers: ["X-Key: c"] })).status, 200);
    equal(origin.received.length - before, 4);
  });
});
