/** What is measured, and how. */

import { available, type Running, startContender, type TlsFiles } from "./contenders.ts";
import { pace, PACE_WARM_UP_SECONDS, saturate, type Saturation, type SaturationOptions } from "./load.ts";
import { cpuMicros, residentBytes } from "./process_cost.ts";
import { type BenchResults, type Figure, median } from "./results.ts";

/** How thorough a run is. */
export interface Plan {
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  readonly memoryRequests: number;
  /** Measures only workloads whose name contains this. */
  readonly only: string | undefined;
  readonly contenders: readonly string[];
}

/** A workload that several contenders go through in turns. */
export interface Contest {
  readonly workload: string;
  run(originPort: number): Promise<Figure[]>;
}

/** Names of the contenders installed here. */
export function availableContenders(): string[] {
  return available();
}

/** One of those that are compared. */
export interface Entry {
  /** Name in the table. */
  readonly label: string;
  readonly contender: string;
  readonly workers: number;
  readonly otherRoutes: number;
  /** Entries of a denylist that requests go through. */
  readonly denied?: number;
}

/** A workload with a saturating load. */
export interface ContestInit {
  readonly workload: string;
  readonly entries: readonly Entry[];
  readonly load: Omit<SaturationOptions, "url" | "seconds">;
  readonly path: string;
  /** Clients speak HTTPS with whoever has this certificate. */
  readonly tls?: TlsFiles;
}

/** Long enough for V8 to have compiled what is hot. */
const WARM_UP_SECONDS = 4;
const MEMORY_SAMPLES = 20;
/** Addresses, paths and user agents together. */
const DENYLIST_ENTRIES = 10_000;
const CONNECTIONS = 32;
/** Few at a time, so that a big body is a matter of bytes and not of scheduling. */
const BIG_CONNECTIONS = 4;

async function measureOnce(running: Running, load: SaturationOptions): Promise<Saturation & { cpu: number }> {
  const before = cpuMicros(running.pid);
  const seen = await saturate(load);
  return { ...seen, cpu: (cpuMicros(running.pid) - before) / Math.max(1, seen.requests) };
}

/** Starts everybody, warms them up, then measures in rounds so that a noisy moment hits all alike. */
export async function runContest(plan: Plan, init: ContestInit, originPort: number): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const lanes: { entry: Entry; running: Running; rounds: (Saturation & { cpu: number })[] }[] = [];
  for (const entry of init.entries) {
    const running = stack.use(
      await startContender(entry.contender, {
        originPort,
        workers: entry.workers,
        otherRoutes: entry.otherRoutes,
        denied: entry.denied ?? 0,
        pinned: init.load.pinned,
        tls: init.tls,
      }),
    );
    lanes.push({ entry, running, rounds: [] });
  }
  const loadOf = (running: Running, seconds: number) => ({
    ...init.load,
    seconds,
    url: `${init.tls === undefined ? "http" : "https"}://127.0.0.1:${running.port}${init.path}`,
  });
  for (const { running } of lanes) await saturate(loadOf(running, WARM_UP_SECONDS));
  for (let round = 0; round < plan.rounds; round++) {
    for (const lane of lanes) {
      lane.rounds.push(await measureOnce(lane.running, loadOf(lane.running, plan.seconds)));
    }
  }
  return lanes.map(({ entry, rounds }) => ({
    workload: init.workload,
    contender: entry.label,
    cpuMicros: median(rounds.map(({ cpu }) => cpu)),
    cpuMicrosRounds: rounds.map(({ cpu }) => Number(cpu.toFixed(2))),
    requestsPerSecond: median(rounds.map(({ requestsPerSecond }) => requestsPerSecond)),
    failures: rounds.reduce((sum, { failures }) => sum + failures, 0),
  }));
}

/** Every contender once, with one worker and one route. */
export function everybody(plan: Plan): Entry[] {
  return plan.contenders.map((name) => ({ label: name, contender: name, workers: 1, otherRoutes: 0 }));
}

function sentinels(plan: Plan, entries: readonly Omit<Entry, "contender">[]): Entry[] {
  if (!plan.contenders.includes("sentinel")) return [];
  return entries.map((entry) => ({ ...entry, contender: "sentinel" }));
}

