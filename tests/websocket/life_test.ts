import { deepEqual, equal, ok } from "node:assert/strict";
import { residentBytes } from "../bench/process_cost.ts";
import { reloadWith } from "../support/websocket_reload.ts";
import { acceptHead, closeOf, closing, echo, frameBytes } from "../support/websocket_peer.ts";
import { octetsOf } from "../support/websocket_bytes.ts";
import { eventually } from "../support/servers.ts";
import { WebSocketStage } from "../support/websocket_stage.ts";

const CYCLES = Deno.env.get("CI") === undefined ? 2000 : 10_000;
/** After these the heap has its usual size; 36 000 more made no difference that could be told from noise. */
const WARM_CYCLES = 6000;
const BATCH = 50;
/** Of the header of a frame as long as a message can be. */
const HEADER_BYTES = 10;
/** What a few thousand closed sockets may leave in caches and pools. */
const LEFT_BYTES_MAX = 40_000_000;

/** Nothing is open, counted or in flight any more. */
async function isQuiet(stage: WebSocketStage): Promise<void> {
  await stage.metricBecomes(0, "sentinel_websocket_open");
  await stage.metricBecomes(0, "sentinel_active_requests");
  await stage.metricBecomes(0, "sentinel_connection_pool_size");
}

Deno.test("bytes right behind the handshake are not lost, on either side", async () => {
  await using stage = await WebSocketStage.start({
    route: "websocket #true",
    script: async (peer, head) => {
      const accept = octetsOf(await acceptHead(head));
      const early = frameBytes({ opcode: 1, payload: "early" }, { client: false });
      const whole = new Uint8Array(accept.length + early.length);
      whole.set(accept);
      whole.set(early, accept.length);
      await peer.send(whole);
      const frame = await peer.next();
      await peer.send({ opcode: 1, payload: frame!.payload });
      await peer.rest();
    },
  });
  const { status, peer } = await stage.open({
    behind: frameBytes({ opcode: 1, payload: "behind" }, { client: true }),
  });
  equal(status, 101);
  equal(await peer.nextText(), "early");
  equal(await peer.nextText(), "behind");
  peer.close();
  await isQuiet(stage);
});

Deno.test("one side may end and still be told the rest", async () => {
  await using stage = await WebSocketStage.start({
    route: "websocket #true",
    script: async (peer, head) => {
      await peer.send(octetsOf(await acceptHead(head)));
      const all = await peer.rest();
      await peer.send({ opcode: 1, payload: `${all.length} frames` });
    },
  });
  const { peer } = await stage.open();
  await peer.text("a");
  await peer.text("b");
  await peer.finishSending();
  equal(await peer.nextText(), "2 frames");
  equal(await peer.next(), null);
  equal(peer.end, "closed");
  peer.close();
  await isQuiet(stage);
});

Deno.test("a slow reader slows the writer down, and gets everything", async () => {
  const sent = 40_000_000;
  let written = 0;
  await using stage = await WebSocketStage.start({
    route: "websocket #true",
    script: async (peer, head) => {
      await peer.send(octetsOf(await acceptHead(head)));
      await peer.send(
        Uint8Array.of(0x82, 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((bits) => sent >>> bits & 0xff)),
      );
      const piece = new Uint8Array(100_000);
      for (; written < sent; written += piece.length) await peer.send(piece);
      await peer.rest();
    },
  });
  const before = residentBytes(stage.sentinel.process.pid);
  const { peer } = await stage.open();
  await new Promise((resolve) => setTimeout(resolve, 500));
  ok(written < 20_000_000, `${written} bytes were taken from the origin though nobody reads`);
  ok(residentBytes(stage.sentinel.process.pid) - before < 30_000_000);
  const buffer = new Uint8Array(1_000_000);
  let got = peer.buffered;
  while (got < sent + HEADER_BYTES) got += await peer.socket.read(buffer) ?? Infinity;
  equal(got, sent + HEADER_BYTES);
  peer.close();
  await isQuiet(stage);
});

