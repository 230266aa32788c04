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
  u32,
} from "../../tests/support/http2_frames.ts";
import { BAD_STREAM, FATAL, FINE, many } from "../../tests/support/http2_faults.ts";
import { answer } from "../../tests/support/connection_rig.ts";
import { Http2Rig } from "../../tests/support/http2_rig.ts";
import { readText } from "../../tests/support/proxy_rig.ts";
import { FRAME, H2_ERROR, PREFACE } from "../http2/frames.ts";

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

/** On a real socket these two take a reader that stands still, as the handlers here do. */
const CONNECTION_OVERRUN: (typeof FATAL)[number] = {
  name: "more than the connection's window",
  sent: overrun(),
  want: H2_ERROR.flowControlError,
};
const STREAM_OVERRUN: (typeof BAD_STREAM)[number] = {
  name: "more than the stream's window",
  sent: many(9, () => frame(FRAME.data, 0, 1, new Array<number>(16_384).fill(0))),
  want: H2_ERROR.flowControlError,
};

for (const { name, sent, want, flood } of [...FATAL, CONNECTION_OVERRUN]) {
  Deno.test(`http2: the connection ends: ${name}`, async () => {
    const rig = new Http2Rig(() => new Promise(() => {}));
    const frames = await rig.send(sent);
    const goaway = frames.find(({ type }) => type === FRAME.goaway);
    assert.equal(goaway?.code, want);
    assert.deepEqual(rig.floods, flood === undefined ? [] : [flood]);
    assert.ok(rig.socket.isClosed);
    assert.ok(rig.seen.every(({ aborted }) => aborted), "a request was left behind");
    await rig.ended;
    assert.equal(rig.open, 0);
    assert.equal(rig.time.deadlines.size, 0);
  });
}

for (const { name, sent } of FINE) {
  Deno.test(`http2: the connection goes on: ${name}`, async () => {
    const rig = new Http2Rig((context) =>
      context.head.target === "/" && context.head.method === "GET" ? answer() : new Promise(() => {})
    );
    await rig.send(sent);
    const after = await rig.send(new FramePeer().headers(11, get(), { isLast: true }));
    assert.equal(after.find(({ streamId }) => streamId === 11)?.fields[":status"], "200");
    assert.deepEqual(rig.floods, []);
    rig.socket.end();
    await rig.ended;
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

for (const { name, fields = post(), sent, want } of [...BAD_STREAM, STREAM_OVERRUN]) {
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
