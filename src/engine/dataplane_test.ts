import { deepEqual, equal, throws } from "node:assert/strict";
import { FakeDialer, FakeTime, settle } from "../../tests/support/fake_socket.ts";
import { NO_AGENT_PORTS } from "../../tests/support/no_agents.ts";
import { noTls } from "../../tests/support/no_tls.ts";
import { goodConfig } from "../../tests/support/simulated_dataplane.ts";
import type { SocketListener } from "../core/ports.ts";
import { allocateShared } from "../core/shared_memory.ts";
import { NO_AGENTS } from "./agent_plan.ts";
import { Dataplane } from "./dataplane.ts";
import { sharedNeeds } from "./shared_needs.ts";

/** A dataplane whose listening sockets are bound when the test says so. */
function rig() {
  const time = new FakeTime();
  const binds: (() => void)[] = [];
  let open = 0;
  const listen = (): Promise<SocketListener> => {
    const end = Promise.withResolvers<null>();
    const bound = Promise.withResolvers<SocketListener>();
    binds.push(() => {
      open++;
      bound.resolve({
        address: { type: "ip", ip: "127.0.0.1", port: 80 },
        accept: () => end.promise,
        close() {
          open--;
          end.resolve(null);
          return Promise.resolve();
        },
      });
    });
    return bound.promise;
  };
  const dataplane: Dataplane = new Dataplane({
    ports: {
      clock: time,
      timers: time,
      random: { u32: () => 7 },
      dialer: new FakeDialer(),
      listen,
      log: () => {},
    },
    workerIndex: 0,
    workerCount: 1,
    sinks: {
      sink: () => ({ write: () => {} }),
      dropped: () => new Map(),
      reopen: () => {},
      retain: () => Promise.resolve(),
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    },
    tls: noTls,
    version: "test",
    instanceId: "test",
    readText: () => Promise.reject(new Error("no files here")),
    agentPorts: NO_AGENT_PORTS,
    builtin: { processMetrics: () => dataplane.metricsSnapshot() },
  });
  const prepare = (generation: number) => {
    const config = goodConfig(`
      system { worker-threads 1 }
      listeners { listener "http" { address "127.0.0.1:80" } }
      upstreams { upstream "origin-${generation}" { target "192.0.2.1:80" } }
      routes { route "all" { matches { path-prefix "/" }; upstream "origin-${generation}" } }
    `);
    const shared = allocateShared(sharedNeeds(config, 1), {});
    return dataplane.prepare({ config, generation, shared, agents: NO_AGENTS });
  };
  return { dataplane, prepare, binds, open: () => open };
}

Deno.test("dataplane: one that is prepared late, and was given up, leaves nothing behind", async () => {
  const { dataplane, prepare, binds, open } = rig();
  const first = prepare(1);
  await settle();
  await dataplane.abandon(1);
  const second = prepare(2);
  await settle();
  equal(binds.length, 1, "one at a time");
  binds[0]!();
  deepEqual(await first, ["Configuration 1 was abandoned"]);
  await settle();
  equal(open(), 0);
  binds[1]!();
  deepEqual(await second, []);
  throws(() => dataplane.commit(1), /Cannot serve configuration 1/);
  dataplane.commit(2);
  deepEqual(dataplane.upstreamStates().map(({ id }) => id), ["origin-2"]);
  equal(open(), 1);
  await dataplane.drain(0);
  await dataplane.close();
});

Deno.test("dataplane: one that was given up before its turn is not begun", async () => {
  const { dataplane, prepare, binds } = rig();
  const first = prepare(1);
  const second = prepare(2);
  await settle();
  await dataplane.abandon(2);
  binds[0]!();
  deepEqual(await first, ["Configuration 1 was abandoned"], "a later one was given up already");
  deepEqual([await second, binds.length], [["Configuration 2 was abandoned"], 1]);
  await dataplane.close();
});

Deno.test("dataplane: what is not prepared cannot be served", async () => {
  const { dataplane, prepare, binds, open } = rig();
  throws(() => dataplane.commit(1), /it is not prepared/);
  const first = prepare(1);
  await settle();
  binds[0]!();
  deepEqual(await first, []);
  throws(() => dataplane.commit(2), /Cannot serve configuration 2/);
  await dataplane.abandon(1);
  throws(() => dataplane.commit(1), /it is not prepared/);
  equal(open(), 0);
  await dataplane.close();
});
