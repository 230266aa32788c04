import assert from "node:assert/strict";
import { octets, settle } from "../../tests/support/fake_socket.ts";
import {
  type Fields,
  frame,
  FramePeer,
  get,
  HELLO,
  join,
  post,
  settings,
  u32,
} from "../../tests/support/http2_frames.ts";
import { answer } from "../../tests/support/connection_rig.ts";
import { Http2Rig } from "../../tests/support/http2_rig.ts";
import { readText } from "../../tests/support/proxy_rig.ts";
import { FRAME, H2_ERROR, PREFACE, SETTING } from "../http2/frames.ts";

const open = (id = 1) => new FramePeer().headers(id, post(), { isLast: false });
const many = (count: number, make: (i: number) => Uint8Array) =>
  join(...Array.from({ length: count }, (_, i) => make(i)));

/** As much as nine streams may take, which is more than all of them together may. */
function overrun(): Uint8Array {
  const piece = new Array<number>(16_384).fill(0);
  const client = new FramePeer();
  return join(
    ...Array.from({ length: 9 }, (_, i) => 2 * i + 1).flatMap((id) => [
      client.headers(id, post(), { isLast: false }),
      ...Array.from({ length: 8 }, () => frame(FRAME.data, 0, id, piece)),
    ]),
  );
}

