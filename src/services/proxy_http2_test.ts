import assert from "node:assert/strict";
import { ManualBody } from "../../tests/support/connection_rig.ts";
import { settle } from "../../tests/support/fake_socket.ts";
import { assertQuiet, h2Rig, type Http2Origin } from "../../tests/support/http2_origin.ts";
import { failure, readText, request } from "../../tests/support/proxy_rig.ts";
import { type Fields, frame, u32 } from "../../tests/support/http2_frames.ts";
import { ProxyError } from "../core/errors.ts";
import { HeaderList } from "../core/headers.ts";
import { BytesBody } from "../core/message.ts";
import { FRAME, H2_ERROR, SETTING } from "../http2/frames.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("h2 upstream: requests share a connection, and leave nothing behind", async () => {
  const { rig, origins } = h2Rig();
  for (const [i, id] of [1, 3, 5].entries()) {
    const context = request({ target: `/a${i}` });
    const serving = rig.service.serve(context);
    await settle();
    const [head] = await origins[0]!.requests();
    assert.equal(head!.streamId, id);
    assert.equal(head!.fields[":path"], `/a${i}`);
    assert.equal(head!.fields[":authority"], "shop.example");
    assert.equal(head!.fields[":scheme"], "http");
    assert.equal(head!.fields["host"], undefined);
    assert.equal(head!.fields["x-forwarded-for"], "192.0.2.7");
    await origins[0]!.answer(id, "hello", [["x-own", "1"]]);
    const response = await serving;
    assert.equal(response.headers.get("x-own"), "1");
    assert.equal(response.body!.length, 5, "all of it was there");
    assert.equal(await readText(response.body), "hello");
    assert.equal(context.connectionReused, i > 0);
    assert.equal(context.onAbort, null);
    assertQuiet(rig);
  }
  assert.equal(rig.dialer.sockets.length, 1);
  assert.deepEqual(rig.pools.stats().map(({ size, idle, busy, acquired }) => [size, idle, busy, acquired]), [[
    1,
    1,
    0,
    3,
  ]]);
});

Deno.test("h2 upstream: answers come in any order, and bodies wait for their readers", async () => {
  const { rig, origins } = h2Rig();
  const first = rig.service.serve(request());
  const second = rig.service.serve(request());
  await settle();
  const origin = origins[0]!;
  await origin.frames();
  await origin.answer(3, "second");
  assert.equal(await readText((await second).body), "second");
  await origin.answer(1, "first");
  assert.equal(await readText((await first).body), "first");
});

Deno.test("h2 upstream: the target's bound on streams holds, and more connections are opened up to theirs", async () => {
  const { rig, origins, announce } = h2Rig({
    connectionPool: { maxConnections: 2, maxIdle: 2, idleTimeoutSecs: 60, maxLifetimeSecs: undefined },
  });
  announce([SETTING.maxConcurrentStreams, 1]);
  const warm = rig.service.serve(request());
  await settle();
  await origins[0]!.answer(1, "");
  await warm;
  await origins[0]!.frames();
  const serving = Array.from({ length: 2 }, () => rig.service.serve(request()));
  await settle();
  for (const [i, origin] of origins.entries()) {
    const heads = await origin.requests();
    assert.equal(heads.length, 1, `connection ${i}`);
    await origin.answer(heads[0]!.streamId, `by ${i}`);
  }
  const texts = await Promise.all(serving.map(async (each) => await readText((await each).body)));
  assert.deepEqual(texts, ["by 0", "by 1"]);
  assert.equal(rig.dialer.sockets.length, 2);
  assertQuiet(rig);
});

Deno.test("h2 upstream: GOAWAY finishes what it covers; the rest is asked again on a new connection", async () => {
  const { rig, origins } = h2Rig();
  const covered = rig.service.serve(request({ target: "/covered" }));
  const context = request({ method: "POST", target: "/late" });
  const late = rig.service.serve(context);
  await settle();
  await origins[0]!.frames();
  await origins[0]!.goaway(1);
  const [again] = await origins[1]!.requests();
  assert.equal(again!.fields[":path"], "/late");
  await origins[0]!.answer(1, "old");
  await origins[1]!.answer(1, "new");
  assert.equal(await readText((await covered).body), "old");
  assert.equal(await readText((await late).body), "new");
  assert.equal(context.attempts, 2);
  await settle();
  assert.ok(origins[0]!.socket.isClosed, "a connection that goes away closes with its last stream");
  assertQuiet(rig);
});

