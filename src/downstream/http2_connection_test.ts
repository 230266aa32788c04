import assert from "node:assert/strict";
import { answer, ManualBody } from "../../tests/support/connection_rig.ts";
import { settle } from "../../tests/support/fake_socket.ts";
import { frame, get, post, type SeenFrame, settings, u32 } from "../../tests/support/http2_frames.ts";
import { Http2Rig } from "../../tests/support/http2_rig.ts";
import { readText } from "../../tests/support/proxy_rig.ts";
import { HeaderList } from "../core/headers.ts";
import { BytesBody } from "../core/message.ts";
import { FLAG, FRAME, H2_ERROR, SETTING } from "../http2/frames.ts";

const bodyOf = (frames: readonly SeenFrame[], id = 1) =>
  frames.filter(({ type, streamId }) => type === FRAME.data && streamId === id).map(({ text }) => text).join(
    "",
  );
const headOf = (frames: readonly SeenFrame[], id = 1) =>
  frames.find(({ type, streamId }) => type === FRAME.headers && streamId === id)?.fields;
const resetOf = (frames: readonly SeenFrame[], id = 1) =>
  frames.find(({ type, streamId }) => type === FRAME.rstStream && streamId === id)?.code;

Deno.test("http2: a request and its answer", async () => {
  const rig = new Http2Rig(() => answer("hello"));
  const frames = await rig.send(
    rig.peer.headers(1, get("/a?b", [["cookie", "a=1"], ["cookie", "b=2"]]), { isLast: true }),
  );
  const head = rig.seen[0]!.head;
  assert.deepEqual([head.method, head.target, head.host, head.major], ["GET", "/a?b", "a.test", 2]);
  assert.equal(head.headers.get("host"), "a.test");
  assert.equal(head.headers.joined("cookie"), "a=1; b=2");
  assert.equal(headOf(frames)?.[":status"], "200");
  assert.equal(headOf(frames)?.["content-length"], "5");
  assert.ok(headOf(frames)?.["date"]);
  const data = frames.filter(({ type }) => type === FRAME.data);
  assert.equal(data.length, 1, "the end needs no frame of its own");
  assert.deepEqual([data[0]!.text, data[0]!.flags], ["hello", FLAG.endStream]);
  assert.equal(rig.finished[0]!.bodyBytesSent, 5);
});

Deno.test("http2: what HTTP/2 forbids in a head is left out", async () => {
  const headers = HeaderList.from([["Connection", "close"], ["Keep-Alive", "5"], [
    "Transfer-Encoding",
    "chunked",
  ], ["X-Kept", "1"]]);
  const rig = new Http2Rig(() => ({ status: 200, reason: "Fine", headers, body: null }));
  const frames = await rig.send(rig.peer.headers(1, get(), { isLast: true }));
  assert.deepEqual(Object.keys(headOf(frames)!).sort(), [":status", "date", "x-kept"]);
});

Deno.test("http2: HEAD and 304 announce a length without a body, 204 none at all", async () => {
  const rows = [
    { method: "HEAD", status: 200, want: "7" },
    { method: "GET", status: 304, want: "7" },
    { method: "GET", status: 204, want: undefined },
  ];
  for (const { method, status, want } of rows) {
    const headers = HeaderList.from([["Content-Length", "7"]]);
    const rig = new Http2Rig(() => ({ status, reason: "", headers, body: new BytesBody(new Uint8Array(7)) }));
    const frames = await rig.send(
      rig.peer.headers(1, [[":method", method], ...get().slice(1)], { isLast: true }),
    );
    assert.equal(headOf(frames)?.["content-length"], want);
    assert.equal(bodyOf(frames), "");
    assert.equal(frames.find(({ type }) => type === FRAME.headers)!.flags & FLAG.endStream, FLAG.endStream);
  }
});

Deno.test("http2: trailers pass both ways, without those that would be believed", async () => {
  const rig = new Http2Rig(async (context) => {
    const text = await readText(context.body);
    const trailers = context.body?.trailers;
    assert.equal(trailers?.get("x-sum"), "42");
    assert.equal(trailers?.has("authorization"), false);
    return answer(new BytesBody(new TextEncoder().encode(text), HeaderList.from([["grpc-status", "0"]])));
  });
  const frames = await rig.send(
    rig.peer.headers(1, post(), { isLast: false }),
    rig.peer.data(1, "abc", { isLast: false }),
    rig.peer.headers(1, [["x-sum", "42"], ["authorization", "me"]], { isLast: true }),
  );
  assert.equal(bodyOf(frames), "abc");
  const last = frames.at(-1)!;
  assert.equal(last.type, FRAME.headers);
  assert.equal(last.flags, FLAG.endStream | FLAG.endHeaders);
  assert.deepEqual(last.fields, { "grpc-status": "0" });
});