const FATAL: readonly { name: string; sent: Uint8Array; want: number }[] = [
  { name: "SETTINGS on a stream", sent: frame(FRAME.settings, 0, 1), want: H2_ERROR.protocolError },
  {
    name: "SETTINGS of five octets",
    sent: frame(FRAME.settings, 0, 0, [0, 0, 0, 0, 0]),
    want: H2_ERROR.frameSizeError,
  },
  {
    name: "SETTINGS that acknowledge something",
    sent: frame(FRAME.settings, 1, 0, [0, 1, 0, 0, 0, 0]),
    want: H2_ERROR.frameSizeError,
  },
  {
    name: "65 settings",
    sent: settings(...Array.from({ length: 65 }, () => [99, 0] as const)),
    want: H2_ERROR.enhanceYourCalm,
  },
  {
    name: "a window above 2^31-1",
    sent: settings([SETTING.initialWindowSize, 0x80000000]),
    want: H2_ERROR.flowControlError,
  },
  {
    name: "frames below 16384",
    sent: settings([SETTING.maxFrameSize, 16_383]),
    want: H2_ERROR.protocolError,
  },
  { name: "ENABLE_PUSH 2", sent: settings([SETTING.enablePush, 2]), want: H2_ERROR.protocolError },
  {
    name: "PING of seven octets",
    sent: frame(FRAME.ping, 0, 0, [1, 2, 3, 4, 5, 6, 7]),
    want: H2_ERROR.frameSizeError,
  },
  {
    name: "PING on a stream",
    sent: frame(FRAME.ping, 0, 1, u32(0).concat(u32(0))),
    want: H2_ERROR.protocolError,
  },
  { name: "DATA without a stream", sent: frame(FRAME.data, 0, 0, [1]), want: H2_ERROR.protocolError },
  { name: "DATA on an idle stream", sent: frame(FRAME.data, 0, 1, [1]), want: H2_ERROR.protocolError },
  {
    name: "HEADERS without a stream",
    sent: frame(FRAME.headers, 5, 0, new FramePeer().block(get())),
    want: H2_ERROR.protocolError,
  },
  {
    name: "an even stream",
    sent: new FramePeer().headers(2, get(), { isLast: true }),
    want: H2_ERROR.protocolError,
  },
  {
    name: "HEADERS that depend on themselves",
    sent: frame(FRAME.headers, 0x25, 1, [...u32(1), 16, 0x82]),
    want: H2_ERROR.protocolError,
  },
  {
    name: "HEADERS too short for a priority",
    sent: frame(FRAME.headers, 0x25, 1, [0, 0]),
    want: H2_ERROR.protocolError,
  },
  {
    name: "padding longer than its frame",
    sent: join(open(), frame(FRAME.data, 8, 1, [4, 0, 0, 0])),
    want: H2_ERROR.protocolError,
  },
  { name: "padding of HEADERS", sent: frame(FRAME.headers, 0xd, 1, [9, 0x82]), want: H2_ERROR.protocolError },
  {
    name: "WINDOW_UPDATE by nothing",
    sent: frame(FRAME.windowUpdate, 0, 0, u32(0)),
    want: H2_ERROR.protocolError,
  },
  {
    name: "WINDOW_UPDATE of three octets",
    sent: frame(FRAME.windowUpdate, 0, 0, [0, 0, 1]),
    want: H2_ERROR.frameSizeError,
  },
  {
    name: "a window that grows too large",
    sent: frame(FRAME.windowUpdate, 0, 0, u32(0x7fffffff)),
    want: H2_ERROR.flowControlError,
  },
  {
    name: "WINDOW_UPDATE on an idle stream",
    sent: frame(FRAME.windowUpdate, 0, 3, u32(1)),
    want: H2_ERROR.protocolError,
  },
  {
    name: "RST_STREAM on an idle stream",
    sent: frame(FRAME.rstStream, 0, 1, u32(8)),
    want: H2_ERROR.protocolError,
  },
  {
    name: "RST_STREAM of five octets",
    sent: join(open(), frame(FRAME.rstStream, 0, 1, [0, 0, 0, 8, 0])),
    want: H2_ERROR.frameSizeError,
  },
  { name: "PUSH_PROMISE", sent: frame(FRAME.pushPromise, 4, 1, u32(2)), want: H2_ERROR.protocolError },
  {
    name: "PRIORITY without a stream",
    sent: frame(FRAME.priority, 0, 0, [0, 0, 0, 0, 1]),
    want: H2_ERROR.protocolError,
  },
  {
    name: "PRIORITY of four octets",
    sent: frame(FRAME.priority, 0, 1, u32(0)),
    want: H2_ERROR.frameSizeError,
  },
  {
    name: "a request on a lower stream than the last",
    sent: join(open(5), new FramePeer().headers(3, get(), { isLast: true })),
    want: H2_ERROR.protocolError,
  },
  {
    name: "a request on a stream that was reset",
    sent: join(
      open(),
      frame(FRAME.rstStream, 0, 1, u32(8)),
      new FramePeer().headers(1, get(), { isLast: true }),
    ),
    want: H2_ERROR.protocolError,
  },
  {
    name: "GOAWAY on a stream",
    sent: frame(FRAME.goaway, 0, 1, u32(0).concat(u32(0))),
    want: H2_ERROR.protocolError,
  },
  {
    name: "CONTINUATION of nothing",
    sent: frame(FRAME.continuation, 4, 1, [0x82]),
    want: H2_ERROR.protocolError,
  },
  {
    name: "a header block interrupted",
    sent: join(frame(FRAME.headers, 1, 1, [0x82]), frame(FRAME.ping, 0, 0, u32(0).concat(u32(0)))),
    want: H2_ERROR.protocolError,
  },
  {
    name: "a header block continued elsewhere",
    sent: join(frame(FRAME.headers, 1, 1, [0x82]), frame(FRAME.continuation, 4, 3, [0x84])),
    want: H2_ERROR.protocolError,
  },
  {
    name: "a frame longer than agreed",
    sent: Uint8Array.from([0, 0x40, 1, FRAME.data, 0, 0, 0, 0, 1]),
    want: H2_ERROR.frameSizeError,
  },
  {
    name: "a broken header block",
    sent: frame(FRAME.headers, 5, 1, [0x80]),
    want: H2_ERROR.compressionError,
  },
  {
    name: "more than the connection's window",
    sent: overrun(),
    want: H2_ERROR.flowControlError,
  },
  {
    name: "endless CONTINUATION",
    sent: join(frame(FRAME.headers, 1, 1, [0x82]), many(20, () => frame(FRAME.continuation, 0, 1, []))),
    want: H2_ERROR.enhanceYourCalm,
  },
  {
    name: "a flood of PING",
    sent: many(3000, () => frame(FRAME.ping, 0, 0, u32(1).concat(u32(2)))),
    want: H2_ERROR.enhanceYourCalm,
  },
  { name: "a flood of SETTINGS", sent: many(1000, () => settings()), want: H2_ERROR.enhanceYourCalm },
  {
    name: "a flood of empty DATA",
    sent: join(open(), many(2000, () => frame(FRAME.data, 0, 1))),
    want: H2_ERROR.enhanceYourCalm,
  },
  {
    name: "a flood of PRIORITY",
    sent: many(5000, () => frame(FRAME.priority, 0, 1, [0, 0, 0, 0, 1])),
    want: H2_ERROR.enhanceYourCalm,
  },
  {
    name: "a flood of unknown frames",
    sent: many(2000, () => frame(99, 0, 0)),
    want: H2_ERROR.enhanceYourCalm,
  },
  {
    name: "a flood of tiny WINDOW_UPDATE",
    sent: many(5000, () => frame(FRAME.windowUpdate, 0, 0, u32(1))),
    want: H2_ERROR.enhanceYourCalm,
  },
];

