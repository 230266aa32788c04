import { equal, ok } from "node:assert/strict";
import { exchange, textOf } from "../support/raw_client.ts";
import { okResponse, RawOrigin } from "../support/raw_origin.ts";
import { eventually, freePort, proxyConfig, Sentinel, Server } from "../support/servers.ts";

const GET = "GET /a HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n";

Deno.test("unix socket: a listener on a path serves requests and goes with the process", async () => {
  await using origin = new RawOrigin({
    script: (connection) => connection.send(okResponse("over the path")),
  });
  const kdl = proxyConfig({ port: 0, originPort: origin.port, address: "unix:FOLDER/sentinel.sock" });
  const sentinel = await Sentinel.start({ kdl, ready: "FOLDER/sentinel.sock" });
  const path = `${sentinel.folder}/sentinel.sock`;
  try {
    const { responses, end } = await exchange(path, GET, { timeoutMs: 3000 });
    equal(textOf(responses[0]!.body), "over the path");
    equal(end, "closed");
    equal(Deno.statSync(path).isSocket, true);
    await sentinel.server.stop();
    ok(await eventually(3000, () => !exists(path)), "the socket file is left behind");
  } finally {
    await sentinel[Symbol.asyncDispose]();
  }
});

Deno.test("unix socket: a stale file from a crash is no obstacle, a living server is", async () => {
  await using origin = new RawOrigin();
  const kdl = (folder: string) =>
    proxyConfig({ port: 0, originPort: origin.port, address: `unix:${folder}/sentinel.sock` });
  const folder = await Deno.makeTempDir();
  try {
    const stale = Deno.listen({ transport: "unix", path: `${folder}/sentinel.sock` });
    stale.close();
    if (!exists(`${folder}/sentinel.sock`)) await crashedListener(`${folder}/sentinel.sock`);
    await using first = await Sentinel.start({ kdl: kdl(folder), ready: `${folder}/sentinel.sock` });
    const { responses } = await exchange(`${folder}/sentinel.sock`, GET, { timeoutMs: 3000 });
    equal(responses[0]?.status, 200, first.server.output);
    const second = await Sentinel.start({ kdl: kdl(folder), ready: `${folder}/never.sock` }).catch((
      cause: Error,
    ) => cause);
    ok(
      second instanceof Error && /sentinel\.sock/.test(second.message),
      "the second must say what is in its way",
    );
    const again = await exchange(`${folder}/sentinel.sock`, GET, { timeoutMs: 3000 });
    equal(again.responses[0]?.status, 200, "the first must live on");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("unix socket: an upstream on a path", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/origin.sock`;
    using listener = Deno.listen({ transport: "unix", path });
    const serving = (async () => {
      const socket = await listener.accept();
      await socket.read(new Uint8Array(4096));
      await socket.write(new TextEncoder().encode(okResponse("from the path", ["Connection: close"])));
      socket.close();
    })();
    const port = freePort();
    const kdl = proxyConfig({ port, originPort: 1 });
    await using _sentinel = await Sentinel.start({
      kdl: kdl.replace('target "127.0.0.1:1"', `target "unix:${path}"`),
      ready: port,
    });
    const { responses } = await exchange(port, GET, { timeoutMs: 3000 });
    equal(textOf(responses[0]!.body), "from the path");
    await serving;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** A listener whose process is killed, which is how socket files are left behind. */
async function crashedListener(path: string): Promise<void> {
  const script = `Deno.listen({ transport: "unix", path: ${
    JSON.stringify(path)
  } }); setInterval(() => {}, 1000);`;
  const server = await Server.start({ command: Deno.execPath(), args: ["eval", script], ready: path });
  server.signal("SIGKILL");
  await server.status;
}
