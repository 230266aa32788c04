/** The `ws` package on both ends, with compression, and what else streams through. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { openWebSocket, WebSocketOrigin } from "../support/websocket_peer.ts";
import { octetsOf } from "../support/websocket_bytes.ts";
import { ServingSentinel } from "../support/process.ts";
import { RawClient, textOf } from "../support/raw_client.ts";
import { RawOrigin } from "../support/raw_origin.ts";
import { stageConfig, WebSocketStage } from "../support/websocket_stage.ts";

/** A server of `ws` that echoes, behind a Sentinel. */
async function withServer(
  route: string,
  act: (port: number, server: WebSocketServer) => Promise<void>,
): Promise<void> {
  const server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (protocols: Set<string>) => protocols.has("chat") ? "chat" : false,
  });
  server.on("connection", (socket: WebSocket) => {
    socket.on("message", (data: RawData, isBinary: boolean) => socket.send(data, { binary: isBinary }));
    socket.on("error", () => {});
  });
  await once(server, "listening");
  const { port: origin } = server.address() as { port: number };
  try {
    await using sentinel = await ServingSentinel.start((place) =>
      stageConfig({ route }, { ...place, origin })
    );
    await act(sentinel.port, server);
  } finally {
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function nextMessage(socket: WebSocket): Promise<Buffer> {
  const [data] = await once(socket, "message");
  return data as Buffer;
}

for (
  const [name, route, compressed] of [
    ["spliced", "websocket #true", true],
    ["within bounds", "websocket { max-message-size 5000000; max-messages-per-second 1000; }", true],
    ["inspected", "websocket #true\nwebsocket-inspection #true", false],
  ] as const
) {
  Deno.test(`ws talks to ws, ${name}`, async () => {
    await withServer(route, async (port) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`, ["other", "chat"], {
        perMessageDeflate: { threshold: 0 },
      });
      await once(socket, "open");
      equal(socket.protocol, "chat");
      equal(socket.extensions.includes("permessage-deflate"), compressed);
      socket.send("hello");
      equal((await nextMessage(socket)).toString(), "hello");
      // Larger than every buffer, and than what one byte or two can say of a length.
      for (const length of [125, 126, 511, 512, 513, 65_535, 65_536, 900_000]) {
        const data = Buffer.alloc(length, 7);
        socket.send(data);
        deepEqual((await nextMessage(socket)).length, length);
      }
      const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000)));
      socket.send(noise);
      ok((await nextMessage(socket)).equals(noise));
      socket.ping("p");
      const [pong] = await once(socket, "pong");
      equal(String(pong), "p");
      socket.close(4001, "enough");
      const [code, reason] = await once(socket, "close");
      deepEqual([code, String(reason)], [4001, "enough"]);
    });
  });
}

Deno.test("other protocols go through where the route names them, both ways and unseen", async () => {
  await using stage = await WebSocketStage.start({
    route: `upgrade { protocols "tunnel/1"; idle-timeout 1; max-connections 1; }`,
    script: async (peer) => {
      await peer.send(octetsOf("HTTP/1.1 101 Yes\r\nUpgrade: Tunnel/1\r\nConnection: upgrade\r\n\r\nfirst"));
      await peer.send((await peer.raw(5)).map((octet) => octet ^ 0x20));
      await peer.raw(Infinity);
    },
  });
  const wish = { lines: { upgrade: "Upgrade: other, tunnel/1" } };
  const { status, headers, peer } = await stage.open({ ...wish, behind: octetsOf("hello") });
  equal(status, 101);
  equal(headers.get("upgrade"), "tunnel/1");
  match(stage.origin.heads[0]!, /^Upgrade: tunnel\/1$/m);
  equal(textOf(await peer.raw(10)), "firstHELLO");
  const second = await stage.open(wish);
  equal(second.status, 503);
  second.peer.close();
  equal((await peer.raw(1)).length, 0);
  peer.close();
  const line = await stage.logged((each) => each["status"] === 101);
  deepEqual([line["tunnel_protocol"], line["tunnel_end"], line["body_bytes"], line["body_bytes_sent"]], [
    "tunnel/1",
    "tunnel_idle",
    5,
    10,
  ]);
  await stage.metricBecomes(0, "sentinel_tunnels_open");
  equal(await stage.metric("sentinel_tunnels_total"), 1);
  stage.origin.script = async (each) =>
    void await each.send(octetsOf("HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"));
  const other = await stage.open(wish);
  equal(other.status, 502);
  other.peer.close();
  const websocket = await stage.open();
  equal(websocket.status, 403);
  websocket.peer.close();
});

Deno.test("server-sent events and long polls arrive when they are sent", async () => {
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  await using origin = new RawOrigin({
    script: async (connection, request) => {
      if (request.target === "/events") {
        await connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
        for (let i = 0; i < 3; i++) {
          await gates[i]!.promise;
          await connection.send(`data: ${i}\n\n`);
        }
        return await connection.gone;
      }
      await connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      await gates[3]!.promise;
      await connection.send("2\r\nok\r\n0\r\n\r\n");
    },
  });
  await using sentinel = await ServingSentinel.start((place) =>
    stageConfig({ route: "" }, { ...place, origin: origin.port })
  );
  const events = await RawClient.connect(sentinel.port);
  await events.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
  const has = async (text: string) => {
    while (!textOf(events.received).includes(text)) {
      const before = events.received.length;
      await events.receivedAtLeast(before + 1, 5000);
      ok(events.received.length > before, `${text} did not come: ${textOf(events.received)}`);
    }
  };
  const poll = await RawClient.connect(sentinel.port);
  try {
    await has("\r\n\r\n");
    for (let i = 0; i < 3; i++) {
      // Nothing of the next event is sent before this one has arrived.
      gates[i]!.resolve();
      await has(`data: ${i}\n\n`);
    }
    await poll.send("GET /poll HTTP/1.1\r\nHost: a\r\n\r\n");
    match(textOf(await poll.receivedAtLeast(20, 5000)), /^HTTP\/1\.1 200/);
    gates[3]!.resolve();
    equal(textOf((await poll.response({ timeoutMs: 5000 }))!.body), "ok");
  } finally {
    for (const gate of gates) gate.resolve();
    events.close();
    poll.close();
  }
});

Deno.test("an upgrade goes to another target when the first one is down", async () => {
  await using one = new WebSocketOrigin();
  await using sentinel = await ServingSentinel.start((place) =>
    stageConfig({ route: "websocket #true" }, { ...place, origin: one.port }).replace(
      "{ target",
      `{ target "127.0.0.1:1"; target`,
    )
  );
  for (let i = 0; i < 4; i++) {
    const { status, peer } = await openWebSocket(sentinel.port);
    equal(status, 101);
    await peer.text("a");
    equal(await peer.nextText(), "a");
    peer.close();
  }
});