Deno.test("h2 upstream: a refused stream is asked again once, a body that was begun is not", async () => {
  const { rig, origins } = h2Rig();
  const twice = failure(rig.service.serve(request()));
  await settle();
  await origins[0]!.reset(1, H2_ERROR.refusedStream);
  await origins[0]!.reset(3, H2_ERROR.refusedStream);
  assert.equal((await twice).code, "upstream_refused");
  const body = failure(rig.service.serve(request({ method: "PUT", body: new BytesBody(bytes("x")) })));
  await settle();
  await origins[0]!.reset(5, H2_ERROR.refusedStream);
  assert.equal((await body).code, "upstream_refused");
  assertQuiet(rig);
});

Deno.test("h2 upstream: a used connection that breaks is replaced for requests that may be repeated", async () => {
  const { rig, origins } = h2Rig();
  const first = rig.service.serve(request());
  await settle();
  await origins[0]!.answer(1, "");
  await first;
  const get = rig.service.serve(request());
  const post = failure(rig.service.serve(request({ method: "POST" })));
  await settle();
  origins[0]!.socket.reset();
  await settle();
  await origins[1]!.answer(1, "again");
  assert.equal(await readText((await get).body), "again");
  assert.equal((await post).code, "upstream_reset");
  assertQuiet(rig);
});

Deno.test("h2 upstream: trailers of both messages pass", async () => {
  const { rig, origins } = h2Rig();
  const body = new BytesBody(bytes("ask"), HeaderList.from([["X-Sum", "1"]]));
  const headers = [["Host", "shop.example"], ["TE", "trailers"]] as const;
  const serving = rig.service.serve(request({ method: "POST", headers, body }));
  await settle();
  const frames = await origins[0]!.frames();
  assert.equal(frames.find(({ fields }) => fields[":method"])?.fields["te"], "trailers");
  assert.deepEqual(frames.filter(({ type }) => type === FRAME.data).map(({ text, flags }) => [text, flags]), [
    ["ask", 0],
  ]);
  assert.deepEqual([frames.at(-1)!.fields, frames.at(-1)!.flags & 1], [{ "x-sum": "1" }, 1]);
  const { peer } = origins[0]!;
  await origins[0]!.send(
    peer.headers(1, [[":status", "200"]], { isLast: false }),
    peer.data(1, "answer", { isLast: false }),
    peer.headers(1, [["grpc-status", "0"], ["set-cookie", "no"]], { isLast: true }),
  );
  const response = await serving;
  assert.equal(await readText(response.body), "answer");
  assert.deepEqual([...response.body!.trailers!], [["grpc-status", "0"]]);
  assertQuiet(rig);
});

Deno.test("h2 upstream: heads without bodies, behind informational ones", async () => {
  const rows: { method: string; fields: Fields; isLast: boolean; status: number }[] = [
    { method: "HEAD", fields: [[":status", "200"], ["content-length", "9"]], isLast: true, status: 200 },
    { method: "HEAD", fields: [[":status", "200"], ["content-length", "9"]], isLast: false, status: 200 },
    { method: "GET", fields: [[":status", "204"]], isLast: true, status: 204 },
    { method: "GET", fields: [[":status", "304"], ["content-length", "9"]], isLast: true, status: 304 },
    { method: "GET", fields: [[":status", "200"]], isLast: true, status: 200 },
  ];
  const { rig, origins } = h2Rig();
  for (const [i, { method, fields, isLast, status }] of rows.entries()) {
    const serving = rig.service.serve(request({ method }));
    await settle();
    const { peer } = origins[0]!;
    const id = 2 * i + 1;
    await origins[0]!.send(
      peer.headers(id, [[":status", "103"], ["link", "x"]], { isLast: false }),
      peer.headers(id, fields, { isLast }),
    );
    const response = await serving;
    assert.equal(response.status, status);
    assert.equal(response.body, null);
    assertQuiet(rig);
  }
});

