import { deepEqual, equal, throws } from "node:assert/strict";
import { resolved, WitError } from "./ast.ts";
import { parseWit } from "./parse.ts";
import { functionText, typeText } from "./type_text.ts";

function wit(body: string): string {
  return `package test:pack@1.2.3;\n${body}`;
}

const FUNCTIONS: readonly { readonly name: string; readonly body: string; readonly want: string }[] = [
  { name: "primitives", body: "f: func(a: u8, b: s64) -> f32;", want: "(a:u8,b:s64)->f32" },
  { name: "no parameters and no result", body: "f: func();", want: "()->_" },
  {
    name: "constructed types",
    body: "f: func(a: list<option<string>>, b: tuple<u8, char>);",
    want: "(a:list<option<string>>,b:tuple<u8,char>)->_",
  },
  { name: "a result with both", body: "f: func() -> result<u8, string>;", want: "()->result<u8,string>" },
  { name: "a result with an error", body: "f: func() -> result<_, string>;", want: "()->result<_,string>" },
  { name: "a result with a value", body: "f: func() -> result<u8>;", want: "()->result<u8,_>" },
  { name: "a result with neither", body: "f: func() -> result;", want: "()->result<_,_>" },
  {
    name: "a record",
    body: "record r { a: u8, b-c: string, }\nf: func(r: r);",
    want: "(r:record{a:u8,b-c:string})->_",
  },
  {
    name: "a variant, used before it is defined",
    body: "f: func() -> v;\nvariant v { a, b(u8) }",
    want: "()->variant{a,b(u8)}",
  },
  { name: "an enum", body: "enum e { x, y }\nf: func(e: e);", want: "(e:enum{x,y})->_" },
  { name: "flags", body: "flags fl { x, y }\nf: func(e: fl);", want: "(e:flags{x,y})->_" },
  { name: "aliases", body: "type t = list<u8>;\ntype s = t;\nf: func(e: s);", want: "(e:list<u8>)->_" },
  {
    name: "resources",
    body: "resource thing;\nf: func(a: thing, b: borrow<thing>, c: own<thing>);",
    want: "(a:own<thing>,b:borrow<thing>,c:own<thing>)->_",
  },
  { name: "a keyword as a name", body: "f: func(%record: u8, list: u8);", want: "(record:u8,list:u8)->_" },
  { name: "comments", body: "/* a\n func */ f: func( // x\n a: u8);", want: "(a:u8)->_" },
];

for (const { name, body, want } of FUNCTIONS) {
  Deno.test(`parse: ${name}`, () => {
    const { interfaces } = parseWit("t.wit", wit(`interface i { ${body} }`));
    equal(functionText(interfaces[0]!.functions[0]!), want);
  });
}

Deno.test("parse: methods take a borrow of their resource", () => {
  const { interfaces } = parseWit("t.wit", wit("interface i { resource r { get: func(n: u8) -> string; } }"));
  const [method] = interfaces[0]!.functions;
  equal(method!.name, "[method]r.get");
  equal(method!.method, "get");
  equal(functionText(method!), "(self:borrow<r>,n:u8)->string");
});

Deno.test("parse: use takes types over, under another name too", () => {
  const text = wit(`
    interface b { use a.{r, e as other}; f: func(x: r) -> other; }
    interface a { record r { n: u8 } enum e { x } }
  `);
  const { interfaces } = parseWit("t.wit", text);
  equal(functionText(interfaces[0]!.functions[0]!), "(x:record{n:u8})->enum{x}");
  const used = resolved(interfaces[0]!.functions[0]!.params[0]!.type);
  equal(used.type === "named" && used.def.owner, "a");
});

Deno.test("parse: package, world and docs", () => {
  const parsed = parseWit(
    "t.wit",
    wit(`
    /// First line.
    /// Second line.
    interface i { /// Of f.
      f: func(); }
    interface j { g: func(); }
    /// A world.
    world w { import i; export j; export i; }
  `),
  );
  deepEqual([parsed.namespace, parsed.name, parsed.version], ["test", "pack", "1.2.3"]);
  const [world] = parsed.worlds;
  equal(world!.docs, "A world.");
  deepEqual(world!.imports.map(({ name }) => name), ["i"]);
  deepEqual(world!.exports.map(({ name }) => name), ["j", "i"]);
  equal(parsed.interfaces[0]!.docs, "First line.\nSecond line.");
  equal(parsed.interfaces[0]!.functions[0]!.docs, "Of f.");
});

const ERRORS: readonly { readonly name: string; readonly text: string; readonly want: string }[] = [
  {
    name: "no version",
    text: "package a:b;",
    want: "t.wit:1:12: expected a version such as @1.0.0",
  },
  {
    name: "an unknown type",
    text: wit("interface i {\n  f: func(a: nothing);\n}"),
    want: 't.wit:3:14: unknown type "nothing"',
  },
  {
    name: "a missing brace",
    text: wit("interface i {"),
    want: 't.wit:2:14: expected a name, found "end of file"',
  },
  {
    name: "a stray character",
    text: wit("interface i { f: func(a: u8) => u8; }"),
    want: 't.wit:2:30: expected ";", found "="',
  },
  {
    name: "a character that WIT does not have",
    text: wit("  $"),
    want: 't.wit:2:3: unexpected character "$"',
  },
  {
    name: "a type that contains itself",
    text: wit("interface i { record r { a: list<r> } }"),
    want: 't.wit:2:22: type "r" contains itself',
  },
  {
    name: "types that contain each other",
    text: wit("interface i { record a { b: option<b> } record b { a: a } }"),
    want: 't.wit:2:22: type "a" contains itself',
  },
  {
    name: "a name that is taken",
    text: wit("interface i { enum a { x } record a { x: u8 } }"),
    want: 't.wit:2:35: there is a type "a" already',
  },
  {
    name: "a field twice",
    text: wit("interface i { record a { x: u8, x: u8 } }"),
    want: 't.wit:2:26: "x" appears twice',
  },
  {
    name: "an empty record",
    text: wit("interface i { record a { } }"),
    want: "t.wit:2:26: expected at least one name",
  },
  {
    name: "a borrow of what is no resource",
    text: wit("interface i { enum e { x } f: func(a: borrow<e>); }"),
    want: 't.wit:2:46: "e" is not a resource',
  },
  {
    name: "use of an interface that is not there",
    text: wit("interface i { use k.{a}; }"),
    want: 't.wit:2:22: there is no interface "k" in this file',
  },
  {
    name: "use of a type that is not there",
    text: wit("interface i { use i.{a}; }"),
    want: 't.wit:2:22: interface "i" defines no type "a"',
  },
  {
    name: "a world with an unknown interface",
    text: wit("world w { import k; }"),
    want: 't.wit:2:18: there is no interface "k" in this file',
  },
  {
    name: "a constructor",
    text: wit("interface i { resource r { constructor(a: u8); } }"),
    want: 't.wit:2:39: expected ":", found "("',
  },
];

for (const { name, text, want } of ERRORS) {
  Deno.test(`parse: ${name} is an error with its place`, () => {
    throws(() => parseWit("t.wit", text), (error: unknown) => {
      equal(error instanceof WitError && error.message, want);
      return true;
    });
  });
}

Deno.test("parse: an absent type has a text", () => {
  equal(typeText(undefined), "_");
});
