/** DNS against a real authoritative server (Knot DNS): times to live, aliases, names that go, SRV, answers that need TCP. */

import assert from "node:assert/strict";
import { discoveryConfig } from "../support/discovery_config.ts";
import { addressesFrom, finderOf } from "../support/discovery_rig.ts";
import { hasKnot, Knot } from "../support/knot.ts";
import { ServingSentinel } from "../support/process.ts";
import { RawOrigin } from "../support/raw_origin.ts";
import { eventually } from "../support/servers.ts";

const WAIT_MS = 15_000;
const isSkipped = !hasKnot && Deno.env.get("CI") === undefined;
if (isSkipped) {
  console.log("knotd is not installed (Debian package knot): DNS against a real server is not tested");
}

function dnsTest(name: string, run: () => Promise<void>): void {
  Deno.test({ name: `discovery over real DNS: ${name}`, ignore: isSkipped, fn: run });
}

dnsTest("addresses of both families, aliases, and the shortest time to live", async () => {
  await using knot = await Knot.start(
    "api 30 A 10.0.0.1\napi 30 A 10.0.0.2\napi 20 AAAA fd00::1\nwww 7 CNAME api\nfour 40 A 10.0.0.4\n",
  );
  const at = `resolver "127.0.0.1:${knot.port}"`;
  const cases = [
    { name: "api.test", more: "", want: ["10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80"], ttl: 20 },
    { name: "api.test.", more: 'family "ipv4"', want: ["10.0.0.1:80", "10.0.0.2:80"], ttl: 30 },
    { name: "API.test", more: 'family "ipv6"', want: ["[fd00::1]:80"], ttl: 20 },
    { name: "www.test", more: 'family "ipv4"', want: ["10.0.0.1:80", "10.0.0.2:80"], ttl: 7 },
    { name: "four.test", more: "", want: ["10.0.0.4:80"], ttl: 40 },
    { name: "nobody.test", more: "", want: [], ttl: 2 },
    { name: "four.test", more: "refresh 0.5", want: ["10.0.0.4:80"], ttl: 0.5 },
  ];
  for (const { name, more, want, ttl } of cases) {
    const finder = finderOf(`discovery "dns" { name "${name}"; port 80; ${at}; ${more} }`);
    const answer = await finder.next(new AbortController().signal);
    assert.deepEqual(answer.targets.map(({ address }) => address).sort(), want, `${name} ${more}`);
    assert.equal(answer.againAfterMs, ttl * 1000, `${name} ${more}`);
  }
});

dnsTest("an answer that does not fit into a datagram comes over TCP", async () => {
  const ips = Array.from({ length: 200 }, (_, index) => `10.1.0.${index}`);
  await using knot = await Knot.start(ips.map((ip) => `many 5 A ${ip}`).join("\n"));
  const finder = finderOf(`discovery "dns" { name "many.test"; port 80; resolver "127.0.0.1:${knot.port}" }`);
  assert.deepEqual(await addressesFrom(finder), ips.map((ip) => `${ip}:80`).sort());
});

dnsTest("SRV records bring ports, weights and priorities", async () => {
  await using knot = await Knot.start([
    "_http._tcp.api 9 SRV 0 3 8001 a",
    "_http._tcp.api 9 SRV 0 1 8002 b",
    "_http._tcp.api 9 SRV 1 0 8003 c",
    "_http._tcp.api 9 SRV 0 1 8004 lost",
    "_none._tcp.api 9 SRV 0 0 0 .",
    "a 30 A 10.0.0.1",
    "b 4 A 10.0.0.2",
    "b 4 A 10.0.0.3",
    "c 30 AAAA fd00::3",
  ].join("\n"));
  const at = `resolver "127.0.0.1:${knot.port}"`;
  const finder = finderOf(`discovery "dns-srv" { name "_http._tcp.api.test"; ${at} }`);
  const { targets, againAfterMs, rejected } = await finder.next(new AbortController().signal);
  const sorted = [...targets].sort((a, b) => a.address < b.address ? -1 : 1);
  assert.deepEqual(sorted, [
    { address: "10.0.0.1:8001", weight: 6, priority: 0 },
    { address: "10.0.0.2:8002", weight: 1, priority: 0 },
    { address: "10.0.0.3:8002", weight: 1, priority: 0 },
    { address: "[fd00::3]:8003", weight: 2, priority: 1 },
  ]);
  // A host without addresses is looked for again as soon as its zone says (2 seconds).
  assert.equal(againAfterMs, 2000, "the shortest time on the way counts");
  assert.deepEqual(rejected, { count: 1, first: "the host lost.test has no address" });
  for (const name of ["_none._tcp.api.test", "_gone._tcp.api.test"]) {
    assert.deepEqual(await addressesFrom(finderOf(`discovery "srv" { name "${name}"; ${at} }`)), [], name);
  }
});

dnsTest("a server that is not there is passed over", async () => {
  await using knot = await Knot.start("api 30 A 10.0.0.1\n");
  const servers = `resolver "127.0.0.1:1" "127.0.0.1:${knot.port}"; timeout 0.3; family "ipv4"`;
  assert.deepEqual(
    await addressesFrom(finderOf(`discovery "dns" { name "api.test"; port 80; ${servers} }`)),
    [
      "10.0.0.1:80",
    ],
  );
  const alone = 'resolver "127.0.0.1:1"; timeout 0.1; attempts 1';
  const dead = finderOf(`discovery "dns" { name "api.test"; port 80; ${alone} }`);
  await assert.rejects(
    dead.next(new AbortController().signal),
    /no answer for A+ api\.test \(127\.0\.0\.1:1: /,
  );
});

dnsTest("a server that refuses is a failure", async () => {
  await using knot = await Knot.start("api 30 A 10.0.0.1\n");
  const finder = finderOf(`discovery "dns" { name "api.other"; port 80; resolver "127.0.0.1:${knot.port}" }`);
  await assert.rejects(finder.next(new AbortController().signal), /the server answered REFUSED/);
});

dnsTest("a process follows the zone; a name that is gone keeps its targets", async () => {
  await using origin = new RawOrigin();
  await using knot = await Knot.start("api 1 A 127.0.0.1\n");
  const upstream =
    `discovery "dns" { name "api.test"; port ${origin.port}; resolver "127.0.0.1:${knot.port}" }`;
  await using sentinel = await ServingSentinel.start((place) =>
    discoveryConfig({ ...place, upstream, workers: 2 })
  );
  const addresses = async () => {
    const { upstreams } = await (await sentinel.admin("/upstreams")).json();
    return upstreams[0].targets.map(({ address }: { address: string }) => address).join();
  };
  const one = `127.0.0.1:${origin.port}`;
  assert.equal(await addresses(), one);
  assert.equal((await fetch(`http://127.0.0.1:${sentinel.port}/`)).status, 200);
  await knot.change("api 1 A 127.0.0.1\napi 1 A 127.0.0.2\n");
  const both = `${one},127.0.0.2:${origin.port}`;
  assert(await eventually(WAIT_MS, async () => await addresses() === both), sentinel.process.output);
  await knot.change("");
  await sentinel.process.said(/found no targets; the last ones stay/);
  assert.equal(await addresses(), both);
  await knot.change("api 1 A 127.0.0.1\n");
  assert(await eventually(WAIT_MS, async () => await addresses() === one), sentinel.process.output);
  await sentinel.process.said(/Discovery works again/);
});
