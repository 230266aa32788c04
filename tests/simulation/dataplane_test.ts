/** The whole dataplane over fake sockets and a virtual clock: what real ones cannot be made to do on demand. */

import assert from "node:assert/strict";
import fc from "../support/seeded_check.ts";
import { ProxyError } from "../../src/core/errors.ts";
import type { FakeSocket } from "../support/fake_socket.ts";
import { settle } from "../support/fake_socket.ts";
import { SimulatedDataplane } from "../support/simulated_dataplane.ts";

const CONFIG = `
system { worker-threads 1 }
listeners { listener "http" { address "127.0.0.1:80" } }
routes {
  route "api" {
    matches { path-prefix "/api" }
    upstream "origin"
    policies { timeout-secs 20 }
  }
  route "limited" {
    matches { path-prefix "/limited" }
    upstream "origin"
    policies { rate-limit { requests-per-second 1; burst 2 } }
  }
}
upstreams {
  upstream "origin" {
    target "192.0.2.1:80"
    target "192.0.2.2:80"
    timeouts { connect 2; read 5; write 5; request 10 }
    connection-pool { max-connections 2; idle-timeout 30 }
  }
}
limits { max-in-flight-requests 3 }
observability { logging { access-log { file "-" } } }
`;

const GET = "GET /api/x HTTP/1.1\r\nHost: a.example\r\n\r\n";
const POST = "POST /api/x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 10\r\n\r\n0123456789";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Answers every whole request that reaches the upstream. */
function answerAll(sim: SimulatedDataplane, answer = OK): void {
  sim.dialer.onSocket = (socket) => {
    let answered = 0;
    socket.onWrite = (written) => {
      const requests = written.match(/^(GET|POST) .*?\r\n\r\n/gms)?.length ?? 0;
      const wholeBodies = written.match(/0123456789/g)?.length ?? 0;
      const isWhole = written.endsWith("\r\n\r\n") || written.endsWith("0123456789");
      if (!isWhole || (written.includes("POST") && wholeBodies === 0)) return;
      for (; answered < requests; answered++) socket.push(answer);
    };
  };
}

function statuses(client: FakeSocket): number[] {
  return [...client.written.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));
}

async function started(seed = 1): Promise<SimulatedDataplane> {
  const sim = new SimulatedDataplane(seed);
  assert.deepEqual(await sim.serve(CONFIG), []);
  return sim;
}

/** Nothing may be left of what has ended. */
async function assertAtRest(sim: SimulatedDataplane, hint: string): Promise<void> {
  for (const client of sim.clients) client.end();
  // Longer than every time limit there is: what still waits then waits for ever.
  for (let leap = 0; leap < 12; leap++) await sim.time.leap(10_000);
  assert.equal(sim.openSockets, 0, `${hint}: sockets`);
  const targets = sim.dataplane.upstreamStates().flatMap((upstream) => upstream.targets);
  assert.ok(targets.every(({ inFlight }) => inFlight === 0), `${hint}: requests in flight on targets`);
  assert.equal(sim.metric("sentinel_active_requests"), 0, `${hint}: requests`);
  assert.equal(sim.metric("sentinel_open_connections"), 0, `${hint}: connections`);
}

Deno.test("simulation: a request travels, is counted and logged", async () => {
  const sim = await started();
  answerAll(sim);
  const client = await sim.connect();
  client.push(GET + POST);
  await settle();
  assert.deepEqual(statuses(client), [200, 200]);
  assert.equal(sim.metric("sentinel_requests_total", { route: "api", method: "GET", status: "200" }), 1);
  assert.equal(sim.lines.length, 2);
  await assertAtRest(sim, "plain");
});

Deno.test("simulation: failing the N-th read or write, on either side, leaves nothing behind", async () => {
  for (const side of ["client", "upstream"] as const) {
    for (let fail = 1; fail <= 14; fail++) {
      for (const request of [GET, POST]) {
        const sim = await started();
        let calls = 0;
        const onCall = () => {
          if (++calls === fail) throw new Error("I/O failed");
        };
        if (side === "upstream") sim.dialer.answer = () => ({ onCall, readMax: 20, writeMax: 40 });
        answerAll(sim);
        const client = await sim.connect(side === "client" ? { onCall, readMax: 30, writeMax: 60 } : {});
        client.push(request);
        for (let leap = 0; leap < 10; leap++) await sim.time.leap(1000);
        const hint = `${side} call ${fail} of ${request.slice(0, 4)}`;
        const got = statuses(client);
        assert.ok(got.length <= 1, `${hint}: ${got}`);
        if (side === "upstream") {
          assert.equal(got.length, 1, `${hint}: a client whose connection works is answered`);
        }
        await assertAtRest(sim, hint);
      }
    }
  }
});

Deno.test("simulation: every way the upstream can keep us waiting ends at its bound", async () => {
  const cases = [
    { name: "the connection is not accepted", dial: "wait", answer: "", afterMs: 2000, want: 504 },
    { name: "the target refuses", dial: "refuse", answer: "", afterMs: 0, want: 503 },
    { name: "no answer", dial: "ok", answer: "", afterMs: 5000, want: 504 },
    { name: "half a head", dial: "ok", answer: "HTTP/1.1 200 OK\r\nX: y", afterMs: 5000, want: 504 },
    { name: "an answer that is none", dial: "ok", answer: "SMTP ready\r\n\r\n", afterMs: 0, want: 502 },
  ];
  for (const { name, dial, answer, afterMs, want } of cases) {
    const sim = await started();
    if (dial === "wait") sim.dialer.answer = () => new Promise(() => {});
    if (dial === "refuse") sim.dialer.answer = () => new ProxyError("upstream_connect_failed", "refused");
    answerAll(sim, answer);
    const client = await sim.connect();
    client.push(GET);
    await settle();
    if (afterMs > 0) {
      await sim.time.advance(afterMs - 200);
      assert.deepEqual(statuses(client), [], `${name}: before its bound`);
      // Two targets may each be given their time before the request as a whole is given up.
      await sim.time.advance(afterMs + 600);
    }
    assert.deepEqual(statuses(client), [want], name);
    await assertAtRest(sim, name);
  }
});

