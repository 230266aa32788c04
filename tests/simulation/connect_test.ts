/** Tunnels of CONNECT whose targets take their time: what real sockets cannot be made to do on demand. */

import { equal, match, ok } from "node:assert/strict";
import { ProxyError } from "../../src/core/errors.ts";
import type { FakeSocket, FakeSocketOptions } from "../support/fake_socket.ts";
import { settle } from "../support/fake_socket.ts";
import { SimulatedDataplane } from "../support/simulated_dataplane.ts";

const CONFIG = `
system { worker-threads 1 }
listeners { listener "http" { address "127.0.0.1:80" } }
routes {
  route "tunnels" {
    matches { method "CONNECT" }
    connect { targets "*.example.com:443"; connect-timeout 3; idle-timeout 60; max-connections 1 }
    policies { response-headers { set { "X-Filter" "seen" } } }
  }
}
observability { logging { access-log { file "-" } } }
`;
const CONNECT = "CONNECT a.example.com:443 HTTP/1.1\r\nHost: a.example.com:443\r\n\r\n";

async function started(): Promise<SimulatedDataplane> {
  const sim = new SimulatedDataplane();
  equal((await sim.serve(CONFIG)).length, 0);
  return sim;
}

function status(client: FakeSocket): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(client.written)?.[1]);
}

Deno.test("a place is held until the attempt to connect is over, though the client has left", async () => {
  const sim = await started();
  const dial = Promise.withResolvers<FakeSocketOptions>();
  sim.dialer.answer = () => dial.promise;
  const first = await sim.connect();
  first.push(CONNECT);
  await settle();
  equal(sim.dialer.dials.length, 1);
  first.end();
  await settle();
  ok(first.isClosed);
  equal(sim.metric("sentinel_active_requests"), 0);
  const second = await sim.connect();
  second.push(CONNECT);
  await settle();
  equal(status(second), 503);
  equal(sim.dialer.dials.length, 1);
  dial.resolve({});
  await settle();
  equal(sim.dialer.open, 0, "a connection that nobody waits for any more is closed");
  sim.dialer.answer = () => ({});
  const third = await sim.connect();
  third.push(CONNECT);
  await settle();
  equal(status(third), 200);
  match(third.written, /^X-Filter: seen\r$/m);
  third.end();
  sim.dialer.sockets.at(-1)!.end();
  await settle();
  ok(third.isClosed);
  equal(sim.dialer.open, 0);
  await sim.dataplane.close();
});

Deno.test("the dial has the bound of the route, and names must stand for public addresses", async () => {
  const sim = await started();
  sim.dialer.answer = () => new ProxyError("upstream_connect_timeout", "no connection within 3000 ms");
  const client = await sim.connect();
  client.push(CONNECT);
  await settle();
  equal(status(client), 504);
  const [{ address, timeoutMs, mayConnect }] = sim.dialer.dials as [typeof sim.dialer.dials[0]];
  equal(timeoutMs, 3000);
  equal(address.type === "ip" && address.host, "a.example.com");
  equal(mayConnect!("1.1.1.1"), true);
  equal(mayConnect!("127.0.0.1"), false);
  equal(mayConnect!("169.254.169.254"), false);
  sim.dialer.answer = () => new ProxyError("connect_target_refused", "a private address");
  const other = await sim.connect();
  other.push(CONNECT);
  await settle();
  equal(status(other), 403);
  equal(sim.metric("sentinel_active_requests"), 0);
  await sim.dataplane.close();
});
