import assert from "node:assert/strict";
import { ServingSentinel } from "../support/process.ts";
import { RawClient } from "../support/raw_client.ts";
import { okResponse, RawOrigin } from "../support/raw_origin.ts";
import { reloadConfig } from "../support/reload_config.ts";
import { eventually } from "../support/servers.ts";
import { SteadyLoad } from "../support/steady_load.ts";

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}

Deno.test("signals: a second one ends the process at once with status 1", async () => {
  const arrived = Promise.withResolvers<void>();
  await using origin = new RawOrigin({ script: () => arrived.resolve() });
  await using sentinel = await ServingSentinel.start((place) =>
    reloadConfig({ ...place, originPort: origin.port, mark: "x" })
  );
  const client = await RawClient.connect(sentinel.port);
  await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await arrived.promise;
  sentinel.process.signal("SIGTERM");
  await sentinel.process.said(/finishing requests in flight/);
  // A repetition within a second is an echo of the first; an operator who insists sends another.
  const insisting = setInterval(() => sentinel.process.signal("SIGTERM"), 250);
  try {
    assert.equal(await sentinel.process.ended(), 1);
  } finally {
    clearInterval(insisting);
  }
  client.close();
});

Deno.test("signals: one Ctrl-C that arrives twice still lets requests finish", async () => {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  await using origin = new RawOrigin({
    script: async (connection) => {
      arrived.resolve();
      await released.promise;
      await connection.send(okResponse("done"));
    },
  });
  await using sentinel = await ServingSentinel.start((place) =>
    reloadConfig({ ...place, originPort: origin.port, mark: "x" })
  );
  const client = await RawClient.connect(sentinel.port);
  await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await arrived.promise;
  sentinel.process.signal("SIGINT");
  sentinel.process.signal("SIGINT");
  await sentinel.process.said(/finishing requests in flight/);
  released.resolve();
  assert.equal((await client.response({ timeoutMs: 5000 }))?.status, 200);
  assert.equal(await sentinel.process.ended(), 0);
  client.close();
});

Deno.test("signals: SIGUSR1 reopens logs in all workers and loses no line", async () => {
  await using origin = new RawOrigin();
  await using sentinel = await ServingSentinel.start((place) =>
    reloadConfig({
      ...place,
      originPort: origin.port,
      mark: "x",
      logging: `access-log { file "${place.folder}/access.log"; }`,
    })
  );
  const log = `${sentinel.folder}/access.log`;
  const load = new SteadyLoad({ port: sentinel.port, clients: 8, path: "/", body: "ok" });
  for (let rotation = 1; rotation <= 3; rotation++) {
    await load.requests(300);
    // The file is there with the first batch of lines.
    assert(await eventually(5000, () => exists(log)));
    await Deno.rename(log, `${log}.${rotation}`);
    sentinel.process.signal("SIGUSR1");
    await sentinel.process.said(/Log files reopened/, rotation);
  }
  await load.requests(300);
  const { requests, failures } = await load.stop();
  assert.deepEqual(failures, []);
  sentinel.process.signal("SIGTERM");
  assert.equal(await sentinel.process.ended(), 0);

  let lines = 0;
  for (const file of [log, `${log}.1`, `${log}.2`, `${log}.3`]) {
    for (const line of (await Deno.readTextFile(file)).trimEnd().split("\n")) {
      JSON.parse(line);
      lines++;
    }
  }
  assert.equal(lines, requests);
});

Deno.test("signals: the pid file names the process while it runs and is gone afterwards", async () => {
  await using origin = new RawOrigin();
  await using sentinel = await ServingSentinel.start((place) =>
    reloadConfig({
      ...place,
      originPort: origin.port,
      mark: "x",
      workers: 1,
      system: `pid-file "${place.folder}/sentinel.pid"\nworking-directory "${place.folder}"`,
      logging: `access-log { file "relative.log"; }`,
    })
  );
  const path = `${sentinel.folder}/sentinel.pid`;
  assert.equal(await Deno.readTextFile(path), `${sentinel.process.pid}\n`);
  await (await fetch(`http://127.0.0.1:${sentinel.port}/`)).body?.cancel();
  sentinel.process.signal("SIGINT");
  assert.equal(await sentinel.process.ended(), 0);
  await assert.rejects(() => Deno.stat(path), Deno.errors.NotFound);
  assert.match(await Deno.readTextFile(`${sentinel.folder}/relative.log`), /"GET"/);
});
