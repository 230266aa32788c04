import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "../../../tests/support/seeded_check.ts";
import { AgentTrap, type Guest } from "../guest.ts";
import { inRange, Lowerer, noSuchCase, signed, unsigned } from "./lower.ts";
import { GuestMemory } from "./memory.ts";

const PLACES = 64;

/** A guest with a bump allocator; `gap` bytes are left between allocations, `growAt` says when its memory grows. */
function guestWith({ gap = 0, growAt = -1 }: { gap?: number; growAt?: number } = {}) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const calls: (readonly number[])[] = [];
  let next = 4096;
  const realloc: Guest["realloc"] = (...[old, oldSize, align, size]) => {
    if (calls.length === growAt) memory.grow(1);
    calls.push([old, oldSize, align, size]);
    const at = Math.ceil(next / align) * align;
    next = at + size + gap;
    if (old !== 0) new Uint8Array(memory.buffer).copyWithin(at, old, old + oldSize);
    return at;
  };
  const guest: Guest = { memory, realloc, functions: new Map(), charge: () => {} };
  const view = new GuestMemory();
  view.attach(guest);
  return { lower: new Lowerer(view), memory, calls };
}

function textAt(memory: WebAssembly.Memory, place: number): string {
  const view = new DataView(memory.buffer);
  return read(memory, view.getUint32(place, true), view.getUint32(place + 4, true));
}

function read(memory: WebAssembly.Memory, pointer: number, length: number): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array(memory.buffer, pointer, length));
}

const LONG = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101";

const CASES: readonly { readonly name: string; readonly texts: readonly string[] }[] = [
  { name: "nothing", texts: [] },
  { name: "empty strings", texts: ["", "", ""] },
  { name: "one run of ASCII", texts: ["GET", "", "/a/b", "host"] },
  { name: "ISO 8859-1 in the middle", texts: ["host", "caf\u00e9", "x", "\u00ff\u0080"] },
  { name: "first and last beyond ASCII", texts: ["\u00e9", "plain", "\u{1f600}"] },
  { name: "surrogates that stand alone", texts: ["a\ud800b", "\udfff", "ok"] },
  { name: "a byte order mark", texts: ["\ufeffx", "y"] },
  { name: "a long run of ASCII", texts: [LONG, "", "host", LONG] },
  { name: "a long run that begins beyond ASCII", texts: ["\u00e9", LONG, LONG] },
  { name: "a long run that ends beyond ASCII", texts: [LONG, LONG, `${LONG}\u00e9`] },
  {
    name: "a long run with much beyond ASCII",
    texts: [LONG, "\u00e9", "\u20ac", "", LONG, "x\u00ff", "", "z"],
  },
  { name: "a surrogate pair that two strings share", texts: [`${LONG}\ud83d`, `\ude00${LONG}`] },
  { name: "a run as long as the loop takes", texts: [LONG.slice(0, 30), LONG.slice(0, 10)] },
];

for (const { name, texts } of CASES) {
  for (const [how, options] of Object.entries({ adjacent: {}, apart: { gap: 3 }, growing: { growAt: 2 } })) {
    Deno.test(`lower: ${name}, allocations ${how}`, () => {
      const { lower, memory } = guestWith(options);
      lower.begin();
      const flat = texts.map((text) => lower.string(-1, text));
      texts.forEach((text, index) => lower.string(PLACES + 8 * index, text));
      lower.finish();
      const want = texts.map((text) => text.toWellFormed());
      deepEqual(texts.map((_, index) => textAt(memory, PLACES + 8 * index)), want);
      deepEqual(flat.map((index) => read(memory, lower.pointer(index), lower.length(index))), want);
    });
  }
}

Deno.test("lower: strings and lists mixed arrive as they were, whatever the allocator does", () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ minLength: 30, maxLength: 90 }),
    fc.string({ unit: "binary" }),
    fc.constantFrom("\u00e9", ""),
  );
  const step = fc.oneof(text, fc.uint8Array({ maxLength: 20 }), fc.constant(undefined));
  fc.assert(fc.property(fc.array(step), fc.nat({ max: 5 }), fc.nat({ max: 9 }), (steps, gap, growAt) => {
    const { lower, memory } = guestWith({ gap, growAt });
    lower.begin();
    const done = steps.map((step, index) => {
      const place = PLACES + 8 * index;
      if (step === undefined) lower.list(3, 16, 4);
      else if (typeof step === "string") lower.string(place, step);
      else lower.pair(place, lower.bytes(step), step.length);
      return { step, place };
    });
    lower.finish();
    const view = new DataView(memory.buffer);
    for (const { step, place } of done) {
      if (typeof step === "string") equal(textAt(memory, place), step.toWellFormed());
      else if (step !== undefined) {
        const length = view.getUint32(place + 4, true);
        deepEqual(new Uint8Array(memory.buffer, view.getUint32(place, true), length), step);
      }
    }
  }));
});

Deno.test("lower: every string but the empty one has its own allocation, enlarged only beyond ASCII", () => {
  const { lower, calls } = guestWith();
  lower.begin();
  for (const text of ["ab", "", "c\u00e9"]) lower.string(-1, text);
  lower.finish();
  deepEqual(calls, [[0, 0, 1, 2], [0, 0, 1, 2], [4098, 2, 1, 3]]);
});

Deno.test("lower: an absent flat string has pointer and length 0", () => {
  const { lower } = guestWith();
  equal(lower.pointer(-1), 0);
  equal(lower.length(-1), 0);
});

Deno.test("lower: a call begins without what the call before left", () => {
  const { lower, memory } = guestWith();
  lower.begin();
  for (let index = 0; index < 600; index++) lower.string(-1, `text ${index}`);
  lower.begin();
  equal(lower.strings, 0);
  equal(lower.size, 0);
  const index = lower.string(-1, "new");
  lower.finish();
  equal(read(memory, lower.pointer(index), lower.length(index)), "new");
});

Deno.test("lower: allocations are not believed", () => {
  const at = (pointer: number) => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const view = new GuestMemory();
    view.attach({ memory, realloc: () => pointer, functions: new Map(), charge: () => {} });
    return new Lowerer(view);
  };
  const malformed = (error: unknown) => error instanceof AgentTrap && error.kind === "malformed";
  throws(() => at(65_535).string(-1, "ab"), malformed);
  throws(() => at(-1).string(-1, "a"), malformed);
  throws(() => at(2).list(1, 8, 4), malformed);
  throws(() => at(0).list(65_537, 1, 1), malformed);
  throws(() => at(0).list(0x4000_0000, 16, 4), malformed);
  throws(() => at(65_533).bytes(new Uint8Array(4)), malformed);
  equal(at(65_534).bytes(new Uint8Array(2)), 65_534);
});

Deno.test("lower: values that do not fit are the host's fault", () => {
  const host = (error: unknown) => error instanceof AgentTrap && error.kind === "host";
  equal(inRange(0, 0xff), 0);
  equal(inRange(0xffff_ffff, 0xffff_ffff), 0xffff_ffff);
  for (const value of [-1, 256, 0.5, NaN]) throws(() => inRange(value, 0xff), host);
  equal(unsigned((1n << 64n) - 1n), (1n << 64n) - 1n);
  throws(() => unsigned(-1n), host);
  throws(() => unsigned(1n << 64n), host);
  equal(signed(-(1n << 63n)), -(1n << 63n));
  throws(() => signed(1n << 63n), host);
  throws(() => noSuchCase("reason", "toString"), host);
});
