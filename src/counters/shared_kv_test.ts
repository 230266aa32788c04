import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import type { KvStore } from "../agents/host/kv.ts";
import { kvBytes, kvStats, SharedKv } from "./shared_kv.ts";
import { KV_BLOCK_BYTES, KV_KEY_BYTES_MAX, KV_VALUE_BYTES_MAX } from "./shared_kv_table.ts";

const LOCK_WORD = 0;
const CHANGING_WORD = 1;
const FOREVER = { ttlMs: 0, nowMs: 0 };

function store(options: { maxEntries?: number; maxBytes?: number } = {}) {
  const sizes = { maxEntries: options.maxEntries ?? 100, maxBytes: options.maxBytes ?? 64 * 1024 };
  const memory = new SharedArrayBuffer(kvBytes(sizes));
  let word = 1;
  const random = { u32: () => word++ };
  const open = () => new SharedKv(memory, { ...sizes, random });
  return { kv: open(), open, memory, stats: () => kvStats(memory, sizes) };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);

Deno.test("SharedKv: is what agents take for a store", () => {
  const agents: KvStore = store().kv;
  equal(agents.incr("n", 3n, { ttlMs: 0, nowMs: 0 }), 3n);
});

Deno.test("SharedKv: what one handle sets another reads, and deletes", () => {
  const { kv, open } = store();
  const other = open();
  equal(kv.get("a", 0), undefined);
  equal(kv.set("a", bytes("one"), FOREVER), true);
  equal(text(other.get("a", 0)), "one");
  equal(kv.set("a", bytes("a longer value than before"), FOREVER), true);
  equal(text(other.get("a", 0)), "a longer value than before");
  equal(other.delete("a", 0), true);
  equal(other.delete("a", 0), false);
  equal(kv.get("a", 0), undefined);
});

Deno.test("SharedKv: keys and values at, below and above their bounds", () => {
  const { kv } = store({ maxBytes: 256 * 1024 });
  const cases = [
    { name: "an empty key", key: "", size: 1, want: true },
    { name: "an empty value", key: "k", size: 0, want: true },
    { name: "neither", key: "", size: 0, want: true },
    { name: "a key of one block", key: "k".repeat(KV_BLOCK_BYTES), size: 0, want: true },
    { name: "a key of one block and a value", key: "k".repeat(KV_BLOCK_BYTES), size: 3, want: true },
    { name: "the longest key", key: "k".repeat(KV_KEY_BYTES_MAX), size: 1, want: true },
    { name: "a key too long by one", key: "k".repeat(KV_KEY_BYTES_MAX + 1), size: 1, want: false },
    {
      name: "the longest key in two-byte characters",
      key: "é".repeat(KV_KEY_BYTES_MAX / 2),
      size: 1,
      want: true,
    },
    { name: "one byte more", key: "é".repeat(KV_KEY_BYTES_MAX / 2) + "k", size: 1, want: false },
    { name: "almost the longest value", key: "v", size: KV_VALUE_BYTES_MAX - 1, want: true },
    { name: "the longest value", key: "v", size: KV_VALUE_BYTES_MAX, want: true },
    { name: "a value too long by one", key: "w", size: KV_VALUE_BYTES_MAX + 1, want: false },
  ];
  for (const { name, key, size, want } of cases) {
    const value = Uint8Array.from({ length: size }, (_, index) => index * 7);
    equal(kv.set(key, value, FOREVER), want, name);
    deepEqual(kv.get(key, 0), want ? value : undefined, name);
    equal(kv.compareAndSet(key, { expected: want ? value : undefined, value }, FOREVER), want, name);
  }
  equal(kv.incr("k".repeat(KV_KEY_BYTES_MAX + 1), 1n, FOREVER), "key-too-long");
  equal(kv.take("k".repeat(KV_KEY_BYTES_MAX + 1), { cost: 1, rate: 1, burst: 1 }, 0), "key-too-long");
});

Deno.test("SharedKv: entries end with their time to live", () => {
  const { kv } = store();
  kv.set("short", bytes("x"), { ttlMs: 100, nowMs: 1000 });
  kv.set("endless", bytes("y"), { ttlMs: 0, nowMs: 1000 });
  equal(text(kv.get("short", 1099)), "x");
  equal(kv.get("short", 1100), undefined);
  equal(text(kv.get("endless", 1e15)), "y");
  kv.set("renewed", bytes("x"), { ttlMs: 100, nowMs: 1e15 });
  kv.set("renewed", bytes("z"), { ttlMs: 100, nowMs: 1e15 + 50 });
  equal(text(kv.get("renewed", 1e15 + 149)), "z", "writing starts the time anew");
});

