/**
 * What a firewall costs: CPU per request of the whole proxy minus the same proxy without it, for Sentinel and
 * for nginx and Apache with ModSecurity, with the same rules, in alternating rounds. Also memory, time to
 * start, and the worst of many requests that are built to hurt.
 *
 * `deno task bench:waf [--rounds 5] [--seconds 2] [--only clean-get,…] [--contenders sentinel,…] [--adversarial 10000]`
 */

import { crsFolder, NO_CRS } from "../conformance/crs/suite.ts";
import { startBackend } from "../conformance/crs/backend.ts";
import { closedLoop, Connection } from "./closed_loop.ts";
import { LOAD_CORE } from "./load.ts";
import { cpuMicros, residentBytes } from "./process_cost.ts";
import { median } from "./results.ts";
import { adversarialRequest } from "./waf_adversary.ts";
import { startWaf, wafContenders, type WafSetting } from "./waf_contenders.ts";
import { attacks, cleanGet, cleanGets, formPosts, jsonPosts } from "./waf_workloads.ts";

/**
 * Load before a round counts, in seconds, for each contender has waited until all others had their turns; and once after
 * the start, when engines compile what is used often.
 */
const WARM_UP_SECONDS = 1;
const FIRST_WARM_UP_SECONDS = 6;

/** Requests of the adversarial family that are measured again, to tell cost from noise. */
const WORST_AGAIN = 20;
const WORST_REPEATS = 5;

const ADVERSARY_SEED = 6;

/** A proxy's requests are fewer by this factor when it is slow: ModSecurity would take minutes. */
const PEER_ADVERSARIAL_SHARE = 50;

interface Workload {
  readonly paranoiaLevel: 1 | 4;
  readonly requests: readonly Uint8Array<ArrayBuffer>[];
  /** False when the firewall is to refuse requests. */
  readonly clean: boolean;
  /** Share of the dearest peer's cost that Sentinel may need. */
  readonly limit: number;
}

function readOptions(args: readonly string[]) {
  const options = { rounds: 5, seconds: 2, only: "", contenders: "", adversarial: 10_000 };
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i]!.replace(/^--/, "") as keyof typeof options;
    const value = args[i + 1];
    if (!(name in options) || value === undefined) throw new Error(`Unknown or incomplete option ${args[i]}`);
    Object.assign(options, { [name]: typeof options[name] === "number" ? Number(value) : value });
  }
  return options;
}

const crs = crsFolder();
if (crs === undefined) {
  console.error(NO_CRS);
  Deno.exit(2);
}
const options = readOptions(Deno.args);
const workloads: Readonly<Record<string, Workload>> = {
  "clean-get": { paranoiaLevel: 1, requests: cleanGets(), clean: true, limit: 1 / 30 },
  "same-get": { paranoiaLevel: 1, requests: [cleanGet()], clean: true, limit: 1 / 30 },
  "json-10kb": { paranoiaLevel: 1, requests: jsonPosts(), clean: true, limit: 1 / 20 },
  "form-10kb": { paranoiaLevel: 1, requests: formPosts(), clean: true, limit: 1 / 20 },
  "attacks": { paranoiaLevel: 1, requests: attacks(crs), clean: false, limit: 1 / 15 },
  "clean-get-pl4": { paranoiaLevel: 4, requests: cleanGets(), clean: true, limit: 1 / 20 },
};
const listed = (text: string) => (name: string) => text === "" || text.split(",").includes(name);
const contenders = wafContenders().filter(listed(options.contenders));

// This process makes the load and is the origin, so it keeps off the proxies' core.
await new Deno.Command("taskset", { args: ["-a", "-cp", String(LOAD_CORE), String(Deno.pid)] }).output();

/** CPU microseconds per request of one round. */
async function round(running: { pid: number; port: number }, workload: Workload): Promise<{
  cpu: number;
  statuses: ReadonlyMap<number, number>;
}> {
  await closedLoop(running.port, workload.requests.slice(0, 20), WARM_UP_SECONDS);
  const before = cpuMicros(running.pid);
  const { requests, statuses } = await closedLoop(running.port, workload.requests, options.seconds);
  return { cpu: (cpuMicros(running.pid) - before) / requests, statuses };
}

