import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import {
  FakeBudget,
  FakeFactory,
  type FakeInstance,
  FakeMeter,
  outcome,
  trap,
} from "../../../tests/support/fake_agent.ts";
import { FakeTime } from "../../../tests/support/fake_socket.ts";
import type { BoundAgent } from "./bound_agent.ts";
import { AgentPool, type PoolOptions } from "./agent_pool.ts";

function rig(
  options: Partial<PoolOptions> = {},
  init: { readonly agent?: (instance: FakeInstance) => Partial<BoundAgent>; readonly budget?: FakeBudget } =
    {},
) {
  const factory = new FakeFactory(init.agent ?? (() => ({})));
  const budget = init.budget ?? new FakeBudget();
  const time = new FakeTime();
  const meter = new FakeMeter();
  const failures: unknown[] = [];
  const pool = new AgentPool({
    isolation: "shared",
    instancesMax: 2,
    waitersMax: 2,
    fuel: 100,
    configureFuel: 1000,
    config: `{"a":1}`,
    startTimeoutMs: 50,
    ...options,
  }, { factory, budget, timers: time, meter, startFailed: (cause) => failures.push(cause) });
  const acquire = () => pool.acquire(100) as FakeInstance;
  return { pool, factory, budget, time, meter, failures, acquire };
}

Deno.test("pool: instances are made when needed, configured with fuel of their own, and used again", () => {
  const configs: string[] = [];
  const { factory, acquire, pool, budget } = rig({}, {
    agent: (instance) => ({
      configure(config) {
        configs.push(`${config} ${instance.budget}`);
        return { type: "ok", value: undefined };
      },
    }),
  });
  equal(pool.live, 0);
  const first = acquire();
  const second = acquire();
  deepEqual(configs, [`{"a":1} 1000`, `{"a":1} 1000`]);
  pool.release(first);
  pool.release(second);
  equal(acquire(), second, "the last one used comes first");
  deepEqual([factory.instances.length, pool.live, pool.idle, budget.taken], [2, 2, 1, 2]);
});

Deno.test("pool: who comes when all are in use waits, in order, for so long and in so great a number", async () => {
  const { acquire, pool, time } = rig();
  const first = acquire();
  acquire();
  const waiting = [pool.acquire(100), pool.acquire(100)];
  throws(() => pool.acquire(100), /2 calls wait/);
  pool.release(first);
  equal(await waiting[0], first);
  const late = rejects(waiting[1] as Promise<unknown>, /no instance was free within 100 ms/);
  await time.advance(99);
  equal(pool.waiting, 1);
  await time.advance(1);
  await late;
  deepEqual([pool.waiting, time.pending - 1], [0, 0], "no timer is left but the sweep");
});

Deno.test("pool: what an instance remembers, by isolation", () => {
  const seen = (isolation: PoolOptions["isolation"]) => {
    const { acquire, pool, factory, meter } = rig({ isolation }, {
      agent: (instance) => ({ onRequestHeaders: () => (instance.state = 1, outcome()) }),
    });
    const states: number[] = [];
    for (let i = 0; i < 3; i++) {
      const instance = acquire();
      states.push(instance.state);
      instance.state += 10;
      pool.release(instance);
    }
    return {
      states,
      made: factory.instances.length,
      resets: meter.count("reset"),
      used: meter.count("discarded used"),
    };
  };
  deepEqual(seen("shared"), { states: [0, 10, 20], made: 1, resets: 0, used: 0 });
  deepEqual(seen("reset"), { states: [1, 1, 1], made: 1, resets: 3, used: 0 }, "after the warm-up call");
  deepEqual(seen("fresh"), { states: [0, 0, 0], made: 3, resets: 0, used: 3 });
});

Deno.test("pool: an instance that cannot be set back is discarded", () => {
  const { acquire, pool, budget, meter } = rig({ isolation: "reset" });
  const instance = acquire();
  instance.canReset = false;
  pool.release(instance);
  deepEqual([pool.live, budget.taken, meter.count("discarded reset")], [0, 0, 1]);
});

