/**
 * `deno task bench [--quick] [--only WORD] [--without-sentinel]`: starts an origin and every contender,
 * loads them in turns, and prints a table; a whole run is kept in `results.json`. Only loopback is used, every run is bounded in
 * time, and only processes started here are ended.
 */

import {
  availableContenders,
  type Contest,
  contests,
  latencyContest,
  memoryRun,
  type Plan,
} from "./workloads.ts";
import { tlsFigures } from "./tls_workloads.ts";
import { startOrigin, versionOf } from "./contenders.ts";
import { type BenchResults, type Figure, judge, renderResults } from "./results.ts";

const RESULTS = new URL("./results.json", import.meta.url);

function planOf(args: readonly string[]): Plan {
  const quick = args.includes("--quick");
  const only = args[args.indexOf("--only") + 1];
  return {
    rounds: quick ? 2 : 3,
    seconds: quick ? 2 : 4,
    memoryRequests: quick ? 100_000 : 1_000_000,
    only: args.includes("--only") ? only : undefined,
    contenders: availableContenders().filter((name) =>
      name !== "sentinel" || !args.includes("--without-sentinel")
    ),
  };
}

async function machine(): Promise<BenchResults["machine"]> {
  const info = await Deno.readTextFile("/proc/cpuinfo");
  return {
    cpu: /^model name\s*:\s*(.+)$/m.exec(info)?.[1] ?? "unknown",
    cores: navigator.hardwareConcurrency,
    kernel: Deno.osRelease(),
  };
}

async function measure(
  plan: Plan,
  originPort: number,
): Promise<{ figures: Figure[]; memory: BenchResults["memory"] }> {
  const wanted = (name: string) => plan.only === undefined || name.includes(plan.only);
  const figures: Figure[] = [];
  for (const contest of contests(plan).filter(({ workload }: Contest) => wanted(workload))) {
    console.error(`measuring ${contest.workload}`);
    figures.push(...await contest.run(originPort));
  }
  figures.push(...await tlsFigures(plan, originPort));
  if (wanted("latency")) {
    console.error("measuring latency");
    figures.push(...await latencyContest(plan, originPort));
  }
  const hasMemory = wanted("memory") && plan.contenders.includes("sentinel");
  if (hasMemory) console.error("measuring memory");
  return { figures, memory: hasMemory ? await memoryRun(plan, originPort) : null };
}

async function main(args: readonly string[]): Promise<void> {
  const plan = planOf(args);
  const folder = await Deno.makeTempDir({ prefix: "bench-origin-" });
  await Deno.chmod(folder, 0o755);
  try {
    await using origin = await startOrigin(folder);
    const { figures, memory } = await measure(plan, origin.port);
    const versions = await Promise.all(
      plan.contenders.map(async (name) => [name, await versionOf(name)] as const),
    );
    const results: BenchResults = {
      measuredAt: new Date().toISOString(),
      command: `deno task bench ${args.join(" ")}`.trim(),
      machine: await machine(),
      versions: Object.fromEntries(versions),
      figures,
      memory,
      bounds: judge(figures, memory),
    };
    // A part of the figures must not replace the record of all of them.
    const isWhole = plan.only === undefined && plan.contenders.length === availableContenders().length;
    if (isWhole) await Deno.writeTextFile(RESULTS, JSON.stringify(results, null, 2) + "\n");
    console.log(renderResults(results));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) await main(Deno.args);