Deno.test("http2: a body waits for the client's windows, stream by stream", async () => {
  const rig = new Http2Rig(() => answer("x".repeat(100_000)));
  const first = await rig.send(
    settings([SETTING.initialWindowSize, 10_000]),
    rig.peer.headers(1, get(), { isLast: true }),
    rig.peer.headers(3, get(), { isLast: true }),
  );
  assert.equal(bodyOf(first, 1).length, 10_000);
  assert.equal(bodyOf(first, 3).length, 10_000);
  const second = await rig.send(frame(FRAME.windowUpdate, 0, 3, u32(50_000)));
  assert.equal(bodyOf(second, 1).length, 0);
  assert.equal(bodyOf(second, 3).length, 45_535, "the connection's window is shared");
  const third = await rig.send(
    frame(FRAME.windowUpdate, 0, 0, u32(1_000_000)),
    settings([SETTING.initialWindowSize, 200_000]),
  );
  assert.equal(bodyOf(third, 1).length, 90_000);
  assert.equal(bodyOf(third, 3).length, 44_465);
  await settle();
  assert.equal(rig.finished.length, 2);
});

Deno.test("http2: a window that shrinks below nothing is waited out", async () => {
  const rig = new Http2Rig(() => answer("x".repeat(30_000)));
  await rig.send(settings([SETTING.initialWindowSize, 20_000]), rig.peer.headers(1, get(), { isLast: true }));
  await rig.send(settings([SETTING.initialWindowSize, 5000]));
  assert.equal(bodyOf(await rig.send(frame(FRAME.windowUpdate, 0, 1, u32(15_000)))), "");
  assert.equal(bodyOf(await rig.send(frame(FRAME.windowUpdate, 0, 1, u32(10_000)))).length, 10_000);
});

Deno.test("http2: a client that opens no window is given up after the send timeout", async () => {
  const rig = new Http2Rig(() => answer("x".repeat(100)));
  await rig.send(settings([SETTING.initialWindowSize, 0]), rig.peer.headers(1, get(), { isLast: true }));
  await rig.time.advance(4200);
  assert.equal(resetOf(await rig.answers()), H2_ERROR.cancel);
  assert.equal(rig.finished[0]!.aborted, true);
});

Deno.test("http2: bodies of requests are taken at the reader's pace, and credit follows", async () => {
  let body: { read(): unknown } | null = null;
  const rig = new Http2Rig((context) => {
    body = context.body;
    return new Promise(() => {});
  });
  await rig.send(rig.peer.headers(1, post(), { isLast: false }));
  const piece = rig.peer.data(1, "x".repeat(16_384), { isLast: false });
  const unread = await rig.send(piece, piece, piece, piece, piece);
  assert.equal(unread.filter(({ type }) => type === FRAME.windowUpdate).length, 0);
  for (let i = 0; i < 5; i++) assert.equal((body!.read() as Uint8Array).length, 16_384);
  const read = await rig.answers();
  const update = read.find(({ type, streamId }) => type === FRAME.windowUpdate && streamId === 1);
  assert.equal(new DataView(update!.payload.buffer).getUint32(0), 65_536);
});

Deno.test("http2: a body above its limit is refused, and the rest not wanted", async () => {
  const rig = new Http2Rig(async (context) => {
    context.bodyBytesMax = 5;
    return answer(await readText(context.body));
  });
  const frames = await rig.send(
    rig.peer.headers(1, post(), { isLast: false }),
    rig.peer.data(1, "123456", { isLast: false }),
  );
  assert.equal(headOf(frames)?.[":status"], "413");
  assert.equal(resetOf(frames), H2_ERROR.noError);
});

Deno.test("http2: a body that stalls is answered 408; gRPC calls may take their time", async () => {
  const rows = [
    { type: "text/plain", want: "408" },
    { type: "application/grpc", want: undefined },
  ];
  for (const { type, want } of rows) {
    const rig = new Http2Rig(async (context) => answer(await readText(context.body)));
    await rig.send(
      rig.peer.headers(1, post("/", [["content-type", type]]), { isLast: false }),
      rig.peer.data(1, "1", { isLast: false }),
    );
    await rig.time.advance(3000);
    assert.equal(headOf(await rig.answers())?.[":status"], want);
  }
});

Deno.test("http2: 100 is sent when the body is asked for, and only then", async () => {
  const rig = new Http2Rig(async (context) => answer(await readText(context.body)));
  const first = await rig.send(
    rig.peer.headers(1, post("/", [["expect", "100-continue"]]), { isLast: false }),
  );
  assert.deepEqual(headOf(first), { ":status": "100" });
  const second = await rig.send(rig.peer.data(1, "body", { isLast: true }));
  assert.equal(headOf(second)?.[":status"], "200");
  assert.equal(bodyOf(second), "body");
});

Deno.test("http2: a client that resets a stream aborts its request, and the answer's body is given up", async () => {
  const body = new ManualBody();
  const rig = new Http2Rig(() => answer(body));
  await rig.send(rig.peer.headers(1, get(), { isLast: true }));
  body.give("begun");
  await settle();
  await rig.send(frame(FRAME.rstStream, 0, 1, u32(H2_ERROR.cancel)));
  assert.ok(body.cancelled);
  assert.equal(rig.finished[0]!.aborted, true);
  assert.equal(rig.socket.isClosed, false);
});

