/** The TLS edge next to others: keep-alive requests, single answers, full and resumed handshakes. */

import { Authority } from "../support/pki.ts";
import { hasCommand } from "../support/servers.ts";
import { type Running, startContender, type TlsFiles } from "./contenders.ts";
import { LOAD_CORE } from "./load.ts";
import { cpuMicros } from "./process_cost.ts";
import { type Figure, median } from "./results.ts";
import { everybody, type Plan, runContest } from "./workloads.ts";

const SERVER_NAME = "www.example";
const CONNECTIONS = 32;
/** HTTP/2 clients: as many requests at once as with HTTP/1.1, on fewer connections. */
const H2_CONNECTIONS = 8;
const H2_STREAMS = 4;
/** Answers awaited one after the other for a median. */
const SEQUENTIAL_REQUESTS = 300;
const WARM_UP_SECONDS = 2;
/**
 * Clients that shake hands at the same time. With a single one proxy and client wake each other's cores again and again, which
 * costs either of them more than many a handshake, and nothing on a server that has enough to do.
 */
const CLIENTS = 8;
/** Rounds are cut into so many: a machine's speed changes within seconds, and these differ little. */
const ROUND_PARTS = 4;
const CLIENT_PROGRAM = new URL("./handshakes.py", import.meta.url).pathname;

/** A certificate for the contenders and the authority that clients trust. */
interface Material {
  readonly files: TlsFiles;
  readonly ca: string;
}

