/** Our tree against that of another parser, over generated documents; shipped examples are in tests/conformance. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { parse as parseOther } from "kdljs";
import type { ConfigNode } from "../core/config_node.ts";
import { parseKdl } from "./kdl.ts";

interface Tree {
  name: string;
  values: unknown[];
  properties: Record<string, unknown>;
  children: Tree[];
}

function ours(node: ConfigNode): Tree {
  const properties: Record<string, unknown> = {};
  // Of a repeated property the last one counts in KDL; our schemas report it.
  for (const { name, value } of node.props) properties[name] = value.value;
  const values = node.args.map((arg) => arg.value);
  return { name: node.name, values, properties, children: node.children.map(ours) };
}

function theirs(node: Tree): Tree {
  const { name, values, properties, children } = node;
  return { name, values, properties: { ...properties }, children: children.map(theirs) };
}

const name = fc.constantFrom(
  "route",
  "upstream",
  "max-rps",
  "x_y",
  '"quoted name"',
  '"a\\"b\\\\"',
  "ünïcode",
  "<a>",
);
const value = fc.oneof(
  fc.integer({ min: -1e6, max: 1e6 }).map(String),
  fc.constantFrom("#true", "#false", "#null", "0x1F", "0o17", "0b101", "1_000", "1.5", "-2.5e3", "bare"),
  fc.constantFrom(
    '"text"',
    '""',
    '"two words"',
    '"\\n\\t\\u{e9}"',
    '#"raw \\ "text""#',
    '"""\n  multi\n   line\n  """',
  ),
);
const entry = fc.oneof(value, fc.tuple(name, value).map(([key, given]) => `${key}=${given}`));
const comment = fc.constantFrom("", " // c\n", " /* c */ ", " \\\n  ", ";");
const { node } = fc.letrec<{ node: string }>((tie) => ({
  node: fc.tuple(
    fc.constantFrom("", "/-", "(tag)"),
    name,
    fc.array(entry, { maxLength: 3 }),
    fc.option(fc.array(tie("node"), { maxLength: 2 }), { depthSize: "small", maxDepth: 3 }),
    comment,
  ).map(([mark, head, entries, children, tail]) => {
    const block = children === null ? "" : ` {\n${children.join("\n")}\n}`;
    return `${mark}${[head, ...entries].join(" ")}${block}${tail}`;
  }),
}));
const documents = fc.array(node, { maxLength: 4 }).map((nodes) => nodes.join("\n"));

Deno.test("generated documents: same tree as kdljs", () => {
  let accepted = 0;
  fc.assert(
    fc.property(documents, (text) => {
      const mine = parseKdl(text, "t.kdl");
      const other = parseOther(text);
      equal(
        mine.issues.length === 0,
        other.errors.length === 0,
        `${text}\n${JSON.stringify(mine.issues[0])}`,
      );
      if (mine.issues.length > 0) return;
      accepted++;
      equal(mine.nodes.map(ours), (other.output as Tree[]).map(theirs));
    }),
    { numRuns: 300 },
  );
  ok(accepted > 100, `only ${accepted} documents were valid`);
});

const refused = [
  "a true",
  "a null",
  "a {",
  "a }",
  'a "x',
  "a [1]",
  "a b=",
  "a =b",
  "1a",
  'a """x"""',
  "a (t)",
  "a #maybe",
  'a "\\q"',
  "/-",
];

for (const text of refused) {
  Deno.test(`both refuse ${text}`, () => {
    const mine = parseKdl(text, "t.kdl");
    ok(mine.issues.length > 0);
    ok(mine.issues.every((issue) => issue.span !== undefined));
    ok((parseOther(text).errors ?? []).length > 0);
  });
}

Deno.test("depth that exhausts the stack is an issue", () => {
  const { issues } = parseKdl(`${"a {".repeat(200_000)}${"}".repeat(200_000)}`, "t.kdl");
  ok(issues.length > 0);
});
