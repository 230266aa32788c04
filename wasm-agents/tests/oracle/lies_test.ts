/** Results made to break the host: each is a malformed trap, at once, and the next instance is none the worse. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { recordRoom, variantRoom } from "../../../build/wit/layout.ts";
import { parseWit } from "../../../build/wit/parse.ts";
import { AgentTrap } from "../../../src/agents/guest.ts";
import { exportOf, ourSide } from "./both_sides.ts";
import { buildGuest } from "./build_guest.ts";
import { IMAGE_AT, IMAGE_BYTES_MAX, MEMORY_BYTES, STORE_IMAGE } from "./guest_parts.ts";
import { ZENTINEL_GUEST } from "./zentinel_guest.ts";
import { SENTINEL_GUEST } from "./sentinel_guest.ts";
import { encode } from "./values.ts";

const STOPPED_WITHIN_MS = 20;

async function world(name: string, guest: string) {
  const file = `${name}-agent.wit`;
  const wit = parseWit(
    file,
    await Deno.readTextFile(new URL(`../../wit/${file}`, import.meta.url)),
  );
  return { wit, built: await buildGuest(guest, file) };
}

const ZENTINEL = await world("zentinel", ZENTINEL_GUEST);
const SENTINEL = await world("sentinel", SENTINEL_GUEST);

/** Offsets in an agent-response of the reference's world. */
const AT = {
  decision: 0,
  decisionPayload: 4,
  requestHeaders: 28,
  tags: 44,
  confidence: 60,
  needsMore: 76,
};

Deno.test("lies: the offsets used here are those of the layout", () => {
  const { result } = exportOf(ZENTINEL.wit, "handler#on-response-body").func;
  const response = result?.type === "named" &&
    result.def.shape.type === "record" && result.def.shape.fields;
  ok(response);
  deepEqual(recordRoom(response.map(({ type }) => type)).offsets, [
    AT.decision,
    AT.requestHeaders,
    36,
    AT.tags,
    AT.needsMore,
  ]);
  equal(
    variantRoom([undefined, response[1]!.type]).payloadOffset,
    AT.decisionPayload,
  );
});

type Lie = (
  view: DataView<ArrayBuffer>,
  bytes: Uint8Array<ArrayBuffer>,
) => void;

function list(at: number, pointer: number, count: number): Lie {
  return (view) => {
    view.setUint32(at, pointer, true);
    view.setUint32(at + 4, count, true);
  };
}

/** A list of `count` strings, all of them the same `length` bytes of the image. */
function sameString(count: number, length: number): Lie {
  return (view, bytes) => {
    list(AT.tags, IMAGE_AT + 1024, count)(view, bytes);
    for (let index = 0; index < count; index++) {
      list(1024 + 8 * index, IMAGE_AT + 1024 + 8 * count, length)(view, bytes);
    }
    bytes.fill(0x61, 1024 + 8 * count);
  };
}

const LIES: readonly { readonly name: string; readonly lie: Lie }[] = [
  {
    name: "a decision that is not there",
    lie: (view) => view.setUint8(AT.decision, 3),
  },
  { name: "decision 255", lie: (view) => view.setUint8(AT.decision, 255) },
  {
    name: "an option that is neither",
    lie: (view) => view.setUint8(AT.confidence, 2),
  },
  {
    name: "a list at the end of memory",
    lie: list(AT.tags, MEMORY_BYTES - 4, 1),
  },
  { name: "a list beyond memory", lie: list(AT.tags, 0xffff_fff8, 1) },
  { name: "a list of 2^32 - 1", lie: list(AT.tags, 0, 0xffff_ffff) },
  {
    name: "a list whose size wraps around",
    lie: list(AT.requestHeaders, 0, 0x0ccc_cccd),
  },
  {
    name: "a list that is not aligned",
    lie: list(AT.requestHeaders, IMAGE_AT + 2, 1),
  },
  {
    name: "a header edit that is not there",
    lie: (view, bytes) => {
      list(AT.requestHeaders, IMAGE_AT + 1024, 1)(view, bytes);
      view.setUint8(1024, 9);
    },
  },
  { name: "a string of 2^32 - 1 bytes", lie: sameString(1, 0xffff_ffff) },
  {
    name: "20 000 strings of 60 KB that are one",
    lie: sameString(20_000, 60_000),
  },
  { name: "1024 strings of 60 KB that are one", lie: sameString(1024, 60_000) },
  { name: "one string more than the budget", lie: sameString(2, 131_072) },
  {
    name: "text that is not UTF-8",
    lie: (view, bytes) => {
      sameString(1, 2)(view, bytes);
      view.setUint16(1032, 0x28c3, true);
    },
  },
];

