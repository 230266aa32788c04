import assert from "node:assert/strict";
import { type FakeSocket, octets, settle } from "../../tests/support/fake_socket.ts";
import {
  failure,
  OK,
  ProxyRig,
  request,
  retry,
  serve,
  targetConfig,
  upstreamConfig,
} from "../../tests/support/proxy_rig.ts";
import { ProxyError } from "../core/errors.ts";
import { type Body, BytesBody } from "../core/message.ts";
import { Trace } from "../core/trace.ts";

const targets = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"].map((address) => targetConfig(address));
const UNAVAILABLE = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";

type Behaviour = (socket: FakeSocket) => void;
const answers = (text: string): Behaviour => (socket) => socket.push(text);
const ends: Behaviour = (socket) => socket.end();
const resets: Behaviour = (socket) => socket.reset();
const isSilent: Behaviour = () => {};

/** A rig whose targets behave as told, by the last octet of their address; request by request the next way. */
function rigOf(ways: Behaviour[][], over: Parameters<typeof retry>[0] = {}, count = ways.length): ProxyRig {
  const rig = new ProxyRig(upstreamConfig({ targets: targets.slice(0, count), retry: retry(over) }));
  const turns: number[] = [];
  rig.dialer.onSocket = (socket, { address }) => {
    const place = address.type === "ip" ? Number(address.host.split(".")[3]) - 1 : 0;
    let seen = 0;
    socket.onWrite = (written) => {
      const heads = written.split(" HTTP/1.1\r\n").length - 1;
      if (heads === seen) return;
      seen = heads;
      const way = ways[Math.min(place, ways.length - 1)]!;
      way[Math.min(turns[place] ?? 0, way.length - 1)]!(socket);
      turns[place] = (turns[place] ?? 0) + 1;
    };
  };
  return rig;
}

/** Serves while time passes; the text of the answer, or the code of the failure. */
async function outcome(rig: ProxyRig, context = request()): Promise<string> {
  let result: string | undefined;
  const done = serve(rig, context).then(
    ({ response, text }) => result = `${response.status} ${text}`,
    (cause) => result = (cause as ProxyError).code,
  );
  await settle();
  for (let i = 0; i < 2000 && result === undefined; i++) await rig.time.advance(100);
  await done;
  return result!;
}

/** Nothing of the request is left behind. */
function assertNoLeak(rig: ProxyRig): void {
  assert.equal(rig.budget!.taken, 0, "retries");
  assert.equal(rig.budget!.waiting, 0, "waiting requests");
  assert.deepEqual(rig.inFlight, rig.inFlight.map(() => 0));
  assert.equal(rig.pools.stats().reduce((sum, { busy }) => sum + busy, 0), 0, "busy connections");
}

Deno.test("retry: a reset before the head goes to another target, for requests that may be repeated", async () => {
  const rows = [
    { method: "GET", over: {}, want: "200 ok", attempts: 2 },
    { method: "DELETE", over: {}, want: "200 ok", attempts: 2 },
    { method: "POST", over: {}, want: "upstream_reset", attempts: 1 },
    { method: "PATCH", over: { methods: ["*"] }, want: "200 ok", attempts: 2 },
    { method: "POST", over: { methods: ["POST"] }, want: "200 ok", attempts: 2 },
    { method: "GET", over: { methods: ["POST"] }, want: "upstream_reset", attempts: 1 },
    { method: "GET", over: { maxAttempts: 1 }, want: "upstream_reset", attempts: 1 },
    { method: "GET", over: { retryOn: ["timeout" as const] }, want: "upstream_reset", attempts: 1 },
  ];
  for (const { method, over, want, attempts } of rows) {
    for (const dies of [ends, resets]) {
      const rig = rigOf([[dies], [answers(OK)]], over);
      const context = request({ method });
      assert.equal(await outcome(rig, context), want, `${method} ${JSON.stringify(over)}`);
      assert.equal(context.attempts, attempts);
      assert.deepEqual(rig.meter.retries, attempts === 2 ? ["reset"] : []);
      assertNoLeak(rig);
    }
  }
});

Deno.test("retry: half a head is no answer either, and none of it is passed on", async () => {
  const rig = rigOf([[(socket) => (socket.push("HTTP/1.1 200 O"), socket.end())], [answers(OK)]]);
  assert.equal(await outcome(rig), "200 ok");
});

Deno.test("retry: statuses that are listed are dropped for a better answer, the last one stands", async () => {
  const rig = rigOf([[answers(UNAVAILABLE)], [answers(UNAVAILABLE)], [answers(OK)]], {
    retryableStatusCodes: [[503, 503]],
  });
  const context = request();
  assert.equal(await outcome(rig, context), "200 ok");
  assert.equal(context.attempts, 3);
  assert.deepEqual(rig.meter.retries, ["status", "status"]);
  await settle();
  assert.equal(rig.dialer.open, 3, "small answers were read, so their connections are kept");
  const none = rigOf([[answers(UNAVAILABLE)]], { retryOn: ["gateway-error"] }, 2);
  assert.equal(await outcome(none), "503 busy");
  assert.equal(none.meter.attempts, 3);
  assertNoLeak(none);
  const post = rigOf([[answers(UNAVAILABLE)]], { retryOn: ["5xx"] });
  assert.equal(await outcome(post, request({ method: "POST" })), "503 busy");
  assert.equal(post.meter.attempts, 1);
});

