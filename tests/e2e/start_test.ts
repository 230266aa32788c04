import assert from "node:assert/strict";
import { SentinelProcess, ServingSentinel } from "../support/process.ts";
import { RawOrigin } from "../support/raw_origin.ts";
import { reloadConfig } from "../support/reload_config.ts";
import { eventually, freePort } from "../support/servers.ts";

/** The ports that the embedded default configuration takes. */
const DEFAULT_PORTS = [8080, 8081, 9090];

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "0.0.0.0", port }).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test({
  name: "start: without a configuration the default serves, demo, status page, health and admin included",
  // Other programs of the machine may hold these ports; the test is then no use.
  ignore: !DEFAULT_PORTS.every(isFree),
  fn: async () => {
    await using process = new SentinelProcess({ args: [] });
    await process.said(/serving default-http on http:\/\/localhost:8080/);
    assert.match(process.stderr, /config \(embedded\).*admin http:\/\/127\.0\.0\.1:9090/);

    const demo = await fetch("http://localhost:8080/some/path?q=1", {
      headers: { accept: "application/json" },
    });
    assert.equal(demo.status, 200);
    assert.match(demo.headers.get("via") ?? "", /sentinel/);
    assert.match(await demo.text(), /some\/path/);

    const page = await fetch("http://localhost:8080/", { headers: { accept: "text/html" } });
    assert.match(page.headers.get("content-type") ?? "", /text\/html/);
    assert.match(await page.text(), /Sentinel/);
    const health = await fetch("http://localhost:8080/health");
    assert.equal((await health.json()).status, "healthy");

    const metrics = await (await fetch("http://127.0.0.1:9090/metrics")).text();
    assert.match(metrics, /^sentinel_requests_total\{route="demo",method="GET",status="200"\} 1$/m);
    assert.equal((await fetch("http://127.0.0.1:9090/-/reload", { method: "POST" })).status, 200);

    process.signal("SIGTERM");
    assert.equal(await process.ended(), 0);
    assert.match(process.stdout, /"path":"\/some\/path"/, "the access log is on standard output");
  },
});

for (const workers of [1, 3]) {
  Deno.test(`start: ${workers} worker(s) share the port and answer as one`, async () => {
    await using origin = new RawOrigin();
    await using sentinel = await ServingSentinel.start((place) =>
      reloadConfig({ ...place, originPort: origin.port, mark: "x", workers })
    );
    for (let i = 0; i < 20; i++) {
      const response = await fetch(`http://127.0.0.1:${sentinel.port}/`, {
        headers: { connection: "close" },
      });
      assert.equal(await response.text(), "ok");
    }
    const metrics = await (await sentinel.admin("/metrics")).text();
    assert.match(metrics, /^sentinel_requests_total\{route="all",method="GET",status="200"\} 20$/m);
    assert.match(metrics, new RegExp(`^sentinel_workers ${workers}$`, "m"));
    assert.match(metrics, /^sentinel_up 1$/m);
    const upstreams = await (await sentinel.admin("/upstreams")).json();
    assert.equal(upstreams.summary.totalTargets, 1);
  });
}

Deno.test("start: what cannot start says why and exits with 1", async () => {
  const folder = await Deno.makeTempDir();
  const busy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const shared = Deno.listen({ hostname: "127.0.0.1", port: 0, reusePort: true });
  const config = (port: number, adminPort: number) =>
    reloadConfig({ port, adminPort, originPort: 1, mark: "x" });
  const cases: { name: string; kdl: string; want: RegExp }[] = [
    {
      name: "busy",
      kdl: config(busy.addr.port, freePort()),
      want: /Listener "main": Cannot listen on .* in use/,
    },
    {
      name: "shared",
      kdl: config(shared.addr.port, freePort()),
      want: /Listener "main": Cannot listen on .* in use/,
    },
    {
      name: "admin busy",
      kdl: config(freePort(), busy.addr.port),
      want: /admin listener: .* in use.*metrics/,
    },
    {
      name: "collision",
      kdl: config(7070, 7070),
      want: /"main" and the admin listener want the same port/,
    },
    { name: "bad file", kdl: "system {\n  worker-treads 1\n}\n", want: /bad\.kdl:2:3/ },
    {
      name: "bad folder",
      kdl: config(freePort(), freePort()).replace(
        "system {",
        'system {\n    working-directory "/nowhere/at/all"',
      ),
      want: /Cannot change to the working directory \/nowhere\/at\/all/,
    },
  ];
  for (const { name, kdl, want } of cases) {
    const path = `${folder}/bad.kdl`;
    await Deno.writeTextFile(path, kdl);
    await using process = new SentinelProcess({ args: ["--config", path] });
    assert.equal(await process.ended(), 1, name);
    assert(want.test(process.stderr), `${name}: ${process.stderr}`);
    assert.equal(process.stdout, "", name);
  }
  busy.close();
  shared.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("start: health checks run once for all workers, and all of them avoid what is unhealthy", async () => {
  await using origin = new RawOrigin();
  const dead = freePort();
  await using sentinel = await ServingSentinel.start((place) =>
    reloadConfig({ ...place, originPort: origin.port, mark: "x" }).replace(
      `target "127.0.0.1:${origin.port}"`,
      `target "127.0.0.1:${origin.port}"
        target "127.0.0.1:${dead}"
        health-check { type "tcp"; interval-secs 0.2; unhealthy-threshold 1; healthy-threshold 1; }`,
    )
  );
  const known = async () => {
    const { summary } = await (await sentinel.admin("/upstreams")).json();
    return summary.healthy === 1 && summary.unhealthy === 1;
  };
  assert(await eventually(10_000, known));
  for (let i = 0; i < 10; i++) {
    const response = await fetch(`http://127.0.0.1:${sentinel.port}/`, { headers: { connection: "close" } });
    assert.equal(await response.text(), "ok");
  }
  const metrics = await (await sentinel.admin("/metrics")).text();
  assert.doesNotMatch(metrics, /^sentinel_upstream_failures_total\{/m);
});
