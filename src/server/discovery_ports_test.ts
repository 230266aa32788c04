import assert from "node:assert/strict";
import * as nodeHttps from "node:https";
import { serve } from "../../tests/support/fault.ts";
import { ROOT } from "../../tests/support/servers.ts";
import { realPorts } from "../../tests/support/discovery_rig.ts";
import type { HttpRequest, HttpTls } from "../discovery/discovery.ts";

const ports = realPorts();
const FOREVER = new AbortController().signal;

function udp(hostname = "127.0.0.1"): Deno.DatagramConn & Disposable {
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
  return Object.assign(socket, { [Symbol.dispose]: () => socket.close() });
}

const portOf = (socket: Deno.DatagramConn) => (socket.addr as Deno.NetAddr).port;

Deno.test("datagrams: only what comes from the server itself is looked at", async () => {
  using server = udp();
  using liar = udp("127.0.0.2");
  using otherPort = udp();
  const seen: number[] = [];
  const asked = ports.datagrams.exchange({
    server: { ip: "127.0.0.1", port: portOf(server) },
    bytes: Uint8Array.of(1),
    timeoutMs: 5000,
    accept: ([first]) => seen.push(first!) > 0 && first === 9,
  });
  const [, from] = await server.receive();
  await liar.send(Uint8Array.of(9), from);
  await otherPort.send(Uint8Array.of(9), from);
  await server.send(Uint8Array.of(5), from);
  await server.send(Uint8Array.of(9), from);
  await asked;
  assert.deepEqual(seen, [5, 9]);
});

Deno.test("datagrams: silence and floods of wrong answers come to an end", async () => {
  using server = udp();
  const exchange = (timeoutMs: number) =>
    ports.datagrams.exchange({
      server: { ip: "127.0.0.1", port: portOf(server) },
      bytes: Uint8Array.of(1),
      timeoutMs,
      accept: () => false,
    });
  await assert.rejects(exchange(30), /no answer within 30 ms/);
  await server.receive();
  const flooded = exchange(60_000).then(() => "answered", (cause: Error) => cause.message);
  const [, from] = await server.receive();
  let isOver = false;
  void flooded.then(() => isOver = true);
  while (!isOver) await server.send(Uint8Array.of(2), from);
  assert.match(await flooded, /only wrong answers/);
});

Deno.test("datagrams: an IPv6 server, however it is written", async () => {
  using server = udp("::1");
  const asked = ports.datagrams.exchange({
    server: { ip: "0:0:0:0:0:0:0:1", port: portOf(server) },
    bytes: Uint8Array.of(1),
    timeoutMs: 5000,
    accept: () => true,
  });
  const [, from] = await server.receive();
  await server.send(Uint8Array.of(9), from);
  await asked;
});

function get(url: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: "GET",
    url,
    headers: [],
    headTimeoutMs: 5000,
    idleTimeoutMs: 5000,
    signal: FOREVER,
    ...more,
  };
}

Deno.test("http: redirections are not followed, and tokens stay where they belong", async () => {
  const seen: string[] = [];
  const thief = serve((request) => {
    seen.push(request.headers.get("authorization") ?? "");
    return new Response("ok");
  });
  const server = serve(() => new Response(null, { status: 302, headers: { location: thief.url } }));
  const answer = await ports.http(get(server.url, { headers: [["Authorization", "secret"]] }));
  assert.equal(answer.status, 302);
  answer.close();
  answer.close();
  assert.deepEqual(seen, []);
  await Promise.all([server.close(), thief.close()]);
});