Deno.test("retry: a long answer that is dropped costs its connection, not the next attempt's time", async () => {
  const long = "HTTP/1.1 503 Busy\r\nContent-Length: 1000000\r\n\r\n" + "x".repeat(1000);
  const rig = rigOf([[answers(long)], [answers(OK)]], { retryOn: ["5xx"], backoffBaseMs: 0 });
  const { text } = await serve(rig);
  assert.equal(text, "ok");
  assert.equal(rig.dialer.sockets[0]!.isClosed, true);
});

Deno.test("retry: an attempt's own time limit, the request's above it", async () => {
  const rig = rigOf([[isSilent], [answers(OK)]], { timeoutMs: 500 });
  const startMs = rig.time.now;
  assert.equal(await outcome(rig), "200 ok");
  assert.ok(rig.time.now - startMs < 1000, `${rig.time.now - startMs} ms`);
  assert.deepEqual(rig.meter.failures, ["upstream_try_timeout"]);
  assert.deepEqual(rig.meter.retries, ["timeout"]);
  const late = rigOf([[isSilent]], { timeoutMs: 500, maxAttempts: 10 }, 2);
  const context = request();
  context.deadlineMs = late.time.now + 1700;
  assert.equal(await outcome(late, context), "request_timeout");
  assert.equal(late.meter.attempts, 3);
  assertNoLeak(late);
});

Deno.test("retry: a body is sent again, whole, to a target that answers", async () => {
  const rig = rigOf([[ends], [answers(OK)]], {});
  const body = new BytesBody(octets("hello world"));
  assert.equal(await outcome(rig, request({ method: "PUT", body })), "200 ok");
  for (const socket of rig.dialer.sockets) assert.ok(socket.written.endsWith("\r\n\r\nhello world"));
});

Deno.test("retry: a body above the bound is sent once", async () => {
  for (
    const [maxBodySizeBytes, want] of [[10, "upstream_reset"], [11, "200 ok"], [0, "upstream_reset"]] as const
  ) {
    const rig = rigOf([[ends], [answers(OK)]], { maxBodySizeBytes });
    const body = new BytesBody(octets("hello world"));
    assert.equal(await outcome(rig, request({ method: "PUT", body })), want, `${maxBodySizeBytes}`);
    assertNoLeak(rig);
  }
});

Deno.test("retry: a body that never left is sent to a target that can be reached, whatever the method", async () => {
  const rig = rigOf([[answers(OK)], [answers(OK)]], { maxBodySizeBytes: 0 });
  rig.dialer.answer = ({ address }) => {
    return address.type === "ip" && address.host === "10.0.0.1"
      ? new ProxyError("upstream_connect_failed", "refused")
      : {};
  };
  const body = new BytesBody(octets("x"));
  assert.equal(await outcome(rig, request({ method: "POST", body })), "200 ok");
  assert.deepEqual(rig.meter.retries, ["connect-failure"]);
});

Deno.test("retry: other targets first, then round again after a pause, up to the bound", async () => {
  const rig = rigOf([[ends]], { maxAttempts: 5, backoffBaseMs: 100, backoffMaxMs: 200 }, 2);
  const context = request();
  const startMs = rig.time.now;
  assert.equal(await outcome(rig, context), "upstream_reset");
  assert.equal(context.attempts, 5);
  const hosts = rig.dialer.dials.map(({ address }) => address.type === "ip" ? address.host : "");
  assert.deepEqual(hosts, ["10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2", "10.0.0.1"]);
  // Half of 100, 200, 200 and 200 ms, as the random number is in the middle.
  assert.ok(rig.time.now - startMs >= 350, `${rig.time.now - startMs} ms`);
  assertNoLeak(rig);
});

Deno.test("retry: the budget holds for all requests together, and is given back", async () => {
  const rig = rigOf([[isSilent]], {
    timeoutMs: 1000,
    maxAttempts: 2,
    backoffMaxMs: 0,
    backoffBaseMs: 0,
    budget: { percent: 20, minConcurrency: 0, maxWaitMs: 0 },
  }, 3);
  const contexts = Array.from({ length: 10 }, () => request());
  const all = contexts.map((context) => failure(rig.service.serve(context)));
  await settle();
  assert.equal(rig.budget!.waiting, 10);
  await rig.time.advance(1200);
  assert.equal(rig.budget!.taken, 2, "a fifth of ten");
  assert.equal(rig.meter.refused, 8);
  await rig.time.advance(2000);
  assert.deepEqual((await Promise.all(all)).map(({ code }) => code), Array(10).fill("upstream_try_timeout"));
  assert.equal(rig.meter.attempts, 12);
  assertNoLeak(rig);
});

