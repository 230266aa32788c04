import assert from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { answer } from "../../tests/support/connection_rig.ts";
import { settle } from "../../tests/support/fake_socket.ts";
import { anyFrame } from "../../tests/support/http2_mutations.ts";
import { HELLO, join } from "../../tests/support/http2_frames.ts";
import { Http2Rig } from "../../tests/support/http2_rig.ts";
import { readText } from "../../tests/support/proxy_rig.ts";
import { ConnectionFault } from "./frames.ts";
import { HpackDecoder } from "./hpack_decoder.ts";
import { HpackEncoder } from "./hpack_encoder.ts";
import { decodeHuffman, encodeHuffman, huffmanLength } from "./huffman.ts";
import { FrameOutput } from "./output.ts";
import { FakeSocket, FakeTime } from "../../tests/support/fake_socket.ts";

const byteString = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 60 })
  .map((units) => String.fromCharCode(...units));
const name = fc.constantFrom(
  "user-agent",
  "cookie",
  ":path",
  "x-own",
  "via",
  "te",
  "grpc-status",
  "a".repeat(300),
);

Deno.test("http2 fuzz: any text comes through the Huffman code", () => {
  fc.assert(fc.property(byteString, (text) => {
    const coded = new Uint8Array(huffmanLength(text));
    assert.equal(encodeHuffman(text, coded, 0), coded.length);
    const out = new Uint8Array(coded.length * 2 + 8);
    const count = decodeHuffman({ bytes: coded, start: 0, end: coded.length }, out);
    assert.equal(String.fromCharCode(...out.subarray(0, count)), text);
  }));
});

Deno.test("http2 fuzz: whatever lists are sent in whatever tables arrive as they were", () => {
  const blocks = fc.array(
    fc.record({
      table: fc.option(fc.integer({ min: 0, max: 5000 })),
      fields: fc.array(fc.tuple(name, byteString), { maxLength: 12 }),
    }),
    { maxLength: 20 },
  );
  fc.assert(fc.property(blocks, (list) => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(4096);
    for (const { table, fields } of list) {
      if (table !== null) encoder.limitTable(table);
      const output = new FrameOutput(new FakeSocket(), new FakeTime(), () => {});
      encoder.begin(output);
      for (const [key, value] of fields) encoder.field(output, key, value);
      const seen: [string, string][] = [];
      decoder.decode(output.bytes.slice(0, output.end), {
        field: (field) => void seen.push([field.name, field.value]),
      });
      assert.deepEqual(seen, fields);
    }
  }));
});

Deno.test("http2 fuzz: arbitrary header blocks are decoded or refused, and nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (block) => {
      try {
        new HpackDecoder(4096).decode(block, { field() {} });
      } catch (cause) {
        assert.ok(cause instanceof ConnectionFault, String(cause));
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("http2 fuzz: whatever a client sends, every request ends once and nothing is left", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyFrame, { maxLength: 30 }),
      fc.integer({ min: 1, max: 4000 }),
      async (frames, cut) => {
        const rig = new Http2Rig(async (context) => answer(await readText(context.body)), { hello: HELLO });
        const bytes = join(...frames);
        for (let at = 0; at < bytes.length; at += cut) rig.socket.push(bytes.slice(at, at + cut));
        await settle();
        rig.socket.end();
        await rig.ended;
        await settle();
        assert.equal(rig.finished.length, new Set(rig.finished).size);
        assert.ok(rig.seen.every((context) => rig.finished.includes(context)), "a request never ended");
        assert.ok(rig.connection.isIdle);
        assert.equal(rig.time.deadlines.size, 0);
        assert.equal(rig.open, 0);
      },
    ),
    { numRuns: 300 },
  );
});
