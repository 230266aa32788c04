import assert from "node:assert/strict";
import type { Config } from "../config/document.ts";
import { parseConfig } from "../config/load.ts";
import type { ConfigSource, LoadedConfig } from "./config_source.ts";
import type { FleetThread } from "./fleet.ts";
import { Supervisor } from "./supervisor.ts";
import type { Companion, SupervisorInit, ThreadStart } from "./supervisor.ts";
import type { NextConfig } from "./thread.ts";

/** A small configuration; its listener carries the name, and Unix sockets are bound by nobody here. */
function configOf(changes: { name?: string; workerThreads?: number } = {}): Config {
  const { name = "first", workerThreads = 2 } = changes;
  const { config, issues } = parseConfig(`
    system { worker-threads ${workerThreads}; graceful-shutdown-timeout-secs 1; }
    listeners { listener "${name}" { address "unix:/run/${name}.sock"; }; }
    observability { metrics { enabled #false; }; }
  `);
  assert(config !== undefined, JSON.stringify(issues));
  return config;
}

function nameOf(config: Config): string | undefined {
  return config.listeners[0]?.id;
}

/** A source whose next load the test decides. */
class FakeSource implements ConfigSource {
  readonly name = "fake.kdl";
  loads = 0;
  next: Config | undefined = configOf();
  gate: Promise<void> = Promise.resolve();

  async load(): Promise<LoadedConfig> {
    this.loads++;
    await this.gate;
    return {
      config: this.next,
      report: this.next === undefined ? "error: fake.kdl:1:1: bad" : "",
      errorCount: this.next === undefined ? 1 : 0,
      warningCount: 0,
      isDefault: false,
      files: [],
      folders: [],
      fingerprint: JSON.stringify(this.next ?? "bad"),
    };
  }
}

/** A thread that notes what it is told and can be made to object or to die. */
class FakeThread implements FleetThread {
  readonly calls: string[] = [];
  readonly died: (cause: string) => void;
  problems: readonly string[] = [];
  served: string | undefined;
  terminated = false;
  #prepared: string | undefined;

  constructor(start: ThreadStart) {
    this.died = start.died;
  }

  prepare({ config, generation }: NextConfig): Promise<readonly string[]> {
    this.calls.push(`prepare ${generation}`);
    this.#prepared = nameOf(config);
    return Promise.resolve(this.problems);
  }

  commit(generation: number): Promise<void> {
    this.calls.push(`commit ${generation}`);
    this.served = this.#prepared;
    return Promise.resolve();
  }

  abandon(generation: number): Promise<void> {
    this.calls.push(`abandon ${generation}`);
    return Promise.resolve();
  }

  drain(): Promise<number> {
    this.calls.push("drain");
    return Promise.resolve(1);
  }

  metrics() {
    return Promise.resolve({ families: [] });
  }

  upstreams() {
    return Promise.resolve([]);
  }

  agents() {
    return Promise.resolve([]);
  }

  showChallenges(answers: ReadonlyMap<string, string>): Promise<void> {
    this.calls.push(`show ${answers.size}`);
    return Promise.resolve();
  }

  reopenLogs(): Promise<void> {
    this.calls.push("reopenLogs");
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.calls.push("close");
    return Promise.resolve();
  }

  terminate(): void {
    this.terminated = true;
  }
}

interface Stage {
  readonly source: FakeSource;
  readonly threads: FakeThread[];
  readonly cleared: number[];
  readonly supervisor: Supervisor;
  /** Resolves once the next thread has been spawned and told to commit. */
  replaced(): Promise<void>;
}

