/** Fallback upstreams over fake sockets and a virtual clock. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { ProxyError } from "../../src/core/errors.ts";
import { type FakeSocket, settle } from "../support/fake_socket.ts";
import fc from "../support/seeded_check.ts";
import { SimulatedDataplane } from "../support/simulated_dataplane.ts";

const GET = "GET /a?b=c HTTP/1.1\r\nHost: a.example\r\n\r\n";
const NAMES = ["first", "second", "third"] as const;
type Name = typeof NAMES[number];

/** What an upstream does with a request that has reached it whole. */
type Manner = "ok" | "refuse" | "reset" | "silent" | number;

function config(fallback: string, more = ""): string {
  const upstreams = NAMES.map((name, i) =>
    `upstream "${name}" { target "192.0.2.${i + 1}:80"; timeouts { connect 2; read 5; write 5; request 10 } }`
  );
  return `
system { worker-threads 1 }
listeners { listener "http" { address "127.0.0.1:80" } }
routes { route "r" {
  matches { path-prefix "/" }
  upstream "first"
  fallback { fallback-upstream "second"; fallback-upstream "third"; ${fallback} }
  ${more}
} }
upstreams { ${upstreams.join("\n")} }
observability { logging { access-log { file "-"; format "json" } } }`;
}

/** A request with a body: how it is framed does not matter to those who count whole ones. */
function withBody(method: string, body: string): string {
  return `${method} /p HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

class Stage {
  readonly sim = new SimulatedDataplane();
  readonly sockets: Record<Name, FakeSocket[]> = { first: [], second: [], third: [] };
  manners: Record<Name, Manner> = { first: "ok", second: "ok", third: "ok" };
  #dialled: Name = "first";

  static async start(text: string, manners: Partial<Record<Name, Manner>>): Promise<Stage> {
    const stage = new Stage();
    stage.manners = { ...stage.manners, ...manners };
    const { dialer } = stage.sim;
    dialer.answer = ({ address }) => {
      const name = NAMES[Number((address as { host: string }).host.at(-1)) - 1]!;
      if (stage.manners[name] === "refuse") return new ProxyError("upstream_connect_failed", "refused");
      stage.#dialled = name;
      return {};
    };
    dialer.onSocket = (socket) => stage.#connected(socket, stage.#dialled);
    deepEqual(await stage.sim.serve(text), []);
    return stage;
  }

  #connected(socket: FakeSocket, name: Name): void {
    this.sockets[name].push(socket);
    let answered = 0;
    socket.onWrite = (written) => {
      const manner = this.manners[name];
      if (manner === "silent" || manner === "refuse" || wholeRequests(written) <= answered) return;
      answered++;
      if (manner === "reset") return socket.reset();
      const status = manner === "ok" ? 200 : manner;
      socket.push(`HTTP/1.1 ${status} X\r\nContent-Length: ${name.length}\r\n\r\n${name}`);
    };
  }

  /** Sends one request on a connection of its own; what the client has then. */
  async ask(request: string): Promise<FakeSocket> {
    const client = await this.sim.connect();
    client.push(request);
    await settle();
    return client;
  }

  /** What reached an upstream. */
  got(name: Name): string {
    return this.sockets[name].map(({ written }) => written).join("");
  }

  async rest(): Promise<void> {
    for (const client of this.sim.clients) client.end();
    for (let leap = 0; leap < 12; leap++) await this.sim.time.leap(10_000);
    equal(this.sim.openSockets, 0, "sockets");
    equal(this.sim.metric("sentinel_active_requests"), 0, "requests");
  }
}

function wholeRequests(written: string): number {
  let count = 0;
  for (let at = 0; at < written.length; count++) {
    const head = written.indexOf("\r\n\r\n", at);
    if (head < 0) return count;
    const lines = written.slice(at, head);
    const length = Number(/content-length: (\d+)/i.exec(lines)?.[1] ?? 0);
    const isChunked = /transfer-encoding: chunked/i.test(lines);
    const end = isChunked ? written.indexOf("\r\n0\r\n\r\n", head) + 7 : head + 4 + length;
    if (end > written.length || (isChunked && end < 7)) return count;
    at = end;
  }
  return count;
}

function answer(client: FakeSocket): string {
  return client.written.match(/HTTP\/1\.1 (\d{3})/)?.[1] + " " +
    client.written.split("\r\n\r\n").slice(1).join("");
}

const BODY = "0123456789";
const CHUNKED =
  "PUT /p HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n";

const CASES: readonly {
  name: string;
  fallback?: string;
  manners: Partial<Record<Name, Manner>>;
  request?: string;
  /** Status and body, or the status alone of an error page. */
  want: string;
  reason?: string;
}[] = [
  { name: "nothing is wrong", manners: {}, want: "200 first" },
  { name: "no connection", manners: { first: "refuse" }, want: "200 second", reason: "connection_error" },
  {
    name: "no connection, a body that has not been read",
    manners: { first: "refuse" },
    request: withBody("POST", BODY),
    want: "200 second",
    reason: "connection_error",
  },
  {
    name: "no connection, a body longer than is kept",
    fallback: "max-body-bytes 9",
    manners: { first: "refuse" },
    request: withBody("POST", BODY),
    want: "200 second",
    reason: "connection_error",
  },
  {
    name: "two without a connection",
    manners: { first: "refuse", second: "refuse" },
    want: "200 third",
    reason: "connection_error",
  },
  {
    name: "none has a connection",
    manners: { first: "refuse", second: "refuse", third: "refuse" },
    want: "503",
  },
  {
    name: "max-attempts",
    fallback: "max-attempts 1",
    manners: { first: "refuse", second: "refuse" },
    want: "503",
  },
  {
    name: "reset before the answer",
    manners: { first: "reset" },
    want: "200 second",
    reason: "connection_error",
  },
  {
    name: "reset before the answer, with a method that must not be repeated",
    manners: { first: "reset" },
    request: withBody("POST", BODY),
    want: "502",
  },
  {
    name: "reset before the answer, its body is sent again",
    fallback: "max-body-bytes 10",
    manners: { first: "reset" },
    request: withBody("PUT", BODY),
    want: "200 second",
    reason: "connection_error",
  },
  {
    name: "reset before the answer, its chunked body is sent again",
    fallback: "max-body-bytes 10",
    manners: { first: "reset" },
    request: CHUNKED,
    want: "200 second",
    reason: "connection_error",
  },
  {
    name: "reset before the answer, its body is longer than is kept",
    fallback: "max-body-bytes 9",
    manners: { first: "reset" },
    request: withBody("PUT", BODY),
    want: "502",
  },
  {
    name: "reset before the answer, its chunked body is longer than is kept",
    fallback: "max-body-bytes 9",
    manners: { first: "reset" },
    request: CHUNKED,
    want: "502",
  },
  {
    name: "connection errors are not to be followed",
    fallback: "triggers { on-connection-error #false }",
    manners: { first: "refuse" },
    want: "503",
  },
  { name: "a status that is not listed", manners: { first: 503 }, want: "503 first" },
  {
    name: "a status that is listed",
    fallback: 'triggers { on-error-codes 429 "500-503" }',
    manners: { first: 503 },
    request: withBody("POST", BODY),
    want: "200 second",
    reason: "error_code_503",
  },
  {
    name: "listed statuses everywhere: the last answer stands",
    fallback: "triggers { on-error-codes 503 }",
    manners: { first: 503, second: 503, third: 503 },
    want: "503 third",
    reason: "error_code_503",
  },
  {
    name: "a listed status, its body longer than is kept",
    fallback: "triggers { on-error-codes 503 }; max-body-bytes 9",
    manners: { first: 503 },
    request: withBody("PUT", BODY),
    want: "503 first",
  },
];

for (const { name, fallback = "", manners, request = GET, want, reason } of CASES) {
  Deno.test(`fallback: ${name}`, async () => {
    const stage = await Stage.start(config(fallback), manners);
    const client = await stage.ask(request);
    ok(answer(client).startsWith(want), `${answer(client)} for ${want}`);
    const by = NAMES.find((each) => want.endsWith(each));
    equal(/X-Fallback-Reason: (\S+)/.exec(client.written)?.[1], reason);
    if (reason !== undefined) {
      match(client.written, /X-Fallback-Used: true\r\nX-Fallback-Upstream: /);
      equal(/X-Fallback-Upstream: (\S+)/.exec(client.written)?.[1], by);
      match(client.written, /X-Original-Upstream: first\r\n/);
      const line = JSON.parse(stage.sim.lines[0]!);
      deepEqual([line.upstream, line.fallback_from, line.fallback_reason], [by, "first", reason]);
      equal(line.fallback, NAMES.indexOf(by!));
    }
    if (by !== undefined && request !== GET) {
      const body = stage.got(by).split("\r\n\r\n").slice(1).join("").replace(/(^|\r\n)[0-9a-f]\r\n/g, "");
      ok(body.startsWith(BODY), `the body arrived whole: ${body}`);
    }
    await stage.rest();
  });
}

Deno.test("fallback: metrics say from where to where and why", async () => {
  const stage = await Stage.start(config(""), {
    first: "refuse",
    second: "refuse",
    third: "refuse",
  });
  await stage.ask(GET);
  stage.manners.third = "ok";
  await stage.ask(GET);
  const count = (labels: Record<string, string>) =>
    stage.sim.metric("sentinel_fallback_attempts_total", labels);
  equal(count({ from_upstream: "first", to_upstream: "second", reason: "connection_error" }), 2);
  equal(count({ from_upstream: "second", to_upstream: "third", reason: "connection_error" }), 2);
  equal(stage.sim.metric("sentinel_fallback_success_total", { upstream: "third" }), 1);
  equal(stage.sim.metric("sentinel_fallback_exhausted_total"), 1);
  await stage.rest();
});

Deno.test("fallback: no words for the client where they are not wanted", async () => {
  const stage = await Stage.start(config("response-headers #false"), { first: "refuse" });
  const client = await stage.ask(GET);
  equal(answer(client), "200 second");
  ok(!/fallback|original/i.test(client.written));
  await stage.rest();
});

Deno.test("fallback: an upstream that is slow to answer is left for the next; the last one has all the time", async () => {
  for (const request of [GET, withBody("POST", BODY)]) {
    const stage = await Stage.start(config("triggers { on-latency-threshold-ms 300 }"), {
      first: "silent",
      second: "silent",
    });
    const client = await stage.ask(request);
    await stage.sim.time.advance(299);
    equal(stage.sockets.second.length, 0);
    await stage.sim.time.advance(1);
    equal(stage.sockets.second.length, 1);
    ok(stage.sockets.first[0]!.isClosed, "the first one is told that nobody waits");
    stage.manners.third = "silent";
    await stage.sim.time.advance(300);
    await stage.sim.time.advance(2000);
    equal(client.written, "");
    stage.sockets.third[0]!.push("HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\nthird");
    await settle();
    equal(answer(client), "200 third");
    match(client.written, /X-Fallback-Reason: latency_threshold\r\n/);
    await stage.rest();
  }
});

Deno.test("fallback: a slow upload that cannot be sent again is waited for", async () => {
  const stage = await Stage.start(config("max-body-bytes 4; triggers { on-latency-threshold-ms 300 }"), {
    first: "silent",
  });
  const client = await stage.ask(withBody("PUT", BODY));
  await stage.sim.time.advance(2000);
  equal(stage.sockets.second.length, 0);
  stage.sockets.first[0]!.push("HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\nfirst");
  await settle();
  equal(answer(client), "200 first");
  await stage.rest();
});

Deno.test("fallback: a client that is slow to send is not the upstream's fault", async () => {
  const stage = await Stage.start(config("triggers { on-latency-threshold-ms 300 }"), { first: "silent" });
  const request = withBody("PUT", BODY);
  const client = await stage.ask(request.slice(0, -5));
  await stage.sim.time.advance(2000);
  equal(stage.sockets.second.length, 0);
  client.push(request.slice(-5));
  await settle();
  await stage.sim.time.advance(299);
  equal(stage.sockets.second.length, 0, "the time counts from the end of the request");
  await stage.sim.time.advance(302);
  equal(answer(client), "200 second");
  ok(stage.got("second").endsWith(BODY));
  await stage.rest();
});

Deno.test("fallback: an answer in time is not cut by the threshold while its body takes longer", async () => {
  const stage = await Stage.start(config("triggers { on-latency-threshold-ms 300 }"), { first: "silent" });
  const client = await stage.ask(GET);
  await stage.sim.time.advance(200);
  stage.sockets.first[0]!.push("HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\nfi");
  await stage.sim.time.advance(1000);
  stage.sockets.first[0]!.push("rst");
  await settle();
  equal(answer(client), "200 first");
  equal(stage.sockets.second.length, 0);
  await stage.rest();
});

Deno.test("fallback: a client that has left is not followed by anybody", async () => {
  const stage = await Stage.start(config(""), { first: "silent" });
  const client = await stage.ask(GET);
  client.end();
  await settle();
  ok(stage.sockets.first[0]!.isClosed);
  equal(stage.sockets.second.length, 0);
  await stage.rest();
});

Deno.test("fallback: the time of the whole request ends it", async () => {
  const stage = await Stage.start(config("", "policies { timeout-secs 3 }"), {
    first: "silent",
    second: "silent",
  });
  const client = await stage.ask(GET);
  await stage.sim.time.advance(3500);
  match(answer(client), /^504/);
  equal(stage.sockets.second.length, 0);
  await stage.rest();
});

Deno.test("fallback: an upstream's own retries come first, then the next upstream gets the body from its start", async () => {
  const retry = "retry-policy { max-attempts 2; backoff-base-ms 0 }";
  const stage = await Stage.start(config("", retry), { first: "reset", second: "reset" });
  const client = await stage.ask(withBody("PUT", BODY));
  await stage.sim.time.advance(100);
  equal(answer(client), "200 third");
  deepEqual([stage.sockets.first.length, stage.sockets.second.length], [2, 2]);
  for (const name of NAMES) {
    for (const { written } of stage.sockets[name]) ok(written.endsWith("\r\n\r\n" + BODY));
  }
  await stage.rest();
});

Deno.test("fallback: a canary that fails is caught by the stable upstream, and a copy sees neither", async () => {
  const text = config("", "").replace('upstream "first"\n', 'traffic-split { upstream "first" }\n')
    .replace('fallback-upstream "third"; ', "")
    .replace("matches {", 'shadow { upstream "third"; buffer-body #true; compare "metrics" }\n matches {');
  const stage = await Stage.start(text, { first: "reset" });
  const client = await stage.ask(withBody("PUT", BODY));
  await stage.sim.time.advance(10);
  equal(answer(client), "200 second");
  ok(stage.got("third").endsWith(BODY), "the copy has the body once");
  equal(stage.sockets.third.length, 1);
  equal(
    stage.sim.metric("sentinel_shadow_compared_total", { result: "same" }),
    1,
    "compared with the answer that stood",
  );
  await stage.rest();
});

Deno.test("fallback: whatever the upstreams do, a request ends once and leaves nothing behind", async () => {
  const manner = fc.constantFrom<Manner>("ok", "refuse", "reset", "silent", 503);
  await fc.assert(
    fc.asyncProperty(
      fc.record({ first: manner, second: manner, third: manner }),
      fc.constantFrom(GET, withBody("PUT", BODY), withBody("POST", BODY), CHUNKED),
      fc.constantFrom(4, 100),
      fc.boolean(),
      async (manners, request, bytes, leaves) => {
        const more = "policies { timeout-secs 8 }; retry-policy { max-attempts 2; backoff-base-ms 5 }";
        const triggers = "triggers { on-error-codes 503; on-latency-threshold-ms 700 }";
        const stage = await Stage.start(config(`max-body-bytes ${bytes}; ${triggers}`, more), manners);
        const client = await stage.ask(request);
        if (leaves) {
          await stage.sim.time.leap(300);
          client.end();
        }
        for (let leap = 0; leap < 30; leap++) await stage.sim.time.leap(400);
        const answers = client.written.match(/HTTP\/1\.1 \d{3}/g)?.length ?? 0;
        ok(answers === 1 || (leaves && answers === 0), `${answers} answers`);
        if (request.startsWith("POST") && manners.first === "reset") {
          equal(stage.sockets.first.length + stage.sockets.second.length, 1, "a POST is not repeated");
        }
        await stage.rest();
      },
    ),
    { numRuns: 50 },
  );
});
