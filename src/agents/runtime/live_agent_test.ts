import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import {
  block,
  bodyOutcome,
  FakeBudget,
  FakeFactory,
  type FakeInstance,
  liveAgent,
  outcome,
  trap,
} from "../../../tests/support/fake_agent.ts";
import { FakeTime } from "../../../tests/support/fake_socket.ts";
import type { MaybePromise } from "../../core/message.ts";
import type { Outcome } from "../contract/sentinel_types.ts";
import type { TrapKind } from "../guest.ts";
import type { AgentEvent } from "../options.ts";
import type { BoundAgent } from "./bound_agent.ts";
import type { CallResult } from "./live_agent.ts";
import { WARM_UP_REQUEST as REQUEST } from "./warm_up.ts";

type Hooks = (instance: FakeInstance) => Partial<BoundAgent>;

function rig(hooks: Hooks, options = "", handles: readonly AgentEvent[] = ["request-headers"]) {
  const factory = new FakeFactory(hooks, handles);
  const time = new FakeTime();
  const made = liveAgent(factory, time, { options });
  const ask = (): MaybePromise<CallResult<Outcome>> => made.live.visit().onRequestHeaders(REQUEST);
  /** What a call of an agent that does not wait came to: `ok` or the kind of failure. */
  const told = (): string => {
    const result = ask();
    ok(!(result instanceof Promise), "answers at once");
    return result.failed ?? "ok";
  };
  return { factory, time, ask, told, ...made };
}

/** Hooks that do what `next` says, call after call. */
function scripted(next: () => TrapKind | "ok"): Hooks {
  return () => ({
    onRequestHeaders() {
      const word = next();
      return word === "ok" ? outcome() : trap(word);
    },
  });
}

Deno.test("agent: a call has its fuel, gives its value at once, and is counted", () => {
  const { ask, meter } = rig((instance) => ({
    onRequestHeaders() {
      equal(instance.budget, 5000);
      instance.used = 42;
      return outcome({ decision: block(403) });
    },
  }), "fuel 5000");
  const result = ask();
  ok(!(result instanceof Promise));
  deepEqual(result, { failed: undefined, value: outcome({ decision: block(403) }), fuel: 42 });
  deepEqual(meter.events, ["created", "called request-headers 42"]);
});

Deno.test("agent: every kind of trap is a result, costs the instance, and the next call has a new one", () => {
  for (const kind of ["fuel", "memory", "stack", "unreachable", "malformed", "denied", "host"] as const) {
    const words: (TrapKind | "ok")[] = [kind, "ok"];
    const { told, factory, meter, budget } = rig(scripted(() => words.shift()!));
    deepEqual([told(), told()], [kind, "ok"]);
    equal(factory.instances.length, 2);
    equal(budget.taken, 1);
    deepEqual(meter.events.slice(1, 3), ["discarded trap", `failed request-headers ${kind}`]);
  }
});

Deno.test("agent: a result that breaks a rule is malformed, and the instance is lost", () => {
  const { ask, live, meter } = rig(() => ({ onRequestHeaders: () => outcome({ decision: block(200) }) }));
  const result = ask();
  ok(!(result instanceof Promise) && result.failed !== undefined);
  equal(result.failed, "malformed");
  match(result.message, /200/);
  deepEqual([live.pool.live, meter.count("discarded trap")], [0, 1]);
  equal(live.state().lastFailure?.kind, "malformed");
});

Deno.test("agent: the breaker stops calls after failures in a row, and lets trials through later", async () => {
  let word: TrapKind | "ok" = "unreachable";
  const { told, time, live, lines, factory } = rig(
    scripted(() => word),
    "circuit-breaker { failure-threshold 3; success-threshold 2; timeout-secs 5 }",
  );
  deepEqual([told(), told(), told(), told()], ["unreachable", "unreachable", "unreachable", "paused"]);
  const before = factory.instances.length;
  equal(told(), "paused");
  equal(factory.instances.length, before, "not even an instance is made");
  await time.leap(5000);
  equal(told(), "unreachable");
  equal(told(), "paused");
  await time.leap(5000);
  word = "ok";
  deepEqual([told(), live.state().breaker, told(), live.state().breaker], [
    "ok",
    "half-open",
    "ok",
    "closed",
  ]);
  deepEqual(
    lines.filter(({ message }) => message.includes("Circuit")).map(({ message }) =>
      message.split(" ").at(-1)
    ),
    [
      "open",
      "half-open",
      "open",
      "half-open",
      "closed",
    ],
  );
});