Deno.test("retry: who finds the budget used up waits for room, and never more retries than that run", async () => {
  const rig = rigOf([[resets], [isSilent]], { budget: { percent: 20, minConcurrency: 2, maxWaitMs: 500 } });
  let most = 0;
  const budget = rig.budget!;
  rig.dialer.answer = () => {
    most = Math.max(most, budget.taken);
    return {};
  };
  const answered: string[] = [];
  // Half of them go to the target that resets.
  const all = Array.from({ length: 4 }, () => serve(rig).then(({ text }) => answered.push(text)));
  await rig.time.advance(100);
  const silent = rig.dialer.sockets.filter((socket) => !socket.isClosed);
  for (const socket of silent) socket.push(OK);
  for (let i = 0; i < 10 && answered.length < 4; i++) {
    await rig.time.advance(50);
    for (const socket of rig.dialer.sockets) if (!socket.isClosed && socket.written !== "") socket.push(OK);
  }
  await Promise.all(all);
  assert.deepEqual(answered, ["ok", "ok", "ok", "ok"]);
  assert.ok(most <= 2);
  assertNoLeak(rig);
});

Deno.test("retry: waiting for the budget ends in time, and with the client", async () => {
  const rig = rigOf([[resets]], { budget: { percent: 0, minConcurrency: 0, maxWaitMs: 500 } }, 2);
  const startMs = rig.time.now;
  assert.equal(await outcome(rig), "upstream_reset");
  assert.equal(rig.meter.refused, 1);
  assert.ok(rig.time.now - startMs >= 500 && rig.time.now - startMs <= 700);
  const context = request();
  const lost = failure(rig.service.serve(context));
  await settle();
  context.onAbort!("client_closed");
  assert.equal((await lost).code, "client_closed");
  assertNoLeak(rig);
});

Deno.test("retry: a client that leaves during the pause ends it", async () => {
  const rig = rigOf([[answers(UNAVAILABLE)]], {
    retryOn: ["5xx"],
    backoffBaseMs: 60_000,
    backoffMaxMs: 60_000,
  });
  const context = request();
  const lost = failure(rig.service.serve(context));
  await settle();
  const timers = rig.time.pending;
  context.aborted = true;
  context.onAbort!("client_closed");
  assert.equal((await lost).code, "client_closed");
  assert.equal(context.onAbort, null);
  assert.equal(rig.time.pending, timers - 1, "its timer is gone");
  assert.equal(rig.meter.attempts, 1);
  assertNoLeak(rig);
});

Deno.test("retry: what a failed attempt says of the client's connection is forgotten", async () => {
  const refuses: Behaviour = (socket) => {
    socket.push("HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  };
  const rig = rigOf([[refuses], [answers(OK)]], {
    retryOn: ["5xx"],
    maxBodySizeBytes: 100_000,
    backoffBaseMs: 0,
  });
  const context = request({ method: "PUT", body: new BytesBody(octets("x".repeat(70_000))) });
  assert.equal(await outcome(rig, context), "200 ok");
  assert.equal(context.closeConnection, false);
});

Deno.test("retry: it is not forgotten when the budget refuses the next attempt", async () => {
  const refuses: Behaviour = (socket) => {
    socket.push("HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  };
  const rig = rigOf([[refuses]], {
    retryOn: ["5xx"],
    maxBodySizeBytes: 100_000,
    budget: { percent: 0, minConcurrency: 0, maxWaitMs: 0 },
  }, 2);
  const pieces = [octets("x")];
  let cancelled = false;
  const body: Body = {
    length: 70_000,
    read: () => pieces.shift() ?? new Promise<null>(() => {}),
    cancel: () => cancelled = true,
  };
  const context = request({ method: "PUT", body });
  assert.equal(await outcome(rig, context), "503 ");
  assert.equal(rig.meter.refused, 1);
  assert.ok(cancelled, "nobody reads the rest of the upload");
  assert.ok(context.closeConnection, "so the client's connection is of no further use");
});

Deno.test("retry: the trace says why, and why not", async () => {
  const rig = rigOf([[ends]], { maxAttempts: 2, backoffBaseMs: 0 }, 2);
  const context = request();
  context.trace = new Trace();
  await outcome(rig, context);
  assert.deepEqual(context.trace.steps.map(({ subject, outcome, detail }) => [subject, outcome, detail]), [
    ["10.0.0.1:80", "picked", "round-robin"],
    ["10.0.0.1:80", "failed", "upstream_reset: the upstream closed the connection before answering"],
    ["10.0.0.2:80", "picked", "again after reset"],
    ["10.0.0.2:80", "failed", "upstream_reset: the upstream closed the connection before answering"],
    ["10.0.0.2:80", "not retried", "after 2 attempts"],
  ]);
});