Deno.test("http: a head or a body that does not come is a failure in time, without the query", async () => {
  const { promise: never, resolve } = Promise.withResolvers<Response>();
  const silent = serve(() => never);
  const url = `${silent.url}/path?token=secret`;
  await assert.rejects(ports.http(get(url, { headTimeoutMs: 30 })), (cause: Error) => {
    assert.match(cause.message, /\/path: no answer within 30 ms/);
    assert(!cause.message.includes("secret"));
    return true;
  });
  const stalling = serve(() =>
    new Response(new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode("{}\n{")) }))
  );
  const answer = await ports.http(get(stalling.url, { idleTimeoutMs: 30 }));
  const lines = answer.lines(100);
  assert.deepEqual(await lines.next(), { done: false, value: ["{}"] });
  await assert.rejects(lines.next(), /nothing came for 30 ms/);
  answer.close();
  resolve(new Response());
  await Promise.all([silent.close(), stalling.close()]);
});

Deno.test("http: text and lines have bounds, and half a line is none", async () => {
  const server = serve((request) => new Response(decodeURIComponent(new URL(request.url).search.slice(1))));
  const cases: { body: string; max: number; text: string | RegExp; lines: string[] | RegExp }[] = [
    { body: "ab\ncd\n", max: 6, text: "ab\ncd\n", lines: ["ab", "cd"] },
    { body: "ab\ncd\n", max: 2, text: /larger than 2 bytes/, lines: ["ab", "cd"] },
    { body: "abc\n", max: 2, text: /larger than 2 bytes/, lines: /longer than 2 bytes/ },
    { body: "\n\n", max: 2, text: "\n\n", lines: [] },
    { body: "ab", max: 2, text: "ab", lines: /ended inside a line/ },
    { body: "äö\n", max: 5, text: "äö\n", lines: ["äö"] },
  ];
  for (const { body, max, text, lines } of cases) {
    const url = `${server.url}/?${encodeURIComponent(body)}`;
    const whole = ports.http(get(url)).then((answer) => answer.text(max));
    if (typeof text === "string") assert.equal(await whole, text);
    else await assert.rejects(whole, text);
    const read = ports.http(get(url)).then(async (answer) =>
      (await Array.fromAsync(answer.lines(max))).flat()
    );
    if (lines instanceof RegExp) await assert.rejects(read, lines);
    else assert.deepEqual(await read, lines);
  }
  await server.close();
});

Deno.test("files: read whole or not at all", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "äbc");
  assert.equal(await ports.files.readText(path, 4), "äbc");
  await assert.rejects(ports.files.readText(path, 3), /larger than 3 bytes/);
  await Deno.writeFile(path, Uint8Array.of(0xff));
  await assert.rejects(ports.files.readText(path, 3), /not UTF-8/);
  await assert.rejects(ports.files.readText(`${path}.none`, 3), /there is no such file/);
  await Deno.remove(path);
});

Deno.test("http: authorities and keys come from their files; names are checked", async () => {
  const certs = `${ROOT}tests/support/certs`;
  const server = nodeHttps.createServer({
    cert: Deno.readTextFileSync(`${certs}/server.pem`),
    key: Deno.readTextFileSync(`${certs}/server.key`),
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `https://localhost:${(server.address() as { port: number }).port}/?token=secret`;
  const reason = (tls: HttpTls | undefined) =>
    ports.http(get(url, { tls })).then(() => "answered", (cause: Error) => cause.message);
  const keys = { certFile: `${certs}/client.pem`, keyFile: `${certs}/client.key` };
  // Whoever is not trusted is refused before his name is looked at; the certificate is for another one.
  const [trusted, unknown, other, missing] = await Promise.all([
    reason({ caFile: `${certs}/ca.pem`, ...keys }),
    reason(undefined),
    reason({ caFile: `${certs}/other_ca.pem` }),
    reason({ caFile: `${certs}/ca.pem`, certFile: `${certs}/none.pem`, keyFile: keys.keyFile }),
  ]);
  assert.match(trusted, /not valid for name "localhost"/);
  assert.match(unknown, /UnknownIssuer/);
  assert.match(other, /UnknownIssuer|BadSignature/);
  assert.match(missing, /none\.pem: there is no such file/);
  assert(![trusted, unknown, other].join().includes("secret"));
  await new Promise((resolve) => server.close(resolve));
});