Deno.test("simulation: a body that stalls half way cuts the client at the read bound", async () => {
  const sim = await started();
  answerAll(sim, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  const client = await sim.connect();
  client.push(GET);
  await sim.time.advance(4800);
  assert.equal(client.isClosed, false);
  assert.match(client.written, /half$/);
  await sim.time.advance(600);
  assert.equal(client.isClosed, true);
  await assertAtRest(sim, "stalled body");
});

Deno.test("simulation: requests above the bound on requests in flight get 503 and the others go on", async () => {
  const sim = await started();
  const upstreams: FakeSocket[] = [];
  sim.dialer.onSocket = (socket) => upstreams.push(socket);
  const clients = [];
  for (let i = 0; i < 5; i++) {
    const client = await sim.connect();
    client.push(GET);
    clients.push(client);
  }
  await settle();
  assert.deepEqual(clients.flatMap(statuses), [503, 503]);
  for (const upstream of upstreams) upstream.push(OK);
  await settle();
  assert.deepEqual(clients.flatMap(statuses).sort(), [200, 200, 200, 503, 503]);
  await assertAtRest(sim, "in flight");
});

Deno.test("simulation: a token bucket lets its burst through and then its rate", async () => {
  const sim = await started();
  answerAll(sim);
  const client = await sim.connect();
  const request = GET.replace("/api/x", "/limited");
  client.push(request.repeat(4));
  await settle();
  assert.deepEqual(statuses(client), [200, 200, 429, 429]);
  await sim.time.advance(1000);
  client.push(request.repeat(2));
  await settle();
  assert.deepEqual(statuses(client), [200, 200, 429, 429, 200, 429]);
  await assertAtRest(sim, "bucket");
});

Deno.test("simulation: a reload in the middle of a request changes nothing for it", async () => {
  const sim = await started();
  let upstream: FakeSocket | undefined;
  sim.dialer.onSocket = (socket) => upstream = socket;
  const client = await sim.connect();
  client.push(GET);
  await settle();
  assert.deepEqual(await sim.serve(CONFIG.replace('path-prefix "/api"', 'path-prefix "/v2"')), []);
  upstream!.push(OK);
  await settle();
  client.push(GET);
  await settle();
  assert.deepEqual(statuses(client), [200, 404]);
  await assertAtRest(sim, "reload");
});

Deno.test("simulation: draining lets requests finish and cuts what outlasts its time", async () => {
  for (
    const { answersAfterMs, wantCut } of [{ answersAfterMs: 500, wantCut: 0 }, {
      answersAfterMs: 3000,
      wantCut: 1,
    }]
  ) {
    const sim = await started();
    let upstream: FakeSocket | undefined;
    sim.dialer.onSocket = (socket) => upstream = socket;
    const client = await sim.connect();
    const idle = await sim.connect();
    client.push(GET);
    idle.push("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
    await settle();
    let cut: number | undefined;
    const drained = sim.dataplane.drain(2000).then((count) => cut = count);
    await sim.time.advance(answersAfterMs);
    assert.equal(idle.isClosed, true, "an idle connection is closed at once");
    if (wantCut === 0) {
      upstream!.push(OK);
      await sim.time.advance(1500);
      assert.match(client.written, /Connection: close/);
    }
    await drained;
    assert.equal(cut, wantCut);
    await assertAtRest(sim, `drain ${answersAfterMs}`);
  }
});

Deno.test("simulation: random traffic on random sockets, with aborts, always comes to rest", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 2 ** 31 }),
      fc.array(
        fc.record({
          request: fc.constantFrom(GET, POST, GET + GET, POST + GET, "GET / HTTP/1.1\r\n\r\n", "POST /api"),
          readMax: fc.integer({ min: 1, max: 50 }),
          writeMax: fc.integer({ min: 5, max: 200 }),
          leave: fc.constantFrom("stay", "end", "reset", "stall"),
          afterMs: fc.integer({ min: 0, max: 500 }),
        }),
        { minLength: 1, maxLength: 8 },
      ),
      fc.constantFrom("ok", "silent", "reset", "garbage", "chunked"),
      async (seed, plans, origin) => {
        const sim = await started(seed);
        const answers: Record<string, string> = {
          ok: OK,
          silent: "",
          garbage: "\0\0\0",
          chunked: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        };
        answerAll(sim, answers[origin] ?? "");
        if (origin === "reset") sim.dialer.onSocket = (socket) => socket.onWrite = () => socket.reset();
        for (const plan of plans) {
          const client = await sim.connect({ readMax: plan.readMax, writeMax: plan.writeMax });
          client.isStalled = plan.leave === "stall";
          client.push(plan.request);
          await sim.time.advance(plan.afterMs);
          if (plan.leave === "end") client.end();
          if (plan.leave === "reset") client.reset();
        }
        for (let leap = 0; leap < 12; leap++) await sim.time.leap(10_000);
        for (const client of sim.clients) assert.ok(client.isClosed, "every connection ends at some bound");
        await assertAtRest(sim, "random");
      },
    ),
    { numRuns: 40 },
  );
});
