import assert from "node:assert/strict";
import { ConnectionFault } from "./frames.ts";
import { type FieldHandling, HpackDecoder } from "./hpack_decoder.ts";
import { HpackEncoder } from "./hpack_encoder.ts";
import { DynamicTable, type Field, makeField, STATIC_FIELDS } from "./hpack_fields.ts";
import { decodeHuffman, encodeHuffman, huffmanLength } from "./huffman.ts";
import { FrameOutput } from "./output.ts";
import { FakeSocket, FakeTime } from "../../tests/support/fake_socket.ts";

function unhex(text: string): Uint8Array {
  return Uint8Array.from(text.replace(/\s/g, "").match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Collects what is decoded. */
class Sink {
  readonly lines: string[] = [];
  readonly secrets: string[] = [];
  field(field: Field, handling: FieldHandling): void {
    this.lines.push(`${field.name}: ${field.value}`);
    if (handling === "secret") this.secrets.push(field.name);
  }
}

function decode(decoder: HpackDecoder, hex: string | Uint8Array): string[] {
  const sink = new Sink();
  decoder.decode(typeof hex === "string" ? unhex(hex) : hex, sink);
  return sink.lines;
}

const R1 = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
const R2 = [...R1, "cache-control: no-cache"];
const R3 = [
  ":method: GET",
  ":scheme: https",
  ":path: /index.html",
  ":authority: www.example.com",
  "custom-key: custom-value",
];
const A1 = [
  ":status: 302",
  "cache-control: private",
  "date: Mon, 21 Oct 2013 20:13:21 GMT",
  "location: https://www.example.com",
];
const A2 = [":status: 307", ...A1.slice(1)];
const A3 = [
  ":status: 200",
  "cache-control: private",
  "date: Mon, 21 Oct 2013 20:13:22 GMT",
  "location: https://www.example.com",
  "content-encoding: gzip",
  "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
];

/** RFC 7541 appendix C: blocks of one connection, what they say, and the table's size after each. */
const EXAMPLES: readonly {
  name: string;
  tableBytes?: number;
  blocks: readonly (readonly [hex: string, lines: readonly string[], size: number])[];
}[] = [
  {
    name: "C.2.1 literal with indexing",
    blocks: [[
      "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
      ["custom-key: custom-header"],
      55,
    ]],
  },
  {
    name: "C.2.2 literal without indexing",
    blocks: [["040c 2f73 616d 706c 652f 7061 7468", [":path: /sample/path"], 0]],
  },
  {
    name: "C.2.3 literal never indexed",
    blocks: [["1008 7061 7373 776f 7264 0673 6563 7265 74", ["password: secret"], 0]],
  },
  { name: "C.2.4 indexed", blocks: [["82", [":method: GET"], 0]] },
  {
    name: "C.3 requests without Huffman code",
    blocks: [
      ["8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", R1, 57],
      ["8286 84be 5808 6e6f 2d63 6163 6865", R2, 110],
      ["8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", R3, 164],
    ],
  },
  {
    name: "C.4 requests with Huffman code",
    blocks: [
      ["8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", R1, 57],
      ["8286 84be 5886 a8eb 1064 9cbf", R2, 110],
      ["8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", R3, 164],
    ],
  },
  {
    name: "C.5 responses without Huffman code, with eviction",
    tableBytes: 256,
    blocks: [
      [
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        A1,
        222,
      ],
      ["4803 3330 37c1 c0bf", A2, 222],
      [
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
        A3,
        215,
      ],
    ],
  },
  {
    name: "C.6 responses with Huffman code, with eviction",
    tableBytes: 256,
    blocks: [
      [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        A1,
        222,
      ],
      ["4883 640e ffc1 c0bf", A2, 222],
      [
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
        A3,
        215,
      ],
    ],
  },
];

for (const { name, tableBytes = 4096, blocks } of EXAMPLES) {
  Deno.test(`hpack: RFC 7541 ${name}`, () => {
    const decoder = new HpackDecoder(tableBytes);
    for (const [hex, lines, size] of blocks) {
      assert.deepEqual(decode(decoder, hex), lines);
      assert.equal(decoder.tableSize, size);
    }
  });
}

const BROKEN: readonly { name: string; hex: string }[] = [
  { name: "index 0", hex: "80" },
  { name: "an index behind the tables", hex: "be" },
  { name: "a number without end", hex: "ffffffffffff7f" },
  { name: "a number cut off", hex: "ff80" },
  { name: "a string cut off", hex: "400161" + "05" + "6161" },
  { name: "a string missing", hex: "40" },
  { name: "a length beyond everything", hex: "40" + "7fffffffff0f" },
  { name: "Huffman padding of zeros", hex: "4081" + "18" + "00" },
  { name: "Huffman padding of eight ones", hex: "4082" + "1fff" + "00" },
  { name: "the Huffman end mark", hex: "4084" + "ffffffff" + "00" },
  { name: "a table larger than agreed", hex: "3fe21f" },
  { name: "a table size in the middle", hex: "8220" },
  { name: "three table sizes", hex: "20213f21" + "82" },
];

for (const { name, hex } of BROKEN) {
  Deno.test(`hpack: refused: ${name}`, () => {
    assert.throws(() => decode(new HpackDecoder(4096), hex), ConnectionFault);
  });
}

Deno.test("hpack: a table size of the limit, and two sizes at the start of a block, are fine", () => {
  assert.deepEqual(decode(new HpackDecoder(4096), "3fe11f82"), [":method: GET"]);
  assert.deepEqual(decode(new HpackDecoder(4096), "203fe11f82"), [":method: GET"]);
});

Deno.test("hpack: an entry larger than the table empties it", () => {
  const table = new DynamicTable(100);
  table.insert(makeField("a", "b"));
  table.insert(makeField("c", "x".repeat(80)));
  assert.equal(table.size, 0);
  assert.equal(table.at(62), undefined);
});

Deno.test("hpack: the static table has its 61 entries in their places", () => {
  assert.equal(STATIC_FIELDS.length, 61);
  assert.equal(STATIC_FIELDS[0]!.name, ":authority");
  assert.equal(STATIC_FIELDS[15]!.value, "gzip, deflate");
  assert.equal(STATIC_FIELDS[60]!.name, "www-authenticate");
});

Deno.test("huffman: every octet survives, and the length is known before", () => {
  const text = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
  const coded = new Uint8Array(huffmanLength(text));
  assert.equal(encodeHuffman(text, coded, 0), coded.length);
  const out = new Uint8Array(2000);
  assert.equal(decodeHuffman({ bytes: coded, start: 0, end: coded.length }, out), 256);
  for (let i = 0; i < 256; i++) assert.equal(out[i], i);
});

/** What an encoder writes for a list of fields. */
function encoded(encoder: HpackEncoder, fields: readonly (readonly [string, string])[]): Uint8Array {
  const output = new FrameOutput(new FakeSocket(), new FakeTime(), () => {});
  encoder.begin(output);
  for (const [name, value] of fields) encoder.field(output, name, value);
  return output.bytes.slice(0, output.end);
}

const REQUEST = [
  [":method", "GET"],
  [":path", "/some/where?x=1"],
  ["user-agent", "a browser"],
  ["accept", "*/*"],
  ["cookie", "session=secret"],
  ["authorization", "Bearer secret"],
  ["x-own", "\xe9 latin"],
] as const;
const LINES = REQUEST.map(([name, value]) => `${name}: ${value}`);

Deno.test("hpack: what is encoded can be decoded, and repeats get short", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(4096);
  const first = encoded(encoder, REQUEST);
  assert.deepEqual(decode(decoder, first), LINES);
  const second = encoded(encoder, REQUEST);
  assert.deepEqual(decode(decoder, second), LINES);
  assert.ok(second.length < first.length - 8, `${first.length} then ${second.length} bytes`);
});

Deno.test("hpack: secrets never enter a table, here or at the next hop", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(4096);
  const sink = new Sink();
  decoder.decode(encoded(encoder, REQUEST), sink);
  assert.deepEqual(sink.secrets, ["cookie", "authorization"]);
  assert.equal(
    decoder.tableSize,
    makeField("user-agent", "a browser").size + makeField("accept", "*/*").size,
  );
});