/** All TLS workloads that the plan wants: `https-…`, `h2-…`, `sequential-…`, `handshake-…`. */
export async function tlsFigures(plan: Plan, originPort: number): Promise<Figure[]> {
  const wanted = (name: string) => plan.only === undefined || name.includes(plan.only);
  if (!["openssl", "python3"].every(hasCommand)) {
    console.error("openssl or python3 is not installed: no TLS workloads");
    return [];
  }
  const folder = await Deno.makeTempDir({ prefix: "bench-tls-" });
  try {
    await Deno.chmod(folder, 0o755);
    const material = await makeMaterial(folder);
    const figures: Figure[] = [];
    for (const [workload, run] of Object.entries(WORKLOADS)) {
      if (!wanted(workload)) continue;
      console.error(`measuring ${workload}`);
      figures.push(...await run({ plan, originPort, material, workload }));
    }
    return figures;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Job {
  readonly plan: Plan;
  readonly originPort: number;
  readonly material: Material;
  readonly workload: string;
}

const WORKLOADS: Readonly<Record<string, (job: Job) => Promise<Figure[]>>> = {
  "https-1kb": (job) => keepAlive(job, "/1k"),
  "https-100kb": (job) => keepAlive(job, "/100k"),
  "h2-1kb": (job) => keepAlive(job, "/1k", { connections: H2_CONNECTIONS, streams: H2_STREAMS }),
  "sequential-1kb": (job) => sequential(job, "/1k"),
  "sequential-100kb": (job) => sequential(job, "/100k"),
  "handshake-full-12": (job) => handshakes(job, client("full", "1.2")),
  "handshake-full-13": (job) => handshakes(job, client("full", "1.3")),
  "handshake-resumed-12": (job) => handshakes(job, client("resumed", "1.2")),
  "handshake-resumed-13": (job) => handshakes(job, client("resumed", "1.3")),
  "handshake-reset-12": (job) => handshakes(job, resetting),
};

async function makeMaterial(folder: string): Promise<Material> {
  const root = await Authority.root(folder, "bench");
  const pair = await root.issue("site", { names: [`DNS:${SERVER_NAME}`, "IP:127.0.0.1"] });
  const both = `${folder}/both.pem`;
  await Deno.writeTextFile(both, await Deno.readTextFile(pair.cert) + await Deno.readTextFile(pair.key));
  return { files: { ...pair, both }, ca: await Deno.readTextFile(root.pair.cert) };
}

function keepAlive(
  { plan, originPort, material, workload }: Job,
  path: string,
  load: { readonly connections: number; readonly streams?: number } = { connections: CONNECTIONS },
): Promise<Figure[]> {
  return runContest(plan, {
    workload,
    path,
    entries: everybody(plan),
    load: { ...load, pinned: true },
    tls: material.files,
  }, originPort);
}

function begin(
  contender: string,
  { originPort, material }: Job,
  options: { tls: boolean },
): Promise<Running> {
  const tls = options.tls ? material.files : undefined;
  return startContender(contender, { originPort, workers: 1, otherRoutes: 0, denied: 0, pinned: true, tls });
}

/** One connection, one request at a time, with and without TLS: what a person waits for. */
async function sequential(job: Job, path: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const contender of job.plan.contenders) {
    for (const scheme of ["http", "https"]) {
      await using running = await begin(contender, job, { tls: scheme === "https" });
      const plain = await Deno.connect({ hostname: "127.0.0.1", port: running.port });
      plain.setNoDelay(true);
      using connection = scheme === "http"
        ? plain
        : await Deno.startTls(plain, { hostname: SERVER_NAME, caCerts: [job.material.ca] });
      const before = cpuMicros(running.pid);
      const times = await answerTimes(connection, path);
      const measured = times.slice(times.length / 3);
      figures.push({
        workload: job.workload,
        contender: `${contender} ${scheme}`,
        cpuMicros: (cpuMicros(running.pid) - before) / times.length,
        cpuMicrosRounds: [],
        requestsPerSecond: 1000 / median(measured),
        p50Ms: median(measured),
        p99Ms: measured.toSorted((a, b) => a - b)[Math.floor(measured.length * 0.99)]!,
        failures: 0,
      });
    }
  }
  return figures;
}

async function answerTimes(connection: Deno.Conn, path: string): Promise<number[]> {
  const request = new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: ${SERVER_NAME}\r\n\r\n`);
  const buffer = new Uint8Array(128 * 1024);
  const times: number[] = [];
  while (times.length < SEQUENTIAL_REQUESTS) {
    const startedMs = performance.now();
    await connection.write(request);
    let filled = 0;
    let whole = Infinity;
    while (filled < whole) {
      const count = await connection.read(buffer.subarray(filled));
      if (count === null) throw new Error("the contender closed the connection");
      filled += count;
      if (whole < Infinity) continue;
      const head = new TextDecoder().decode(buffer.subarray(0, Math.min(filled, 2048)));
      const end = head.indexOf("\r\n\r\n");
      if (end >= 0) whole = end + 4 + Number(/content-length: (\d+)/i.exec(head)![1]);
    }
    times.push(performance.now() - startedMs);
  }
  return times;
}

/** Shakes hands for so many seconds; how often. */
type Shake = (port: number, seconds: number) => Promise<number>;

/** A client that closes as TLS wants it, with a farewell: see the program. */
function client(kind: "full" | "resumed", version: "1.2" | "1.3"): Shake {
  return atOnce(async (port, seconds) => {
    const args = [CLIENT_PROGRAM, String(port), String(seconds), SERVER_NAME, kind, version];
    const { success, stdout, stderr } = await new Deno.Command("taskset", {
      args: ["-c", String(LOAD_CORE), "python3", ...args],
    }).output();
    if (!success) throw new Error(`python3 came to nothing: ${new TextDecoder().decode(stderr)}`);
    return Number(new TextDecoder().decode(stdout));
  });
}

async function handshakes(job: Job, shake: Shake): Promise<Figure[]> {
  const { plan } = job;
  await using stack = new AsyncDisposableStack();
  const lanes: { contender: string; running: Running; rounds: { cpu: number; rate: number }[] }[] = [];
  for (const contender of plan.contenders) {
    const running = stack.use(await begin(contender, job, { tls: true }));
    lanes.push({ contender, running, rounds: [] });
    await shake(running.port, WARM_UP_SECONDS);
  }
  const seconds = plan.seconds / ROUND_PARTS;
  for (let round = 0; round < plan.rounds * ROUND_PARTS; round++) {
    for (const { running, rounds } of lanes) {
      const before = cpuMicros(running.pid);
      const count = await shake(running.port, seconds);
      rounds.push({ cpu: (cpuMicros(running.pid) - before) / count, rate: count / seconds });
    }
  }
  return lanes.map(({ contender, rounds }) => ({
    workload: job.workload,
    contender,
    cpuMicros: median(rounds.map(({ cpu }) => cpu)),
    cpuMicrosRounds: rounds.map(({ cpu }) => Number(cpu.toFixed(1))),
    requestsPerSecond: median(rounds.map(({ rate }) => rate)),
    failures: 0,
  }));
}

/** `openssl s_time` resumes a session of TLS 1.2, and ends each connection with a reset: clients do, but few. */
const resetting: Shake = atOnce(async (port, seconds) => {
  const args = ["s_time", "-connect", `127.0.0.1:${port}`, "-reuse", "-tls1_2", "-time", String(seconds)];
  const { stdout } = await new Deno.Command("taskset", {
    args: ["-c", String(LOAD_CORE), "openssl", ...args],
    stderr: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  const count = Number(/(\d+) connections in \d+ real seconds/.exec(text)?.[1] ?? 0);
  if (count === 0) throw new Error(`openssl s_time came to nothing: ${text}`);
  return count;
});

/** Lets several clients shake hands at once; how often together. */
function atOnce(one: Shake): Shake {
  return async (port, seconds) => {
    const counts = await Promise.all(Array.from({ length: CLIENTS }, () => one(port, seconds)));
    return counts.reduce((sum, count) => sum + count);
  };
}