Deno.test("agent: too many traps in a window take it out of service until a trial passes", async () => {
  let word: TrapKind | "ok" = "fuel";
  const { told, time, live, lines } = rig(
    scripted(() => word),
    "circuit-breaker { failure-threshold 100 }\nquarantine { traps 3; window-secs 10; retry-secs 20 }",
  );
  deepEqual([told(), told(), told(), told()], ["fuel", "fuel", "fuel", "quarantined"]);
  equal(live.state().quarantine, "out-of-service");
  await time.leap(20_000);
  deepEqual([told(), told()], ["fuel", "quarantined"]);
  await time.leap(20_000);
  word = "ok";
  deepEqual([told(), told(), live.state().quarantine], ["ok", "ok", "in-service"]);
  const said = lines.filter(({ level }) => level === "error");
  equal(said.length, 2);
  match(said[0]!.message, /"waf" traps too often and is out of service/);
  equal(said[0]!.fields?.["cause"], "trap: fuel");
});

Deno.test("agent: with both gates a paused trial does not use up the trial of the quarantine", async () => {
  const { told, time, live } = rig(
    scripted(() => "fuel"),
    "circuit-breaker { failure-threshold 2; timeout-secs 60 }\nquarantine { traps 2; window-secs 10; retry-secs 20 }",
  );
  deepEqual([told(), told(), told()], ["fuel", "fuel", "quarantined"]);
  await time.leap(20_000);
  deepEqual([told(), told(), live.state().quarantine], ["paused", "paused", "out-of-service"]);
  await time.leap(40_000);
  deepEqual([told(), told()], ["fuel", "quarantined"]);
});

Deno.test("agent: an agent that cannot be configured fails its calls, which opens the breaker", () => {
  const { told, factory } = rig(
    () => ({ configure: () => ({ type: "error", value: [{ path: "a", message: "no" }] }) }),
    "circuit-breaker { failure-threshold 2 }",
  );
  deepEqual([told(), told(), told(), told()], ["refused", "refused", "paused", "paused"]);
  equal(factory.instances.length, 2);
});

Deno.test("agent: what calls cost is reported when it is much", () => {
  const time = new FakeTime();
  const factory = new FakeFactory(() => ({
    onRequestHeaders() {
      time.now += 21;
      return outcome();
    },
  }));
  const { live, meter, lines } = liveAgent(factory, time);
  for (let i = 0; i < 3; i++) live.visit().onRequestHeaders(REQUEST);
  equal(meter.count("slow request-headers"), 3);
  deepEqual(lines.map(({ message, fields }) => [message, fields]), [[
    `Agent "waf" is slow`,
    { hook: "request-headers", ms: 21 },
  ]], "one line a second");
});

Deno.test("agent: a call that waits has its instance for itself, and its time is bounded", async () => {
  const finish: ((value: Outcome) => void)[] = [];
  const { ask, live, time, factory, meter, budget } = rig(
    () => ({ onRequestHeaders: () => new Promise<Outcome>((resolve) => finish.push(resolve)) }),
    "max-instances 2\ntimeout-ms 100\nmax-concurrent-calls 3",
  );
  const calls = [ask(), ask(), ask(), ask()] as Promise<CallResult<Outcome>>[];
  equal((calls[3] as unknown as { failed: string }).failed, "busy");
  deepEqual([factory.instances.length, live.state().calls, live.state().waiting], [2, 3, 1]);
  finish[0]!(outcome());
  equal((await calls[0]!).failed, undefined);
  await time.advance(0);
  equal(finish.length, 3, "the third call has the first's instance");
  await time.advance(100);
  deepEqual([(await calls[1]!).failed, (await calls[2]!).failed], ["timeout", "timeout"]);
  deepEqual(
    [live.pool.live, budget.taken, live.state().calls],
    [2, 2, 0],
    "stuck instances are not free yet",
  );
  deepEqual(factory.instances.map(({ budget }) => budget), [0, 0], "they cannot go on");
  finish[1]!(outcome());
  finish[2]!(outcome());
  await time.advance(0);
  equal(meter.count("discarded timeout"), 2);
  equal(live.state().quarantine, "in-service", "being slow is no trap");
});

Deno.test("agent: a call that waits and then traps", async () => {
  const { ask, meter, time, live } = rig(() => ({
    onRequestHeaders: () => Promise.reject(new Error("boom")),
  }));
  equal((await ask()).failed, "host");
  equal(meter.count("discarded trap"), 1);
  await time.advance(0);
  equal(live.pool.idle, 1, "replaced");
});

Deno.test("agent: nobody free in time is not the agent's fault", async () => {
  const { ask, time, live } = rig(
    () => ({ onRequestHeaders: () => new Promise<Outcome>(() => {}) }),
    "max-instances 1\ntimeout-ms 1000\ncircuit-breaker { failure-threshold 1 }",
  );
  void ask();
  const second = live.visit(50).onRequestHeaders(REQUEST);
  await time.advance(50);
  equal((await second).failed, "busy");
  equal(live.state().breaker, "closed");
});

