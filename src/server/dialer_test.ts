import assert from "node:assert/strict";
import nodeTls from "node:tls";
import { ProxyError } from "../core/errors.ts";
import type { ConnectOptions, Socket, TlsClientOptions } from "../core/ports.ts";
import { createDialer } from "./dialer.ts";

const dialer = createDialer();
const pem = (name: string) =>
  Deno.readTextFileSync(new URL(`../../tests/support/certs/${name}`, import.meta.url));
const CA = pem("ca.pem");

async function outcome(options: ConnectOptions): Promise<string> {
  try {
    const socket = await dialer.connect(options);
    const said = await exchange(socket, "ping");
    socket.close();
    socket.close();
    return said;
  } catch (cause) {
    if (!(cause instanceof ProxyError)) throw cause;
    return cause.code;
  }
}

/** Sends, and reads as much back, in small buffers. */
async function exchange(socket: Socket, text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  assert.equal(await socket.write(bytes), bytes.length);
  let got = "";
  const buffer = new Uint8Array(3);
  while (got.length < text.length) {
    const count = await socket.read(buffer);
    if (count === 0) break;
    got += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return got;
}

/** Echoes on every connection until closed. */
async function echo(listener: Deno.Listener): Promise<void> {
  for await (const connection of listener) {
    connection.readable.pipeTo(connection.writable).catch(() => {});
  }
}

Deno.test("dialer: plain TCP, Unix sockets, and refusals", async () => {
  const tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const path = await Deno.makeTempDir() + "/echo.sock";
  const unix = Deno.listen({ transport: "unix", path });
  const port = (tcp.addr as Deno.NetAddr).port;
  const serving = [echo(tcp), echo(unix)];
  const address = { type: "ip", host: "127.0.0.1", port } as const;
  assert.equal(await outcome({ address, timeoutMs: 2000 }), "ping");
  assert.equal(await outcome({ address: { type: "unix", path }, timeoutMs: 2000 }), "ping");
  tcp.close();
  unix.close();
  await Promise.all(serving);
  assert.equal(await outcome({ address, timeoutMs: 2000 }), "upstream_connect_failed");
  assert.equal(
    await outcome({ address: { type: "unix", path: `${path}.not` }, timeoutMs: 2000 }),
    "upstream_connect_failed",
  );
});

Deno.test("dialer: only addresses that are allowed are connected to, whatever the name", async () => {
  const tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = tcp.addr as Deno.NetAddr;
  const serving = echo(tcp);
  for (const host of ["localhost", "127.0.0.1"]) {
    const address = { type: "ip", host, port } as const;
    const asked: string[] = [];
    const mayConnect = (ip: string) => asked.push(ip) > 0 && ip === "127.0.0.1";
    assert.equal(await outcome({ address, timeoutMs: 2000, mayConnect }), "ping", host);
    assert(asked.includes("127.0.0.1"), host);
    const refusing = { address, timeoutMs: 2000, mayConnect: () => false };
    assert.equal(await outcome(refusing), "connect_target_refused", host);
  }
  const nowhere = { type: "ip", host: "nowhere.invalid", port } as const;
  const unknown = { address: nowhere, timeoutMs: 5000, mayConnect: () => true };
  assert.equal(await outcome(unknown), "upstream_connect_failed");
  tcp.close();
  await serving;
});

Deno.test("dialer: certificates are verified, by name and by authority", async () => {
  const listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: pem("server.pem"),
    key: pem("server.key"),
  });
  const port = (listener.addr as Deno.NetAddr).port;
  const serving = echo(listener);
  const rows: [string, TlsClientOptions, string][] = [
    ["own authority", { serverName: "server.test", caCerts: [CA] }, "ping"],
    ["wrong name", { serverName: "other.test", caCerts: [CA] }, "upstream_tls_failed"],
    ["an address not in it", { serverName: "127.0.0.1", caCerts: [CA] }, "upstream_tls_failed"],
    [
      "another authority",
      { serverName: "server.test", caCerts: [pem("other_ca.pem")] },
      "upstream_tls_failed",
    ],
    ["the system's authorities", { serverName: "server.test", caCerts: [] }, "upstream_tls_failed"],
  ];
  for (const [name, tls, want] of rows) {
    const address = { type: "ip", host: "127.0.0.1", port } as const;
    assert.equal(await outcome({ address, tls, timeoutMs: 5000 }), want, name);
  }
  listener.close();
  await serving;
});

Deno.test("dialer: a client certificate is presented where one is demanded", async () => {
  const server = nodeTls.createServer({
    cert: pem("server.pem"),
    key: pem("server.key"),
    ca: CA,
    requestCert: true,
    rejectUnauthorized: true,
  }, (socket) => void socket.on("error", () => {}).pipe(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const address = { type: "ip", host: "127.0.0.1", port } as const;
  const tls = { serverName: "server.test", caCerts: [CA] };
  const clientCert = { cert: pem("client.pem"), key: pem("client.key") };
  assert.equal(await outcome({ address, tls: { ...tls, clientCert }, timeoutMs: 5000 }), "ping");
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("dialer: a handshake that stalls is cut at its bound", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const held: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const connection of listener) held.push(connection);
  })();
  const port = (listener.addr as Deno.NetAddr).port;
  for (const caCerts of [[], [CA]]) {
    const address = { type: "ip", host: "127.0.0.1", port } as const;
    const code = await outcome({ address, tls: { serverName: "server.test", caCerts }, timeoutMs: 100 });
    assert.equal(code, "upstream_connect_timeout");
  }
  listener.close();
  await serving;
  for (const connection of held) connection.close();
});
