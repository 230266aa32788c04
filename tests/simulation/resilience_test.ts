/**
 * Targets that flap, slow down, break off and refuse, over a virtual clock, checked against what must hold
 * whatever they do: each rule is looked at with every step, by an observer that knows what targets are like.
 */

import assert from "node:assert/strict";
import fc from "../support/seeded_check.ts";
import { ProxyError } from "../../src/core/errors.ts";
import { type FakeSocket, settle } from "../support/fake_socket.ts";
import { SimulatedDataplane } from "../support/simulated_dataplane.ts";

const TARGETS = 4;
const RETRIES_MAX = 3;
const RETRY_SHARE = 0.25;

const CONFIG = `
system { worker-threads 1 }
listeners { listener "http" { address "127.0.0.1:80" } }
routes { route "all" { matches { path-prefix "/" }; upstream "api"; policies { timeout-secs 20 } } }
upstreams {
  upstream "api" {
    ${Array.from({ length: TARGETS }, (_, i) => `target "192.0.2.${i}:80"`).join("\n    ")}
    timeouts { connect 2; read 5; write 5; request 10 }
    connection-pool { max-connections 8; idle-timeout 30 }
    max-requests 12
    queue { max-size 4; timeout "2s" }
    retry {
      max-attempts 3; timeout "3s"; retryable-status-codes 503
      budget { percent ${RETRY_SHARE * 100}; min-concurrency ${RETRIES_MAX}; max-wait "300ms" }
    }
    circuit-breaker { failure-threshold 3; success-threshold 2; timeout-seconds 4; half-open-max-requests 1 }
    outlier-detection {
      consecutive-5xx 4; consecutive-connect-failures 2; interval-secs 5
      base-ejection-time-secs 6; max-ejection-time-secs 20; max-ejection-percent 50
      latency { factor 3; minimum "100ms"; request-volume 5 }
    }
  }
}
`;

/** The same with second attempts beside slow ones. */
const HEDGED = CONFIG.replace("max-attempts 3;", `max-attempts 3; hedge { delay "100ms" };`);

const GET = "GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n";
const PUT = "PUT /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello";
const POST = "POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const BUSY = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";
const CUT = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok";

/** What a target does with a request. */
const MOODS = ["well", "busy", "resets", "refuses", "silent", "slow", "cuts off", "half a head"] as const;
type Mood = (typeof MOODS)[number];

/** Targets with moods, and what they noticed. */
class Targets {
  readonly moods: Mood[] = Array<Mood>(TARGETS).fill("well");
  readonly #sim: SimulatedDataplane;
  readonly problems: string[] = [];

  constructor(sim: SimulatedDataplane) {
    this.#sim = sim;
    sim.dialer.answer = ({ address }) => {
      const place = address.type === "ip" ? Number(address.host.split(".")[3]) : 0;
      return this.moods[place] === "refuses" ? new ProxyError("upstream_connect_failed", "refused") : {};
    };
    sim.dialer.onSocket = (socket, { address }) => {
      const place = address.type === "ip" ? Number(address.host.split(".")[3]) : 0;
      let seen = 0;
      socket.onWrite = (written) => {
        const heads = [...written.matchAll(/^(GET|PUT|POST) \/x HTTP\/1\.1\r\n/gm)].length;
        const bodies = [...written.matchAll(/\r\n\r\nhello/g)].length;
        const whole = heads - [...written.matchAll(/^(PUT|POST) /gm)].length + bodies;
        if (heads > seen) this.#look(place);
        for (; seen < whole; seen++) this.#answer(place, socket);
      };
    };
  }