Deno.test("h2 upstream: a body longer or shorter than announced breaks off", async () => {
  for (const [sent, isLast] of [["toolong", false], ["x", true]] as const) {
    const { rig, origins } = h2Rig();
    const serving = rig.service.serve(request());
    await settle();
    const { peer } = origins[0]!;
    await origins[0]!.send(peer.headers(1, [[":status", "200"], ["content-length", "3"]], { isLast: false }));
    const response = await serving;
    const reading = failure(readText(response.body));
    await origins[0]!.send(peer.data(1, sent, { isLast }));
    if (!isLast) await origins[0]!.send(peer.data(1, "", { isLast: true }));
    assert.equal((await reading).code, "upstream_protocol");
    assertQuiet(rig);
  }
});

Deno.test("h2 upstream: what takes too long is given up, and the connection goes on", async () => {
  const rows: {
    want: string;
    body?: ManualBody;
    act?: (origin: Http2Origin) => Promise<unknown>;
    ms: number;
  }[] = [
    { want: "upstream_read_timeout", ms: 5200 },
    { want: "upstream_write_timeout", body: new ManualBody(10), ms: 3200 },
  ];
  for (const { want, body, ms } of rows) {
    const { rig, origins, announce } = h2Rig();
    announce([SETTING.initialWindowSize, 0]);
    const warm = rig.service.serve(request());
    await settle();
    await origins[0]!.answer(1, "");
    await warm;
    const failing = failure(rig.service.serve(request(body === undefined ? {} : { method: "POST", body })));
    body?.give("0123456789");
    await rig.time.advance(ms);
    assert.equal((await failing).code, want);
    const frames = await origins[0]!.frames();
    assert.equal(frames.find(({ type }) => type === FRAME.rstStream)?.code, H2_ERROR.cancel);
    assert.equal(origins[0]!.socket.isClosed, false);
    assertQuiet(rig);
  }
});

Deno.test("h2 upstream: a body that stops coming fails its reader", async () => {
  const { rig, origins } = h2Rig();
  const serving = rig.service.serve(request());
  await settle();
  await origins[0]!.send(origins[0]!.peer.headers(1, [[":status", "200"]], { isLast: false }));
  const reading = failure(readText((await serving).body));
  await rig.time.advance(5200);
  assert.equal((await reading).code, "upstream_read_timeout");
  assertQuiet(rig);
});

Deno.test("h2 upstream: a client that leaves cancels its stream alone", async () => {
  const { rig, origins } = h2Rig();
  const leaving = request();
  const failing = failure(rig.service.serve(leaving));
  const staying = rig.service.serve(request());
  await settle();
  await origins[0]!.frames();
  leaving.aborted = true;
  leaving.onAbort!("client_closed");
  assert.equal((await failing).code, "client_closed");
  const frames = await origins[0]!.frames();
  assert.deepEqual(
    frames.filter(({ type }) => type === FRAME.rstStream).map(({ streamId, code }) => [streamId, code]),
    [[1, H2_ERROR.cancel]],
  );
  await origins[0]!.answer(3, "still");
  assert.equal(await readText((await staying).body), "still");
  assertQuiet(rig);
});

Deno.test("h2 upstream: a body nobody wants any more is cancelled, and its window given back", async () => {
  const { rig, origins } = h2Rig();
  const serving = rig.service.serve(request());
  await settle();
  const { peer } = origins[0]!;
  await origins[0]!.send(
    peer.headers(1, [[":status", "200"]], { isLast: false }),
    peer.data(1, "begun", { isLast: false }),
  );
  (await serving).body!.cancel();
  assert.equal(
    (await origins[0]!.frames()).find(({ type }) => type === FRAME.rstStream)?.code,
    H2_ERROR.cancel,
  );
  assertQuiet(rig);
  await origins[0]!.send(peer.data(1, "late", { isLast: true }));
  assert.equal(origins[0]!.socket.isClosed, false);
});