/** All saturating workloads. */
export function contests(plan: Plan): Contest[] {
  const small = { connections: CONNECTIONS, pinned: true };
  const inits: ContestInit[] = [
    { workload: "get-100b", entries: everybody(plan), load: small, path: "/100b" },
    { workload: "get-100kb", entries: everybody(plan), load: small, path: "/100k" },
    {
      workload: "post-100kb",
      entries: everybody(plan),
      load: { ...small, bodyBytes: 100 * 1024 },
      path: "/post",
    },
    {
      workload: "get-10mb",
      entries: everybody(plan),
      load: { connections: BIG_CONNECTIONS, pinned: true },
      path: "/10m",
    },
    {
      workload: "routes",
      entries: sentinels(plan, [
        { label: "1 route", workers: 1, otherRoutes: 0 },
        { label: "100 routes", workers: 1, otherRoutes: 99 },
      ]),
      load: small,
      path: "/100b",
    },
    {
      workload: "agents",
      entries: sentinels(plan, [
        { label: "no agent", workers: 1, otherRoutes: 0 },
        { label: "denylist", workers: 1, otherRoutes: 0, denied: DENYLIST_ENTRIES },
      ]),
      load: small,
      path: "/100b",
    },
    {
      workload: "workers",
      entries: sentinels(plan, [
        { label: "1 worker", workers: 1, otherRoutes: 0 },
        { label: "2 workers", workers: 2, otherRoutes: 0 },
      ]),
      load: { connections: CONNECTIONS * 2, pinned: false },
      path: "/100b",
    },
  ];
  return inits.filter(({ entries }) => entries.length > 0).map((init) => ({
    workload: init.workload,
    run: (originPort) => runContest(plan, init, originPort),
  }));
}

/**
 * Latency under a paced load: the same rate for everyone, half of what Sentinel (or, without it, the first
 * contender) carries when saturated.
 */
export async function latencyContest(plan: Plan, originPort: number): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const lanes: { name: string; running: Running; rounds: (Figure & { p50Ms: number; p99Ms: number })[] }[] =
    [];
  for (const { contender, workers, otherRoutes } of everybody(plan)) {
    const setting = { originPort, workers, otherRoutes, pinned: true, denied: 0 };
    const running = stack.use(await startContender(contender, setting));
    lanes.push({ name: contender, running, rounds: [] });
  }
  const url = (running: Running) => `http://127.0.0.1:${running.port}/100b`;
  const load = { connections: CONNECTIONS, pinned: true, seconds: WARM_UP_SECONDS };
  for (const { running } of lanes) await saturate({ ...load, url: url(running) });
  const reference = lanes.find(({ name }) => name === "sentinel") ?? lanes[0]!;
  const full = await saturate({ ...load, seconds: plan.seconds, url: url(reference.running) });
  const requestsPerSecond = full.requestsPerSecond / 2;
  for (let round = 0; round < plan.rounds; round++) {
    for (const { name, running, rounds } of lanes) {
      const before = cpuMicros(running.pid);
      const seen = await pace({
        url: url(running),
        connections: CONNECTIONS,
        seconds: plan.seconds,
        requestsPerSecond,
      });
      const cpu = (cpuMicros(running.pid) - before) /
        (seen.requestsPerSecond * (plan.seconds + PACE_WARM_UP_SECONDS));
      rounds.push({ workload: "latency", contender: name, cpuMicros: cpu, cpuMicrosRounds: [], ...seen });
    }
  }
  return lanes.map(({ name, rounds }) => ({
    workload: "latency",
    contender: name,
    cpuMicros: median(rounds.map((each) => each.cpuMicros)),
    cpuMicrosRounds: rounds.map((each) => Number(each.cpuMicros.toFixed(2))),
    requestsPerSecond: median(rounds.map((each) => each.requestsPerSecond)),
    p50Ms: median(rounds.map((each) => each.p50Ms)),
    p99Ms: median(rounds.map((each) => each.p99Ms)),
    failures: rounds.reduce((sum, each) => sum + each.failures, 0),
  }));
}

/** Resident memory of one worker, sampled while the requests go through. */
export async function memoryRun(plan: Plan, originPort: number): Promise<BenchResults["memory"]> {
  await using running = await startContender("sentinel", {
    originPort,
    workers: 1,
    otherRoutes: 0,
    denied: 0,
    pinned: true,
  });
  const load = { connections: CONNECTIONS, pinned: true, url: `http://127.0.0.1:${running.port}/100b` };
  const residentMb: number[] = [];
  let requests = 0;
  while (requests < plan.memoryRequests) {
    const seen = await saturate({ ...load, seconds: plan.seconds });
    if (seen.requests === 0) throw new Error("The memory run made no progress");
    requests += seen.requests;
    residentMb.push(residentBytes(running.pid) / 1024 / 1024);
  }
  return { requests, residentMb: thinned(residentMb) };
}

function thinned(values: readonly number[]): number[] {
  const step = Math.max(1, Math.floor(values.length / MEMORY_SAMPLES));
  return values.filter((_, i) => i % step === 0 || i === values.length - 1);
}