Deno.test("aborts at every stage leave nothing behind", async (test) => {
  await using stage = await WebSocketStage.start({ route: "websocket { max-connections 100; }" });
  const silent = async (peer: { rest(): Promise<unknown> }) => void await peer.rest();
  await test.step("the client leaves while the upstream thinks", async () => {
    stage.origin.script = silent;
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: stage.sentinel.port });
    await socket.write(
      octetsOf(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
      ),
    );
    ok(await eventually(8000, () => stage.origin.heads.length === 1));
    socket.close();
    await isQuiet(stage);
  });
  await test.step("the upstream leaves at once", async () => {
    stage.origin.script = () => Promise.resolve();
    const { status, peer } = await stage.open();
    equal(status, 502);
    peer.close();
    await isQuiet(stage);
  });
  await test.step("the upstream leaves behind its 101", async () => {
    stage.origin.script = async (peer, head) => void await peer.send(octetsOf(await acceptHead(head)));
    const { status, peer } = await stage.open();
    equal(status, 101);
    equal(await peer.next(), null);
    peer.close();
    await isQuiet(stage);
  });
  await test.step("the client leaves within a frame", async () => {
    stage.origin.script = echo;
    const { peer } = await stage.open();
    await peer.send(frameBytes({ opcode: 2, payload: "x".repeat(1000) }, { client: true }).subarray(0, 500));
    peer.close();
    await isQuiet(stage);
  });
  await test.step("the client leaves within a header", async () => {
    const { peer } = await stage.open();
    await peer.send(frameBytes({ opcode: 2, payload: "x".repeat(1000) }, { client: true }).subarray(0, 3));
    peer.close();
    await isQuiet(stage);
  });
  await test.step("the client leaves without reading what comes", async () => {
    stage.origin.script = async (peer, head) => {
      await peer.send(octetsOf(await acceptHead(head)));
      while (await peer.send({ opcode: 2, payload: new Uint8Array(100_000) }));
    };
    const { peer } = await stage.open();
    await peer.next();
    peer.close();
    await isQuiet(stage);
  });
  await test.step("the upstream leaves within a frame", async () => {
    stage.origin.script = async (peer, head) => {
      await peer.send(octetsOf(await acceptHead(head)));
      await peer.send(
        frameBytes({ opcode: 2, payload: "x".repeat(1000) }, { client: false }).subarray(0, 500),
      );
    };
    const { peer } = await stage.open();
    equal(await peer.next(), null);
    peer.close();
    await isQuiet(stage);
  });
});

Deno.test("opening and closing, over and over, leaves nothing behind", async () => {
  await using stage = await WebSocketStage.start({
    route: "websocket { max-connections 1000; max-connections-per-ip 1000; }",
  });
  const cycle = async (i: number) => {
    const { status, peer } = await stage.open();
    equal(status, 101);
    if (i % 3 === 0) {
      await peer.text("hello");
      equal(await peer.nextText(), "hello");
    }
    if (i % 2 === 0) {
      await peer.send({ opcode: 8, payload: closing(1000) });
      equal(closeOf(await peer.next())?.code, 1000);
    }
    peer.close();
  };
  const cycles = async (count: number) => {
    for (let i = 0; i < count; i += BATCH) {
      await Promise.all(Array.from({ length: BATCH }, (_, k) => cycle(i + k)));
    }
  };
  await cycles(WARM_CYCLES);
  await isQuiet(stage);
  const before = residentBytes(stage.sentinel.process.pid);
  await cycles(CYCLES);
  await isQuiet(stage);
  const left = residentBytes(stage.sentinel.process.pid) - before;
  ok(left < LEFT_BYTES_MAX, `${left} bytes are left`);
  equal(await stage.metric("sentinel_websocket_connections_total"), WARM_CYCLES + CYCLES);
});

Deno.test("a reload keeps open sockets, and the next ones follow the new file", async () => {
  await using stage = await WebSocketStage.start({ route: "websocket { max-message-size 1000; }" });
  const { peer } = await stage.open();
  await reloadWith(stage, "websocket { max-message-size 10; }");
  await peer.send({ opcode: 2, payload: "x".repeat(500) });
  equal((await peer.next())?.payload.length, 500);
  const next = await stage.open();
  await next.peer.send({ opcode: 2, payload: "x".repeat(500) });
  equal(closeOf(await next.peer.next())?.code, 1009);
  await reloadWith(stage, "");
  equal((await stage.open()).status, 403);
  await peer.text("still here");
  equal(await peer.nextText(), "still here");
  peer.close();
  next.peer.close();
  await stage.metricBecomes(0, "sentinel_websocket_open");
});

Deno.test("SIGTERM says Close 1001 to both sides, and cuts who stays at the end of the time for it", async () => {
  const told: (number | undefined)[] = [];
  await using stage = await WebSocketStage.start({
    route: "websocket #true",
    system: "graceful-shutdown-timeout-secs 8",
    script: async (peer, head) => {
      await peer.send(octetsOf(await acceptHead(head)));
      for (let frame = await peer.next(); frame !== null; frame = await peer.next()) {
        if (frame.opcode !== 8) continue;
        told.push(closeOf(frame)?.code);
        await peer.send({ opcode: 8, payload: frame.payload });
      }
    },
  });
  const polite = await stage.open();
  const rude = await stage.open();
  stage.sentinel.process.signal("SIGTERM");
  equal(closeOf(await polite.peer.next())?.code, 1001);
  await polite.peer.send({ opcode: 8, payload: closing(1001) });
  equal(await polite.peer.next(), null);
  equal(closeOf(await rude.peer.next())?.code, 1001);
  await rude.peer.rest();
  equal(await stage.sentinel.process.ended(), 0);
  deepEqual(told, [1001, 1001]);
  polite.peer.close();
  rude.peer.close();
});