Deno.test("SharedKv: a number begins at 0 and lives from its first change", () => {
  const { kv } = store();
  equal(kv.incr("n", 0n, { ttlMs: 100, nowMs: 0 }), 0n);
  equal(kv.get("n", 0), undefined, "adding nothing makes nothing");
  equal(kv.incr("n", 5n, { ttlMs: 100, nowMs: 0 }), 5n);
  equal(kv.incr("n", -7n, { ttlMs: 100, nowMs: 90 }), -2n);
  equal(text(kv.get("n", 99)), "-2");
  equal(kv.incr("n", 1n, { ttlMs: 100, nowMs: 100 }), 1n, "its time was over");
});

Deno.test("SharedKv: numbers stay within 64 bits, and only numbers are added to", () => {
  const { kv } = store();
  kv.set("max", bytes("9223372036854775807"), FOREVER);
  equal(kv.incr("max", 0n, FOREVER), 2n ** 63n - 1n);
  equal(kv.incr("max", 1n, FOREVER), 2n ** 63n - 1n);
  equal(kv.incr("min", -(2n ** 63n), FOREVER), -(2n ** 63n));
  equal(kv.incr("min", -1n, FOREVER), -(2n ** 63n));
  for (const value of ["9223372036854775808", "", "1.5", "abc", "0x10", " 1", "1".repeat(21)]) {
    kv.set("text", bytes(value), FOREVER);
    equal(kv.incr("text", 1n, FOREVER), "not-a-number", value);
    equal(text(kv.get("text", 0)), value, "and is left as it was");
  }
});

Deno.test("SharedKv: compare and set", () => {
  const { kv } = store();
  equal(kv.compareAndSet("a", { expected: bytes("x"), value: bytes("y") }, FOREVER), false, "there is none");
  equal(kv.compareAndSet("a", { expected: undefined, value: bytes("x") }, FOREVER), true);
  equal(kv.compareAndSet("a", { expected: undefined, value: bytes("y") }, FOREVER), false, "there is one");
  equal(
    kv.compareAndSet("a", { expected: bytes("xx"), value: bytes("y") }, FOREVER),
    false,
    "another length",
  );
  equal(kv.compareAndSet("a", { expected: bytes("z"), value: bytes("y") }, FOREVER), false, "another value");
  equal(kv.compareAndSet("a", { expected: bytes("x"), value: bytes("y") }, FOREVER), true);
  equal(text(kv.get("a", 0)), "y");
  kv.set("ends", bytes("x"), { ttlMs: 10, nowMs: 0 });
  equal(kv.compareAndSet("ends", { expected: undefined, value: bytes("y") }, { ttlMs: 0, nowMs: 10 }), true);
});

Deno.test("SharedKv: a bucket gives its burst, then its rate", () => {
  const { kv, stats } = store();
  const bucket = { cost: 1, rate: 10, burst: 3 };
  deepEqual([1, 2, 3, 4].map(() => kv.take("b", bucket, 1000)), [0, 0, 0, 100]);
  equal(kv.take("b", bucket, 1099), 1, "just before the token");
  equal(kv.take("b", bucket, 1100), 0, "at the token");
  equal(kv.take("b", { ...bucket, cost: 2 }, 1100), 200, "two tokens take longer");
  equal(kv.take("b", { ...bucket, cost: 3 }, 1400), 0, "a full bucket at once");
  equal(kv.take("b", { ...bucket, cost: 3.1 }, 99_000), 0xffff_ffff, "more than it holds, never");
  equal(kv.take("b", { ...bucket, cost: 0 }, 99_000), 0);
  equal(stats().entries, 0, "a full bucket needs no entry");
  equal(kv.take("slow", { cost: 1, rate: 1e-9, burst: 1 }, 99_000), 0);
  equal(
    kv.take("slow", { cost: 1, rate: 1e-9, burst: 1 }, 99_000),
    0xffff_ffff,
    "11 days fit, 30 years do not",
  );
});

Deno.test("SharedKv: a bucket and a value under one key do not meet, and both are deleted", () => {
  const { kv } = store();
  const bucket = { cost: 1, rate: 1, burst: 1 };
  kv.set("a", bytes("value"), FOREVER);
  equal(kv.take("a", bucket, 0), 0);
  equal(kv.take("a", bucket, 0), 1000);
  equal(text(kv.get("a", 0)), "value");
  equal(kv.delete("a", 0), true);
  equal(kv.take("a", bucket, 0), 0, "full again");
});

