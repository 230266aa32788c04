import { deepEqual, equal, match, ok } from "node:assert/strict";
import { WebSocketStage } from "../support/websocket_stage.ts";
import { closeOf, closing } from "../support/websocket_peer.ts";

Deno.test("an upgrade goes through, and frames both ways, unchanged", async () => {
  await using stage = await WebSocketStage.start({ route: "websocket #true" });
  const { status, headers, peer } = await stage.open();
  equal(status, 101);
  equal(headers.get("upgrade"), "websocket");
  equal(headers.get("connection"), "Upgrade");
  equal(headers.has("content-length"), false);
  ok(headers.has("x-correlation-id"));
  match(stage.origin.heads[0]!, /^Connection: Upgrade\r$/m);
  match(stage.origin.heads[0]!, /^Upgrade: websocket$/m);
  await peer.text("hello");
  equal(await peer.nextText(), "hello");
  await peer.send({ opcode: 2, payload: new Uint8Array(300_000).fill(7) });
  const large = await peer.next();
  deepEqual([large?.opcode, large?.payload.length], [2, 300_000]);
  await peer.send({ opcode: 8, payload: closing(1000, "done") });
  deepEqual(closeOf(await peer.next()), { code: 1000, reason: "done" });
  equal(await peer.next(), null);
  equal(peer.end, "closed");
  peer.close();
  const line = await stage.logged((each) => each["status"] === 101);
  equal(line["websocket_close_code"], 1000);
  equal(line["websocket_close_reason"], "done");
  equal(line["websocket_closed_by"], "client");
  equal(line["websocket_messages_received"], 2);
  equal(line["websocket_messages_sent"], 2);
  ok(Number(line["body_bytes"]) > 300_000);
});

Deno.test("an upgrade on a route without it is refused", async () => {
  await using stage = await WebSocketStage.start({ route: "" });
  const { status, peer } = await stage.open();
  equal(status, 403);
  peer.close();
  equal(stage.origin.heads.length, 0);
  const line = await stage.logged((each) => each["status"] === 403);
  equal(line["error"], "websocket_not_enabled");
});