for (const { name, sent, want } of FATAL) {
  Deno.test(`http2: the connection ends: ${name}`, async () => {
    const rig = new Http2Rig(() => new Promise(() => {}));
    const frames = await rig.send(sent);
    const goaway = frames.find(({ type }) => type === FRAME.goaway);
    assert.equal(goaway?.code, want);
    assert.ok(rig.socket.isClosed);
    assert.ok(rig.seen.every(({ aborted }) => aborted), "a request was left behind");
    await rig.ended;
    assert.equal(rig.open, 0);
    assert.equal(rig.time.deadlines.size, 0);
  });
}

Deno.test("http2: a connection that begins otherwise ends", async () => {
  const early = [
    join(octets(PREFACE.slice(0, -2)), octets("XX")),
    join(octets(PREFACE), frame(FRAME.ping, 0, 0)),
  ];
  for (const hello of early) {
    const rig = new Http2Rig(undefined, { hello });
    const frames = await rig.answers();
    assert.equal(frames.find(({ type }) => type === FRAME.goaway)?.code, H2_ERROR.protocolError);
    await rig.ended;
  }
});

const BAD_STREAM: readonly { name: string; fields?: Fields; sent: Uint8Array; want: number }[] = [
  {
    name: "a window update by nothing",
    sent: frame(FRAME.windowUpdate, 0, 1, u32(0)),
    want: H2_ERROR.protocolError,
  },
  {
    name: "a window that grows too large",
    sent: frame(FRAME.windowUpdate, 0, 1, u32(0x7fffffff)),
    want: H2_ERROR.flowControlError,
  },
  {
    name: "DATA behind the end",
    sent: join(frame(FRAME.data, 1, 1, [1]), frame(FRAME.data, 0, 1, [1])),
    want: H2_ERROR.streamClosed,
  },
  {
    name: "less than announced",
    fields: post("/", [["content-length", "5"]]),
    sent: frame(FRAME.data, 1, 1, [1]),
    want: H2_ERROR.protocolError,
  },
  {
    name: "more than announced",
    fields: post("/", [["content-length", "1"]]),
    sent: frame(FRAME.data, 1, 1, [1, 2]),
    want: H2_ERROR.protocolError,
  },
  { name: "a second head", sent: frame(FRAME.headers, 4, 1, [0x88]), want: H2_ERROR.protocolError },
  {
    name: "a pseudo field behind the body",
    sent: frame(FRAME.headers, 5, 1, [0x82]),
    want: H2_ERROR.protocolError,
  },
  {
    name: "more than the stream's window",
    sent: many(9, () => frame(FRAME.data, 0, 1, new Array<number>(16_384).fill(0))),
    want: H2_ERROR.flowControlError,
  },
];

for (const { name, fields = post(), sent, want } of BAD_STREAM) {
  Deno.test(`http2: the stream ends, and no other: ${name}`, async () => {
    const rig = new Http2Rig((context) =>
      context.head.method === "GET"
        ? { status: 204, reason: "", headers: context.head.headers, body: null }
        : new Promise(() => {})
    );
    await rig.send(rig.peer.headers(1, fields, { isLast: false }));
    const frames = await rig.send(sent);
    assert.equal(frames.find(({ type, streamId }) => type === FRAME.rstStream && streamId === 1)?.code, want);
    assert.ok(rig.seen[0]!.aborted);
    const after = await rig.send(rig.peer.headers(3, get(), { isLast: true }));
    assert.equal(after.find(({ type }) => type === FRAME.headers)?.fields[":status"], "204");
  });
}