Deno.test("http2: a body that fails half way resets the stream", async () => {
  const body = new ManualBody();
  const rig = new Http2Rig(() => answer(body));
  await rig.send(rig.peer.headers(1, get(), { isLast: true }));
  body.give("begun");
  await settle();
  body.give("fail");
  const frames = await rig.answers();
  assert.equal(resetOf(frames), H2_ERROR.internalError);
  assert.equal(rig.finished[0]!.errorCode, "upstream_body_aborted");
});

Deno.test("http2: a client that goes aborts all its requests once", async () => {
  let aborts = 0;
  const rig = new Http2Rig((context) =>
    new Promise((_, reject) => context.onAbort = (code) => (aborts++, reject(code)))
  );
  await rig.send(rig.peer.headers(1, get(), { isLast: true }), rig.peer.headers(3, get(), { isLast: true }));
  rig.socket.end();
  await rig.ended;
  await settle();
  assert.equal(aborts, 2);
  assert.equal(rig.finished.length, 2);
  assert.ok(rig.connection.isIdle);
  assert.equal(rig.time.deadlines.size, 0);
});

Deno.test("http2: draining announces itself, lets requests finish, refuses new ones, and closes", async () => {
  const held: (() => void)[] = [];
  const rig = new Http2Rig(() => new Promise((resolve) => held.push(() => resolve(answer("late")))));
  await rig.send(rig.peer.headers(1, get(), { isLast: true }));
  rig.connection.drain();
  const announced = await rig.answers();
  assert.equal(announced.find(({ type }) => type === FRAME.goaway)?.payload[3], 0xff);
  // Sent before the client had read that: still taken.
  await rig.send(rig.peer.headers(3, get(), { isLast: true }));
  assert.equal(rig.seen.length, 2);
  const ping = announced.find(({ type }) => type === FRAME.ping)!;
  const final = await rig.send(frame(FRAME.ping, 1, 0, [...ping.payload]));
  assert.deepEqual([...final.find(({ type }) => type === FRAME.goaway)!.payload.slice(0, 4)], u32(3));
  assert.equal(
    resetOf(await rig.send(rig.peer.headers(5, get(), { isLast: true })), 5),
    H2_ERROR.refusedStream,
  );
  for (const release of held) release();
  const frames = await rig.answers();
  assert.equal(bodyOf(frames, 1) + bodyOf(frames, 3), "latelate");
  await rig.ended;
  assert.ok(rig.socket.isClosed);
});

Deno.test("http2: an idle connection goes after its time, one that never asked sooner", async () => {
  const silent = new Http2Rig();
  await silent.time.advance(3200);
  assert.ok(silent.socket.isClosed);
  const asked = new Http2Rig();
  await asked.send(asked.peer.headers(1, get(), { isLast: true }));
  await asked.time.advance(4800);
  assert.equal(asked.socket.isClosed, false);
  await asked.time.advance(400);
  assert.equal((await asked.answers()).find(({ type }) => type === FRAME.goaway)?.code, H2_ERROR.noError);
  assert.ok(asked.socket.isClosed);
});

Deno.test("http2: the last request that a connection may have ends it kindly", async () => {
  const rig = new Http2Rig(undefined, { limits: { requestsMax: 2 } });
  const first = await rig.send(rig.peer.headers(1, get(), { isLast: true }));
  assert.equal(first.some(({ type }) => type === FRAME.goaway), false);
  const second = await rig.send(rig.peer.headers(3, get(), { isLast: true }));
  assert.equal(headOf(second, 3)?.[":status"], "200");
  assert.ok(second.some(({ type }) => type === FRAME.goaway));
  await rig.time.advance(1200);
  await rig.ended;
});

Deno.test("http2: an answer to a request whose body nobody reads still arrives, and ends the upload", async () => {
  const rig = new Http2Rig((context) => {
    context.body?.cancel();
    return answer("enough");
  });
  const sent = rig.peer.data(1, "x".repeat(1000), { isLast: false });
  const frames = await rig.send(rig.peer.headers(1, post(), { isLast: false }), sent);
  assert.equal(headOf(frames)?.[":status"], "200");
  assert.equal(bodyOf(frames), "enough");
  assert.equal(resetOf(frames), H2_ERROR.noError);
  assert.equal(rig.finished[0]!.aborted, false);
});

Deno.test("http2: a body that is dropped opens the connection's window again, and not its own", async () => {
  const rig = new Http2Rig((context) => {
    context.body?.cancel();
    return new Promise(() => {});
  });
  const piece = "x".repeat(16_384);
  const seen: SeenFrame[] = [];
  for (let id = 1; id < 11; id += 2) {
    seen.push(...await rig.send(rig.peer.headers(id, post(), { isLast: false })));
    for (let i = 0; i < 8; i++) seen.push(...await rig.send(rig.peer.data(id, piece, { isLast: false })));
  }
  const updates = seen.filter(({ type }) => type === FRAME.windowUpdate).map(({ streamId }) => streamId);
  assert.deepEqual(updates, [0, 0], "the first one is the greeting's");
});
