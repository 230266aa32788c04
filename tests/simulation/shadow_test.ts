/** Copies of requests over fake sockets and a virtual clock: nothing of them may reach the real ones. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { ProxyError } from "../../src/core/errors.ts";
import { type FakeSocket, settle } from "../support/fake_socket.ts";
import fc from "../support/seeded_check.ts";
import { SimulatedDataplane } from "../support/simulated_dataplane.ts";

const REAL = "192.0.2.1";
const COPY = "192.0.2.2";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nreal";
const TEAPOT = "HTTP/1.1 418 Teapot\r\nContent-Length: 4\r\n\r\ncopy";
const GET = "GET /a?b=c HTTP/1.1\r\nHost: a.example\r\n\r\n";

function config(shadow = "", more = ""): string {
  return `
system { worker-threads 1 }
listeners { listener "http" { address "127.0.0.1:80" } }
routes {
  route "r" { matches { path-prefix "/" }; upstream "real"; shadow { upstream "copy"; ${shadow} }; ${more} }
}
upstreams {
  upstream "real" { target "${REAL}:80"; timeouts { connect 2; read 5; write 5; request 10 } }
  upstream "copy" { target "${COPY}:80"; timeouts { connect 2; read 50; write 50; request 50 } }
}`;
}

function post(body: string, lines = ""): string {
  return `POST /p HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${body.length}\r\n${lines}\r\n${body}`;
}

/** A dataplane with this configuration; sockets are told apart by where they lead. */
class Stage {
  readonly sim = new SimulatedDataplane();
  /** Sockets to the real target and to the one for copies. */
  readonly real: FakeSocket[] = [];
  readonly copies: FakeSocket[] = [];
  /** What a target answers to each whole head that reaches it; null means nothing. */
  realAnswer: string | null = OK;
  copyAnswer: string | null = TEAPOT;
  #toCopy = false;

  static async start(text: string): Promise<Stage> {
    const stage = new Stage();
    const { dialer } = stage.sim;
    dialer.answer = (options) => {
      stage.#toCopy = options.address.type === "ip" && options.address.host === COPY;
      return {};
    };
    dialer.onSocket = (socket) => stage.#connected(socket);
    deepEqual(await stage.sim.serve(text), []);
    return stage;
  }

  #connected(socket: FakeSocket): void {
    const toCopy = this.#toCopy;
    (toCopy ? this.copies : this.real).push(socket);
    let answered = 0;
    socket.onWrite = (written) => {
      const answer = toCopy ? this.copyAnswer : this.realAnswer;
      const heads = written.match(/HTTP\/1\.1\r\n[^]*?\r\n\r\n/g)?.length ?? 0;
      for (; answer !== null && answered < heads; answered++) socket.push(answer);
    };
  }

  /** Everything that reached the target for copies. */
  get copied(): string {
    return this.copies.map(({ written }) => written).join("");
  }

  result(result: string): number {
    // A series that was never counted must not be taken for another one's.
    const family = this.sim.dataplane.metricsSnapshot().families.find(({ name }) =>
      name === "sentinel_shadow_requests_total"
    );
    return family!.series.find(({ labels }) => labels[2] === result)?.values[0] ?? 0;
  }

  get inFlight(): number {
    return this.sim.metric("sentinel_shadow_in_flight");
  }

  /** Lets copies that are due begin, and what follows happen. */
  async turn(): Promise<void> {
    await settle();
    await this.sim.time.advance(1);
  }

  /** Nothing is left once clients have gone and every time limit has passed. */
  async rest(hint = ""): Promise<void> {
    for (const client of this.sim.clients) client.end();
    for (let leap = 0; leap < 15; leap++) await this.sim.time.leap(10_000);
    equal(this.sim.openSockets, 0, `${hint}: sockets`);
    equal(this.inFlight, 0, `${hint}: copies`);
    equal(this.sim.metric("sentinel_active_requests"), 0, `${hint}: requests`);
  }
}