Deno.test("hpack: a smaller table is announced, also when it grows again before the next block", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(4096);
  decode(decoder, encoded(encoder, REQUEST));
  encoder.limitTable(0);
  encoder.limitTable(4096);
  const block = encoded(encoder, REQUEST);
  assert.equal(block[0], 0x20);
  assert.deepEqual(decode(decoder, block), LINES);
  encoder.limitTable(0);
  assert.deepEqual(decode(decoder, encoded(encoder, REQUEST)), LINES);
  assert.equal(decoder.tableSize, 0);
});

Deno.test("hpack: many values of one name push each other out, and both tables agree", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(4096);
  for (let i = 0; i < 3000; i++) {
    const agent = `agent ${i % 97} ${"x".repeat(i % 300)}`;
    const block = encoded(encoder, [["user-agent", agent], ["via", `1.1 hop${i % 11}`], ["accept", "*/*"]]);
    assert.deepEqual(decode(decoder, block), [
      `user-agent: ${agent}`,
      `via: 1.1 hop${i % 11}`,
      "accept: */*",
    ]);
  }
});

Deno.test("hpack: a character that is no octet is a bug that is noticed", () => {
  for (const name of ["user-agent", "x-own", "cookie"]) {
    assert.throws(() => encoded(new HpackEncoder(), [[name, "snow ☃"]]), { code: "internal_bug" });
  }
});
