/**
 * What found targets cost: how long a change of a list takes to be served, and what clients notice of it.
 * `deno run -A tests/bench/discovery_updates.ts [targets] [changes]`
 */

import { discoveryConfig } from "../support/discovery_config.ts";
import { ServingSentinel } from "../support/process.ts";
import { eventually } from "../support/servers.ts";
import { SteadyLoad } from "../support/steady_load.ts";

const TARGETS = Number(Deno.args[0] ?? 1000);
const CHANGES = Number(Deno.args[1] ?? 5);
const CLIENTS = 4;
const WAIT_MS = 20_000;

/** So many addresses of this machine, all of them the origin's. */
function list(port: number, count: number): string {
  const address = (i: number) => `127.0.${1 + (i >> 8)}.${i & 255}:${port}`;
  return JSON.stringify(Array.from({ length: count }, (_, i) => ({ address: address(i) })));
}

/** Counts what is served; cheaper to ask for than metrics, which would be measured with the rest. */
async function generation(sentinel: ServingSentinel): Promise<number> {
  return (await (await sentinel.admin("/-/generation")).json()).generation;
}

/** User and system time of a process so far, in milliseconds; the kernel counts hundredths of a second. */
function cpuMs(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function replace(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, text);
  await Deno.rename(`${path}.new`, path);
}

const server = Deno.serve({ hostname: "0.0.0.0", port: 0, onListen: () => {} }, () => new Response("ok"));
const { port } = server.addr;
let path = "";
await using sentinel = await ServingSentinel.start(({ folder, ...ports }) => {
  path = `${folder}/targets.json`;
  Deno.writeTextFileSync(path, list(port, TARGETS));
  const upstream = `discovery "file" { path "${path}"; max-targets 10000; }`;
  return discoveryConfig({ ...ports, upstream, workers: 2 });
});
const idleMs: number[] = [];
const cpu: number[] = [];
for (let change = 1; change <= CHANGES; change++) {
  const before = cpuMs(sentinel.process.pid);
  const startedMs = performance.now();
  await replace(path, list(port, TARGETS - (change % 2)));
  if (!await eventually(WAIT_MS, async () => await generation(sentinel) === 1 + change)) {
    throw new Error("no update");
  }
  idleMs.push(performance.now() - startedMs);
  cpu.push(cpuMs(sentinel.process.pid) - before);
}
const load = new SteadyLoad({ port: sentinel.port, clients: CLIENTS, path: "/", body: "ok" });
for (let change = 1; change <= CHANGES; change++) {
  await replace(path, list(port, TARGETS - ((CHANGES + change) % 2)));
  const want = 1 + CHANGES + change;
  if (!await eventually(WAIT_MS, async () => await generation(sentinel) === want)) {
    throw new Error("no update");
  }
}
const { requests, failures } = await load.stop();
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!.toFixed(0);
console.log(
  `${TARGETS} targets, one comes or goes: served after ${median(idleMs)} ms (a rest of 200 ms included),`,
);
console.log(`${median(cpu)} ms of processor time per change, supervisor and 2 workers together`);
console.log(`under load: ${requests} requests, ${failures.length} failed`);
await server.shutdown();