  /** Rules that hold at the moment a request reaches a target. */
  #look(place: number): void {
    const [upstream] = this.#sim.dataplane.upstreamStates();
    const { targets } = upstream!;
    const states = targets[place]!;
    const fit = targets.filter(({ ejected, breaker }) => !ejected && breaker === "closed");
    if (states.ejected && fit.length > 0) {
      this.problems.push(`an ejected target was asked while ${fit.length} were fit`);
    }
    if (states.breaker === "open") this.problems.push("a target was asked although its breaker was open");
    if (states.breaker === "half-open" && states.inFlight > 1 + this.#before(place)) {
      this.problems.push(`${states.inFlight} requests on a half-open target`);
    }
    if (targets.filter(({ ejected }) => ejected).length > TARGETS / 2) {
      this.problems.push("too many are ejected");
    }
    const all = targets.reduce((sum, { inFlight }) => sum + inFlight, 0);
    if (all > 12) this.problems.push(`${all} requests at once`);
  }

  /** Requests that were on a target before its breaker became half-open; they are still allowed to end. */
  #before(place: number): number {
    return this.#old[place]!;
  }

  readonly #old: number[] = Array<number>(TARGETS).fill(0);

  /** Remembers what is on targets that are open: none of it is a trial. */
  remember(): void {
    const [upstream] = this.#sim.dataplane.upstreamStates();
    upstream!.targets.forEach(({ breaker, inFlight }, place) => {
      if (breaker === "open") this.#old[place] = inFlight;
      else if (breaker === "closed") this.#old[place] = 0;
    });
  }

  #answer(place: number, socket: FakeSocket): void {
    switch (this.moods[place]!) {
      case "well":
        return socket.push(OK);
      case "busy":
        return socket.push(BUSY);
      case "resets":
      case "refuses":
        return socket.reset();
      case "silent":
        return;
      case "slow":
        return void this.#sim.time.after(700, () => socket.push(OK));
      case "cuts off":
        socket.push(CUT);
        return socket.end();
      case "half a head":
        socket.push("HTTP/1.1 20");
        return socket.end();
    }
  }
}

/** What may happen between two steps of the clock. */
type Event =
  | { readonly type: "request"; readonly text: string }
  | { readonly type: "mood"; readonly place: number; readonly mood: Mood }
  | { readonly type: "leave"; readonly client: number }
  | { readonly type: "wait"; readonly ms: number };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("request" as const),
      text: fc.constantFrom(GET, GET, PUT, POST),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("mood" as const),
      place: fc.nat({ max: TARGETS - 1 }),
      mood: fc.constantFrom(...MOODS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("leave" as const), client: fc.nat({ max: 30 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("wait" as const),
      ms: fc.constantFrom(20, 100, 400, 1500),
    }),
  },
);

/** One run: events in order, rules looked at after each. */
async function run(events: readonly Event[], seed: number): Promise<void> {
  const sim = new SimulatedDataplane(seed);
  assert.deepEqual(await sim.serve(seed % 2 === 0 ? CONFIG : HEDGED), []);
  const targets = new Targets(sim);
  let mostAwaited = 0;
  const look = () => {
    targets.remember();
    mostAwaited = Math.max(mostAwaited, sim.metric("sentinel_upstream_requests_awaited"));
    const retries = sim.metric("sentinel_upstream_retries_active");
    const limit = Math.max(RETRIES_MAX, Math.floor(RETRY_SHARE * mostAwaited));
    if (retries > limit) targets.problems.push(`${retries} retries at once, ${limit} allowed`);
    const queued = sim.metric("sentinel_upstream_requests_queued");
    if (queued > 4) targets.problems.push(`${queued} requests in the queue`);
    assert.deepEqual(targets.problems, []);
  };
  for (const next of events) {
    if (next.type === "request") (await sim.connect()).push(next.text);
    else if (next.type === "mood") targets.moods[next.place] = next.mood;
    else if (next.type === "leave") sim.clients[next.client]?.reset();
    else await sim.time.advance(next.ms);
    await settle();
    look();
  }
  await assertAllEnds(sim, targets);
}

/** Lets time pass in coarse steps, as precision costs much and nothing here is looked at meanwhile. */
async function pass(sim: SimulatedDataplane, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) await sim.time.leap(1000);
}