Deno.test("SharedKv: a lower limit holds at once for a bucket in use", () => {
  const { kv } = store();
  for (let i = 0; i < 1000; i++) kv.take("a", { cost: 1, rate: 1, burst: 1000 }, 0);
  equal(kv.take("a", { cost: 1, rate: 20, burst: 2 }, 0), 50, "not a thousand seconds");
});

Deno.test("SharedKv: entries below, at and above the bound; the oldest written goes first", () => {
  for (const maxEntries of [1, 2, 7, 64]) {
    const { kv, stats } = store({ maxEntries });
    for (let i = 0; i < maxEntries; i++) kv.set(`k${i}`, bytes(String(i)), FOREVER);
    deepEqual([stats().entries, stats().evictions], [maxEntries, 0]);
    kv.get("k0", 0);
    kv.set("one more", bytes("!"), FOREVER);
    deepEqual([stats().entries, stats().evictions], [maxEntries, 1]);
    equal(kv.get("k0", 0), undefined, "reading did not renew it");
    if (maxEntries < 3) continue;
    kv.set("k1", bytes("again"), FOREVER);
    kv.set("and more", bytes("!"), FOREVER);
    equal(text(kv.get("k1", 0)), "again", "writing renews");
    equal(kv.get("k2", 0), undefined);
  }
});

Deno.test("SharedKv: bytes below, at and above the bound", () => {
  const { kv, stats } = store({ maxBytes: 1024 });
  const room = 1024 - 1;
  equal(kv.set("a", new Uint8Array(room + 1), FOREVER), false, "more than the whole store");
  equal(kv.set("a", new Uint8Array(room), FOREVER), true);
  equal(stats().bytes, 1024);
  equal(kv.set("a", new Uint8Array(room + 1), FOREVER), false);
  equal(kv.get("a", 0)?.length, room, "what does not fit leaves the old value alone");
  equal(kv.set("b", new Uint8Array(1), FOREVER), true);
  equal(kv.get("a", 0), undefined);
  deepEqual(stats(), { entries: 1, bytes: KV_BLOCK_BYTES, evictions: 1, resets: 0 });
});

Deno.test("SharedKv: what has ended goes before what has not", () => {
  const { kv, stats } = store({ maxEntries: 4 });
  kv.set("old but endless", bytes("x"), FOREVER);
  for (let i = 0; i < 3; i++) kv.set(`short ${i}`, bytes("x"), { ttlMs: 10, nowMs: 0 });
  for (let i = 0; i < 3; i++) kv.set(`new ${i}`, bytes("x"), { ttlMs: 0, nowMs: 10 });
  equal(stats().evictions, 0);
  equal(text(kv.get("old but endless", 10)), "x");
});

Deno.test("SharedKv: a clock that runs back a little grants nothing twice; one that was set back goes on", () => {
  const { kv } = store();
  const bucket = { cost: 1, rate: 1000, burst: 1 };
  equal(kv.take("a", bucket, 20_000), 0);
  equal(kv.take("a", bucket, 19_999), 1);
  kv.set("v", bytes("x"), { ttlMs: 5, nowMs: 20_000 });
  kv.get("v", 20_005);
  equal(kv.get("v", 20_004), undefined);
  equal(kv.take("b", { ...bucket, rate: 1 }, 5000), 0);
  equal(kv.take("b", { ...bucket, rate: 1 }, 6000), 0, "a second later there is a token");
});

Deno.test("SharedKv: memory and sizes must fit", () => {
  const random = { u32: () => 1 };
  const memory = new SharedArrayBuffer(64);
  for (
    const sizes of [
      { maxEntries: 10, maxBytes: 4096 },
      { maxEntries: 0, maxBytes: 4096 },
      { maxEntries: 1_000_001, maxBytes: 4096 },
      { maxEntries: 1, maxBytes: 1023 },
      { maxEntries: 1, maxBytes: 2 ** 30 + 1 },
    ]
  ) throws(() => new SharedKv(memory, { ...sizes, random }), JSON.stringify(sizes));
});

Deno.test("SharedKv: a thread that died in a change holds nobody up, and its half change is forgotten", () => {
  const { kv, memory, stats } = store();
  kv.set("a", bytes("x"), FOREVER);
  const header = new Int32Array(memory, 0, 16);
  header[LOCK_WORD] = 4711;
  header[CHANGING_WORD] = 4711;
  equal(kv.get("a", 0), undefined);
  equal(stats().resets, 1);
  equal(kv.set("a", bytes("y"), FOREVER), true);
  equal(text(kv.get("a", 0)), "y");
  equal(stats().resets, 1);
});