Deno.test("agent: with isolation a request keeps its instance to its end, and its state goes with it", () => {
  const hooks: Hooks = (instance) => ({
    onRequestHeaders: () => (instance.state++, outcome()),
    onRequestBody: () =>
      bodyOutcome({ type: "keep" }, { metadata: [{ name: "state", value: `${++instance.state}` }] }),
  });
  const chunk = { data: new Uint8Array(1), index: 0, last: true };
  for (const [isolation, made] of [["reset", 2], ["fresh", 4]] as const) {
    const { live, factory } = rig(hooks, `isolation "${isolation}"`, ["request-headers", "request-body"]);
    for (let round = 0; round < 2; round++) {
      const visits = [live.visit(), live.visit()];
      for (const visit of visits) visit.onRequestHeaders(REQUEST);
      for (const visit of visits) {
        const result = visit.onRequestBody(REQUEST, chunk);
        ok(!(result instanceof Promise) && result.failed === undefined);
        // One for its own headers; a warm-up call came before where instances are set back.
        equal(result.value.outcome.metadata[0]!.value, isolation === "reset" ? "3" : "2");
      }
      for (const visit of visits) {
        visit.end();
        visit.end();
      }
    }
    equal(factory.instances.length, made, isolation);
    equal(live.pool.live, isolation === "reset" ? 2 : 0);
  }
});

Deno.test("agent: calls of one request never enter its instance at the same time", async () => {
  const order: string[] = [];
  const finish: (() => void)[] = [];
  const { live, time } = rig(
    () => ({
      onRequestHeaders() {
        order.push("headers begin");
        return new Promise((resolve) =>
          finish.push(() => {
            order.push("headers end");
            resolve(outcome());
          })
        );
      },
      onRequestBody() {
        order.push("body");
        return bodyOutcome();
      },
    }),
    `isolation "fresh"`,
    ["request-headers", "request-body"],
  );
  const visit = live.visit();
  const first = visit.onRequestHeaders(REQUEST);
  const second = visit.onRequestBody(REQUEST, { data: new Uint8Array(), index: 0, last: true });
  visit.end();
  await time.advance(0);
  finish[0]!();
  deepEqual([(await first).failed, (await second).failed], [undefined, undefined]);
  deepEqual(order, ["headers begin", "headers end", "body"]);
  equal(live.pool.live, 0, "ended once the last call was over");
});

Deno.test("agent: a trap within a request takes its instance away, and another serves the rest", () => {
  const { live, factory, budget } = rig(
    ({ number }) => ({
      onRequestHeaders: () => number === 0 ? trap() : outcome(),
      onRequestBody: () => bodyOutcome(),
    }),
    `isolation "fresh"`,
    ["request-headers", "request-body"],
  );
  const visit = live.visit();
  visit.onRequestHeaders(REQUEST);
  const result = visit.onRequestBody(REQUEST, { data: new Uint8Array(), index: 0, last: true });
  ok(!(result instanceof Promise) && result.failed === undefined);
  visit.end();
  deepEqual([factory.instances.length, budget.taken], [2, 0]);
});

Deno.test("agent: events are what it handles, or what was asked for of it", () => {
  const handles = ["request-headers", "request-body"] as const;
  deepEqual([...rig(() => ({}), "", handles).live.events], handles);
  deepEqual([...rig(() => ({}), `events "request-body"`, handles).live.events], ["request-body"]);
  throws(
    () => rig(() => ({}), `events "response-headers"`, handles),
    /does not handle response-headers; it handles request-headers, request-body/,
  );
});

Deno.test("agent: health comes from the agent, or from whether an instance can be had", () => {
  deepEqual(rig(() => ({ health: () => ({ type: "ok", value: "fine" }) })).live.health(), {
    type: "ok",
    value: "fine",
  });
  deepEqual(rig(() => ({})).live.health(), { type: "ok", value: "" });
  deepEqual(rig(() => ({ configure: () => trap("fuel") })).live.health(), {
    type: "error",
    value: "fuel: trap: fuel",
  });
});

Deno.test("agent: ten thousand failing calls leave nothing behind", () => {
  const budget = new FakeBudget(4);
  const time = new FakeTime();
  const factory = new FakeFactory(() => ({ onRequestHeaders: () => trap() }));
  const { live, lines } = liveAgent(factory, time, {
    budget,
    options: "circuit-breaker { failure-threshold 1000000 }\nquarantine { traps 10000; window-secs 0.1 }",
  });
  for (let i = 0; i < 10_000; i++) {
    time.now += 100;
    equal((live.visit().onRequestHeaders(REQUEST) as CallResult<Outcome>).failed, "unreachable");
  }
  deepEqual([budget.taken, live.pool.live, live.state().calls], [0, 0, 0]);
  equal(lines.length, 1000, "one line a second");
  equal(time.pending, 2, "the sweep, and one replacement");
});

Deno.test("agent: a call that waits is slow as any other", async () => {
  for (const [ms, want] of [[20, 0], [21, 1]] as const) {
    const answer = Promise.withResolvers<Outcome>();
    const { ask, time, meter } = rig(() => ({ onRequestHeaders: () => answer.promise }), "timeout-ms 100");
    const call = ask();
    await time.advance(ms);
    answer.resolve(outcome());
    equal((await call).failed, undefined);
    equal(meter.count("slow request-headers"), want, `${ms} ms`);
  }
});
