/** A client and a server that break RFC 6455 in every group of its rules, through the splice and with inspection. */

import { deepEqual, equal } from "node:assert/strict";
import { ROOT } from "../support/servers.ts";
import {
  acceptHead,
  closeOf,
  closing,
  frameBytes,
  type FrameSketch,
  type RawFrame,
  type WebSocketPeer,
} from "../support/websocket_peer.ts";
import { octetsOf } from "../support/websocket_bytes.ts";
import { WebSocketStage } from "../support/websocket_stage.ts";

const INSPECTED = {
  more: `
agents { agent "echo" { wasm "${ROOT}wasm-agents/dist/echo.wasm"; grant "metrics" "log"; events "websocket-frame"; }; }
filters { filter "look" { type "agent"; agent "echo"; }; }`,
  route: `filters "look"
websocket { max-message-size 100000; }
websocket-inspection #true`,
};

/** A frame as `opcode:payload`, with `+` for a fragment that others follow. */
function brief(frame: RawFrame): string {
  const text = frame.payload.length > 40
    ? `${frame.payload.length} bytes`
    : String.fromCharCode(...frame.payload);
  return `${frame.opcode}${frame.fin ? "" : "+"}:${text}`;
}

interface Case {
  readonly group: string;
  readonly name: string;
  readonly send: readonly FrameSketch[];
  /** What a client that sends this gets with inspection: echoed frames, or a Close code. */
  readonly want: readonly string[] | number;
}

const bytes = (...octets: number[]) => Uint8Array.from(octets);