const REFUSED: readonly { name: string; fields: Fields; want: number; isLast?: boolean }[] = [
  { name: "an upper-case name", fields: get("/", [["X-Up", "1"]]), want: 400 },
  { name: "an empty name", fields: get("/", [["", "1"]]), want: 400 },
  { name: "a space in a name", fields: get("/", [["a b", "1"]]), want: 400 },
  { name: "a line end in a value", fields: get("/", [["a", "1\r\nb: 2"]]), want: 400 },
  { name: "a NUL in a value", fields: get("/", [["a", "1\0"]]), want: 400 },
  { name: "white space around a value", fields: get("/", [["a", " 1"]]), want: 400 },
  { name: "connection", fields: get("/", [["connection", "close"]]), want: 400 },
  { name: "transfer-encoding", fields: post("/", [["transfer-encoding", "chunked"]]), want: 400 },
  { name: "te that is not trailers", fields: get("/", [["te", "gzip"]]), want: 400 },
  { name: "an unknown pseudo field", fields: [...get(), [":protocol", "websocket"]], want: 400 },
  { name: "a pseudo field of responses", fields: [...get(), [":status", "200"]], want: 400 },
  { name: "two methods", fields: [...get(), [":method", "GET"]], want: 400 },
  {
    name: "a pseudo field behind others",
    fields: [[":method", "GET"], [":scheme", "http"], ["a", "b"], [":path", "/"]],
    want: 400,
  },
  { name: "no method", fields: get().slice(1), want: 400 },
  { name: "no scheme", fields: get().filter(([name]) => name !== ":scheme"), want: 400 },
  { name: "no path", fields: get().slice(0, 3), want: 400 },
  { name: "an empty path", fields: get(""), want: 400 },
  { name: "a path that is none", fields: get("x"), want: 400 },
  { name: "a space in the path", fields: get("/a b HTTP/1.1"), want: 400 },
  { name: "a line end in the path", fields: get("/a\r\nb"), want: 400 },
  { name: "no authority", fields: get().filter(([name]) => name !== ":authority"), want: 400 },
  {
    name: "a user in the authority",
    fields: [[":method", "GET"], [":scheme", "http"], [":authority", "u@a"], [":path", "/"]],
    want: 400,
  },
  { name: "another host", fields: get("/", [["host", "b.test"]]), want: 400 },
  { name: "two hosts", fields: get("/", [["host", "a.test"], ["host", "a.test"]]), want: 400 },
  { name: "a length that is none", fields: post("/", [["content-length", "1x"]]), want: 400, isLast: false },
  {
    name: "two lengths",
    fields: post("/", [["content-length", "1"], ["content-length", "1"]]),
    want: 400,
    isLast: false,
  },
  { name: "a length without a body", fields: post("/", [["content-length", "1"]]), want: 400 },
  { name: "CONNECT", fields: [[":method", "CONNECT"], [":authority", "a.test:443"]], want: 501 },
  { name: "CONNECT as a method", fields: [[":method", "CONNECT"], ...get().slice(1)], want: 501 },
  { name: "an expectation", fields: post("/", [["expect", "miracles"]]), want: 417 },
  { name: "a long target", fields: get("/" + "x".repeat(1000)), want: 414 },
  {
    name: "many fields",
    fields: get("/", Array.from({ length: 21 }, (_, i) => [`x-${i}`, "1"] as const)),
    want: 431,
  },
  { name: "a long value", fields: get("/", [["a", "x".repeat(1001)]]), want: 431 },
  {
    name: "a long block",
    fields: get("/", [["a", "x".repeat(999)], ["b", "x".repeat(999)], ["c", "1"]]),
    want: 431,
  },
];

