import { deepEqual, equal, match, ok } from "node:assert/strict";
import { PacedLoad } from "../support/paced_load.ts";
import { ServingSentinel } from "../support/process.ts";
import { eventually, freePort, ROOT, Server } from "../support/servers.ts";

const INTERVAL_MS = 1000;
const RATE = 500;

function startOrigin(port: number): Promise<Server> {
  const script = `${ROOT}tests/support/killable_origin.ts`;
  return Server.start({
    command: Deno.execPath(),
    args: ["run", "--no-lock", "--allow-net=127.0.0.1", script, String(port)],
    ready: port,
  });
}

function config(
  { port, adminPort, targets }: { port: number; adminPort: number; targets: readonly number[] },
) {
  return `system { worker-threads 2; }
listeners { listener "main" { address "127.0.0.1:${port}"; }; }
routes { route "all" { matches { path-prefix "/"; }; upstream "api"; retry-policy { max-attempts 4; }; }; }
upstreams {
  upstream "api" {
    ${targets.map((target) => `target "127.0.0.1:${target}";`).join(" ")}
    health-check { type "http" { path "/health"; }; interval-secs ${
    INTERVAL_MS / 1000
  }; timeout-secs 1; unhealthy-threshold 2; };
    circuit-breaker { failure-threshold 3; };
    outlier-detection { consecutive-5xx 5; max-ejection-percent 34; };
  }
}
observability { metrics { address "127.0.0.1:${adminPort}"; }; logging { level "info"; format "text"; }; }
`;
}

Deno.test("rolling restart: three servers killed hard under load, no repeatable request fails", async () => {
  const targets = [freePort(), freePort(), freePort()];
  const origins = await Promise.all(targets.map(startOrigin));
  try {
    await using sentinel = await ServingSentinel.start((place) => config({ ...place, targets }));
    const status = async (place: number): Promise<string> => {
      const { upstreams } = await (await sentinel.admin("/upstreams")).json();
      return upstreams[0].targets[place].status;
    };
    for (const place of targets.keys()) {
      ok(await eventually(10_000, async () => await status(place) === "healthy"));
    }
    const get = "GET /a HTTP/1.1\r\nHost: load.test\r\n\r\n";
    const put = `PUT /b HTTP/1.1\r\nHost: load.test\r\nContent-Length: 3000\r\n\r\n${"x".repeat(3000)}`;
    const load = new PacedLoad({
      port: sentinel.port,
      rate: RATE,
      clients: 20,
      requests: [get, get, get, put],
      body: "ok",
    });
    for (const place of targets.keys()) {
      ok(await eventually(10_000, () => origins[place]!.output.includes("asked after")), "it has traffic");
      origins[place]!.signal("SIGKILL");
      await origins[place]!.stop();
      ok(await eventually(10_000, async () => await status(place) === "unhealthy"), "its death is noticed");
      origins[place] = await startOrigin(targets[place]!);
      ok(await eventually(10_000, () => origins[place]!.output.includes("asked after")), "it is asked again");
      const askedMs = Number(/asked after (\d+) ms/.exec(origins[place]!.output)?.[1]);
      ok(askedMs <= 2 * INTERVAL_MS, `traffic ${askedMs} ms after it listened`);
    }
    await load.stop();
    deepEqual(load.failures, []);
    ok(load.requests > 200, `${load.requests} requests`);
    const metrics = await (await sentinel.admin("/metrics")).text();
    match(metrics, /sentinel_upstream_retries_total\{[^}]*reason="(reset|connect-failure)"\} [1-9]/);
    const { upstreams } = await (await sentinel.admin("/upstreams")).json();
    equal(
      upstreams[0].targets.reduce((sum: number, each: { inFlight: number }) => sum + each.inFlight, 0),
      0,
    );
  } finally {
    for (const origin of origins) await origin.stop();
  }
});
