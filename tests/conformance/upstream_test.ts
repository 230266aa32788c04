import assert from "node:assert/strict";
import { Deadlines } from "../../src/core/deadlines.ts";
import { ProxyError } from "../../src/core/errors.ts";
import type { Service } from "../../src/services/service.ts";
import { createDialer } from "../../src/server/dialer.ts";
import { createClock, createRandom, createTimers } from "../../src/server/platform.ts";
import { createProxyService } from "../../src/services/proxy.ts";
import { LiveUpstream } from "../../src/upstream/live_upstream.ts";
import { UpstreamPools } from "../../src/upstream/pools.ts";
import { RetryPolicy } from "../../src/upstream/retry_policy.ts";
import { okResponse, RawOrigin } from "../support/raw_origin.ts";
import {
  CountingMeter,
  ownRecords,
  readText,
  request,
  targetConfig,
  upstreamConfig,
} from "../support/proxy_rig.ts";

/** The proxy service over real sockets, towards one origin. Leaks are found by the test runner's sanitizers. */
class Proxy implements Disposable {
  readonly meter = new CountingMeter();
  readonly pools: UpstreamPools;
  readonly service: Service;
  readonly #upstream: LiveUpstream;
  readonly #deadlines: Deadlines;

  constructor(port: number) {
    const clock = createClock();
    this.#deadlines = new Deadlines(clock, createTimers());
    this.pools = new UpstreamPools({
      dialer: createDialer(),
      clock,
      deadlines: this.#deadlines,
    });
    const config = upstreamConfig({
      targets: [targetConfig(`127.0.0.1:${port}`)],
      connectionPool: { maxConnections: 8, maxIdle: 8, idleTimeoutSecs: 60 },
      timeouts: {
        connectSecs: 5,
        requestSecs: 20,
        readSecs: 0.5,
        writeSecs: 5,
      },
    });
    this.#upstream = new LiveUpstream({
      config,
      tls: undefined,
      pools: this.pools,
      bounds: { idleMax: 100, queueMax: 1000 },
      records: ownRecords(config),
      clock,
      random: createRandom(),
      instance: "test",
    });
    this.service = createProxyService({
      upstream: this.#upstream,
      policy: new RetryPolicy(undefined, null),
      clock,
      timers: createTimers(),
      random: createRandom(),
      meter: this.meter,
    });
  }

  /** The response's body, or the code of the failure. */
  async get(target = "/"): Promise<string> {
    try {
      const response = await this.service.serve(request({ target }));
      return await readText(response.body);
    } catch (cause) {
      if (cause instanceof ProxyError) return cause.code;
      throw cause;
    }
  }

  get busy(): number {
    return this.pools.stats().reduce((sum, { busy }) => sum + busy, 0);
  }

  [Symbol.dispose](): void {
    this.#upstream.dispose();
    this.#deadlines.dispose();
  }
}

Deno.test("upstream: many requests share few real connections, each gets its own answer", async () => {
  await using origin = new RawOrigin();
  origin.script = (connection, { target }) => connection.send(okResponse(target));
  using proxy = new Proxy(origin.port);
  for (let round = 0; round < 5; round++) {
    const targets = Array.from({ length: 40 }, (_, i) => `/${round}/${i}`);
    assert.deepEqual(
      await Promise.all(targets.map((target) => proxy.get(target))),
      targets,
    );
  }
  assert.equal(proxy.busy, 0);
  const [stats] = proxy.pools.stats();
  assert.ok(stats!.size <= 8, `${stats!.size} connections`);
  assert.equal(stats!.acquired, 200);
});

Deno.test("upstream: an origin that breaks off at any byte never passes for whole, nor leaks", async () => {
  const answers = {
    length: okResponse("hello"),
    chunked: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  };
  for (const [name, answer] of Object.entries(answers)) {
    await using origin = new RawOrigin();
    using proxy = new Proxy(origin.port);
    for (let cut = 0; cut < answer.length; cut += 3) {
      origin.script = async (connection) => {
        await connection.send(answer.slice(0, cut));
        connection.abort();
      };
      const got = await proxy.get();
      assert.ok(
        ["upstream_reset", "upstream_body_aborted"].includes(got),
        `${name} cut at ${cut}: ${got}`,
      );
      assert.equal(proxy.busy, 0);
    }
    origin.script = (connection) => connection.send(answer);
    assert.equal(await proxy.get(), "hello");
  }
});

Deno.test("upstream: a silent origin is given up at the read timeout", async () => {
  await using origin = new RawOrigin();
  origin.script = () => {};
  using proxy = new Proxy(origin.port);
  assert.equal(await proxy.get(), "upstream_read_timeout");
  assert.equal(proxy.busy, 0);
});

Deno.test("upstream: bytes behind a response are never the next one's", async () => {
  await using origin = new RawOrigin();
  using proxy = new Proxy(origin.port);
  origin.script = (connection) => connection.send(okResponse("mine") + okResponse("SECRET"));
  for (let i = 0; i < 20; i++) assert.equal(await proxy.get(), "mine");
  assert.equal(proxy.pools.stats()[0]!.idle, 0);
});

Deno.test("upstream: aborts at every stage free the connection", async () => {
  await using origin = new RawOrigin();
  using proxy = new Proxy(origin.port);
  for (
    const answer of [
      "",
      "HTTP/1.1 20",
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
    ]
  ) {
    const reached = Promise.withResolvers<{ gone: Promise<void> }>();
    origin.script = async (connection) => {
      await connection.send(answer);
      reached.resolve(connection);
    };
    const context = request();
    const result = (async () => readText((await proxy.service.serve(context)).body))().catch((cause) =>
      cause.code
    );
    const { gone } = await reached.promise;
    context.aborted = true;
    context.onAbort!("client_closed");
    assert.equal(await result, "client_closed");
    await gone;
    assert.equal(proxy.busy, 0);
  }
});