async function stage(
  companions: readonly Companion[] = [],
  proofs: ReadonlyMap<string, string> = new Map(),
): Promise<Stage> {
  const source = new FakeSource();
  const threads: FakeThread[] = [];
  const cleared: number[] = [];
  let replaced = Promise.withResolvers<void>();
  const init: SupervisorInit = {
    source,
    log: (_level, message) => {
      if (message === "Worker replaced") replaced.resolve();
    },
    cores: 3,
    spawn: (start) => {
      const thread = new FakeThread(start);
      threads.push(thread);
      return Promise.resolve(thread);
    },
    sharedNeeds: () => [{ key: "kept", bytes: 8 }],
    challenges: () => proofs,
    clearWorker: (_shared, index) => cleared.push(index),
  };
  const supervisor = await Supervisor.start(init, () => companions);
  return {
    source,
    threads,
    cleared,
    supervisor,
    replaced: async () => {
      await replaced.promise;
      replaced = Promise.withResolvers();
    },
  };
}

Deno.test("supervisor: starts as many threads as configured, 0 meaning the cores", async () => {
  const { supervisor, threads } = await stage();
  assert.equal(threads.length, 2);
  assert.equal(supervisor.generation, 1);
  assert.equal(supervisor.ready, true);
  assert.deepEqual(threads.map((thread) => thread.served), ["first", "first"]);
  await supervisor.close();
  assert(threads.every((thread) => thread.terminated && thread.calls.at(-1) === "close"));

  const source = new FakeSource();
  source.next = configOf({ workerThreads: 0 });
  const started: number[] = [];
  const cores = await Supervisor.start({
    source,
    log: () => {},
    cores: 3,
    spawn: (start) => {
      started.push(start.index);
      assert.equal(start.count, 3);
      return Promise.resolve(new FakeThread(start));
    },
    sharedNeeds: () => [],
    clearWorker: () => {},
  });
  assert.deepEqual(started, [0, 1, 2]);
  await cores.close();
});

Deno.test("supervisor: a reload that is asked for during the start follows it", async () => {
  const source = new FakeSource();
  let starting: Supervisor | undefined;
  let early: Promise<{ readonly outcome: string; readonly generation: number }> | undefined;
  const supervisor: Supervisor = await Supervisor.start({
    source,
    log: () => {},
    cores: 1,
    spawn: (start) => Promise.resolve(new FakeThread(start)),
    sharedNeeds: () => [],
    clearWorker: () => {},
    loadAgents: () => {
      early ??= starting!.reload("agents");
      return Promise.resolve({ plan: { specs: [], dropped: [], attached: [] }, problems: [] });
    },
  }, (own) => {
    starting = own;
    return [];
  });
  assert.equal(supervisor.generation, 1);
  const { outcome, generation } = await early!;
  assert.deepEqual([outcome, generation], ["applied", 2]);
  await supervisor.close();
});

Deno.test("supervisor: a reload prepares everybody before anybody commits", async () => {
  const { supervisor, source, threads } = await stage();
  const { shared } = supervisor;
  source.next = configOf({ name: "second" });
  const result = await supervisor.reload("signal");
  assert.equal(result.outcome, "applied");
  assert.equal(result.generation, 2);
  for (const { calls, served } of threads) {
    assert.deepEqual(calls.slice(-2), ["prepare 2", "commit 2"]);
    assert.equal(served, "second");
  }
  assert.equal(supervisor.shared["kept"], shared["kept"], "shared memory outlives a reload");
  await supervisor.close();
});

Deno.test("supervisor: one objection and everybody keeps the old configuration", async () => {
  const { supervisor, source, threads } = await stage();
  source.next = configOf({ name: "second" });
  threads[1]!.problems = ["no memory left"];
  const result = await supervisor.reload("admin");
  assert.equal(result.outcome, "failed");
  assert.deepEqual(result.problems, ["no memory left"]);
  assert.equal(result.generation, 1);
  for (const { calls, served } of threads) {
    assert.equal(calls.at(-1), "abandon 2");
    assert.equal(served, "first");
  }
  threads[1]!.problems = [];
  assert.equal((await supervisor.reload("admin")).outcome, "applied");
  assert.equal(supervisor.generation, 3);
  await supervisor.close();
});