Deno.test("pool: a start that fails gives its place back, whatever failed", async () => {
  const table: readonly {
    name: string;
    agent: () => Partial<BoundAgent>;
    isolation: PoolOptions["isolation"];
    want: RegExp;
  }[] = [
    {
      name: "configure traps",
      agent: () => ({ configure: () => trap("fuel") }),
      isolation: "shared",
      want: /trap: fuel/,
    },
    {
      name: "configure refuses",
      agent: () => ({ configure: () => ({ type: "error", value: [{ path: "rules[2]", message: "no" }] }) }),
      isolation: "shared",
      want: /refuses its configuration: rules\[2\]: no/,
    },
    {
      name: "warm-up traps",
      agent: () => ({ onRequestHeaders: () => trap() }),
      isolation: "reset",
      want: /trap: unreachable/,
    },
    {
      name: "configure rejects",
      agent: () => ({ configure: () => Promise.reject(new Error("x")) }),
      isolation: "shared",
      want: /x/,
    },
  ];
  for (const { name, agent, isolation, want } of table) {
    const { pool, budget, time } = rig({ isolation }, { agent });
    const failed = rejects(async () => await pool.acquire(100), want, name);
    await time.advance(0);
    await time.advance(50);
    await failed;
    deepEqual([pool.live, budget.taken], [0, 0], name);
  }
  const { pool, budget, factory } = rig();
  factory.onCreate = () => trap("memory");
  throws(() => pool.acquire(100), /memory/);
  equal(budget.taken, 0);
});

Deno.test("pool: who waits gets the place of a discarded instance", async () => {
  const { acquire, pool, factory } = rig({ instancesMax: 1 });
  const first = acquire();
  const waiting = pool.acquire(100);
  pool.discard(first, "trap");
  equal((await waiting as FakeInstance).number, 1);
  const next = pool.acquire(100);
  const failed = rejects(next as Promise<unknown>, /fuel/);
  factory.onCreate = () => trap("fuel");
  pool.discard(factory.instances[1]!, "trap");
  await failed;
  equal(pool.live, 0);
});

Deno.test("pool: what trapped is replaced before the next call needs it", async () => {
  const { acquire, pool, time, factory, failures } = rig();
  pool.discard(acquire(), "trap");
  deepEqual([pool.live, pool.idle], [0, 0]);
  await time.advance(0);
  deepEqual([pool.live, pool.idle, factory.instances.length], [1, 1, 2]);
  pool.discard(acquire(), "trap");
  factory.onCreate = () => trap("fuel");
  await time.advance(0);
  equal(failures.length, 1);
  match(String(failures[0]), /fuel/);
});

Deno.test("pool: never more instances than the process may have", async () => {
  const budget = new FakeBudget(1);
  const { acquire, pool, time } = rig({}, { budget });
  const only = acquire();
  const waiting = pool.acquire(10);
  ok(waiting instanceof Promise);
  pool.release(only);
  equal(await waiting, only);
  const late = rejects(pool.acquire(10) as Promise<unknown>, /no instance was free/);
  await time.advance(10);
  await late;
});

Deno.test("pool: what nobody needed for a while goes, but for one", () => {
  const { acquire, pool, meter, budget } = rig({ instancesMax: 3 });
  const three = [acquire(), acquire(), acquire()];
  three.forEach((instance) => pool.release(instance));
  pool.trim();
  equal(pool.live, 3, "all were in use since the last look");
  pool.release(acquire());
  pool.trim();
  deepEqual([pool.live, pool.idle, budget.taken, meter.count("discarded idle")], [1, 1, 1, 2]);
  pool.trim();
  equal(pool.live, 1);
});

Deno.test("pool: closing tells the instances at rest, then those in use, and turns away who waits", async () => {
  const told: string[] = [];
  const { acquire, pool, budget } = rig({}, {
    agent: ({ number }) => ({
      drain: (reason) => void told.push(`drain ${number} ${reason}`),
      shutdown: (reason) => void told.push(`shutdown ${number} ${reason}`),
    }),
  });
  const used = acquire();
  pool.release(acquire());
  pool.drain("replaced");
  acquire();
  const refused = rejects(pool.acquire(100) as Promise<unknown>, /being replaced/);
  pool.close("replaced");
  await refused;
  pool.release(used);
  deepEqual(told, ["drain 1 replaced", "shutdown 0 replaced"]);
  equal(budget.taken, 1, "one is still in use");
  throws(() => pool.acquire(100), /being replaced/);
});

