import { deepEqual, equal, throws } from "node:assert/strict";
import type { Func, Package } from "./ast.ts";
import { casesOf, functionLayout, recordRoom, roomOf, variantRoom } from "./layout.ts";
import { parseWit } from "./parse.ts";

function funcOf(body: string): Func {
  return parseWit("t.wit", `package test:pack@1.0.0;\ninterface i { ${body} }`).interfaces[0]!.functions[0]!;
}

const ROOMS: readonly { readonly type: string; readonly size: number; readonly align: number }[] = [
  { type: "bool", size: 1, align: 1 },
  { type: "u16", size: 2, align: 2 },
  { type: "char", size: 4, align: 4 },
  { type: "s64", size: 8, align: 8 },
  { type: "string", size: 8, align: 4 },
  { type: "list<u64>", size: 8, align: 4 },
  { type: "option<u8>", size: 2, align: 1 },
  { type: "option<u64>", size: 16, align: 8 },
  { type: "result", size: 1, align: 1 },
  { type: "result<u16, u32>", size: 8, align: 4 },
  { type: "tuple<u8, u32, u8>", size: 12, align: 4 },
  { type: "tuple<u8, u8>", size: 2, align: 1 },
  { type: "option<tuple<u32, u32>>", size: 12, align: 4 },
];

for (const { type, size, align } of ROOMS) {
  Deno.test(`layout: the room of ${type}`, () => {
    const { size: gotSize, align: gotAlign } = roomOf(funcOf(`f: func(a: ${type});`).params[0]!.type);
    deepEqual({ size: gotSize, align: gotAlign }, { size, align });
  });
}

Deno.test("layout: enums and flags by their number of names", () => {
  const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`).join(", ");
  const size = (kind: string, count: number) =>
    roomOf(funcOf(`${kind} e { ${names(count)} }\nf: func(a: e);`).params[0]!.type).size;
  deepEqual([1, 256, 257].map((count) => size("enum", count)), [1, 1, 2]);
  deepEqual([8, 9, 16, 17, 32].map((count) => size("flags", count)), [1, 2, 2, 4, 4]);
  throws(() => size("flags", 33), /more than 32/);
});

Deno.test("layout: offsets of records and payloads", () => {
  const { type } = funcOf("record r { a: u8, b: u64, c: u16 }\nf: func(a: r);").params[0]!;
  equal(type.type, "named");
  deepEqual(recordRoom([type, type]), { size: 48, align: 8, offsets: [0, 24] });
  const variant = funcOf("variant v { a, b(u64), c(u8) }\nf: func(a: v);").params[0]!.type;
  deepEqual(variantRoom(casesOf(variant)!), { size: 16, align: 8, tagSize: 1, payloadOffset: 8 });
});

const SIGNATURES: readonly { readonly body: string; readonly lift: string; readonly lower: string }[] = [
  { body: "f: func();", lift: "()->()", lower: "()->()" },
  { body: "f: func(a: u8) -> f64;", lift: "(i32)->(f64)", lower: "(i32)->(f64)" },
  { body: "f: func(a: string) -> string;", lift: "(i32 i32)->(i32)", lower: "(i32 i32 i32)->()" },
  { body: "f: func() -> option<u8>;", lift: "()->(i32)", lower: "(i32)->()" },
  { body: "enum e { x, y }\nf: func() -> e;", lift: "()->(i32)", lower: "()->(i32)" },
  { body: "f: func(a: result<u32, f32>);", lift: "(i32 i32)->()", lower: "(i32 i32)->()" },
  { body: "f: func(a: result<u32, f64>);", lift: "(i32 i64)->()", lower: "(i32 i64)->()" },
  { body: "f: func(a: option<tuple<f32, u64>>);", lift: "(i32 f32 i64)->()", lower: "(i32 f32 i64)->()" },
];

function signature(func: Func, side: "lift" | "lower"): string {
  const { params, results } = functionLayout(func, side);
  return `(${params.join(" ")})->(${results.join(" ")})`;
}

for (const { body, lift, lower } of SIGNATURES) {
  Deno.test(`layout: core signatures of ${body}`, () => {
    const func = funcOf(body);
    equal(signature(func, "lift"), lift);
    equal(signature(func, "lower"), lower);
  });
}

Deno.test("layout: sixteen parameters are passed, seventeen lie in memory", () => {
  const params = (count: number) =>
    Array.from({ length: count }, (_, index) => `p${index}: ${index === 0 ? "u8" : "u32"}`).join(", ");
  equal(functionLayout(funcOf(`f: func(${params(16)});`), "lift").spilled, undefined);
  const { params: flat, spilled } = functionLayout(funcOf(`f: func(${params(17)});`), "lift");
  deepEqual(flat, ["i32"]);
  equal(spilled!.size, 68);
  equal(spilled!.offsets[1], 4);
});

function functionOf(parsed: Package, owner: string, name: string): Func {
  return parsed.interfaces.find((one) => one.name === owner)!.functions.find((one) => one.name === name)!;
}

Deno.test("layout: sizes that compilers of other languages gave for the same world", async () => {
  const file = new URL("../../wasm-agents/wit/zentinel-agent.wit", import.meta.url);
  const func = functionOf(
    parseWit("zentinel", await Deno.readTextFile(file)),
    "handler",
    "on-request-headers",
  );
  const { params, spilled, returned } = functionLayout(func, "lift");
  deepEqual(params, ["i32"]);
  equal(spilled!.size, 136);
  equal(returned!.size, 80);
});