const CASES: readonly Case[] = [
  { group: "framing", name: "empty text", send: [{ opcode: 1 }], want: ["1:"] },
  {
    group: "framing",
    name: "125 bytes",
    send: [{ opcode: 2, payload: "x".repeat(125) }],
    want: ["2:125 bytes"],
  },
  {
    group: "framing",
    name: "126 bytes",
    send: [{ opcode: 2, payload: "x".repeat(126) }],
    want: ["2:126 bytes"],
  },
  {
    group: "framing",
    name: "65535 bytes",
    send: [{ opcode: 2, payload: "x".repeat(65_535) }],
    want: ["2:65535 bytes"],
  },
  {
    group: "framing",
    name: "65536 bytes",
    send: [{ opcode: 2, payload: "x".repeat(65_536) }],
    want: ["2:65536 bytes"],
  },
  {
    group: "framing",
    name: "length in 16 bits that fits 7",
    send: [{ opcode: 1, payload: "a", lengthBytes: 2 }],
    want: 1002,
  },
  {
    group: "framing",
    name: "length in 64 bits that fits 16",
    send: [{ opcode: 1, payload: "a", lengthBytes: 8 }],
    want: 1002,
  },
  { group: "framing", name: "not masked", send: [{ opcode: 1, payload: "a", masked: false }], want: 1002 },
  { group: "ping", name: "empty", send: [{ opcode: 9 }], want: ["10:"] },
  {
    group: "ping",
    name: "125 bytes",
    send: [{ opcode: 9, payload: "p".repeat(125) }],
    want: ["10:125 bytes"],
  },
  { group: "ping", name: "126 bytes", send: [{ opcode: 9, payload: "p".repeat(126) }], want: 1002 },
  { group: "ping", name: "in fragments", send: [{ opcode: 9, fin: false }, { opcode: 0 }], want: 1002 },
  {
    group: "ping",
    name: "ten in a row",
    send: Array.from({ length: 10 }, (_, i) => ({ opcode: 9, payload: `${i}` })),
    want: Array.from({ length: 10 }, (_, i) => `10:${i}`),
  },
  {
    group: "ping",
    name: "unasked pong, then a text",
    send: [{ opcode: 10, payload: "x" }, { opcode: 1, payload: "a" }],
    want: ["1:a"],
  },
  ...[1, 2, 3, 4, 5, 6, 7].map((rsv) => ({
    group: "reserved bits",
    name: `${rsv}`,
    send: [{ opcode: 1, payload: "a", rsv }],
    want: 1002,
  })),
  {
    group: "reserved bits",
    name: "on a ping after a text",
    send: [{ opcode: 1, payload: "a" }, { opcode: 9, rsv: 1 }],
    want: 1002,
  },
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => ({
    group: "opcodes",
    name: `${opcode}`,
    send: [{ opcode, payload: "a" }],
    want: 1002,
  })),
  {
    group: "fragments",
    name: "two",
    send: [{ opcode: 1, payload: "ab", fin: false }, { opcode: 0, payload: "cd" }],
    want: ["1:abcd"],
  },
  {
    group: "fragments",
    name: "empty ones around a ping",
    send: [{ opcode: 2, fin: false }, { opcode: 9, payload: "p" }, { opcode: 0, payload: "x", fin: false }, {
      opcode: 0,
    }],
    want: ["10:p", "2:x"],
  },
  { group: "fragments", name: "that continue nothing", send: [{ opcode: 0, payload: "a" }], want: 1002 },
  {
    group: "fragments",
    name: "unfinished that continue nothing",
    send: [{ opcode: 0, payload: "a", fin: false }],
    want: 1002,
  },
  {
    group: "fragments",
    name: "a text within a text",
    send: [{ opcode: 1, payload: "a", fin: false }, { opcode: 1, payload: "b" }],
    want: 1002,
  },
  {
    group: "UTF-8",
    name: "three bytes",
    send: [{ opcode: 1, payload: "\xe2\x82\xac" }],
    want: ["1:\xe2\x82\xac"],
  },
  {
    group: "UTF-8",
    name: "a character over two fragments",
    send: [{ opcode: 1, payload: "\xe2\x82", fin: false }, { opcode: 0, payload: "\xac" }],
    want: ["1:\xe2\x82\xac"],
  },
  { group: "UTF-8", name: "surrogate", send: [{ opcode: 1, payload: "\xed\xa0\x80" }], want: 1007 },
  { group: "UTF-8", name: "overlong", send: [{ opcode: 1, payload: "\xc0\xaf" }], want: 1007 },
  { group: "UTF-8", name: "cut", send: [{ opcode: 1, payload: "\xe2\x82" }], want: 1007 },
  { group: "UTF-8", name: "beyond", send: [{ opcode: 1, payload: "\xf4\x90\x80\x80" }], want: 1007 },
  {
    group: "UTF-8",
    name: "anything in binary",
    send: [{ opcode: 2, payload: "\xff\xfe" }],
    want: ["2:\xff\xfe"],
  },
  { group: "close", name: "without a code", send: [{ opcode: 8 }], want: 1005 },
  { group: "close", name: "one byte", send: [{ opcode: 8, payload: bytes(3) }], want: 1002 },
  ...[1000, 1001, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999].map((code) => ({
    group: "close",
    name: `${code}`,
    send: [{ opcode: 8, payload: closing(code, "why") }],
    want: code,
  })),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535].map((code) => ({
    group: "close",
    name: `${code}, which is no code`,
    send: [{ opcode: 8, payload: closing(code) }],
    want: 1002,
  })),
  {
    group: "close",
    name: "a reason that is not UTF-8",
    send: [{ opcode: 8, payload: bytes(3, 232, 0xff) }],
    want: 1002,
  },
  {
    group: "close",
    name: "126 bytes",
    send: [{ opcode: 8, payload: closing(1000, "r".repeat(124)) }],
    want: 1002,
  },
  {
    group: "limits",
    name: "as long as allowed",
    send: [{ opcode: 2, payload: "x".repeat(100_000) }],
    want: ["2:100000 bytes"],
  },
  { group: "limits", name: "longer", send: [{ opcode: 2, payload: "x".repeat(100_001) }], want: 1009 },
  { group: "limits", name: "announced only", send: [{ opcode: 2, length: 2 ** 40 }], want: 1009 },
  {
    group: "limits",
    name: "announced beyond counting",
    send: [{ opcode: 2, length: Number.MAX_SAFE_INTEGER }],
    want: 1009,
  },
  {
    group: "limits",
    name: "longer in fragments",
    send: [{ opcode: 2, payload: "x".repeat(60_000), fin: false }, {
      opcode: 0,
      payload: "x".repeat(60_000),
    }],
    want: 1009,
  },
];