/** Everybody gets an answer or has left, nothing is counted any more, and well targets are used again. */
async function assertAllEnds(sim: SimulatedDataplane, targets: Targets): Promise<void> {
  targets.moods.fill("well");
  await pass(sim, 60);
  for (const client of sim.clients) {
    if (client.isClosed || client.written.length > 0) continue;
    assert.fail("a client waits for ever");
  }
  for (const client of sim.clients) client.end();
  await pass(sim, 60);
  const [upstream] = sim.dataplane.upstreamStates();
  assert.deepEqual(upstream!.targets.map(({ inFlight }) => inFlight), Array(TARGETS).fill(0), "in flight");
  for (const name of ["retries_active", "requests_awaited", "requests_queued"]) {
    assert.equal(sim.metric(`sentinel_upstream_${name}`), 0, name);
  }
  assert.equal(sim.openSockets, 0, "sockets");
  // Breakers close by being tried, so some requests later all is as it was.
  for (let i = 0; i < 4 * TARGETS; i++) {
    const client = await sim.connect();
    client.push(GET);
    await sim.time.advance(50);
    assert.match(client.written, /^HTTP\/1\.1 200 /, "well targets answer");
    client.end();
  }
  const [after] = sim.dataplane.upstreamStates();
  assert.deepEqual(after!.targets.map(({ breaker }) => breaker), Array(TARGETS).fill("closed"));
  assert.ok(after!.targets.every(({ ejected }) => !ejected));
  await sim.dataplane.close();
}

Deno.test("resilience: whatever targets do, no rule is broken and nothing is left behind", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 20, maxLength: 80 }), fc.nat(), run),
    { numRuns: 12, endOnFailure: true },
  );
});

Deno.test("resilience: a brown-out of all targets costs no more attempts than the budget allows", async () => {
  const sim = new SimulatedDataplane(7);
  assert.deepEqual(
    await sim.serve(CONFIG.replace(/circuit-breaker[^}]*}/, "").replace("max-requests 12", "")),
    [],
  );
  const targets = new Targets(sim);
  targets.moods.fill("silent");
  for (let i = 0; i < 24; i++) (await sim.connect()).push(GET);
  let most = 0;
  for (let second = 0; second < 30; second++) {
    await pass(sim, 1);
    most = Math.max(most, sim.metric("sentinel_upstream_retries_active"));
  }
  assert.equal(most, 24 * RETRY_SHARE, "the budget is used, and not exceeded");
  // A first attempt each; retries are a quarter at a time, each as long as an attempt may take.
  const attempts = sim.metric("sentinel_upstream_attempts_total");
  const rounds = Math.ceil(10 / 3);
  assert.ok(attempts <= 24 + rounds * 6, `${attempts} attempts for 24 requests`);
  assert.ok(attempts > 24, "some are repeated");
  assert.ok(sim.metric("sentinel_upstream_retries_refused_total") > 0);
  assert.ok(sim.clients.every((client) => /^HTTP\/1\.1 504 /.test(client.written)));
  await sim.dataplane.close();
});

Deno.test("resilience: a target that flaps gets little, one that is slow is taken out", async () => {
  const sim = new SimulatedDataplane(3);
  assert.deepEqual(await sim.serve(CONFIG.replace("request-volume 5", "request-volume 1")), []);
  const targets = new Targets(sim);
  targets.moods[1] = "slow";
  for (let i = 0; i < 24; i++) {
    targets.moods[2] = i % 4 < 2 ? "resets" : "well";
    const client = await sim.connect();
    client.push(GET);
    await sim.time.advance(100);
    client.push(GET);
    await sim.time.advance(1000);
    assert.doesNotMatch(client.written, /^HTTP\/1\.1 5/m);
    client.end();
  }
  assert.deepEqual(targets.problems, []);
  assert.ok(sim.metric("sentinel_target_ejections_total", { reason: "latency" }) >= 1, "the slow one");
  await sim.dataplane.close();
});
