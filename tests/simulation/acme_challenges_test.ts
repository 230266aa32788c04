/** Proofs for authorities stand before every route, and only while an order is pending. */

import { deepEqual, equal, match } from "node:assert/strict";
import { settle } from "../support/fake_socket.ts";
import { SimulatedDataplane } from "../support/simulated_dataplane.ts";

const CONFIG = `
system { worker-threads 1 }
listeners { listener "http" { address "127.0.0.1:80" } }
routes { route "all" { matches { path-prefix "/" }; filters "away" } }
filters { filter "away" { type "redirect"; status-code 302; hostname "elsewhere.example" } }
observability { logging { access-log { file "-" } } }
`;

const ANSWERS = new Map([["token-1", "token-1.thumbprint"]]);

async function answers(sim: SimulatedDataplane, line: string): Promise<string> {
  const client = await sim.connect();
  client.push(`${line} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`);
  await settle();
  return client.written;
}

Deno.test("acme challenges: a known token is answered before any route; everything else goes the usual way", async () => {
  const sim = new SimulatedDataplane();
  // Told before anything is served, as a replaced worker is.
  sim.dataplane.showChallenges(ANSWERS);
  deepEqual(await sim.serve(CONFIG), []);
  const path = "/.well-known/acme-challenge/token-1";
  const proof = await answers(sim, `GET ${path}`);
  match(proof, /^HTTP\/1\.1 200 OK\r\n/);
  match(proof, /\r\nContent-Type: text\/plain\r\n/);
  match(proof, /\r\n\r\ntoken-1\.thumbprint$/);
  match(await answers(sim, `HEAD ${path}`), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
  const usual = [
    `POST ${path}`,
    "GET /.well-known/acme-challenge/token-2",
    "GET /.well-known/acme-challenge/",
    "GET /.well-known/acme-challenge/token-1/",
    "GET /.well-known/acme-challenge/__proto__",
    "GET /x/.well-known/acme-challenge/token-1",
    "GET /",
  ];
  for (const line of usual) match(await answers(sim, line), /^HTTP\/1\.1 302 /, line);
  equal(
    sim.lines.filter((line) => line.includes("token-1")).length > 0,
    true,
    "proofs are in the access log",
  );
  sim.dataplane.showChallenges(new Map());
  match(await answers(sim, `GET ${path}`), /^HTTP\/1\.1 302 /);
  await sim.time.advance(60_000);
  equal(sim.openSockets, 0);
});
