import assert from "node:assert/strict";
import type { FakeSocket } from "../../tests/support/fake_socket.ts";
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

const targets = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"].map((address) => targetConfig(address));
const FAILS = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n";
const BREAKER = { failureThreshold: 2, successThreshold: 1, timeoutSecs: 5, halfOpenMaxRequests: 1 };
const OUTLIERS = {
  consecutive5xx: 2,
  consecutiveConnectFailures: 3,
  intervalSecs: 10,
  baseEjectionTimeSecs: 5,
  maxEjectionTimeSecs: 50,
  maxEjectionPercent: 100,
};

/** A rig some of whose targets, by last octet, are ill. */
function rigOf(over: Parameters<typeof upstreamConfig>[0], ill: Set<string>): ProxyRig {
  const rig = new ProxyRig(upstreamConfig({ targets, allTargetsDown: "reject", ...over }));
  rig.dialer.onSocket = (socket: FakeSocket, { address }) => {
    const last = address.type === "ip" ? address.host.split(".")[3]! : "";
    let seen = 0;
    socket.onWrite = (written) => {
      const heads = written.split("\r\n\r\n").length - 1;
      while (seen < heads) {
        seen++;
        socket.push(ill.has(last) ? FAILS : OK);
      }
    };
  };
  return rig;
}

/** Last octets of the targets of so many requests. */
async function asked(rig: ProxyRig, count: number): Promise<string> {
  let all = "";
  for (let i = 0; i < count; i++) {
    const context = request();
    await serve(rig, context).catch(() => {});
    all += context.targetAddress === undefined ? "-" : context.targetAddress.split(":")[0]!.split(".")[3]!;
  }
  return all;
}

Deno.test("fitness: an open breaker keeps requests away, its trial brings the target back", async () => {
  const ill = new Set(["2"]);
  const rig = rigOf({ circuitBreaker: BREAKER }, ill);
  assert.equal(await asked(rig, 6), "123123");
  assert.deepEqual(rig.fates, ["10.0.0.2:80 open"]);
  assert.equal(await asked(rig, 4), "1313");
  assert.deepEqual(rig.upstream.states().map(({ breaker }) => breaker), ["closed", "open", "closed"]);
  await rig.time.advance(5100);
  assert.match(await asked(rig, 4), /^[13]*2[13]*$/, "one trial, which fails");
  assert.deepEqual(rig.fates.slice(1), ["10.0.0.2:80 half-open", "10.0.0.2:80 open"]);
  ill.clear();
  await rig.time.advance(5100);
  assert.match(await asked(rig, 9), /2.*2.*2/);
  assert.deepEqual(rig.fates.at(-1), "10.0.0.2:80 closed");
  assert.deepEqual(rig.inFlight, [0, 0, 0]);
});

Deno.test("fitness: with every breaker open the answer is 503, and targets are spared", async () => {
  const rig = rigOf({ circuitBreaker: BREAKER, allTargetsDown: "fail-open" }, new Set(["1", "2", "3"]));
  await asked(rig, 6);
  const { dials } = rig.dialer;
  const before = dials.length;
  assert.equal((await failure(serve(rig))).code, "upstream_unavailable");
  assert.equal(dials.length, before);
});

Deno.test("fitness: a trial whose client leaves gives its place back", async () => {
  const rig = rigOf({ targets: targets.slice(0, 1), circuitBreaker: BREAKER }, new Set(["1"]));
  await asked(rig, 2);
  await rig.time.advance(5100);
  rig.dialer.sockets[0]!.onWrite = null;
  const context = request();
  const lost = failure(rig.service.serve(context));
  context.onAbort!("client_closed");
  assert.equal((await lost).code, "client_closed");
  assert.deepEqual(rig.fates, ["10.0.0.1:80 open", "10.0.0.1:80 half-open"]);
  rig.dialer.onSocket = (socket) => socket.onWrite = () => socket.push(OK);
  assert.equal((await serve(rig)).text, "ok");
  assert.equal(rig.fates.at(-1), "10.0.0.1:80 closed");
});

Deno.test("fitness: a trial has its verdict with the head, however long the body takes", async () => {
  const rig = rigOf(
    { targets: targets.slice(0, 1), circuitBreaker: { ...BREAKER, successThreshold: 2 } },
    new Set(["1"]),
  );
  await asked(rig, 2);
  await rig.time.advance(5100);
  const slow = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
  for (const socket of rig.dialer.sockets) socket.onWrite = () => socket.push(slow);
  rig.dialer.onSocket = (socket) => socket.onWrite = () => socket.push(slow);
  const bodies = [await rig.service.serve(request()), await rig.service.serve(request())];
  assert.equal(rig.fates.at(-1), "10.0.0.1:80 closed");
  assert.deepEqual(rig.inFlight, [2]);
  for (const { body } of bodies) body!.cancel();
  assert.deepEqual(rig.inFlight, [0]);
});

