import assert from "node:assert/strict";
import { ServingSentinel } from "../support/process.ts";
import { RawOrigin } from "../support/raw_origin.ts";
import { reloadConfig } from "../support/reload_config.ts";
import { eventually, ROOT } from "../support/servers.ts";
import { SteadyLoad } from "../support/steady_load.ts";

const CRASHES = 3;

Deno.test("worker crash: the worker is replaced, the others go on, no request of theirs is lost", async () => {
  await using origin = new RawOrigin();
  await using sentinel = await ServingSentinel.start(
    (place) => reloadConfig({ ...place, originPort: origin.port, mark: "x" }),
    { entry: `${ROOT}tests/support/crashable_main.ts` },
  );
  const load = new SteadyLoad({ port: sentinel.port, clients: 8, path: "/", body: "ok" });
  for (let crash = 1; crash <= CRASHES; crash++) {
    await load.requests(200);
    sentinel.process.signal("SIGUSR2");
    await sentinel.process.said(/Worker died.*crashed on purpose/, crash);
    await sentinel.process.said(/Worker replaced/, crash);
  }
  await load.requests(200);
  const { failures, reconnects } = await load.stop();
  assert.deepEqual(failures, []);
  assert(reconnects > 0, "some clients were on the crashed worker");

  // The clients are gone by now, but the workers may not have noticed all of them yet.
  let metrics = "";
  const settled = async () => {
    metrics = await (await sentinel.admin("/metrics")).text();
    return /^sentinel_open_connections 0$/m.test(metrics);
  };
  assert(await eventually(5000, settled), "connections that died with their worker do not count as open");
  assert.match(metrics, new RegExp(`^sentinel_worker_restarts_total ${CRASHES}$`, "m"));
  assert.match(metrics, /^sentinel_workers 2$/m);

  const { upstreams } = await (await sentinel.admin("/upstreams")).json();
  assert.equal(upstreams[0].targets[0].inFlight, 0, "nor do their requests");

  // The replacement follows reloads like everybody else.
  const text = await Deno.readTextFile(sentinel.configPath);
  await Deno.writeTextFile(sentinel.configPath, text.replace('X-Mark "x"', 'X-Mark "y"'));
  assert.equal((await sentinel.admin("/-/reload", { method: "POST" })).status, 200);
  for (let i = 0; i < 8; i++) {
    const response = await fetch(`http://127.0.0.1:${sentinel.port}/`, { headers: { connection: "close" } });
    await response.body?.cancel();
    assert.equal(response.headers.get("x-mark"), "y");
  }
});
