import { deepEqual, equal, throws } from "node:assert/strict";
import { hostFixture } from "../../../tests/support/host_fixture.ts";
import { kvCapability, type KvStore } from "./kv.ts";

function agentKv(parts: Partial<KvStore> = {}) {
  const calls: unknown[][] = [];
  const saw = <T>(name: string, result: T) => (...args: unknown[]) => {
    calls.push([name, ...args]);
    return result;
  };
  const store: KvStore = {
    get: saw("get", Uint8Array.of(1, 2)),
    set: saw("set", true),
    delete: saw("delete", true),
    incr: saw("incr", 5n),
    compareAndSet: saw("compareAndSet", true),
    take: saw("take", 0),
    ...parts,
  };
  const fixture = hostFixture({ kv: store });
  return { ...fixture, calls, kv: kvCapability.create(fixture.deps) };
}

Deno.test("kv: each call reaches the store with the time", () => {
  const { kv, calls, metered } = agentKv();
  const value = Uint8Array.of(7);
  deepEqual(kv.get("k"), Uint8Array.of(1, 2));
  equal(kv.set("k", value, 50), true);
  equal(kv.delete("k"), true);
  equal(kv.incr("k", 2n, 60), 5n);
  equal(kv.compareAndSet("k", undefined, value, 70), true);
  equal(kv.take("k", 1, 2, 3), 0);
  deepEqual(calls, [
    ["get", "k", 1000],
    ["set", "k", value, { ttlMs: 50, nowMs: 1000 }],
    ["delete", "k", 1000],
    ["incr", "k", 2n, { ttlMs: 60, nowMs: 1000 }],
    ["compareAndSet", "k", { expected: undefined, value }, { ttlMs: 70, nowMs: 1000 }],
    ["take", "k", { cost: 1, rate: 2, burst: 3 }, 1000],
  ]);
  deepEqual(metered, [
    ...["call kv 1", "work kv 2002", "work kv 4", "answer kv 2"],
    ...["call kv 2", "work kv 2004"],
    ...["call kv 1", "work kv 2002"],
    ...["call kv 1", "work kv 2002"],
    ...["call kv 2", "work kv 2004"],
    ...["call kv 1", "work kv 2002"],
  ]);
});

Deno.test("kv: what does not fit is not stored, and is counted", () => {
  const { kv, metered } = agentKv({ set: () => false });
  equal(kv.set("k", new Uint8Array(1), 0), false);
  equal(metered.at(-1), "refused kv size");
});

Deno.test("kv: where the contract has no room for an error, the agent traps", () => {
  const malformed = { name: "AgentTrap", kind: "malformed" };
  throws(() => agentKv({ incr: () => "not-a-number" }).kv.incr("k", 1n, 0), malformed);
  throws(() => agentKv({ incr: () => "key-too-long" }).kv.incr("k", 1n, 0), malformed);
  throws(() => agentKv({ take: () => "key-too-long" }).kv.take("k", 1, 1, 1), malformed);
});

Deno.test("kv: a bucket must be one", () => {
  const cases = [
    { cost: 0, rate: 1, burst: 1, isAllowed: true },
    { cost: 1, rate: 1e-9, burst: 1, isAllowed: true },
    { cost: 1, rate: 1e-9, burst: 1.001, isAllowed: false },
    { cost: -1, rate: 1, burst: 1, isAllowed: false },
    { cost: NaN, rate: 1, burst: 1, isAllowed: false },
    { cost: Infinity, rate: 1, burst: 1, isAllowed: false },
    { cost: 1, rate: 0, burst: 1, isAllowed: false },
    { cost: 1, rate: NaN, burst: 1, isAllowed: false },
    { cost: 1, rate: Infinity, burst: 1, isAllowed: false },
    { cost: 1, rate: 1, burst: 0, isAllowed: false },
    { cost: 1, rate: 1, burst: NaN, isAllowed: false },
    { cost: 1, rate: 1, burst: Infinity, isAllowed: false },
  ];
  for (const { cost, rate, burst, isAllowed } of cases) {
    const { kv, calls } = agentKv();
    const take = () => kv.take("k", cost, rate, burst);
    if (isAllowed) equal(take(), 0);
    else throws(take, { name: "AgentTrap", kind: "malformed" }, JSON.stringify({ cost, rate, burst }));
    equal(calls.length, isAllowed ? 1 : 0);
  }
});
