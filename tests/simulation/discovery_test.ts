/** Targets that come and go at random under every balancer: who is asked, who answers, and what is left behind. */

import assert from "node:assert/strict";
import { BALANCERS } from "../../src/balancers/registry.ts";
import { withTargets } from "../../src/config/with_targets.ts";
import { settle } from "../support/fake_socket.ts";
import fc from "../support/seeded_check.ts";
import { SimulatedDataplane } from "../support/simulated_dataplane.ts";

const config = (balancer: string) => `
system { worker-threads 1 }
listeners { listener "http" { address "127.0.0.1:80" } }
routes { route "all" { matches { path-prefix "/" }; upstream "found" } }
upstreams { upstream "found" { discovery "file" { path "/x" }; load-balancing "${balancer}" } }
`;

const GET = "GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const TARGETS_MAX = 6;

/** One step: the targets become these, and then so many requests come. */
const step = fc.record({
  targets: fc.uniqueArray(fc.record({ host: fc.nat(TARGETS_MAX - 1), weight: fc.nat(3) }), {
    maxLength: TARGETS_MAX,
    selector: ({ host }) => host,
  }),
  requests: fc.integer({ min: 1, max: 4 }),
});

interface Step {
  readonly targets: readonly { readonly host: number; readonly weight: number }[];
  readonly requests: number;
}

const addressOf = (host: number) => `192.0.2.${host + 1}:80`;

async function run(balancer: string, steps: readonly Step[]): Promise<void> {
  const sim = new SimulatedDataplane(1);
  const asked: string[] = [];
  sim.dialer.onSocket = (socket) => {
    const { address } = sim.dialer.dials.at(-1)!;
    assert(address.type === "ip");
    let answered = 0;
    socket.onWrite = (written) => {
      for (; answered < written.split("\r\n\r\n").length - 1; answered++) {
        asked.push(`${address.host}:${address.port}`);
        socket.push(OK);
      }
    };
  };
  const client = await serveFirst(sim, balancer);
  let wanted = 1;
  for (const { targets, requests } of steps) {
    const found = targets.map(({ host, weight }) => ({ address: addressOf(host), weight }));
    assert.deepEqual(await sim.serve(config(balancer), (read) => withTargets(read, () => found)), []);
    const takers = new Set(found.filter(({ weight }) => weight > 0).map(({ address }) => address));
    for (let i = 0; i < requests; i++) {
      const before = asked.length;
      client.push(GET);
      await settle();
      wanted++;
      const statuses = [...client.written.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) =>
        Number(status)
      );
      assert.equal(statuses.length, wanted, "every request is answered");
      assert.equal(statuses.at(-1), takers.size > 0 ? 200 : 503);
      for (const address of asked.slice(before)) {
        assert(takers.has(address), `${address} is no target any more`);
      }
    }
    const kept = new Set(found.map(({ address }) => address));
    const open = sim.dialer.sockets.flatMap((socket, index) => {
      const { address } = sim.dialer.dials[index]!;
      return socket.isClosed || address.type !== "ip" ? [] : [`${address.host}:${address.port}`];
    });
    assert(open.every((address) => kept.has(address)), "connections to targets that left are closed");
    assert.equal(new Set(open).size, open.length, "a target that stays keeps its one connection");
  }
  client.end();
  for (let leap = 0; leap < 12; leap++) await sim.time.leap(10_000);
  assert.equal(sim.openSockets, 0);
}

/** Before the first answer there are no targets at all. */
async function serveFirst(sim: SimulatedDataplane, balancer: string) {
  assert.deepEqual(await sim.serve(config(balancer)), []);
  const client = await sim.connect();
  client.push(GET);
  await settle();
  assert.match(client.written, /^HTTP\/1\.1 503 /);
  return client;
}

for (const { type } of BALANCERS) {
  Deno.test(`simulation: targets come and go under ${type}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => run(type, steps)),
      { numRuns: 15 },
    );
  });
}