Deno.test("SharedKv: a thread that died between changes costs nothing but the wait", () => {
  const { kv, memory, stats } = store();
  kv.set("a", bytes("x"), FOREVER);
  new Int32Array(memory, 0, 16)[LOCK_WORD] = 4711;
  equal(text(kv.get("a", 0)), "x");
  equal(stats().resets, 0);
});

Deno.test("SharedKv: whatever stands in memory, calls end, and then the store works", () => {
  const seed = 20_261_201;
  console.log(`seed ${seed}`);
  const damage = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.integer(), fc.integer({ min: -1, max: 40 }))), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(damage, (changes) => {
      const { kv, memory } = store({ maxEntries: 16, maxBytes: 2048 });
      for (let i = 0; i < 20; i++) kv.set(`k${i}`, new Uint8Array(i * 20), FOREVER);
      const words = new Int32Array(memory, 16, (memory.byteLength - 16) >> 2);
      // The first words are lock, mark and secret; those of the time come after the header's first sixteen.
      for (const [at, value] of changes) {
        const index = at % words.length;
        if (index < 10 || index > 15) words[index] = value;
      }
      for (let i = 0; i < 40; i++) {
        kv.set(`k${i % 23}`, new Uint8Array((i * 37) % 300), FOREVER);
        kv.get(`k${(i * 5) % 23}`, 0);
        kv.delete(`k${(i * 3) % 23}`, 0);
        kv.take(`k${i % 5}`, { cost: 1, rate: 1, burst: 2 }, 0);
      }
      new Int32Array(memory, 0, 16)[CHANGING_WORD] = 1;
      kv.set("after", bytes("x"), FOREVER);
      equal(text(kv.get("after", 0)), "x");
    }),
    { seed, numRuns: 300 },
  );
});

interface Model {
  readonly value: string;
  readonly endsMs: number;
}

const key = fc.constantFrom("a", "b", "c", "d", "a key that is longer than one block ".repeat(5));
const value = fc.string({ maxLength: 300 });
const step = fc.record({
  call: fc.constantFrom("get", "set", "delete", "incr", "swap"),
  key,
  value,
  by: fc.integer({ min: -5, max: 5 }),
  ttlMs: fc.constantFrom(0, 1, 20, 500),
  advanceMs: fc.constantFrom(0, 1, 7, 100),
});

Deno.test("SharedKv: does what a map does", () => {
  const seed = 20_261_130;
  console.log(`seed ${seed}`);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { kv } = store({ maxEntries: 8, maxBytes: 16 * 1024 });
      const model = new Map<string, Model>();
      let nowMs = 0;
      for (const { call, key, value, by, ttlMs, advanceMs } of steps) {
        nowMs += advanceMs;
        const life = { ttlMs, nowMs };
        const endsMs = ttlMs === 0 ? Infinity : nowMs + ttlMs;
        if ((model.get(key)?.endsMs ?? Infinity) <= nowMs) model.delete(key);
        const known = model.get(key);
        if (call === "get") {
          equal(text(kv.get(key, nowMs)), known?.value);
        } else if (call === "set") {
          equal(kv.set(key, bytes(value), life), true);
          model.set(key, { value: text(bytes(value))!, endsMs });
        } else if (call === "delete") {
          equal(kv.delete(key, nowMs), model.delete(key));
        } else if (call === "swap") {
          const expected = known === undefined ? undefined : bytes(known.value);
          equal(kv.compareAndSet(key, { expected, value: bytes(value) }, life), true);
          model.set(key, { value: text(bytes(value))!, endsMs });
        } else if (known === undefined || /^-?\d{1,10}$/.test(known.value)) {
          const sum = Number(known?.value ?? 0) + by;
          equal(kv.incr(key, BigInt(by), life), BigInt(sum));
          if (by !== 0) model.set(key, { value: String(sum), endsMs: known?.endsMs ?? endsMs });
        } else {
          equal(kv.incr(key, BigInt(by), life), "not-a-number");
        }
      }
      ok(model.size <= 5);
    }),
    { seed, numRuns: 400 },
  );
});

Deno.test("SharedKv: a stack that is full stops a call before it begins, never in the middle", () => {
  const { kv, memory, stats } = store();
  const header = new Int32Array(memory);
  let calls = 0;
  const dive = (padding: number): void => {
    if (padding > 0) return dive(padding - 1);
    const key = String(calls++ % 50);
    kv.incr(key, 1n, FOREVER);
    kv.set(`v${key}`, bytes(key), FOREVER);
    dive(calls % 7);
  };
  for (let round = 0; round < 50; round++) {
    throws(() => dive(round), RangeError);
    equal(header[LOCK_WORD], 0, "the lock is free");
    equal(header[CHANGING_WORD], 0, "no change was left half made");
  }
  equal(stats().resets, 0);
});
