import assert from "node:assert/strict";
import { refuses, ServingSentinel } from "../support/process.ts";
import { RawClient } from "../support/raw_client.ts";
import { okResponse, RawOrigin } from "../support/raw_origin.ts";
import { reloadConfig } from "../support/reload_config.ts";
import { eventually } from "../support/servers.ts";
import { SteadyLoad } from "../support/steady_load.ts";

const CLIENTS = 8;

for (const workers of [1, 2]) {
  Deno.test(`drain: SIGTERM finishes what is in flight, with ${workers} worker(s)`, async () => {
    const arrived = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    using _ = { [Symbol.dispose]: () => finish.resolve() };
    await using origin = new RawOrigin({
      script: async (connection) => {
        arrived.resolve();
        await finish.promise;
        await connection.send(okResponse("late"));
      },
    });
    await using sentinel = await ServingSentinel.start((place) =>
      reloadConfig({ ...place, originPort: origin.port, mark: "x", workers })
    );
    const idle = await RawClient.connect(sentinel.port);
    const client = await RawClient.connect(sentinel.port);
    await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await arrived.promise;

    sentinel.process.signal("SIGTERM");
    await sentinel.process.said(/finishing requests in flight/);
    assert.equal(await idle.closedWithin(5000), true, "idle connections are closed at once");
    assert(await eventually(5000, () => refuses(sentinel.port)), "nothing new is accepted");
    const ready = await sentinel.admin("/ready");
    assert.equal(ready.status, 503);
    assert.match(await ready.text(), /draining/);

    finish.resolve();
    const response = await client.response({ timeoutMs: 5000 });
    assert.equal(response?.status, 200);
    assert.match(response!.head, /^connection: close/im);
    assert.equal(await client.closedWithin(5000), true);
    assert.equal(await sentinel.process.ended(), 0);
    assert.match(sentinel.process.stderr, /sentinel: stopped$/m);
    idle.close();
    client.close();
  });
}

Deno.test("drain: what takes longer than the limit is cut off and counted", async () => {
  const arrived = Promise.withResolvers<void>();
  await using origin = new RawOrigin({ script: () => arrived.resolve() });
  await using sentinel = await ServingSentinel.start((place) =>
    reloadConfig({ ...place, originPort: origin.port, mark: "x" }).replace(
      "graceful-shutdown-timeout-secs 10",
      "graceful-shutdown-timeout-secs 1",
    )
  );
  const client = await RawClient.connect(sentinel.port);
  await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await arrived.promise;
  sentinel.process.signal("SIGINT");
  assert.equal(await sentinel.process.ended(), 0);
  assert.match(sentinel.process.stderr, /1 requests? (?:was|were) cut off/);
  client.close();
});

Deno.test("drain: clients under load lose nothing but the address", async () => {
  await using origin = new RawOrigin();
  await using sentinel = await ServingSentinel.start((place) =>
    reloadConfig({
      ...place,
      originPort: origin.port,
      mark: "x",
      logging: `access-log { file "${place.folder}/access.log"; }`,
    })
  );
  const load = new SteadyLoad({ port: sentinel.port, clients: CLIENTS, path: "/", body: "ok" });
  await load.requests(500);
  sentinel.process.signal("SIGTERM");
  assert.equal(await sentinel.process.ended(), 0);
  const { failures } = await load.stop();
  const lost = failures.filter((failure) => !/ConnectionRefused/.test(failure));
  // The kernel resets what it queues between the last accept and the close; that can meet each client once.
  const queued = lost.filter((failure) =>
    /a new connection was closed without an answer|ConnectionReset/.test(failure)
  );
  assert.deepEqual(lost.length, queued.length, `nothing else may be lost: ${lost.join("\n")}`);
  assert(queued.length <= CLIENTS, `${queued.length} connections were turned away`);
  assert.doesNotMatch(sentinel.process.stderr, /cut off/);

  const lines = (await Deno.readTextFile(`${sentinel.folder}/access.log`)).trimEnd().split("\n");
  assert.equal(lines.length, origin.requests.length, "every request has its line when the process ends");
});

Deno.test("drain: a client that connected just before still gets its first answer", async () => {
  await using origin = new RawOrigin();
  await using sentinel = await ServingSentinel.start((place) =>
    reloadConfig({ ...place, originPort: origin.port, mark: "x" })
  );
  const client = await RawClient.connect(sentinel.port);
  const accepted = async () =>
    /^sentinel_open_connections 1$/m.test(await (await sentinel.admin("/metrics")).text());
  assert(await eventually(5000, accepted));
  sentinel.process.signal("SIGTERM");
  assert(await eventually(5000, () => refuses(sentinel.port)), "nothing new is accepted");
  await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const response = await client.response({ timeoutMs: 5000 });
  assert.equal(response?.status, 200);
  assert.match(response!.head, /^connection: close/im);
  assert.equal(await sentinel.process.ended(), 0);
  client.close();
});
