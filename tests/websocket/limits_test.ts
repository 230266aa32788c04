import { deepEqual, equal, match, ok } from "node:assert/strict";
import { acceptHead, closeOf, closing, type Handshake } from "../support/websocket_peer.ts";
import { octetsOf } from "../support/websocket_bytes.ts";
import { WebSocketStage } from "../support/websocket_stage.ts";

/** The Close frame that comes next, whatever other frames come before. */
async function closeCode({ peer }: Handshake): Promise<number | undefined> {
  for (let frame = await peer.next(); frame !== null; frame = await peer.next()) {
    if (frame.opcode === 8) return closeOf(frame)?.code;
  }
  return undefined;
}

Deno.test("handshakes that are none are refused, and reach no upstream", async (test) => {
  await using stage = await WebSocketStage.start({ route: "websocket #true" });
  const refused: readonly [string, Parameters<typeof stage.open>[0], number][] = [
    ["POST", { method: "POST" }, 400],
    ["a body", { more: ["Content-Length: 3"], behind: octetsOf("abc") }, 400],
    ["no version", { lines: { "sec-websocket-version": null } }, 426],
    ["version 8", { lines: { "sec-websocket-version": "Sec-WebSocket-Version: 8" } }, 426],
    ["two versions", { more: ["Sec-WebSocket-Version: 13"] }, 426],
    ["no key", { lines: { "sec-websocket-key": null } }, 400],
    ["a short key", { lines: { "sec-websocket-key": "Sec-WebSocket-Key: AAAA" } }, 400],
    [
      "a long key",
      { lines: { "sec-websocket-key": "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAAAAAA" } },
      400,
    ],
    ["two keys", { more: ["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="] }, 400],
    ["an odd protocol", { more: ["Sec-WebSocket-Protocol: a, b c"] }, 400],
    ["an odd extension", { more: ["Sec-WebSocket-Extensions: ,"] }, 400],
    ["a key that Connection names", { lines: { connection: "Connection: upgrade, sec-websocket-key" } }, 400],
  ];
  for (const [name, sketch, want] of refused) {
    await test.step(name, async () => {
      const { status, headers, peer } = await stage.open(sketch);
      equal(status, want);
      if (want === 426) equal(headers.get("sec-websocket-version"), "13");
      peer.close();
    });
  }
  equal(stage.origin.heads.length, 0);
  await test.step("HTTP/1.0 knows no upgrade: the request is a plain one", async () => {
    stage.origin.script = async (peer) =>
      void await peer.send(octetsOf("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    const { status, peer } = await stage.open({ version: "HTTP/1.0" });
    equal(status, 200);
    ok(!/^upgrade:/im.test(stage.origin.heads[0]!));
    peer.close();
  });
});

Deno.test("what an upstream answers to a handshake is checked", async (test) => {
  await using stage = await WebSocketStage.start({ route: "websocket #true" });
  const offer = {
    more: [
      "Sec-WebSocket-Protocol: chat, superchat",
      "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",
    ],
  };
  const answers: readonly [string, (accept: string) => string, number][] = [
    ["right", (accept) => accept, 101],
    [
      "another key's accept",
      (accept) => accept.replace(/Accept: .*/, "Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
      502,
    ],
    ["no accept", (accept) => accept.replace(/Sec-WebSocket-Accept.*\r\n/, ""), 502],
    ["no Upgrade", (accept) => accept.replace("Upgrade: websocket\r\n", ""), 502],
    ["another protocol", (accept) => accept.replace("Upgrade: websocket", "Upgrade: other"), 502],
    ["no Connection", (accept) => accept.replace("Connection: Upgrade\r\n", ""), 502],
    ["HTTP/1.0", (accept) => accept.replace("HTTP/1.1", "HTTP/1.0"), 502],
    [
      "a subprotocol of the offer",
      (accept) => accept.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: superchat\r\n\r\n"),
      101,
    ],
    [
      "a subprotocol not offered",
      (accept) => accept.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: Chat\r\n\r\n"),
      502,
    ],
    [
      "an extension of the offer",
      (accept) => accept.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
      101,
    ],
    [
      "an extension not offered",
      (accept) => accept.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: x-webkit\r\n\r\n"),
      502,
    ],
    ["a refusal", () => "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", 401],
    ["an ordinary page", () => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200],
    ["the end", () => "", 502],
  ];
  for (const [name, answer, want] of answers) {
    await test.step(name, async () => {
      stage.origin.script = async (peer, head) => {
        await peer.send(octetsOf(answer(await acceptHead(head))));
        if (want === 101) await peer.rest();
      };
      const { status, head, peer } = await stage.open(offer);
      equal(status, want, head);
      peer.close();
    });
  }
  await stage.metricBecomes(0, "sentinel_websocket_open");
  await stage.metricBecomes(0, "sentinel_active_requests");
});

Deno.test("bounds close with the code that says why, on both sides", async (test) => {
  await using stage = await WebSocketStage.start({
    route: "websocket { max-message-size 1000; max-messages-per-second 50; message-burst 20; }",
  });
  const told: (number | undefined)[] = [];
  stage.origin.script = async (peer, head) => {
    await peer.send(octetsOf(await acceptHead(head)));
    for (let frame = await peer.next(); frame !== null; frame = await peer.next()) {
      if (frame.opcode === 8) {
        told.push(closeOf(frame)?.code);
        await peer.send({ opcode: 8, payload: frame.payload });
        return;
      }
      await peer.send({ opcode: frame.opcode, payload: frame.payload, fin: frame.fin });
    }
  };
  const cases: readonly [string, (socket: Handshake) => Promise<unknown>, number][] = [
    ["one long message", ({ peer }) => peer.send({ opcode: 2, payload: "x".repeat(1001) }), 1009],
    [
      "fragments",
      ({ peer }) =>
        peer.send({ opcode: 2, payload: "x".repeat(600), fin: false }, {
          opcode: 0,
          payload: "x".repeat(600),
        }),
      1009,
    ],
    ["a length without bytes", ({ peer }) => peer.send({ opcode: 2, length: 5000 }), 1009],
    [
      "too many frames",
      ({ peer }) => peer.send(...Array.from({ length: 60 }, () => ({ opcode: 1, payload: "a" }))),
      1008,
    ],
    ["too many pings", ({ peer }) => peer.send(...Array.from({ length: 60 }, () => ({ opcode: 9 }))), 1008],
    ["an opcode that does not exist", ({ peer }) => peer.send({ opcode: 5 }), 1002],
  ];
  for (const [name, act, want] of cases) {
    await test.step(name, async () => {
      const socket = await stage.open();
      await act(socket);
      equal(await closeCode(socket), want);
      await socket.peer.send({ opcode: 8, payload: closing(want) });
      equal(await socket.peer.next(), null);
      socket.peer.close();
      equal(told.pop(), want);
    });
  }
  await test.step("as much as is allowed", async () => {
    const { peer } = await stage.open();
    await peer.send({ opcode: 2, payload: "x".repeat(400), fin: false }, {
      opcode: 0,
      payload: "x".repeat(600),
    });
    equal((await peer.next())?.payload.length, 400);
    equal((await peer.next())?.payload.length, 600);
    for (let i = 0; i < 15; i++) {
      await peer.text(`${i}`);
      equal(await peer.nextText(), `${i}`);
    }
    peer.close();
  });
  const line = await stage.logged((each) => each["websocket_close_code"] === 1009);
  equal(line["reason"], "websocket_message_too_big");
  await stage.metricBecomes(3, "sentinel_websocket_closes_total", 'code="1009"', 'by="proxy"');
  await stage.metricBecomes(2, "sentinel_blocked_requests_total", 'reason="websocket_rate_limited"');
});

Deno.test("a Close waits for the end of the frame under way", async () => {
  await using stage = await WebSocketStage.start({
    route: "websocket { max-message-size 2000000; max-messages-per-second 1; }",
  });
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  stage.origin.script = async (peer, head) => {
    await peer.send(octetsOf(await acceptHead(head)));
    // Half of a frame towards the client, so that nothing may be put behind it.
    await peer.send(Uint8Array.of(0x82, 126, 0x03, 0xe8, ...new Uint8Array(500)));
    await finished;
    await peer.send(new Uint8Array(500));
    await peer.rest();
  };
  const { peer } = await stage.open();
  await peer.send({ opcode: 1, payload: "a" }, { opcode: 1, payload: "b" });
  try {
    await stage.metricBecomes(2, "sentinel_websocket_frames_total", 'direction="c2s"', 'opcode="text"');
  } finally {
    finish();
  }
  const frame = await peer.next();
  deepEqual([frame?.opcode, frame?.payload.length], [2, 1000]);
  equal(closeOf(await peer.next())?.code, 1008);
  peer.close();
});

Deno.test("open sockets are bounded, on the route and for each client", async () => {
  await using stage = await WebSocketStage.start({ route: "websocket { max-connections 3; }" });
  const open = [await stage.open(), await stage.open(), await stage.open()];
  deepEqual(open.map(({ status }) => status), [101, 101, 101]);
  const fourth = await stage.open();
  equal(fourth.status, 503);
  match(fourth.head, /^Retry-After:/im);
  open[0]!.peer.close();
  await stage.metricBecomes(2, "sentinel_websocket_open");
  const fifth = await stage.open();
  equal(fifth.status, 101);
  for (const { peer } of [...open.slice(1), fourth, fifth]) peer.close();
  await stage.metricBecomes(0, "sentinel_websocket_open");
});

Deno.test("a client may have so many sockets, over all threads", async () => {
  await using stage = await WebSocketStage.start({
    route: "websocket { max-connections-per-ip 4; }",
    workers: 2,
  });
  const open = await Promise.all(Array.from({ length: 12 }, () => stage.open()));
  equal(open.filter(({ status }) => status === 101).length, 4);
  equal(open.filter(({ status }) => status === 429).length, 8);
  for (const { peer } of open) peer.close();
  await stage.metricBecomes(0, "sentinel_websocket_open");
  const again = await Promise.all(Array.from({ length: 4 }, () => stage.open()));
  ok(again.every(({ status }) => status === 101));
  for (const { peer } of again) peer.close();
});

Deno.test("silence ends with Close 1001, an upstream that does not answer with 504", async () => {
  await using stage = await WebSocketStage.start({
    route: "websocket { idle-timeout 0.5; handshake-timeout 0.5; }",
  });
  const socket = await stage.open();
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    await socket.peer.text("still here");
    equal(await socket.peer.nextText(), "still here");
  }
  equal(await closeCode(socket), 1001);
  socket.peer.close();
  equal((await stage.logged((each) => each["status"] === 101))["tunnel_end"], "tunnel_idle");
  stage.origin.script = async (peer) => void await peer.rest();
  const late = await stage.open();
  equal(late.status, 504);
  late.peer.close();
});