Deno.test("fitness: ejected targets get nothing while others are fit, and come back", async () => {
  const ill = new Set(["3"]);
  const rig = rigOf({ outlierDetection: OUTLIERS }, ill);
  await asked(rig, 6);
  assert.deepEqual(rig.fates, ["10.0.0.3:80 ejected: consecutive-5xx"]);
  assert.equal(await asked(rig, 4), "1212");
  assert.deepEqual(rig.upstream.states().map(({ ejected }) => ejected), [false, false, true]);
  ill.clear();
  await rig.time.advance(5200);
  assert.equal(rig.fates.at(-1), "10.0.0.3:80 readmitted");
  assert.match(await asked(rig, 6), /3.*3/);
});

Deno.test("fitness: no target well is 503 or all are used, as configured; the threshold counts shares", async () => {
  const rows = [
    { allTargetsDown: "reject", down: 3, want: "---" },
    { allTargetsDown: "fail-open", down: 3, want: "123" },
    { allTargetsDown: "fail-open", down: 2, want: "333" },
    { allTargetsDown: "fail-open", panicThreshold: 34, down: 2, want: "123" },
    { allTargetsDown: "fail-open", panicThreshold: 33, down: 2, want: "333" },
    { allTargetsDown: "fail-open", panicThreshold: 34, down: 1, want: "232" },
  ] as const;
  for (const { down, want, ...over } of rows) {
    const rig = rigOf(over, new Set());
    for (let i = 0; i < down; i++) rig.judge(i, "unhealthy");
    assert.equal(await asked(rig, 3), want, JSON.stringify({ ...over, down }));
    assert.equal(rig.upstream.isPanicking, want === "123");
  }
});

Deno.test("fitness: panic takes ejected targets back, drained ones stay out", async () => {
  const rig = rigOf({ outlierDetection: OUTLIERS, allTargetsDown: "fail-open" }, new Set(["1", "2", "3"]));
  rig.records.targets[0]!.drain();
  await asked(rig, 4);
  assert.equal(rig.fates.length, 2);
  assert.match(await asked(rig, 4), /^(23|32)+$/);
});

Deno.test("fitness: retries go past an open breaker without using up attempts", async () => {
  const rig = rigOf({
    circuitBreaker: BREAKER,
    retry: retry({ maxAttempts: 2, retryOn: ["5xx"], backoffBaseMs: 0 }),
  }, new Set(["1", "2"]));
  await asked(rig, 6);
  assert.deepEqual(rig.fates.toSorted(), ["10.0.0.1:80 open", "10.0.0.2:80 open"]);
  assert.equal(await asked(rig, 3), "333");
  assert.deepEqual(rig.inFlight, [0, 0, 0]);
});

Deno.test("queue: requests above the upstream's bound wait until a body has ended, or get 503", async () => {
  const rig = rigOf({ maxRequests: 1, queue: { maxSize: 1, timeoutMs: 500 } }, new Set());
  const first = await rig.service.serve(request());
  let second: string | undefined;
  void serve(rig).then(({ text }) => second = text);
  const third = await failure(serve(rig));
  assert.equal(third.code, "upstream_queue_full");
  assert.equal(third.status, 503);
  await rig.time.advance(100);
  assert.equal(second, undefined);
  first.body!.cancel();
  await rig.time.advance(0);
  assert.equal(second, "ok");
  const held = await rig.service.serve(request());
  const late = failure(serve(rig));
  await rig.time.advance(700);
  assert.equal((await late).code, "upstream_queue_full");
  held.body!.cancel();
  assert.equal(rig.load.total(2) + rig.load.total(3), 0, "places and waiters");
  assert.deepEqual(rig.inFlight, [0, 0, 0]);
});

Deno.test("queue: no target left gives the place back; so do attempts that fail", async () => {
  const rig = rigOf({ maxRequests: 1, retry: retry({ backoffBaseMs: 0 }) }, new Set());
  rig.dialer.onSocket = (socket) => socket.onWrite = () => socket.end();
  await failure(serve(rig));
  assert.equal(rig.meter.attempts, 3);
  for (let i = 0; i < 3; i++) rig.judge(i, "unhealthy");
  assert.equal((await failure(serve(rig))).code, "upstream_unavailable");
  assert.equal(rig.load.total(2), 0);
});

Deno.test("queue: its time bounds the wait for a busy connection too", async () => {
  const pool = { maxConnections: 1, maxIdle: 1, idleTimeoutSecs: 60 };
  const only = { targets: targets.slice(0, 1), connectionPool: pool };
  const rig = rigOf({ ...only, queue: { timeoutMs: 300 } }, new Set());
  const held = await rig.service.serve(request());
  const late = failure(serve(rig));
  await rig.time.advance(450);
  assert.equal((await late).code, "upstream_queue_full");
  held.body!.cancel();
});

Deno.test("fitness: an upstream that is kept only for old requests leaves breakers to its successor", async () => {
  const rig = rigOf({ circuitBreaker: BREAKER }, new Set(["2"]));
  await asked(rig, 6);
  assert.deepEqual(rig.fates, ["10.0.0.2:80 open"]);
  rig.upstream.retire();
  await rig.time.advance(60_000);
  assert.deepEqual(rig.fates, ["10.0.0.2:80 open"]);
  rig.upstream.dispose();
});
