import { equal, match, notEqual, ok } from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { HeaderList } from "./headers.ts";
import { continueTraceparent, IdSource, incomingId, isAcceptableId, parseTraceparent } from "./ids.ts";
import type { Random } from "./ports.ts";

/** Gives the same words over and over. */
function words(...list: number[]): Random {
  let next = 0;
  return { u32: () => list[next++ % list.length]! };
}

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

Deno.test("tinyflake: three digits of time, eight of chance", () => {
  const tests = [
    { name: "zero", wallMs: 0, random: [0], want: "11111111111" },
    { name: "seconds count up from the right", wallMs: 59_000, random: [0], want: "12211111111" },
    { name: "time wraps at 58 cubed", wallMs: 195_112_000, random: [0], want: "11111111111" },
    { name: "chance fills the rest", wallMs: 999, random: [57, 58], want: "111z1111211" },
  ];
  for (const { name, wallMs, random, want } of tests) {
    equal(new IdSource("tinyflake", words(...random)).create(wallMs), want, name);
  }
});

Deno.test("tinyflake: ids of one source differ and stay in the alphabet", () => {
  let word = 1;
  const random = { u32: () => word = (Math.imul(word, 1664525) + 1013904223) >>> 0 };
  const source = new IdSource("tinyflake", random);
  const seen = new Set<string>();
  for (let i = 0; i < 10_000; i++) {
    const id = source.create(1_763_800_000_000 + i);
    match(id, /^[1-9A-HJ-NP-Za-km-z]{11}$/);
    seen.add(id);
  }
  equal(seen.size, 10_000);
});

Deno.test("uuid: version and variant bits, whatever the random words", () => {
  for (const list of [[0], [0xffffffff], [0x12345678, 0x9abcdef0, 0x0f1e2d3c, 0x4b5a6978]]) {
    match(
      new IdSource("uuid", words(...list)).create(0),
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  }
});

Deno.test("isAcceptableId: printable and harmless, at most 128 characters", () => {
  const tests = [
    { name: "empty", input: "", want: false },
    { name: "one", input: "x", want: true },
    { name: "127", input: "x".repeat(127), want: true },
    { name: "128", input: "x".repeat(128), want: true },
    { name: "129", input: "x".repeat(129), want: false },
    { name: "uuid", input: "123e4567-e89b-42d3-a456-426614174000", want: true },
    { name: "amazon", input: "Root=1-67891233-abcdef012345678912345678", want: true },
    { name: "base64", input: "aGk+/w==", want: true },
    { name: "space", input: "a b", want: false },
    { name: "quote", input: 'a"b', want: false },
    { name: "line feed", input: "a\nb", want: false },
    { name: "backslash", input: "a\\b", want: false },
    { name: "markup", input: "<b>", want: false },
    { name: "delete", input: "a\x7f", want: false },
    { name: "high byte", input: "a\xe9", want: false },
  ];
  for (const { name, input, want } of tests) equal(isAcceptableId(input), want, name);
});

Deno.test("incomingId: the first acceptable header counts", () => {
  const tests = [
    { name: "none", headers: [], want: undefined },
    { name: "request id", headers: [["X-Request-Id", "r"]], want: "r" },
    {
      name: "order of names, not of lines",
      headers: [["X-Request-Id", "r"], ["X-Trace-Id", "t"]],
      want: "t",
    },
    {
      name: "a bad one is passed over",
      headers: [["X-Trace-Id", "a b"], ["X-Correlation-Id", "c"]],
      want: "c",
    },
    { name: "only bad ones", headers: [["X-Request-Id", ""]], want: undefined },
  ] as const;
  for (const { name, headers, want } of tests) equal(incomingId(HeaderList.from(headers)), want, name);
});

Deno.test("parseTraceparent", () => {
  const good = `00-${TRACE}-${SPAN}-01`;
  const tests = [
    { name: "sampled", input: good, want: true },
    { name: "other flags", input: `00-${TRACE}-${SPAN}-03`, want: true },
    { name: "not sampled", input: `00-${TRACE}-${SPAN}-02`, want: false },
    { name: "too short", input: good.slice(0, -1), want: undefined },
    { name: "version 00 with more", input: `${good}-x`, want: undefined },
    { name: "later version", input: `01-${TRACE}-${SPAN}-01`, want: true },
    { name: "later version with more", input: `01-${TRACE}-${SPAN}-01-what`, want: true },
    { name: "later version run on", input: `01-${TRACE}-${SPAN}-01x`, want: undefined },
    { name: "version ff", input: `ff-${TRACE}-${SPAN}-01`, want: undefined },
    { name: "upper case", input: good.toUpperCase(), want: undefined },
    { name: "zero trace", input: `00-${"0".repeat(32)}-${SPAN}-01`, want: undefined },
    { name: "zero span", input: `00-${TRACE}-${"0".repeat(16)}-01`, want: undefined },
    { name: "no digits", input: `00-${TRACE.slice(1)}g-${SPAN}-01`, want: undefined },
    { name: "misplaced dash", input: `00-${TRACE}${SPAN}--01`, want: undefined },
  ];
  for (const { name, input, want } of tests) equal(parseTraceparent(input)?.sampled, want, name);
  equal(parseTraceparent(good)?.traceId, TRACE);
  equal(parseTraceparent(good)?.parentId, SPAN);
});

Deno.test("continueTraceparent: same trace, new span, flag as it came", () => {
  const on = continueTraceparent(`00-${TRACE}-${SPAN}-01`, words(1, 2));
  equal(on, `00-${TRACE}-0000000100000002-01`);
  equal(continueTraceparent(`00-${TRACE}-${SPAN}-00`, words(1, 2)).slice(-3), "-00");
  const fresh = continueTraceparent("rubbish", words(7, 8, 9));
  equal(parseTraceparent(fresh)?.sampled, false);
  notEqual(parseTraceparent(fresh)?.traceId, TRACE);
});

Deno.test("continueTraceparent: always valid, even of zeros", () => {
  ok(parseTraceparent(continueTraceparent(undefined, words(0))));
  fc.assert(fc.property(fc.string(), fc.array(fc.nat(), { minLength: 1 }), (incoming, list) => {
    ok(parseTraceparent(continueTraceparent(incoming, words(...list))));
  }));
});