/** An image of zeros, which is a valid result of every kind, with a lie in it. */
function imageOf(lie: Lie): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(IMAGE_BYTES_MAX);
  const view = new DataView(bytes.buffer);
  for (const at of [AT.requestHeaders, 36, AT.tags, 52, 68]) {
    view.setUint32(at, 4, true);
  }
  lie(view, bytes);
  return bytes;
}

function returned(image: Uint8Array) {
  const side = ourSide(ZENTINEL.built, ZENTINEL.wit, {});
  ok(
    "value" in
      side.call("handler#on-request-body", ["", image, STORE_IMAGE, false]),
  );
  const start = performance.now();
  const end = side.call("handler#on-response-body", [
    "",
    new Uint8Array(0),
    0,
    true,
  ]);
  return { end, ms: performance.now() - start };
}

Deno.test("lies: without one the image is a result", () => {
  const { end } = returned(imageOf(() => {}));
  ok("value" in end);
  deepEqual((end.value as { decision: unknown }).decision, { type: "allow" });
});

for (const { name, lie } of LIES) {
  Deno.test(`lies: ${name} is malformed`, () => {
    const { end, ms } = returned(imageOf(lie));
    ok("error" in end && end.error instanceof AgentTrap, "no trap");
    equal(end.error.kind, "malformed");
    ok(ms < STOPPED_WITHIN_MS, `stopped after ${ms} ms`);
  });
}

Deno.test("lies: 1024 frames that share their bytes are too much, quickly", () => {
  const { wit, built } = SENTINEL;
  const { func } = exportOf(wit, "websocket-handler#ws-frame");
  const frame = { opcode: "binary", fin: true, data: new Uint8Array(1000) };
  const frames = {
    type: "answer",
    value: Array.from(
      { length: 1024 },
      () => ({ ...frame, data: new Uint8Array(0) }),
    ),
  };
  const image = encode(func.result!, frames, IMAGE_AT);
  const view = new DataView(image.buffer);
  const first = view.getUint32(4, true) - IMAGE_AT;
  for (let index = 0; index < 1024; index++) {
    view.setUint32(first + 12 * index + 4, 0, true);
    view.setUint32(first + 12 * index + 8, MEMORY_BYTES / 8, true);
  }
  const answers = {
    "http#[method]request.id": "",
    "http#[method]request.method": "",
    "http#[method]request.target": "",
    "http#[method]request.path": "",
    "http#[method]request.query": "",
    "http#[method]request.host": "",
    "http#[method]request.traceparent": "",
    "http#[method]request.headers": [],
    "conn-info#client-address": "",
    "conn-info#client-port": 1,
    "kv#set": true,
    "kv#incr": 1n,
  };
  const side = ourSide(built, wit, answers);
  ok(
    "value" in
      side.call("request-body-handler#on-request-body", [
        "request",
        image,
        STORE_IMAGE,
        false,
      ]),
  );
  const start = performance.now();
  const end = side.call("websocket-handler#ws-frame", [
    "request",
    "client-to-server",
    0n,
    frame,
  ]);
  const ms = performance.now() - start;
  ok("error" in end && end.error instanceof AgentTrap, "no trap");
  equal(end.error.kind, "malformed");
  ok(ms < STOPPED_WITHIN_MS, `stopped after ${ms} ms`);
});
