/**
 * What health checks, breakers, outlier detection, retries and least_connections add to a plain proxied GET:
 * processor time per request of two proxies that differ in nothing else, in turns over the same origin.
 * `deno task bench:resilience` (nginx and wrk needed). The bound is 3 µs.
 */

import { startOrigin } from "./contenders.ts";
import { saturate } from "./load.ts";
import { cpuMicros } from "./process_cost.ts";
import { freePort, Sentinel } from "../support/servers.ts";

const ROUNDS = Number(Deno.args[0] ?? 3);
const SECONDS = 3;
const ALL = `
    load-balancing "least_connections"
    health-check { type "tcp"; interval-secs 1; }
    circuit-breaker { }
    outlier-detection { success-rate { }; latency { }; }
    retry { retry-on "connect-failure" "reset" "5xx"; }`;

function config(port: number, origin: number, extra: string): string {
  return `system { worker-threads 1; }
listeners { listener "main" { address "127.0.0.1:${port}"; }; }
routes { route "all" { matches { path-prefix "/"; }; upstream "api"; }; }
upstreams { upstream "api" { target "127.0.0.1:${origin}"; target "localhost:${origin}"; ${extra} }; }
observability { metrics { address "127.0.0.1:${freePort()}"; }; logging { level "info"; access-log { enabled #false; }; }; }
`;
}

const folder = await Deno.makeTempDir({ prefix: "sentinel-bench-" });
const origin = await startOrigin(folder);
const rows: Record<"plain" | "all", number[]> = { plain: [], all: [] };
try {
  const ports = { plain: freePort(), all: freePort() };
  await using plain = await Sentinel.start({ kdl: config(ports.plain, origin.port, ""), ready: ports.plain });
  await using all = await Sentinel.start({ kdl: config(ports.all, origin.port, ALL), ready: ports.all });
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, proxy] of [["plain", plain], ["all", all]] as const) {
      const before = cpuMicros(proxy.pid);
      const { requests } = await saturate({
        url: `http://127.0.0.1:${ports[name]}/100b`,
        connections: 32,
        seconds: SECONDS,
        pinned: false,
      });
      rows[name].push((cpuMicros(proxy.pid) - before) / requests);
    }
  }
} finally {
  await origin[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
}
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
console.log(`plain ${median(rows.plain).toFixed(2)} µs, all ${median(rows.all).toFixed(2)} µs per request`);
console.log(`added ${(median(rows.all) - median(rows.plain)).toFixed(2)} µs`);