Deno.test("with inspection every rule of RFC 6455 holds for clients", async (test) => {
  await using stage = await WebSocketStage.start(INSPECTED);
  for (const { group, name, send, want } of CASES) {
    await test.step(`${group}: ${name}`, async () => {
      const { status, peer } = await stage.open();
      equal(status, 101);
      await peer.send(...send);
      if (typeof want === "number") {
        deepEqual(closeOf(await peer.next())?.code, want);
        await peer.send({ opcode: 8, payload: closing(1000) });
        equal(await peer.next(), null);
      } else {
        const got: string[] = [];
        for (let i = 0; i < want.length; i++) got.push(brief((await peer.next())!));
        deepEqual(got, want);
      }
      peer.close();
    });
  }
  await stage.metricBecomes(0, "sentinel_websocket_open");
  equal(await stage.metric("sentinel_active_requests"), 0);
});

Deno.test("with inspection every rule of RFC 6455 holds for servers", async (test) => {
  const broken = CASES.filter(({ want, name }) =>
    typeof want === "number" && want !== 1005 && name !== "not masked"
  );
  await using stage = await WebSocketStage.start(INSPECTED);
  for (
    const { group, name, send, want } of [...broken, {
      group: "framing",
      name: "masked",
      send: [{ opcode: 1, payload: "a", masked: true }],
      want: 1002,
    }]
  ) {
    await test.step(`${group}: ${name}`, async () => {
      let told: Promise<number | undefined> | undefined;
      stage.origin.script = async (peer, head) => {
        await peer.send(octetsOf(await acceptHead(head)));
        await peer.send(...send);
        told = peer.next().then((frame) => closeOf(frame)?.code);
        await told;
      };
      const { peer } = await stage.open();
      let last = await peer.next();
      while (last !== null && last.opcode !== 8) last = await peer.next();
      equal(closeOf(last)?.code, want);
      await peer.send({ opcode: 8, payload: closing(1000) });
      equal(await peer.next(), null);
      peer.close();
      // A Close that the server sent itself is answered by the client, whatever that answers.
      if (group !== "close" || want === 1002) equal(await told, want);
    });
  }
});

/** Everything that reaches an origin behind the handshake. */
function recorder(): {
  script: (peer: WebSocketPeer, head: string) => Promise<void>;
  received: Promise<Uint8Array>;
} {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  return {
    received: promise,
    async script(peer, head) {
      await peer.send(octetsOf(await acceptHead(head)));
      resolve(await peer.raw(Infinity));
    },
  };
}

for (
  const [kind, route] of [["looks at frames", "websocket #true"], [
    "looks at nothing",
    "websocket { observe-frames #false; }",
  ]] as const
) {
  Deno.test(`a splice that ${kind} passes everything on as it came, however wrong`, async (test) => {
    await using stage = await WebSocketStage.start({ route });
    for (const { group, name, send } of CASES) {
      await test.step(`${group}: ${name}`, async () => {
        const origin = recorder();
        stage.origin.script = origin.script;
        const { peer } = await stage.open();
        const sent = send.map((sketch) => frameBytes(sketch, { client: true }));
        for (const part of sent) await peer.send(part);
        await peer.finishSending();
        const received = await origin.received;
        deepEqual([...received], sent.flatMap((part) => [...part]));
        equal(await peer.next(), null);
        peer.close();
      });
    }
    await stage.metricBecomes(0, "sentinel_websocket_open");
  });
}
