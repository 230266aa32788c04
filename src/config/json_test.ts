import { deepStrictEqual as equal, ok } from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import type { ConfigNode } from "../core/config_node.ts";
import { parseJson } from "./json.ts";

/** What a node says, without its places. */
function plain(node: ConfigNode): unknown {
  if (node.children.length > 0) {
    return Object.fromEntries(node.children.map((child) => [child.name, plain(child)]));
  }
  if (node.items !== undefined && node.items.length > 0) return node.items.map(plain);
  return node.args.map((arg) => arg.value);
}

Deno.test("members become nodes", () => {
  const { nodes, issues } = parseJson(
    `{"a": 1, "b": ["x", true], "c": {"d": "\\u00e9\\n"}, "e": [{"f": -1.5e2}], "g": null}`,
    "t.json",
  );
  equal(issues, []);
  equal(Object.fromEntries(nodes.map((node) => [node.name, plain(node)])), {
    a: [1],
    b: ["x", true],
    c: { d: ["é\n"] },
    e: [{ f: [-150] }],
  });
});

Deno.test("positions point at names and values", () => {
  const { nodes } = parseJson(`{\n  "a": {"b": 17}\n}`, "t.json");
  const inner = nodes[0]!.children[0]!;
  equal(nodes[0]!.nameSpan, { file: "t.json", start: 4, end: 7, line: 2, column: 3 });
  equal(inner.args[0]!.span, { file: "t.json", start: 15, end: 17, line: 2, column: 14 });
});

const wrong: { input: string; column: number }[] = [
  { input: "", column: 1 },
  { input: "[]", column: 1 },
  { input: "{", column: 2 },
  { input: "{a: 1}", column: 2 },
  { input: "{'a': 1}", column: 2 },
  { input: `{"a" 1}`, column: 6 },
  { input: `{"a": }`, column: 7 },
  { input: `{"a": 01}`, column: 7 },
  { input: `{"a": 1,}`, column: 9 },
  { input: `{"a": 1} x`, column: 10 },
  { input: `{"a": "x`, column: 7 },
  { input: `{"a": "\\x"}`, column: 8 },
  { input: `{"a": "\\u12"}`, column: 8 },
  { input: `{"a": undefined}`, column: 7 },
  { input: `{"a": 1} // no`, column: 10 },
  { input: `{"a": [[1]]}`, column: 8 },
  { input: `{"a": [1, {}]}`, column: 7 },
];

for (const { input, column } of wrong) {
  Deno.test(`refuses ${input || "nothing"}`, () => {
    const { issues } = parseJson(input, "t.json");
    equal(issues.length, 1);
    equal(issues[0]!.span?.column, column, issues[0]!.message);
  });
}

Deno.test("nesting is bounded", () => {
  const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
  equal(parseJson(deep(64), "t.json").issues, []);
  ok(parseJson(deep(65), "t.json").issues[0]!.message.includes("nesting"));
  ok(parseJson("[".repeat(100_000), "t.json").issues.length === 1);
});

Deno.test("agrees with JSON.parse about what is JSON", () => {
  const json = fc.json({ maxDepth: 4 });
  const broken = fc.tuple(json, fc.nat(), fc.string({ maxLength: 2 })).map(([text, at, insert]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + insert + text.slice(place);
  });
  fc.assert(fc.property(fc.oneof(json, broken), (text) => {
    let valid = true;
    try {
      JSON.parse(text);
    } catch {
      valid = false;
    }
    const syntax = parseJson(text, "t.json").issues.some((issue) => issue.message.startsWith("syntax"));
    equal(syntax, !valid, text);
  }));
});