async function measure(name: string, workload: Workload): Promise<void> {
  await using backend = startBackend();
  await using stack = new AsyncDisposableStack();
  const pairs: { name: string; runs: { running: { pid: number; port: number }; cpu: number[] }[] }[] = [];
  for (const each of contenders) {
    const runs = [];
    for (const paranoiaLevel of [workload.paranoiaLevel, null]) {
      const setting: WafSetting = { originPort: backend.port, crs: crs!, paranoiaLevel };
      runs.push({ running: stack.use(await startWaf(each, setting)), cpu: [] as number[] });
    }
    pairs.push({ name: each, runs });
  }
  for (const { runs } of pairs) {
    for (const { running } of runs) await closedLoop(running.port, workload.requests, FIRST_WARM_UP_SECONDS);
  }
  const refused = new Map<string, string>();
  for (let i = 0; i < options.rounds; i++) {
    for (const pair of pairs) {
      for (const [which, run] of pair.runs.entries()) {
        const { cpu, statuses } = await round(run.running, workload);
        run.cpu.push(cpu);
        backend.reset();
        const bad = [...statuses].filter(([status]) => status !== 200);
        if (bad.length > 0 && (which === 1 || workload.clean)) {
          throw new Error(`${name}, ${pair.name}: statuses ${JSON.stringify([...statuses])}`);
        }
        if (which === 0) refused.set(pair.name, JSON.stringify([...statuses]));
      }
    }
  }
  const costs = pairs.map(({ name, runs }) => {
    const [on, off] = runs.map((each) => median(each.cpu)) as [number, number];
    return { name, on, off, added: on - off };
  });
  const peer = Math.min(...costs.filter((each) => each.name !== "sentinel").map((each) => each.added));
  for (const cost of costs) {
    const ratio = peer / cost.added;
    const verdict = cost.name !== "sentinel" || !Number.isFinite(ratio)
      ? ""
      : `1/${ratio.toFixed(1)} of the cheaper peer: ${
        cost.added <= peer * workload.limit ? "reached" : "MISSED"
      } (1/${Math.round(1 / workload.limit)})`;
    console.log(
      `${name.padEnd(14)} ${cost.name.padEnd(9)} ${cost.on.toFixed(0).padStart(7)} − ${
        cost.off.toFixed(0).padStart(5)
      } = ${cost.added.toFixed(0).padStart(7)} µs ${verdict} ${workload.clean ? "" : refused.get(cost.name)}`,
    );
  }
}

/** Requests that the backend may remember, with their bodies. */
const BACKEND_KEEPS = 500;

/** Load before memory is read. */
const RESOURCE_SECONDS = 4;

/** Loads at the same time, so that every worker gets connections. */
const RESOURCE_LOADS = 4;

/** Workers whose memory is compared with that of one. */
const WORKERS = 4;

/** Starts of which the quickest counts. */
const STARTS = 3;

/** Memory that the firewall adds after some load: to a process with one worker, and for each worker more. Time to start. */
async function resources(): Promise<void> {
  await using backend = startBackend();
  for (const name of contenders) {
    const started = async (paranoiaLevel: 1 | null, workers: number) => {
      return await startWaf(name, { originPort: backend.port, crs: crs!, paranoiaLevel, workers });
    };
    const start = async (paranoiaLevel: 1 | null) => {
      const times: number[] = [];
      for (let i = 0; i < STARTS; i++) {
        await using running = await started(paranoiaLevel, 1);
        times.push(running.startMs);
      }
      return Math.min(...times);
    };
    const memory = async (paranoiaLevel: 1 | null, workers: number) => {
      await using running = await started(paranoiaLevel, workers);
      const requests = [...cleanGets(), ...jsonPosts(), ...formPosts()];
      const loads = Array.from(
        { length: RESOURCE_LOADS },
        () => closedLoop(running.port, requests, RESOURCE_SECONDS),
      );
      await Promise.all(loads);
      return residentBytes(running.pid) / 1e6;
    };
    const added = async (workers: number) => await memory(1, workers) - await memory(null, workers);
    const first = await added(1);
    const further = name === "sentinel" ? (await added(WORKERS) - first) / (WORKERS - 1) : undefined;
    const [on, off] = [await start(1), await start(null)];
    console.log(
      `resources      ${name.padEnd(9)} memory of a process with one worker +${first.toFixed(0)} MB${
        further === undefined ? "" : `, each further worker +${further.toFixed(0)} MB`
      }; start ${on.toFixed(0)} − ${off.toFixed(0)} = ${(on - off).toFixed(0)} ms`,
    );
  }
}

/** The slowest of the adversarial requests, one after the other on one connection. */
async function adversarial(): Promise<void> {
  await using backend = startBackend();
  for (const name of contenders) {
    await using running = await startWaf(name, { originPort: backend.port, crs: crs!, paranoiaLevel: 1 });
    const connection = new Connection(running.port);
    const count = Math.ceil(options.adversarial / (name === "sentinel" ? 1 : PEER_ADVERSARIAL_SHARE));
    const times: { index: number; ms: number; status: number }[] = [];
    const time = async (index: number) => {
      const request = adversarialRequest(ADVERSARY_SEED, index);
      const beganMs = performance.now();
      const status = await connection.exchange(request);
      return { index, status, ms: performance.now() - beganMs };
    };
    for (let index = 0; index < count; index++) {
      times.push(await time(index));
      if (index % BACKEND_KEEPS === 0) backend.reset();
    }
    const worst: typeof times = [];
    for (const { index } of times.toSorted((a, b) => b.ms - a.ms).slice(0, WORST_AGAIN)) {
      const again = [];
      for (let i = 0; i < WORST_REPEATS; i++) again.push(await time(index));
      worst.push(again.toSorted((a, b) => a.ms - b.ms)[0]!);
    }
    connection.close();
    const top = worst.toSorted((a, b) => b.ms - a.ms)[0]!;
    const statuses = Map.groupBy(times, (each) => each.status);
    console.log(
      `adversarial    ${name.padEnd(9)} of ${count}: worst ${
        top.ms.toFixed(1)
      } ms (number ${top.index}), median ${median(times.map((each) => each.ms)).toFixed(2)} ms; statuses ${
        [...statuses].map(([status, { length }]) => `${status}: ${length}`).join(", ")
      }`,
    );
  }
}

for (const [name, workload] of Object.entries(workloads)) {
  if (listed(options.only)(name)) await measure(name, workload);
}
if (listed(options.only)("resources")) await resources();
if (options.adversarial > 0 && listed(options.only)("adversarial")) await adversarial();
