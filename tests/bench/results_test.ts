import { deepEqual, equal, throws } from "node:assert/strict";
import { parseH2load, parseH2loadLog, parseWrk } from "./load.ts";
import { cpuMicros, processTree, residentBytes } from "./process_cost.ts";
import { type Figure, judge, median } from "./results.ts";

const WRK = `Running 2s test @ http://127.0.0.1:1/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   639.49us  218.50us   4.62ms   76.15%
    Req/Sec    48.29k     1.68k   51.29k    67.50%
  96165 requests in 2.00s, 22.10MB read
  Socket errors: connect 0, read 3, write 1, timeout 2
  Non-2xx or 3xx responses: 7
Requests/sec:  48057.68
Transfer/sec:     11.04MB
`;

Deno.test("bench: a report of wrk is read, errors included", () => {
  deepEqual(parseWrk(WRK), { requests: 96165, seconds: 2, requestsPerSecond: 48057.68, failures: 13 });
  throws(() => parseWrk("unable to connect"), /Cannot read the report/);
});

Deno.test("bench: a log of h2load becomes percentiles", () => {
  const lines = Array.from({ length: 100 }, (_, i) => `1\t${i === 0 ? 503 : 200}\t${(i + 1) * 1000}`);
  deepEqual(parseH2loadLog(lines.join("\n") + "\n", 2), {
    requestsPerSecond: 50,
    p50Ms: 51,
    p99Ms: 100,
    failures: 1,
  });
});

Deno.test("bench: medians", () => {
  equal(median([3, 1, 2]), 2);
  equal(median([4, 1, 3, 2]), 2);
  equal(median([]), NaN);
});

function figure(workload: string, contender: string, cpuMicros: number): Figure {
  return { workload, contender, cpuMicros, cpuMicrosRounds: [], requestsPerSecond: 1, failures: 0 };
}

Deno.test("bench: the report of h2load", () => {
  const report = (protocol: string) =>
    `Application protocol: ${protocol}

finished in 4.00s, 17679.25 req/s, 20.12MB/s
requests: 70717 total, 70749 started, 70717 done, 70715 succeeded, 2 failed, 0 errored, 1 timeout
`;
  const want = { requests: 70715, seconds: 4, requestsPerSecond: 17679.25, failures: 3 };
  deepEqual(parseH2load(report("h2"), "https://127.0.0.1/"), want);
  throws(() => parseH2load(report("http/1.1"), "https://127.0.0.1/"), /does not speak HTTP\/2/);
  throws(() => parseH2load("nobody there", "https://127.0.0.1/"), /Cannot read the report/);
});

Deno.test("bench: bounds are reached at their limit and missed above it", () => {
  const judged = judge([
    figure("get-100b", "nginx", 10),
    figure("get-100b", "caddy", 36),
    figure("get-100b", "sentinel", 18.1),
  ], {
    requests: 10,
    residentMb: [100, 100, 120],
  });
  deepEqual(judged.map(({ name, reached }) => [name, reached]), [
    ["GET 100 B: CPU against nginx", false],
    ["GET 100 B: CPU against Caddy", false],
    ["resident memory of one worker after the run", true],
    ["growth of memory over the last half", false],
  ]);
  equal(judge([figure("get-100b", "nginx", 10), figure("get-100b", "sentinel", 18)], null)[0]!.reached, true);
});

Deno.test("bench: CPU time and memory of a process and its children are seen", async () => {
  // Until it has used 0.4 s of CPU, however long that takes on a busy machine.
  const spin = "const used = () => { const { user, system } = process.cpuUsage(); return user + system; };" +
    "while (used() < 400_000); console.log(1); await new Promise((done) => setTimeout(done, 60_000));";
  const child = new Deno.Command("sh", {
    args: ["-c", `"$0" eval '${spin}' & wait`, Deno.execPath()],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  // The first line comes once the grandchild has used its time.
  const reader = child.stdout.getReader();
  await reader.read();
  const tree = processTree(child.pid);
  equal(tree.length, 2);
  equal(cpuMicros(child.pid) > 300_000, true, `${cpuMicros(child.pid)} µs`);
  equal(residentBytes(child.pid) > 10_000_000, true);
  for (const pid of tree) Deno.kill(pid, "SIGKILL");
  await reader.cancel();
  await child.status;
});
