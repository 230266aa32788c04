import { deepEqual, equal, throws } from "node:assert/strict";
import { AgentTrap } from "../guest.ts";
import { Lifter } from "./lift.ts";
import { GuestMemory } from "./memory.ts";

const BUDGET = { bytes: 100, listLength: 4 };
const PAGE = 65_536;

function lifterOver(bytes: readonly number[] | Uint8Array, at = 0) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Uint8Array(memory.buffer).set(bytes, at);
  const view = new GuestMemory();
  view.attach({ memory, realloc: () => 0, functions: new Map(), charge: () => {} });
  const lift = new Lifter(view, BUDGET);
  lift.begin();
  return { lift, memory };
}

function malformed(error: unknown): boolean {
  return error instanceof AgentTrap && error.kind === "malformed";
}

const TEXTS: readonly { readonly name: string; readonly text: string }[] = [
  { name: "empty", text: "" },
  { name: "short", text: "x-waf" },
  { name: "at the length where the decoder takes over", text: "a".repeat(40) },
  { name: "above it", text: "a".repeat(41) },
  { name: "beyond ASCII", text: "caf\u00e9 \u{1f600}" },
  { name: "beyond ASCII and long", text: "\u00e9".repeat(45) },
  { name: "with a byte order mark", text: "\ufeffa\ufeff" },
  { name: "with NUL", text: "a\0b" },
];

for (const { name, text } of TEXTS) {
  Deno.test(`lift: a string, ${name}`, () => {
    const bytes = new TextEncoder().encode(text);
    const { lift } = lifterOver(bytes, PAGE - bytes.length);
    equal(lift.text(PAGE - bytes.length, bytes.length), text);
    equal(lift.size, bytes.length);
    equal(lift.strings, 1);
  });
}

Deno.test("lift: short strings that take each other's place come as they are, again and again", () => {
  const { lift, memory } = lifterOver([]);
  const texts = [
    "Aa",
    "BB",
    "",
    "\0",
    "\0\0",
    "AaAa",
    "BBBB",
    "AaBB",
    ...Array.from({ length: 300 }, (_, i) => `k${i}`),
  ];
  for (let round = 0; round < 3; round++) {
    for (const text of texts) {
      new TextEncoder().encodeInto(text, new Uint8Array(memory.buffer, 8));
      lift.begin();
      equal(lift.text(8, text.length), text);
      equal(lift.text(8, text.length), text);
    }
  }
});

const BAD_UTF8: readonly { readonly name: string; readonly bytes: readonly number[] }[] = [
  { name: "a lone continuation", bytes: [0x80] },
  { name: "a cut sequence", bytes: [0x61, 0xc3] },
  { name: "an overlong slash", bytes: [0xc0, 0xaf] },
  { name: "a surrogate", bytes: [0xed, 0xa0, 0x80] },
  { name: "above U+10FFFF", bytes: [0xf4, 0x90, 0x80, 0x80] },
  { name: "a cut sequence at the end of a long text", bytes: [...Array<number>(60).fill(0x61), 0xe2, 0x82] },
];

for (const { name, bytes } of BAD_UTF8) {
  Deno.test(`lift: a string with ${name} is malformed`, () => {
    const { lift } = lifterOver(bytes);
    throws(() => lift.text(0, bytes.length), malformed);
  });
}

const LIES: readonly { readonly name: string; readonly lie: (lift: Lifter) => unknown }[] = [
  { name: "a string one byte beyond the memory", lie: (lift) => lift.text(PAGE - 1, 2) },
  { name: "a string at -1", lie: (lift) => lift.text(-1, 1) },
  { name: "an empty string beyond the memory", lie: (lift) => lift.text(PAGE + 1, 0) },
  { name: "a string whose end wraps around", lie: (lift) => lift.text(-4, 8) },
  { name: "a string of -1 bytes", lie: (lift) => lift.text(0, -1) },
  { name: "bytes beyond the memory", lie: (lift) => lift.data(PAGE - 3, 4) },
  {
    name: "a list one element beyond the memory",
    lie: (lift) => lift.list(PAGE - 8, 2, { size: 8, align: 4 }),
  },
  { name: "a list that is too long", lie: (lift) => lift.list(0, 5, { size: 1, align: 1 }) },
  { name: "a list of -1 elements", lie: (lift) => lift.list(0, -1, { size: 16, align: 4 }) },
  { name: "a list that is not aligned", lie: (lift) => lift.list(2, 1, { size: 8, align: 4 }) },
  { name: "an empty list that is not aligned", lie: (lift) => lift.list(1, 0, { size: 8, align: 4 }) },
  { name: "a record that is not aligned", lie: (lift) => lift.record(4, 16, 8) },
  { name: "a record one byte beyond the memory", lie: (lift) => lift.record(PAGE - 76, 80, 4) },
  { name: "more bytes than the budget", lie: (lift) => lift.text(0, 101) },
  { name: "more bytes than the budget in parts", lie: (lift) => lift.text(0, 60) + lift.text(0, 41) },
  { name: "elements that use the budget up", lie: (lift) => lift.list(0, 4, { size: 32, align: 4 }) },
  { name: "a tag that options do not have", lie: (lift) => lift.some(2) },
  { name: "a tag that results do not have", lie: (lift) => lift.ok(255) },
  { name: "a case that is not there", lie: (lift) => lift.noSuchCase("decision", 9) },
];

for (const { name, lie } of LIES) {
  Deno.test(`lift: ${name} is malformed`, () => {
    const { lift } = lifterOver([]);
    throws(() => lie(lift), malformed);
  });
}

Deno.test("lift: everything that just fits is taken", () => {
  const { lift } = lifterOver([]);
  equal(lift.record(PAGE - 80, 80, 4), PAGE - 80);
  equal(lift.list(PAGE - 96, 4, { size: 24, align: 8 }), PAGE - 96);
  equal(lift.text(PAGE, 0), "");
  equal(lift.text(0, 4), "\0\0\0\0");
  equal(lift.size, 100);
});

Deno.test("lift: bytes are a copy", () => {
  const { lift, memory } = lifterOver([1, 2, 3]);
  const data = lift.data(0, 3);
  new Uint8Array(memory.buffer).fill(9);
  deepEqual(data, new Uint8Array([1, 2, 3]));
});

Deno.test("lift: numbers of all sizes", () => {
  const { lift, memory } = lifterOver([]);
  const view = new DataView(memory.buffer);
  view.setBigUint64(8, 0xfedc_ba98_7654_3210n, true);
  equal(lift.u8(8), 0x10);
  equal(lift.u16(8), 0x3210);
  equal(lift.u32(12), 0xfedc_ba98);
  equal(lift.u64(8), 0xfedc_ba98_7654_3210n);
  equal(lift.s64(8), 0xfedc_ba98_7654_3210n - (1n << 64n));
  view.setFloat32(16, 0.5, true);
  view.setFloat64(24, -0, true);
  equal(lift.f32(16), 0.5);
  equal(lift.f64(24), -0);
  equal(lift.bool(8), true);
  equal(lift.bool(0), false);
});

Deno.test("lift: memory that grew is seen after begin", () => {
  const { lift, memory } = lifterOver([]);
  memory.grow(1);
  new Uint8Array(memory.buffer)[PAGE] = 0x61;
  lift.begin();
  equal(lift.text(PAGE, 1), "a");
});
