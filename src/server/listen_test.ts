import assert from "node:assert/strict";
import nodeNet from "node:net";
import type { Address, Log } from "../core/ports.ts";
import { assertFree, createListen, ListenError } from "./listen.ts";

const quiet: Log = () => {};
const anyPort: Address = { type: "ip", ip: "127.0.0.1", port: 0 };

function portOf(address: Address): number {
  assert(address.type === "ip");
  return address.port;
}

Deno.test("listen: hands out connections with both addresses, then null once closed", async () => {
  const listener = await createListen(quiet)(anyPort, { reusePort: false });
  const port = portOf(listener.address);
  const client = await Deno.connect({ port, hostname: "127.0.0.1" });
  const socket = await listener.accept();
  assert(socket !== null);
  assert.deepEqual(socket.remote, {
    type: "ip",
    ip: "127.0.0.1",
    port: (client.localAddr as Deno.NetAddr).port,
  });
  await client.write(new Uint8Array([1, 2]));
  const buffer = new Uint8Array(8);
  assert.equal(await socket.read(buffer), 2);
  socket.close();
  socket.close();
  client.close();
  const last = listener.accept();
  await Promise.all([listener.close(), listener.close()]);
  assert.equal(await last, null);
  assert.equal(await listener.accept(), null);
});

Deno.test("listen: closing hands out what the kernel has queued", async () => {
  const listener = await createListen(quiet)(anyPort, { reusePort: false });
  const port = portOf(listener.address);
  const clients = await Promise.all(
    Array.from({ length: 20 }, () => Deno.connect({ port, hostname: "127.0.0.1" })),
  );
  let accepted = 0;
  const loop = (async () => {
    for (let socket = await listener.accept(); socket !== null; socket = await listener.accept()) {
      accepted++;
      socket.close();
    }
  })();
  await listener.close();
  await loop;
  assert.equal(accepted, clients.length);
  for (const client of clients) client.close();
});

Deno.test("listen: clients that reset before they are accepted hold up nobody, and are nothing to warn of", async () => {
  let warnings = 0;
  const listener = await createListen(() => warnings++)(anyPort, { reusePort: false });
  const port = portOf(listener.address);
  for (let count = 0; count < 100; count++) {
    const client = nodeNet.connect(port, "127.0.0.1");
    await new Promise((resolve) => client.once("connect", resolve));
    const closed = new Promise((resolve) => client.once("close", resolve));
    client.resetAndDestroy();
    await closed;
  }
  const last = await Deno.connect({ port, hostname: "127.0.0.1" });
  const startedMs = performance.now();
  const socket = await listener.accept();
  assert(performance.now() - startedMs < 1000);
  assert(socket !== null && socket.remote.type === "ip");
  assert.equal(socket.remote.port, (last.localAddr as Deno.NetAddr).port);
  assert.equal(warnings, 0);
  socket.close();
  last.close();
  await listener.close();
});

Deno.test("listen: a busy address is named, and an exclusive bind sees shared ones", async () => {
  const listen = createListen(quiet);
  const first = await listen(anyPort, { reusePort: true });
  const address: Address = { type: "ip", ip: "127.0.0.1", port: portOf(first.address) };
  const second = await listen(address, { reusePort: true });
  await assert.rejects(
    () => listen(address, { reusePort: false }),
    (error: Error) => error instanceof ListenError && error.message.includes(`127.0.0.1:${address.port}`),
  );
  assert.throws(() => assertFree(address), ListenError);
  await Promise.all([first.close(), second.close()]);
  assertFree(address);
});

Deno.test("listen: Unix sockets replace stale files, respect living ones, and have narrow permissions", async () => {
  const folder = await Deno.makeTempDir();
  const listen = createListen(quiet);
  const path = `${folder}/s.sock`;
  const address: Address = { type: "unix", path };

  const listener = await listen(address, { reusePort: false });
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o660);
  await assert.rejects(() => listen(address, { reusePort: false }), /another process answers/);
  await listener.close();

  // A process that dies without closing leaves its socket file behind.
  const crashed = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} }); Deno.kill(Deno.pid, "SIGKILL");`,
    ],
  });
  await crashed.output();
  assert((await Deno.stat(path)).isSocket);
  const again = await listen(address, { reusePort: false, mode: 0o600 });
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  await again.close();

  await Deno.writeTextFile(`${folder}/plain`, "keep me");
  await assert.rejects(
    () => listen({ type: "unix", path: `${folder}/plain` }, { reusePort: false }),
    /a file that is not a socket/,
  );
  assert.equal(await Deno.readTextFile(`${folder}/plain`), "keep me");
  await Deno.remove(folder, { recursive: true });
});