Deno.test("shadow: the copy begins only when the real answer is with the client", async () => {
  const stage = await Stage.start(config());
  stage.realAnswer = null;
  const client = await stage.sim.connect();
  client.push(GET);
  await stage.turn();
  equal(stage.copies.length, 0, "the real request is still under way");
  stage.real[0]!.push(OK);
  await settle();
  ok(client.written.includes("real"));
  equal(stage.copies.length, 0, "the answer came first");
  await stage.turn();
  ok(stage.copied.startsWith("GET /a?b=c HTTP/1.1\r\n"));
  ok(stage.copied.includes("X-Shadow-Request: true\r\n"));
  equal(stage.result("completed"), 1);
  await stage.rest();
});

Deno.test("shadow: percentage goes by the request id, always the same, and 0 means none", async () => {
  const seen = new Map<number, string[]>();
  for (const percentage of [0, 20, 20, 60]) {
    const stage = await Stage.start(config(`percentage ${percentage}`));
    const client = await stage.sim.connect();
    for (let i = 0; i < 60; i++) {
      client.push(GET.replace("\r\n\r\n", `\r\nX-Request-Id: id-${i}\r\n\r\n`));
      await stage.turn();
    }
    for (let i = 0; i < 20; i++) await stage.turn();
    const ids = [...stage.copied.matchAll(/X-Request-Id: (\S+)/g)].map((match) => match[1]!);
    const known = seen.get(percentage);
    if (known === undefined) seen.set(percentage, ids);
    else deepEqual(ids, known, "the same ids in another proxy");
    await stage.rest();
  }
  const [none, some, many] = [seen.get(0)!, seen.get(20)!, seen.get(60)!];
  equal(none.length, 0);
  ok(some.length > 3 && some.length < 22, `${some.length}`);
  ok(many.length > 25 && many.length < 48, `${many.length}`);
  ok(some.every((id) => many.includes(id)), "a larger share holds the smaller one");
});

Deno.test("shadow: bodies are copied as they pass, up to the bound, and not at all without buffer-body", async () => {
  const body = "0123456789";
  const chunked = "POST /p HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (
    const { name, shadow, request, want, result } of [
      {
        name: "below",
        shadow: "buffer-body #true; max-body-bytes 11",
        request: post(body),
        want: body,
        result: "completed",
      },
      {
        name: "at",
        shadow: "buffer-body #true; max-body-bytes 10",
        request: post(body),
        want: body,
        result: "completed",
      },
      {
        name: "above",
        shadow: "buffer-body #true; max-body-bytes 9",
        request: post(body),
        want: null,
        result: "body_too_long",
      },
      {
        name: "chunked, at",
        shadow: "buffer-body #true; max-body-bytes 10",
        request: `${chunked}4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n`,
        want: body,
        result: "completed",
      },
      {
        name: "chunked, above",
        shadow: "buffer-body #true; max-body-bytes 9",
        request: `${chunked}4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n`,
        want: null,
        result: "body_too_long",
      },
      { name: "without", shadow: "", request: post(body), want: "", result: "completed" },
    ]
  ) {
    const stage = await Stage.start(config(shadow));
    const client = await stage.sim.connect();
    client.push(request);
    await stage.turn();
    ok(client.written.includes("real"), name);
    ok(stage.real[0]!.written.includes("0123"), name);
    equal(stage.result(result), 1, name);
    if (want === null) equal(stage.copies.length, 0, name);
    else {
      const [head, ...rest] = stage.copied.split("\r\n\r\n");
      equal(rest.join("\r\n\r\n"), want, name);
      ok(head!.includes(`Content-Length: ${want.length}\r\n`), `${name}: ${head}`);
    }
    await stage.rest(name);
  }
});