Deno.test("supervisor: a companion's objection counts as much as a thread's", async () => {
  const told: string[] = [];
  let objection: string[] = [];
  const companion: Companion = {
    prepare: () => Promise.resolve(objection),
    commit: ({ generation }) => told.push(`commit ${generation}`),
    abandon: (generation) => told.push(`abandon ${generation}`),
    close: () => Promise.resolve(void told.push("close")),
  };
  const { supervisor, threads } = await stage([companion]);
  objection = ["the admin port is taken"];
  assert.equal((await supervisor.reload("watch")).outcome, "failed");
  assert.equal(threads[0]!.calls.at(-1), "abandon 2");
  await supervisor.close();
  assert.deepEqual(told, ["commit 1", "abandon 2", "close"]);
});

Deno.test("supervisor: a bad file changes nothing and says why", async () => {
  const { supervisor, source, threads } = await stage();
  source.next = undefined;
  const result = await supervisor.reload("signal");
  assert.equal(result.outcome, "failed");
  assert.match(result.report, /fake\.kdl:1:1/);
  assert.equal(threads[0]!.calls.includes("prepare 2"), false);
  assert.equal(supervisor.lastReload, result);
  await supervisor.close();
});

Deno.test("supervisor: reloads asked for during a reload share one that reads afterwards", async () => {
  const { supervisor, source } = await stage();
  const gate = Promise.withResolvers<void>();
  source.gate = gate.promise;
  const running = supervisor.reload("signal");
  while (source.loads < 2) await Promise.resolve();
  const later = [supervisor.reload("signal"), supervisor.reload("watch"), supervisor.reload("admin")];
  assert.equal(later[0], later[1]);
  assert.equal(later[0], later[2]);
  source.next = configOf({ name: "second" });
  gate.resolve();
  await Promise.all([running, ...later]);
  assert.equal(source.loads, 3);
  assert.equal(nameOf(supervisor.config), "second");
  await supervisor.close();
});

Deno.test("supervisor: the watch reloads only when a text changed", async () => {
  const { supervisor, source } = await stage();
  assert.equal(await supervisor.reloadIfChanged("watch"), undefined);
  source.next = undefined;
  assert.equal((await supervisor.reloadIfChanged("watch"))?.outcome, "failed");
  assert.equal(await supervisor.reloadIfChanged("watch"), undefined, "the same bad text is not tried again");
  source.next = configOf();
  assert.equal((await supervisor.reloadIfChanged("watch"))?.outcome, "applied");
  await supervisor.close();
});

Deno.test("supervisor: a dead worker is cleared up after and replaced with what is served now", async () => {
  const { supervisor, source, threads, cleared, replaced } = await stage();
  source.next = configOf({ name: "second" });
  await supervisor.reload("signal");
  threads[0]!.died("boom");
  assert.deepEqual(cleared, [0]);
  assert.equal(supervisor.fleet.alive, 1);
  await replaced();
  assert.equal(supervisor.fleet.alive, 2);
  assert.equal(supervisor.fleet.restarts, 1);
  assert.deepEqual(threads[2]!.calls, ["prepare 2", "commit 2"]);
  assert.equal(threads[2]!.served, "second");
  assert.deepEqual(threads[1]!.calls.filter((call) => call.startsWith("commit")), ["commit 1", "commit 2"]);
  await supervisor.close();
});

Deno.test("supervisor: proofs are shown by every worker, and by one that replaces a dead one", async () => {
  const proofs = new Map([["token", "proof"]]);
  const { supervisor, threads, replaced } = await stage([], proofs);
  await supervisor.fleet.showChallenges(proofs);
  for (const thread of threads) assert.deepEqual(thread.calls, ["prepare 1", "commit 1", "show 1"]);
  threads[0]!.died("boom");
  await replaced();
  assert.deepEqual(threads[2]!.calls, ["prepare 1", "commit 1", "show 1"]);
  // An authority must not be sent to a worker that does not know the proof.
  threads[1]!.showChallenges = () => Promise.reject(new Error("stuck"));
  await assert.rejects(supervisor.fleet.showChallenges(proofs), /stuck/);
  await supervisor.close();
});

