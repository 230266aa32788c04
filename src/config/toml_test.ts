import { deepStrictEqual as equal, ok } from "node:assert/strict";
import type { ConfigNode } from "../core/config_node.ts";
import { parseToml } from "./toml.ts";

const TEXT = `top = 1
"quoted key" = "x"
a.b = [1, 2]

[table]
inner = { deep = true }
text = """
fake = 1
[fake]
"""

[[list]]
id = "one"

[[list]]
id = "two"
[list.sub]
key = 2024-01-01
`;

function find(nodes: readonly ConfigNode[], path: string): ConfigNode {
  const [head, ...rest] = path.split("/");
  const node = /^\d+$/.test(head!) ? nodes[Number(head)] : nodes.find((each) => each.name === head);
  ok(node !== undefined, path);
  return rest.length === 0 ? node : find(node.items?.length ? node.items : node.children, rest.join("/"));
}

const places: { path: string; line: number; column: number; args?: unknown[] }[] = [
  { path: "top", line: 1, column: 1, args: [1] },
  { path: "quoted key", line: 2, column: 1, args: ["x"] },
  { path: "a/b", line: 3, column: 1, args: [1, 2] },
  { path: "table", line: 5, column: 2 },
  { path: "table/inner", line: 6, column: 1 },
  { path: "table/inner/deep", line: 6, column: 1, args: [true] },
  { path: "table/text", line: 7, column: 1, args: ["fake = 1\n[fake]\n"] },
  { path: "list/0/id", line: 13, column: 1, args: ["one"] },
  { path: "list/1/id", line: 16, column: 1, args: ["two"] },
  { path: "list/1/sub/key", line: 18, column: 1, args: ["2024-01-01"] },
];

for (const { path, line, column, args } of places) {
  Deno.test(`TOML: ${path} is at ${line}:${column}`, () => {
    const { nodes, issues } = parseToml(TEXT, "a.toml");
    equal(issues, []);
    const node = find(nodes, path);
    equal([node.nameSpan.line, node.nameSpan.column], [line, column]);
    if (args !== undefined) equal(node.args.map((arg) => arg.value), args);
  });
}

const wrong: { input: string; line: number }[] = [
  { input: "a = \n", line: 1 },
  { input: "a = 1\na = 2\n", line: 2 },
  { input: "[a\n", line: 1 },
  { input: "a = 1 b = 2", line: 1 },
];

for (const { input, line } of wrong) {
  Deno.test(`TOML refuses ${JSON.stringify(input)}`, () => {
    const { nodes, issues } = parseToml(input, "a.toml");
    equal(nodes, []);
    equal(issues.length, 1);
    equal(issues[0]!.span?.line, line);
  });
}
