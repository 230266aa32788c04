import { deepEqual, equal, match } from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  agentOptions,
  agentSpec,
  FakeBudget,
  FakeFactory,
  FakeMeter,
  trap,
} from "../../../tests/support/fake_agent.ts";
import { FakeTime } from "../../../tests/support/fake_socket.ts";
import type { AgentSpec } from "./agent_spec.ts";
import type { InstanceFactory } from "./bound_agent.ts";
import { type AgentSet, LiveAgents } from "./live_agents.ts";

function rig(factoryFor?: (spec: AgentSpec) => InstanceFactory) {
  const told: string[] = [];
  const time = new FakeTime();
  const budget = new FakeBudget();
  const made: string[] = [];
  const agents = new LiveAgents<unknown>({
    clock: time,
    timers: time,
    log: () => {},
    budget,
    factoryFor: factoryFor ?? ((spec) => {
      made.push(spec.id);
      return new FakeFactory(() => ({
        drain: (reason) => void told.push(`${spec.id} drain ${reason}`),
        shutdown: (reason) => void told.push(`${spec.id} shutdown ${reason}`),
      }));
    }),
    meterFor: () => new FakeMeter(),
  });
  const prepare = async (...specs: AgentSpec[]) => {
    const { set, problems } = await agents.prepare(specs);
    deepEqual(problems, []);
    return set;
  };
  return { agents, told, time, budget, made, prepare };
}

const spec = (id: string, changes: Partial<AgentSpec> = {}) => agentSpec("", { id, ...changes });

Deno.test("agents: what does not change outlives a reload with its state", async () => {
  const { prepare, told, budget, made } = rig();
  const old = await prepare(spec("a"), spec("b"));
  const next = await prepare(spec("a"), spec("b", { options: agentOptions("fuel 5000") }));
  equal(next.find("a"), old.find("a"));
  equal(next.find("b") === old.find("b"), false);
  deepEqual(next.all().map(({ id }) => id), ["a", "b"]);
  deepEqual(made, ["a", "b", "b"]);
  equal(budget.taken, 3, "each was started");
  old.retire(next);
  deepEqual(told, ["b drain config-reload"]);
  old.dispose();
  old.dispose();
  deepEqual(told, ["b drain config-reload", "b shutdown config-reload"]);
  equal(budget.taken, 2);
});

Deno.test("agents: the reason that an agent is given", async () => {
  const table = [
    { name: "removed", next: [], want: "removed" },
    { name: "another file", next: [spec("a", { digest: "e".repeat(64) })], want: "replaced" },
    {
      name: "other options",
      next: [spec("a", { options: agentOptions(`config { a 1 }`) })],
      want: "config-reload",
    },
    { name: "other assets", next: [spec("a", { revision: "2" })], want: "config-reload" },
  ];
  for (const { name, next, want } of table) {
    const { prepare, told } = rig();
    const old = await prepare(spec("a"));
    old.retire(await prepare(...next));
    old.dispose();
    deepEqual(told, [`a drain ${want}`, `a shutdown ${want}`], name);
  }
});

Deno.test("agents: one that was told to go is not taken back", async () => {
  const { prepare, told } = rig();
  const first = await prepare(spec("a"));
  const second = await prepare();
  first.retire(second);
  const third = await prepare(spec("a"));
  equal(third.find("a") === first.find("a"), false);
  first.dispose();
  deepEqual(told, ["a drain removed", "a shutdown removed"]);
  equal(third.find("a")!.isDraining, false);
});

Deno.test("agents: a set that is given up leaves the others alone", async () => {
  const { prepare, told, budget } = rig();
  const serving = await prepare(spec("a"));
  const abandoned = await prepare(spec("a"), spec("b"));
  abandoned.dispose();
  deepEqual(told, ["b drain removed", "b shutdown removed"]);
  equal(serving.find("a")!.isDraining, false);
  equal(budget.taken, 1);
});

Deno.test("agents: those with a problem are named, the others are there", async () => {
  const { agents, budget } = rig((each) => {
    if (each.id === "c") throw new Error("no such import");
    return new FakeFactory(() => each.id === "b" ? { configure: () => trap("fuel") } : {});
  });
  const { set, problems } = await agents.prepare([spec("a"), spec("b"), spec("c")]);
  deepEqual(set.all().map(({ id }) => id), ["a"]);
  deepEqual(problems.map(({ id }) => id), ["b", "c"]);
  match(problems[0]!.message, /trap: fuel/);
  match(problems[1]!.message, /no such import/);
  equal(budget.taken, 1);
});

Deno.test("agents: the end of the thread is the end of all of them", async () => {
  const { agents, prepare, told, budget, time } = rig();
  const set = await prepare(spec("a"), spec("b"));
  set.retire("shutdown");
  agents.dispose();
  set.dispose();
  deepEqual(told, ["a drain shutdown", "b drain shutdown", "a shutdown shutdown", "b shutdown shutdown"]);
  deepEqual([budget.taken, time.pending], [0, 1], "only the sweep of the fake time is left");
});

Deno.test("agents: a set that a long request holds keeps none of those that came after its successor", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const { prepare } = rig();
  const components: WeakRef<object>[] = [];
  const replaced = async (old: AgentSet | undefined, i: number) => {
    const component = { i };
    components.push(new WeakRef(component));
    const next = await prepare(spec("a", { digest: String(i).padStart(64, "0"), component }));
    old?.retire(next);
    return next;
  };
  const held = await replaced(undefined, 0);
  let last = await replaced(held, 1);
  for (let i = 2; i < 6; i++) {
    const next = await replaced(last, i);
    last.dispose();
    last = next;
  }
  // A weak reference lasts until the turn of the event loop ends.
  await new Promise((resolve) => setTimeout(resolve));
  collect();
  deepEqual(components.map((each) => each.deref() !== undefined), [true, false, false, false, false, true]);
  deepEqual([held.find("a")?.id, last.find("a")?.id], ["a", "a"]);
});

Deno.test("agents: one that is being started is known, until it cannot be", async () => {
  const configured = Promise.withResolvers<{ type: "ok"; value: undefined }>();
  const { agents } = rig((each) =>
    new FakeFactory(() => ({ configure: () => each.id === "a" ? configured.promise : trap() }))
  );
  const preparing = agents.prepare([spec("a"), spec("b")]);
  deepEqual(agents.startingIds(), ["a"]);
  configured.resolve({ type: "ok", value: undefined });
  const { problems } = await preparing;
  deepEqual([problems.map(({ id }) => id), agents.startingIds()], [["b"], []]);
  deepEqual(agents.states().map(({ id }) => id), ["a"]);
});

Deno.test("agents: one that starts while the thread ends is ended as well", async () => {
  const configured = Promise.withResolvers<{ type: "ok"; value: undefined }>();
  const { agents, budget } = rig(() => new FakeFactory(() => ({ configure: () => configured.promise })));
  const preparing = agents.prepare([spec("a")]);
  agents.dispose();
  configured.resolve({ type: "ok", value: undefined });
  match((await preparing).problems[0]!.message, /shutting down/);
  deepEqual([agents.states().length, budget.taken], [0, 0]);
});