for (const { name, fields, want, isLast = true } of REFUSED) {
  Deno.test(`http2: refused with ${want}: ${name}`, async () => {
    const rig = new Http2Rig();
    const frames = await rig.send(rig.peer.headers(1, fields, { isLast }));
    assert.equal(frames.find(({ type }) => type === FRAME.headers)?.fields[":status"], String(want));
    assert.equal(rig.seen.length, 0);
    assert.equal(rig.finished.length, 1, "the refusal must be logged");
    const after = await rig.send(rig.peer.headers(3, get(), { isLast: true }));
    assert.equal(after.find(({ type }) => type === FRAME.headers)?.fields[":status"], "200");
  });
}

Deno.test("http2: resetting streams does not make room while their requests are worked on", async () => {
  const rig = new Http2Rig(() => new Promise(() => {}), { limits: { streamsMax: 3 } });
  const sent: Uint8Array[] = [];
  for (let id = 1; id < 21; id += 2) {
    sent.push(rig.peer.headers(id, get(), { isLast: true }), frame(FRAME.rstStream, 0, id, u32(8)));
  }
  const frames = await rig.send(...sent);
  assert.equal(rig.seen.length, 3);
  const refused = frames.filter(({ type, code }) =>
    type === FRAME.rstStream && code === H2_ERROR.refusedStream
  );
  assert.equal(refused.length, 7);
  assert.equal(rig.refused, 7);
});

Deno.test("http2: rapid resets end the connection, and are counted", async () => {
  const rig = new Http2Rig((context) => new Promise((_, reject) => context.onAbort = reject));
  const frames: number[] = [];
  for (let id = 1; id < 4000 && !rig.socket.isClosed; id += 2) {
    const answers = await rig.send(
      rig.peer.headers(id, get(), { isLast: true }),
      frame(FRAME.rstStream, 0, id, u32(8)),
    );
    frames.push(...answers.filter(({ type }) => type === FRAME.goaway).map(({ code }) => code));
  }
  assert.deepEqual(frames, [H2_ERROR.enhanceYourCalm]);
  assert.deepEqual(rig.floods, ["reset"]);
  await settle();
  assert.equal(rig.finished.length, rig.seen.length);
});

Deno.test("http2: a peer that sends and does not read ends up waiting", async () => {
  const rig = new Http2Rig();
  await rig.answers();
  rig.socket.isStalled = true;
  let sent = 0;
  for (let i = 0; i < 400; i++) {
    rig.socket.push(many(50, () => frame(FRAME.ping, 0, 0, u32(1).concat(u32(2)))));
    await rig.time.advance(1000);
    sent += 50;
    if (rig.socket.isClosed) break;
  }
  assert.ok(rig.socket.isClosed, "the stalled client was not cut off");
  assert.ok(sent < 20_000);
  await rig.ended;
});

Deno.test("http2: two preambles in pieces make one connection", async () => {
  const rig = new Http2Rig(undefined, { hello: HELLO.subarray(0, 10) });
  for (const octet of HELLO.subarray(10)) await rig.send(Uint8Array.of(octet));
  const frames = await rig.send(rig.peer.headers(1, get(), { isLast: true }));
  assert.equal(frames.find(({ type }) => type === FRAME.headers)?.fields[":status"], "200");
});

Deno.test("http2: a client that breaks the rules and reads nothing does not stay", async () => {
  const rig = new Http2Rig();
  await rig.answers();
  rig.socket.isStalled = true;
  await rig.send(frame(FRAME.ping, 0, 0, [...u32(1), ...u32(2)]));
  await rig.send(frame(FRAME.pushPromise, 4, 1, u32(2)));
  assert.equal(rig.socket.isClosed, false);
  await rig.time.advance(4500);
  assert.ok(rig.socket.isClosed);
  await rig.ended;
  assert.equal(rig.time.deadlines.size, 0);
});

Deno.test("http2: a silent gRPC call is too slow in the end", async () => {
  const rig = new Http2Rig(async (context) => answer(await readText(context.body)));
  const head = rig.peer.headers(1, post("/", [["content-type", "application/grpc"]]), { isLast: false });
  await rig.send(head, rig.peer.data(1, "1", { isLast: false }));
  await rig.time.advance(19_000);
  assert.equal((await rig.send(rig.peer.data(1, "2", { isLast: false }))).length, 0);
  await rig.time.advance(20_200);
  const frames = await rig.answers();
  assert.equal(frames.find(({ type }) => type === FRAME.headers)?.fields[":status"], "408");
});