Deno.test("supervisor: changes that need a restart are said, and the rest is applied", async () => {
  const { supervisor, source } = await stage();
  source.next = configOf({ workerThreads: 5 });
  const result = await supervisor.reload("signal");
  assert.equal(result.outcome, "applied");
  assert.equal(result.warnings.length, 1);
  assert.match(result.warnings[0]!, /worker-threads.*after a restart.*2 stays/);
  assert.equal(supervisor.fleet.alive, 2);
  await supervisor.close();
});

Deno.test("supervisor: draining ends readiness, asks every thread, and refuses reloads", async () => {
  const { supervisor, threads } = await stage();
  assert.equal(await supervisor.drain(), 2);
  assert.equal(supervisor.ready, false);
  assert(threads.every(({ calls }) => calls.at(-1) === "drain"));
  const result = await supervisor.reload("admin");
  assert.deepEqual(result.problems, ["The proxy is shutting down"]);
  threads[0]!.died("late");
  assert.equal(threads.length, 2, "nothing is replaced any more");
  await supervisor.close();
});

Deno.test("supervisor: other targets are served in two phases, without reading or loading anything", async () => {
  const source = new FakeSource();
  const threads: FakeThread[] = [];
  const seen: NextConfig[] = [];
  const companion: Companion = {
    prepare: () => Promise.resolve([]),
    commit: (next) => void seen.push(next),
    abandon: () => {},
    close: () => Promise.resolve(),
  };
  let found = "one";
  let agentLoads = 0;
  const supervisor = await Supervisor.start({
    source,
    log: () => {},
    cores: 1,
    spawn: (start) => {
      const thread = new FakeThread(start);
      threads.push(thread);
      return Promise.resolve(thread);
    },
    sharedNeeds: () => [{ key: "kept", bytes: 8 }],
    clearWorker: () => {},
    loadAgents: () => {
      agentLoads++;
      return Promise.resolve({ plan: { specs: [], dropped: [], attached: [] }, problems: [] });
    },
    // The name stands for the targets here: what is found takes its place in what is served.
    discover: (config) =>
      Promise.resolve({
        ...config,
        listeners: [{ ...config.listeners[0]!, id: `${nameOf(config)}-${found}` }],
      }),
  }, () => [companion]);
  const served = () => threads.map((thread) => thread.served);
  assert.deepEqual(served(), ["first-one", "first-one"]);

  found = "two";
  assert.deepEqual(await supervisor.retarget(), []);
  assert.deepEqual([served(), supervisor.generation], [["first-two", "first-two"], 2]);
  assert.deepEqual([source.loads, agentLoads], [1, 1]);
  assert.equal(seen[0]!.agents, seen[1]!.agents, "the agents are the same ones");
  assert.equal(seen[0]!.shared["kept"], seen[1]!.shared["kept"]);

  assert.equal((await supervisor.refresh("certificates")).outcome, "applied");
  assert.deepEqual([source.loads, agentLoads], [1, 1], "new certificates bring no other agents");

  found = "three";
  threads[1]!.problems = ["busy"];
  assert.deepEqual(await supervisor.retarget(), ["busy"]);
  assert.deepEqual([served(), supervisor.generation], [["first-two", "first-two"], 3]);
  threads[1]!.problems = [];

  // A reload that is refused leaves what was read before as what targets are found for.
  source.next = undefined;
  assert.equal((await supervisor.reload("admin")).outcome, "failed");
  assert.deepEqual(await supervisor.retarget(), []);
  assert.deepEqual(served(), ["first-three", "first-three"]);
  await supervisor.close();
  assert.deepEqual(await supervisor.retarget(), [], "and nothing after the end");
});