Deno.test("h2 upstream: an answer that is complete ends an upload that is not", async () => {
  const { rig, origins } = h2Rig();
  const body = new ManualBody();
  const context = request({ method: "POST", body });
  const serving = rig.service.serve(context);
  body.give("part");
  await settle();
  await origins[0]!.answer(1, "enough");
  assert.equal(await readText((await serving).body), "enough");
  assert.ok(body.cancelled);
  assert.equal(context.closeConnection, true);
  assertQuiet(rig);
});

Deno.test("h2 upstream: a silent connection is pinged, and replaced when it does not answer", async () => {
  const { rig, origins } = h2Rig({
    timeouts: { connectSecs: 1, requestSecs: 60, readSecs: 30, writeSecs: 3 },
  }, { h2PingInterval: 2 });
  const failing = failure(rig.service.serve(request({ method: "POST" })));
  await settle();
  await origins[0]!.frames();
  await rig.time.advance(2200);
  const ping = (await origins[0]!.frames()).find(({ type }) => type === FRAME.ping);
  assert.ok(ping, "no PING came");
  await origins[0]!.send(frame(FRAME.ping, 1, 0, [...ping.payload]));
  await rig.time.advance(2200);
  assert.ok((await origins[0]!.frames()).some(({ type }) => type === FRAME.ping));
  await rig.time.advance(5200);
  assert.equal((await failing).code, "upstream_reset");
  assert.ok(origins[0]!.socket.isClosed);
  assertQuiet(rig);
});

Deno.test("h2 upstream: idle connections go after their time, with GOAWAY", async () => {
  const { rig, origins } = h2Rig();
  const serving = rig.service.serve(request());
  await settle();
  await origins[0]!.answer(1, "");
  await serving;
  await rig.time.advance(59_000);
  assert.equal(origins[0]!.socket.isClosed, false);
  await rig.time.advance(1500);
  assert.ok((await origins[0]!.frames()).some(({ type }) => type === FRAME.goaway));
  assert.ok(origins[0]!.socket.isClosed);
  assert.equal(rig.pools.stats()[0]!.size, 0);
});

Deno.test("h2 upstream: who waits for a place is told when there will be none", async () => {
  const { rig, origins, announce } = h2Rig({
    connectionPool: { maxConnections: 1, maxIdle: 1, idleTimeoutSecs: 60, maxLifetimeSecs: undefined },
  }, { maxH2Streams: 1 });
  announce([SETTING.maxConcurrentStreams, 5]);
  const first = rig.service.serve(request());
  await settle();
  const second = failure(rig.service.serve(request()));
  await rig.time.advance(500);
  const third = rig.service.serve(request());
  assert.equal(rig.pools.stats()[0]!.waiting, 2);
  await rig.time.advance(700);
  assert.equal((await second).code, "upstream_queue_full");
  await origins[0]!.answer(1, "");
  await first;
  await settle();
  await origins[0]!.answer(3, "third");
  assert.equal(await readText((await third).body), "third");
  assertQuiet(rig);
});

Deno.test("h2 upstream: a dial that fails tells everybody who waited for it", async () => {
  const { rig } = h2Rig();
  rig.dialer.answer = () => new ProxyError("upstream_connect_failed", "refused");
  const failing = Array.from({ length: 5 }, () => failure(rig.service.serve(request())));
  for (const error of await Promise.all(failing)) assert.equal(error.code, "upstream_connect_failed");
  assert.equal(rig.dialer.dials.length, 1);
  assertQuiet(rig);
});

Deno.test("h2 upstream: the target's windows hold back what is sent", async () => {
  const { rig, origins, announce } = h2Rig();
  announce([SETTING.initialWindowSize, 3]);
  const warm = rig.service.serve(request());
  await settle();
  await origins[0]!.answer(1, "");
  await warm;
  const serving = rig.service.serve(request({ method: "POST", body: new BytesBody(bytes("12345")) }));
  await settle();
  const text = (frames: readonly { type: number; text: string }[]) =>
    frames.filter(({ type }) => type === FRAME.data).map((each) => each.text).join("");
  assert.equal(text(await origins[0]!.frames()), "123");
  assert.equal(text(await origins[0]!.send(frame(FRAME.windowUpdate, 0, 3, u32(10)))), "45");
  await origins[0]!.answer(3, "ok");
  assert.equal(await readText((await serving).body), "ok");
});
