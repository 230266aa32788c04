import { deepEqual, equal, ok } from "node:assert/strict";
import { ROOT } from "../support/servers.ts";
import { closeOf, closing, openWebSocket } from "../support/websocket_peer.ts";
import { WebSocketStage } from "../support/websocket_stage.ts";

const AGENTS = `
agents { agent "echo" { wasm "${ROOT}wasm-agents/dist/echo.wasm"; config { greeting "hi"; }; grant "metrics" "log"; }; }
filters { filter "look" { type "agent"; agent "echo"; }; }`;
const INSPECTED = `filters "look"\nwebsocket #true\nwebsocket-inspection #true`;

Deno.test("inspection: an agent lets pass, drops, replaces, answers and closes", async () => {
  await using stage = await WebSocketStage.start({ route: INSPECTED, more: AGENTS });
  const { status, peer } = await stage.open({
    more: ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"],
  });
  equal(status, 101);
  ok(!/sec-websocket-extensions/i.test(stage.origin.heads[0]!), "compression is not offered to the upstream");
  await peer.text("plain");
  equal(await peer.nextText(), "plain");
  await peer.text("drop");
  await peer.text("ping");
  equal(await peer.nextText(), "pong");
  await peer.text("shout hey");
  equal(await peer.nextText(), "HEY");
  await peer.send({ opcode: 1, payload: "shout ", fin: false }, { opcode: 9, payload: "p" }, {
    opcode: 0,
    payload: "again",
  });
  const pong = await peer.next();
  deepEqual([pong?.opcode, String.fromCharCode(...pong!.payload)], [10, "p"]);
  equal(await peer.nextText(), "AGAIN");
  await peer.text("bye");
  deepEqual(closeOf(await peer.next()), { code: 1000, reason: "hi" });
  await peer.send({ opcode: 8, payload: closing(1000) });
  equal(await peer.next(), null);
  peer.close();
  const line = await stage.logged((each) => each["status"] === 101);
  equal(line["websocket_close_code"], 1000);
  equal(line["websocket_closed_by"], "proxy");
  equal(line["reason"], "websocket_inspection_closed");
  await stage.metricBecomes(1, "sentinel_websocket_frames_total", 'decision="drop"', 'opcode="text"');
  await stage.metricBecomes(1, "sentinel_websocket_frames_total", 'decision="answer"');
  await stage.metricBecomes(2, "sentinel_websocket_frames_total", 'decision="replace"');
  await stage.metricBecomes(1, "sentinel_websocket_frames_total", 'decision="close"');
  ok(await stage.metric("sentinel_websocket_inspection_duration_seconds_count") >= 8);
  ok(!stage.sentinel.process.output.includes("nothing tells of"), stage.sentinel.process.output);
});

Deno.test("inspection: an agent refuses the opening", async () => {
  await using stage = await WebSocketStage.start({
    // The agent's hook for requests is not told, so that its hook for WebSockets decides.
    more: AGENTS.replace("grant", 'events "websocket-frame"; grant'),
    route: INSPECTED,
  });
  const { status, peer } = await stage.open({ target: "/block" });
  equal(status, 403);
  peer.close();
  equal(stage.origin.heads.length, 0);
  const good = await openWebSocket(stage.sentinel.port, { target: "/x" });
  equal(good.status, 101);
  good.peer.close();
});

Deno.test("inspection: an agent that waits for frames where nobody inspects is warned of", async () => {
  await using stage = await WebSocketStage.start({
    more: AGENTS.replace("grant", 'events "websocket-frame"; grant'),
    route: `filters "look"\nwebsocket #true`,
  });
  await stage.sentinel.process.said(/waits for events that nothing tells of/);
  const { peer } = await stage.open();
  await peer.text("drop");
  equal(await peer.nextText(), "drop");
  peer.close();
});

for (
  const [mode, want] of [["open", "1:hello"], ["closed", "close 1011"]] as const
) {
  Deno.test(`inspection: an agent that runs out of fuel fails ${mode}`, async () => {
    await using stage = await WebSocketStage.start({
      // Enough for the opening, and not for a long text.
      more: AGENTS.replace("grant", `fuel 20000; failure-mode "${mode}"; events "websocket-frame"; grant`)
        .replace('config { greeting "hi"; };', ""),
      route: INSPECTED,
    });
    const { status, peer } = await stage.open();
    equal(status, 101);
    await peer.text("shout " + "x".repeat(50_000));
    const frame = await peer.next();
    if (mode === "open") equal(frame?.payload.length, 50_006, want);
    else deepEqual(closeOf(frame)?.code, 1011, want);
    peer.close();
    const line = await stage.logged((each) => each["status"] === 101);
    equal(line["agent_echo_failure"], "fuel");
    if (mode === "closed") equal(line["reason"], "websocket_inspection_failed");
    await stage.metricBecomes(0, "sentinel_websocket_open");
  });
}

Deno.test("inspection: messages are seen by all agents, in order there and in the opposite one back", async () => {
  const agents = `
agents {
  agent "one" { wasm "${ROOT}wasm-agents/dist/echo.wasm"; events "websocket-frame"; grant "metrics" "log"; };
  agent "two" { wasm "${ROOT}wasm-agents/dist/echo.wasm"; events "websocket-frame"; grant "metrics" "log"; };
  agent "shadow" { wasm "${ROOT}wasm-agents/dist/echo.wasm"; mode "shadow"; grant "metrics" "log"; };
}
filters {
  filter "one" { type "agent"; agent "one"; }
  filter "two" { type "agent"; agent "two"; phase "request"; }
  filter "shadow" { type "agent"; agent "shadow"; }
}`;
  await using stage = await WebSocketStage.start({
    more: agents,
    route: `filters "shadow" "one" "two"\nwebsocket #true\nwebsocket-inspection #true`,
  });
  const { peer } = await stage.open();
  // Each takes one "shout " away on the way there, and the first one again on the way back.
  await peer.text("shout shout shout a");
  equal(await peer.nextText(), "SHOUT SHOUT A");
  await peer.text("fine");
  equal(await peer.nextText(), "fine");
  peer.close();
  await stage.metricBecomes(0, "sentinel_websocket_open");
});
