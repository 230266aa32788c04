import assert from "node:assert/strict";
import { settle } from "../../tests/support/fake_socket.ts";
import { type Fields, frame, u32 } from "../../tests/support/http2_frames.ts";
import { assertQuiet, h2Rig } from "../../tests/support/http2_origin.ts";
import { failure, readText, request } from "../../tests/support/proxy_rig.ts";
import type { ProxyError } from "../core/errors.ts";
import { FRAME } from "../http2/frames.ts";

const WRONG: readonly { name: string; fields: Fields; isLast?: boolean; code: ProxyError["code"] }[] = [
  { name: "no status", fields: [["a", "b"]], code: "upstream_protocol" },
  { name: "a status of four digits", fields: [[":status", "2000"]], code: "upstream_protocol" },
  { name: "101", fields: [[":status", "101"]], code: "upstream_protocol" },
  { name: "100 as the end", fields: [[":status", "100"]], isLast: true, code: "upstream_protocol" },
  {
    name: "a pseudo field of requests",
    fields: [[":status", "200"], [":path", "/"]],
    code: "upstream_protocol",
  },
  { name: "connection", fields: [[":status", "200"], ["connection", "close"]], code: "upstream_protocol" },
  { name: "a line end", fields: [[":status", "200"], ["a", "b\r\nc: d"]], code: "upstream_protocol" },
  { name: "a bad length", fields: [[":status", "200"], ["content-length", "x"]], code: "upstream_protocol" },
  {
    name: "two lengths",
    fields: [[":status", "200"], ["content-length", "1"], ["content-length", "2"]],
    code: "upstream_protocol",
  },
  {
    name: "a huge head",
    fields: [[":status", "200"], ["a", "x".repeat(70_000)]],
    code: "upstream_head_too_large",
  },
];

for (const { name, fields, isLast = false, code } of WRONG) {
  Deno.test(`h2 upstream: an answer is refused: ${name}`, async () => {
    const { rig, origins } = h2Rig();
    const failing = failure(rig.service.serve(request()));
    await settle();
    const { peer } = origins[0]!;
    const block = peer.block(fields);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < block.length; at += 16_000) {
      const isEnd = at + 16_000 >= block.length;
      const flags = (isEnd ? 4 : 0) | (isLast && at === 0 ? 1 : 0);
      pieces.push(
        frame(at === 0 ? FRAME.headers : FRAME.continuation, flags, 1, block.slice(at, at + 16_000)),
      );
    }
    await origins[0]!.send(...pieces);
    assert.equal((await failing).code, code);
    assert.equal(origins[0]!.socket.isClosed, false, "other streams live on");
    assertQuiet(rig);
  });
}

Deno.test("h2 upstream: an upstream that closes in the middle of a body breaks it off", async () => {
  const { rig, origins } = h2Rig();
  const serving = rig.service.serve(request());
  await settle();
  const { peer } = origins[0]!;
  await origins[0]!.send(
    peer.headers(1, [[":status", "200"]], { isLast: false }),
    peer.data(1, "half", { isLast: false }),
  );
  const { body } = await serving;
  assert.equal(new TextDecoder().decode((await body!.read())!), "half");
  origins[0]!.socket.end();
  assert.equal((await failure(Promise.resolve().then(() => body!.read()))).code, "upstream_body_aborted");
  assertQuiet(rig);
});

Deno.test("h2 upstream: not one octet beyond the announced length passes", async () => {
  const { rig, origins } = h2Rig();
  const serving = rig.service.serve(request());
  await settle();
  const { peer } = origins[0]!;
  await origins[0]!.send(peer.headers(1, [[":status", "200"], ["content-length", "3"]], { isLast: false }));
  const body = (await serving).body!;
  await origins[0]!.send(
    peer.data(1, "ab", { isLast: false }),
    peer.data(1, "cHTTP/1.1 200 OK", { isLast: true }),
  );
  assert.equal(new TextDecoder().decode((await body.read())!), "ab");
  assert.equal((await failure(Promise.resolve().then(() => body.read()))).code, "upstream_protocol");
});

Deno.test("h2 upstream: who waits at a pool that is retired is still served", async () => {
  const { rig, origins } = h2Rig();
  const serving = rig.service.serve(request());
  rig.upstream.dispose();
  await settle();
  await origins[0]!.answer(1, "late");
  assert.equal(await readText((await serving).body), "late");
  await settle();
  assert.ok(origins[0]!.socket.isClosed);
});

Deno.test("h2 upstream: a place taken before GOAWAY is no stream opened after it", async () => {
  const { rig, origins } = h2Rig();
  const warm = rig.service.serve(request());
  await settle();
  await origins[0]!.answer(1, "");
  await warm;
  // The request takes its place at once, and the frame is read before it has sent anything.
  origins[0]!.socket.push(frame(FRAME.goaway, 0, 0, [...u32(1), ...u32(0)]));
  const serving = rig.service.serve(request());
  await settle();
  const asked = [...await origins[0]!.requests(), ...(await origins[1]?.requests() ?? [])];
  assert.ok(asked.length >= 1);
  await origins[1]!.answer(1, "new");
  assert.equal(await readText((await serving).body), "new");
  assertQuiet(rig);
});

Deno.test("h2 upstream: a connection that broke the rules and reads nothing does not stay", async () => {
  const { rig, origins } = h2Rig();
  const failing = failure(rig.service.serve(request({ method: "POST" })));
  await settle();
  origins[0]!.socket.isStalled = true;
  await origins[0]!.send(frame(FRAME.ping, 0, 0, [...u32(1), ...u32(2)]));
  await origins[0]!.send(frame(FRAME.pushPromise, 4, 1, u32(2)));
  assert.equal((await failing).code, "upstream_protocol");
  await rig.time.advance(3500);
  assert.ok(origins[0]!.socket.isClosed);
  assert.equal(rig.pools.stats()[0]!.size, 0);
  assertQuiet(rig);
});