Deno.test("shadow: a slow upload is not held back by the copy, and reaches it whole", async () => {
  const stage = await Stage.start(config("buffer-body #true"));
  stage.realAnswer = null;
  const client = await stage.sim.connect();
  client.push("POST /p HTTP/1.1\r\nHost: a.example\r\nContent-Length: 6\r\n\r\nab");
  await settle();
  ok(stage.real[0]!.written.endsWith("\r\n\r\nab"), "each piece goes on as it comes");
  client.push("cd");
  await settle();
  ok(stage.real[0]!.written.endsWith("abcd"));
  client.push("ef");
  await stage.turn();
  equal(stage.copies.length, 0);
  stage.real[0]!.push(OK);
  await stage.turn();
  ok(stage.copied.endsWith("\r\n\r\nabcdef"), stage.copied);
  await stage.rest();
});

Deno.test("shadow: a request that was answered before its body was whole is not copied", async () => {
  const stage = await Stage.start(config("buffer-body #true"));
  const client = await stage.sim.connect();
  client.push("POST /p HTTP/1.1\r\nHost: a.example\r\nContent-Length: 6\r\n\r\nab");
  await stage.turn();
  ok(client.written.includes("real"));
  equal(stage.result("body_cut"), 1);
  equal(stage.copies.length, 0);
  await stage.rest();
});

Deno.test("shadow: an upload that is broken off is not copied and holds no place", async () => {
  const stage = await Stage.start(config("buffer-body #true; max-concurrent 1"));
  for (let i = 0; i < 3; i++) {
    const client = await stage.sim.connect();
    client.push("POST /p HTTP/1.1\r\nHost: a.example\r\nContent-Length: 6\r\n\r\nab");
    await settle();
    client.end();
    await stage.turn();
  }
  equal(stage.result("body_cut"), 3);
  equal(stage.result("dropped"), 0);
  equal(stage.copies.length, 0);
  await stage.rest();
});

Deno.test("shadow: the bound on copies under way is exact; what comes on top is dropped and counted", async () => {
  for (const isPost of [false, true]) {
    const stage = await Stage.start(config("max-concurrent 3; timeout-ms 4000; buffer-body #true"));
    stage.copyAnswer = null;
    for (let i = 0; i < 8; i++) {
      const client = await stage.sim.connect();
      client.push(isPost ? post("x") : GET);
      await stage.turn();
      ok(client.written.includes("real"), "the real answer comes whatever becomes of the copy");
    }
    equal(stage.inFlight, 3);
    equal(stage.result("dropped"), 5);
    // Those three time out, and make room.
    await stage.sim.time.advance(5000);
    equal(stage.inFlight, 0);
    equal(stage.result("failed"), 3);
    equal(stage.sim.metric("sentinel_shadow_errors_total", { error_type: "request_timeout" }), 3);
    const client = await stage.sim.connect();
    client.push(GET);
    await stage.turn();
    equal(stage.inFlight, 1);
    await stage.rest(`post ${isPost}`);
  }
});

Deno.test("shadow: an endless answer is given up at its bound", async () => {
  const stage = await Stage.start(config());
  stage.copyAnswer = null;
  const client = await stage.sim.connect();
  client.push(GET);
  await stage.turn();
  const [copy] = stage.copies;
  copy!.push("HTTP/1.1 200 OK\r\n\r\n");
  let pushed = 0;
  while (!copy!.isClosed && pushed < 100) {
    copy!.push(new Uint8Array(65_536));
    pushed++;
    await settle();
  }
  ok(pushed >= 16 && pushed < 20, `${pushed}`);
  equal(stage.result("completed"), 1);
  await stage.rest();
});

Deno.test("shadow: a drain lets real requests end first, then gives the copies up", async () => {
  const stage = await Stage.start(config("timeout-ms 60000"));
  stage.copyAnswer = null;
  const first = await stage.sim.connect();
  first.push(GET);
  await stage.turn();
  equal(stage.inFlight, 1);
  stage.realAnswer = null;
  const second = await stage.sim.connect();
  second.push(GET);
  await settle();
  const drained = stage.sim.dataplane.drain(30_000);
  await stage.sim.time.advance(2000);
  equal(stage.inFlight, 1, "a real request is under way, so copies may go on");
  stage.real.findLast((socket) => !socket.isClosed)!.push(OK);
  await stage.sim.time.advance(2000);
  equal(await drained, 0);
  ok(second.written.includes("real"));
  equal(stage.inFlight, 0);
  equal(stage.result("cancelled"), 2);
  ok(stage.copies.every((socket) => socket.isClosed));
  await stage.rest();
});