Deno.test("pool: a guest that traps while it is drained or shut down does no harm", () => {
  const { acquire, pool, budget } = rig({}, {
    agent: () => ({ drain: () => trap(), shutdown: () => trap() }),
  });
  pool.release(acquire());
  pool.drain("removed");
  deepEqual([pool.live, budget.taken], [0, 0]);
  pool.release(acquire());
  pool.close("removed");
  equal(budget.taken, 0);
});

Deno.test("pool: a start that is late fails in time, and gives its place back when it has ended", async () => {
  for (const ending of ["resolve", "reject"] as const) {
    const configured = Promise.withResolvers<{ type: "ok"; value: undefined }>();
    const { pool, budget, time, meter } = rig({}, { agent: () => ({ configure: () => configured.promise }) });
    const failed = rejects(async () => await pool.acquire(100), /within 50 ms/);
    await time.advance(50);
    await failed;
    deepEqual([pool.live, budget.taken], [1, 1], "its configure still runs");
    if (ending === "resolve") configured.resolve({ type: "ok", value: undefined });
    else configured.reject(new Error("x"));
    await time.advance(0);
    deepEqual([pool.live, pool.idle, budget.taken, meter.count("discarded start")], [0, 0, 0, 1], ending);
  }
});

/** An agent whose instances refuse a second call during a drain or shutdown, which end when the test says so. */
function slowEnding() {
  const told: string[] = [];
  const pending: PromiseWithResolvers<void>[] = [];
  const enter = (what: string): Promise<void> => {
    told.push(what);
    const end = Promise.withResolvers<void>();
    pending.push(end);
    return end.promise;
  };
  const agent = () => ({ drain: () => enter("drain"), shutdown: () => enter("shutdown") });
  return { told, pending, agent };
}

Deno.test("pool: an instance whose drain waits is nobody's until it ends", async () => {
  const { pending, agent } = slowEnding();
  const { acquire, pool, time, budget } = rig({ instancesMax: 1 }, { agent });
  const instance = acquire();
  pool.release(instance);
  pool.drain("replaced");
  deepEqual([pool.idle, pool.live], [0, 1]);
  const waiting = pool.acquire(100);
  ok(waiting instanceof Promise);
  pending[0]!.resolve();
  equal(await waiting, instance);
  pool.release(instance);

  pool.drain("replaced");
  pending[1]!.reject(new Error("trap"));
  await time.advance(0);
  deepEqual([pool.live, budget.taken], [0, 0], "what failed is no more");
});

Deno.test("pool: an instance is shut down after its drain, and is gone after that", async () => {
  const { told, pending, agent } = slowEnding();
  const { acquire, pool, time, budget, meter } = rig({}, { agent });
  pool.release(acquire());
  pool.drain("replaced");
  pool.close("replaced");
  await time.advance(0);
  deepEqual(told, ["drain"]);
  pending[0]!.resolve();
  await time.advance(0);
  deepEqual([told, pool.live, budget.taken], [["drain", "shutdown"], 1, 1]);
  pending[1]!.resolve();
  await time.advance(0);
  deepEqual([pool.live, budget.taken, meter.count("discarded retired")], [0, 0, 1]);
});

Deno.test("pool: neither a drain nor a shutdown may take for ever", async () => {
  for (const want of [["drain"], ["drain", "shutdown"]]) {
    const { told, pending, agent } = slowEnding();
    const { acquire, pool, time, budget } = rig({}, { agent });
    pool.release(acquire());
    pool.drain("removed");
    pool.close("removed");
    if (want.length === 2) pending[0]!.resolve();
    await time.advance(0);
    await time.advance(49);
    deepEqual([told, pool.live, budget.taken], [want, 1, 1]);
    await time.advance(1);
    deepEqual([told, pool.live, budget.taken], [want, 0, 0]);
    for (const end of pending) end.resolve();
    await time.advance(0);
    deepEqual([told, pool.live, budget.taken], [want, 0, 0], "what ends late changes nothing");
  }
});

Deno.test("pool: an instance that begins configured is not configured again", () => {
  let calls = 0;
  const agent = () => ({
    configure() {
      calls++;
      return { type: "ok", value: undefined } as const;
    },
  });
  const { factory, acquire } = rig({}, { agent });
  acquire();
  const create = factory.create.bind(factory);
  factory.create = (fuel: number) => Object.assign(create(fuel), { isConfigured: true });
  acquire();
  deepEqual([factory.instances.length, calls], [2, 1]);
});