Deno.test("shadow: a copy ends on the snapshot it began with, which then is disposed", async () => {
  const stage = await Stage.start(config());
  stage.copyAnswer = null;
  const client = await stage.sim.connect();
  client.push(GET);
  await stage.turn();
  const [copy] = stage.copies;
  const without = config().replace(/shadow \{.*?\};/, "").replace(/upstream "copy".*\n/, "");
  deepEqual(await stage.sim.serve(without), []);
  client.push(GET);
  await stage.turn();
  equal(copy!.isClosed, false, "the copy goes on, though its upstream is gone");
  equal(stage.copies.length, 1, "new requests are not copied");
  copy!.push(TEAPOT);
  await stage.turn();
  equal(stage.result("completed"), 1);
  equal(copy!.isClosed, true, "and with the copy its pool ends");
  await stage.rest();
});

Deno.test("shadow: compare counts statuses and the difference of latencies", async () => {
  const stage = await Stage.start(config('compare "metrics"'));
  const client = await stage.sim.connect();
  client.push(GET);
  await stage.turn();
  stage.copyAnswer = OK;
  client.push(GET);
  await stage.turn();
  equal(stage.sim.metric("sentinel_shadow_compared_total", { result: "different" }), 1);
  equal(stage.sim.metric("sentinel_shadow_compared_total", { result: "same" }), 1);
  stage.copyAnswer = null;
  client.push(GET);
  await stage.turn();
  await stage.sim.time.advance(700);
  stage.copies[0]!.push(OK);
  await stage.turn();
  const slower = stage.sim.dataplane.metricsSnapshot().families
    .find(({ name }) => name === "sentinel_shadow_latency_difference_seconds")!
    .series.find(({ labels }) => labels[2] === "slower")!.values;
  equal(Math.round(slower.at(-1)! * 10), 7, "seconds that copies came later");
  await stage.rest();
});

Deno.test("shadow: whatever breaks on the way of a copy, clients see the real answer and nothing is left", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        dial: fc.constantFrom("ok", "refuse", "break"),
        failAt: fc.integer({ min: 1, max: 8 }),
        answers: fc.boolean(),
        isPost: fc.boolean(),
        requests: fc.integer({ min: 1, max: 6 }),
        jump: fc.constantFrom(1, 100, 3000),
      }),
      async ({ dial, failAt, answers, isPost, requests, jump }) => {
        const stage = await Stage.start(
          config('buffer-body #true; max-concurrent 2; timeout-ms 2000; compare "log"'),
        );
        const { dialer } = stage.sim;
        const place = dialer.answer;
        let calls = 0;
        dialer.answer = (options) => {
          const base = place(options);
          if (options.address.type !== "ip" || options.address.host !== COPY || dial === "ok") return base;
          if (dial === "refuse") return new ProxyError("upstream_connect_failed", "refused");
          return {
            onCall: () => {
              if (++calls === failAt) throw new Error("I/O failed");
            },
          };
        };
        if (!answers) stage.copyAnswer = null;
        const client = await stage.sim.connect();
        for (let i = 0; i < requests; i++) {
          client.push(isPost ? post("0123456789") : GET);
          await settle();
          await stage.sim.time.advance(jump);
          ok(stage.inFlight <= 2);
        }
        equal(client.written.match(/HTTP\/1\.1 200 OK/g)?.length, requests);
        await stage.rest();
        const ends = ["completed", "failed", "dropped", "cancelled", "body_cut", "body_too_long"];
        equal(ends.reduce((sum, result) => sum + stage.result(result), 0), requests, "each copy ends once");
      },
    ),
    { numRuns: 40 },
  );
});
