import { deepEqual, equal } from "node:assert/strict";
import { importsOf, unreachable } from "./import_graph.ts";
import { LAYERS } from "./layers.ts";
import plugin from "./lint_plugin.ts";
import { leakProblems, nameProblems, type Problem, registryProblems, textProblems } from "./text_rules.ts";
import { filesBelow } from "./tree.ts";

const SOURCE_FOLDERS = ["src", "tests", "build"];
const ENTRY_POINTS = ["src/main.ts"];
/** Endings of files that are bytes, not text, or that a tool writes. */
const NOT_OURS = [".wasm", ".png", ".ico", ".lock", ".pem", ".key", ".log"];

const sources = new Map(SOURCE_FOLDERS.flatMap((folder) => [...filesBelow(folder, [".ts"])]));

function lintProblems(path: string, text: string): Problem[] {
  return Deno.lint.runPlugin(plugin, `/${path}`, text).map((found) => ({
    file: path,
    line: text.slice(0, found.range[0]).split("\n").length,
    message: `${found.message} (${found.id})`,
  }));
}

/** Fails with every problem on a line of its own; an assertion would cut the list short. */
function none(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ file, line, message }) => `${file}${line ? `:${line}` : ""}: ${message}`);
  throw new Error(`${problems.length} problems\n${lines.join("\n")}`);
}

Deno.test("tidy: names of files and folders", () => {
  none([...sources.keys()].flatMap(nameProblems));
});

Deno.test("tidy: text of files", () => {
  none([...sources].flatMap(([path, text]) => isSample(path) ? [] : textProblems(path, text)));
});

Deno.test("tidy: syntax tree of files", () => {
  none([...sources].flatMap(([path, text]) => lintProblems(path, text)));
});

Deno.test("tidy: registries hold rows", () => {
  const registries = [...sources].filter(([path]) => /^src\/.*\/registry\.ts$/.test(path));
  none(registries.flatMap(([path, text]) => registryProblems(path, text)));
});

Deno.test("tidy: every file of the product is reached from its entry point", () => {
  const product = new Map([...sources].filter(([path]) => path.startsWith("src/") && !isProofFile(path)));
  none(
    unreachable(product, ENTRY_POINTS).map((file) => ({ file, message: "Nothing leads here: dead file" })),
  );
});

Deno.test("tidy: every supporting file of the tests is used", () => {
  const tasks = Deno.readTextFileSync(new URL("../../deno.json", import.meta.url));
  const roots = [...sources.keys()].filter((path) => isProofFile(path) || tasks.includes(path));
  const support = new Map([...sources].filter(([path]) => !path.startsWith("src/") || isProofFile(path)));
  none(unreachable(support, roots).map((file) => ({ file, message: "No test uses this file" })));
});

Deno.test("tidy: no tracked file names a machine or a registry host", () => {
  const all = [...filesBelow("")].filter(([path]) => !NOT_OURS.some((ending) => path.endsWith(ending)));
  none(all.flatMap(([path, text]) => isSample(path) ? [] : leakProblems(path, text)));
});

Deno.test("tidy: every room is in the list of layers, every listed room is named once", () => {
  const named = LAYERS.flat();
  equal(new Set(named).size, named.length);
  const rooms = new Set(
    [...sources.keys()].filter((path) => path.startsWith("src/")).map((path) => path.split("/")[1]!),
  );
  deepEqual([...rooms].map((room) => room.replace(/\.ts$/, "")).filter((room) => !named.includes(room)), []);
});

/** This file quotes what it forbids. */
function isSample(path: string): boolean {
  return path === "tests/tidy/tidy_test.ts";
}

function isProofFile(path: string): boolean {
  return /_(test|bench)\.ts$/.test(path);
}

const SYNTAX_SAMPLES: readonly { name: string; path: string; text: string; want: string[] }[] = [
  { name: "import upwards", path: "src/core/a.ts", text: 'import "../engine/b.ts";', want: ["tidy/layers"] },
  {
    name: "import of a type upwards",
    path: "src/http1/a.ts",
    text: 'import type { B } from "../upstream/b.ts";',
    want: ["tidy/layers"],
  },
  {
    name: "inline type import upwards",
    path: "src/core/a.ts",
    text: 'let a: import("../engine/b.ts").B;',
    want: ["tidy/layers", "tidy/module-state"],
  },
  {
    name: "dynamic import upwards",
    path: "src/server/a.ts",
    text: 'await import("../cli/b.ts");',
    want: ["tidy/layers"],
  },
  {
    name: "import of a sibling",
    path: "src/filters/a.ts",
    text: 'import "../services/b.ts";',
    want: ["tidy/layers"],
  },
  {
    name: "import of tests",
    path: "src/server/a.ts",
    text: 'import "../../tests/b.ts";',
    want: ["tidy/layers"],
  },
  {
    name: "import of data",
    path: "src/server/a.ts",
    text: 'import A from "../../config/a.kdl" with { type: "text" };',
    want: [],
  },
  {
    name: "import of an unknown room",
    path: "src/server/a.ts",
    text: 'import "../attic/b.ts";',
    want: ["tidy/layers"],
  },
  { name: "import downwards", path: "src/engine/a.ts", text: 'import "../core/b.ts";', want: [] },
  { name: "import within a room", path: "src/routing/a.ts", text: 'import "./matchers/b.ts";', want: [] },
  {
    name: "matcher imports its own room",
    path: "src/routing/matchers/a.ts",
    text: 'import "../route.ts";',
    want: [],
  },
  { name: "main imports cli", path: "src/main.ts", text: 'import "./cli/run.ts";', want: [] },
  { name: "tests import anything", path: "src/core/a_test.ts", text: 'import "../engine/b.ts";', want: [] },
  {
    name: "node in an inner room",
    path: "src/core/a.ts",
    text: 'import "node:fs";',
    want: ["tidy/node-imports"],
  },
  { name: "node in server", path: "src/server/a.ts", text: 'import "node:fs";', want: [] },
  {
    name: "re-export of everything",
    path: "src/core/a.ts",
    text: 'export * from "./b.ts";',
    want: ["tidy/barrels"],
  },
  {
    name: "re-export of a name",
    path: "src/core/a.ts",
    text: 'export { b } from "./b.ts";',
    want: ["tidy/barrels"],
  },
  { name: "Deno", path: "src/core/a.ts", text: "Deno.exit(1);", want: ["tidy/outside-world"] },
  {
    name: "Deno as a type",
    path: "src/core/a.ts",
    text: "function f(a: Deno.Conn) { return a; }",
    want: ["tidy/outside-world"],
  },
  {
    name: "Deno through globalThis",
    path: "src/core/a.ts",
    text: "globalThis.Deno;",
    want: ["tidy/outside-world"],
  },
  { name: "fetch", path: "src/core/a.ts", text: 'fetch("x");', want: ["tidy/outside-world"] },
  { name: "a method called fetch", path: "src/core/a.ts", text: "client.fetch();", want: [] },
  { name: "Date.now", path: "src/core/a.ts", text: "Date.now();", want: ["tidy/outside-world"] },
  {
    name: "new Date without a time",
    path: "src/core/a.ts",
    text: "new Date();",
    want: ["tidy/outside-world"],
  },
  { name: "new Date of a time", path: "src/core/a.ts", text: "new Date(5);", want: [] },
  {
    name: "performance.now",
    path: "src/core/a.ts",
    text: "performance.now();",
    want: ["tidy/outside-world"],
  },
  { name: "Math.random", path: "src/core/a.ts", text: "Math.random();", want: ["tidy/outside-world"] },
  { name: "setTimeout", path: "src/core/a.ts", text: "setTimeout(f, 1);", want: ["tidy/outside-world"] },
  {
    name: "setInterval as a value",
    path: "src/core/a.ts",
    text: "f(setInterval);",
    want: ["tidy/outside-world"],
  },
  {
    name: "random bytes",
    path: "src/core/a.ts",
    text: "crypto.getRandomValues(b);",
    want: ["tidy/outside-world"],
  },
  { name: "the world in server", path: "src/server/a.ts", text: "Deno.exit(Date.now());", want: [] },
  { name: "let at module level", path: "src/core/a.ts", text: "let a = 1;", want: ["tidy/module-state"] },
  {
    name: "empty map at module level",
    path: "src/core/a.ts",
    text: "const a = new Map();",
    want: ["tidy/module-state"],
  },
  {
    name: "empty list at module level",
    path: "src/core/a.ts",
    text: "const a: string[] = [];",
    want: ["tidy/module-state"],
  },
  { name: "filled set at module level", path: "src/core/a.ts", text: 'const a = new Set(["b"]);', want: [] },
  { name: "let in a function", path: "src/core/a.ts", text: "function f() { let a = 1; a++; }", want: [] },
  { name: "function of 70 lines", path: "src/core/a.ts", text: functionOf(70), want: [] },
  {
    name: "function of 71 lines",
    path: "src/core/a.ts",
    text: functionOf(71),
    want: ["tidy/function-length"],
  },
  { name: "test function of 71 lines", path: "src/core/a_test.ts", text: functionOf(71), want: [] },
  {
    name: "four parameters",
    path: "src/core/a.ts",
    text: "function f(a: 1, b: 1, c: 1, d: 1) {}",
    want: ["tidy/parameters"],
  },
  { name: "three parameters", path: "src/core/a.ts", text: "function f(a: 1, b: 1, c: 1) {}", want: [] },
  {
    name: "boolean parameter",
    path: "src/core/a.ts",
    text: "function f(on: boolean) {}",
    want: ["tidy/parameters"],
  },
  {
    name: "boolean by default value",
    path: "src/core/a.ts",
    text: "const f = (on = false) => on;",
    want: ["tidy/parameters"],
  },
  {
    name: "boolean parameter of a method",
    path: "src/core/a.ts",
    text: "class A { f(on: boolean) {} }",
    want: ["tidy/parameters"],
  },
  { name: "boolean of a setter", path: "src/core/a.ts", text: "class A { set f(on: boolean) {} }", want: [] },
  { name: "any", path: "src/core/a.ts", text: "function f(a: any) { return a; }", want: ["tidy/no-any"] },
  {
    name: "export without docstring",
    path: "src/core/a.ts",
    text: "export const a = 1;",
    want: ["tidy/docstrings"],
  },
  {
    name: "export with a line comment",
    path: "src/core/a.ts",
    text: "// A.\nexport const a = 1;",
    want: ["tidy/docstrings"],
  },
  { name: "export with docstring", path: "src/core/a.ts", text: "/** A. */\nexport const a = 1;", want: [] },
  {
    name: "type without docstring",
    path: "src/core/a.ts",
    text: "export type A = 1;",
    want: ["tidy/docstrings"],
  },
  {
    name: "plug-in with three matching names",
    path: "src/filters/url_rewrite.ts",
    text: '/** R. */\nexport const urlRewrite = { type: "url-rewrite", create() {} };',
    want: [],
  },
  {
    name: "plug-in in the wrong file",
    path: "src/filters/rewrite.ts",
    text: '/** R. */\nexport const urlRewrite = { type: "url-rewrite", create() {} };',
    want: ["tidy/plugin-names"],
  },
  {
    name: "plug-in under another const",
    path: "src/filters/cors.ts",
    text: '/** R. */\nexport const corsFilter = { type: "cors", create() {} } satisfies K;',
    want: ["tidy/plugin-names"],
  },
];

function functionOf(count: number): string {
  return `function f() {\n${"  g();\n".repeat(count - 2)}}`;
}

for (const { name, path, text, want } of SYNTAX_SAMPLES) {
  Deno.test(`tidy: syntax sample: ${name}`, () => {
    const found = Deno.lint.runPlugin(plugin, `/${path}`, text).map(({ id }) => id);
    deepEqual([...new Set(found)].sort(), want);
  });
}

const TEXT_SAMPLES: readonly { name: string; text: string; want: number }[] = [
  { name: "500 lines", text: "a;\n".repeat(500), want: 0 },
  { name: "501 lines", text: "a;\n".repeat(501), want: 1 },
  { name: "unfinished", text: "// TODO later\n", want: 1 },
  { name: "banner", text: "// ------- section -------\n", want: 1 },
  { name: "banner of equals signs", text: "/* ==================\n", want: 1 },
  { name: "list in a comment", text: "// - one thing\n", want: 0 },
  { name: "code in a comment", text: "// const a = 1;\n", want: 1 },
  { name: "call in a comment", text: "// foo.bar(1);\n", want: 1 },
  { name: "sentence in a comment", text: "// Return early when nothing is there.\n", want: 0 },
  { name: "switched off", text: 'Deno.test.only("a", f);\n', want: 1 },
];

for (const { name, text, want } of TEXT_SAMPLES) {
  Deno.test(`tidy: text sample: ${name}`, () => equal(textProblems("src/core/a.ts", text).length, want));
}

const NAME_SAMPLES: readonly { path: string; want: number }[] = [
  { path: "src/core/peak_ewma.ts", want: 0 },
  { path: "src/core/peak_ewma_test.ts", want: 0 },
  { path: "src/core/peakEwma.ts", want: 1 },
  { path: "src/core/peak-ewma.ts", want: 1 },
  { path: "src/utils/a.ts", want: 1 },
  { path: "src/core/index.ts", want: 1 },
  { path: "src/core/helpers.ts", want: 1 },
  { path: "src/Core/a.ts", want: 1 },
];

for (const { path, want } of NAME_SAMPLES) {
  Deno.test(`tidy: name sample: ${path}`, () => equal(nameProblems(path).length, want));
}

const LEAK_SAMPLES: readonly { text: string; want: number }[] = [
  { text: "see " + ["", "root", "notes"].join("/"), want: 1 },
  { text: `const path = "${["", "work", "main"].join("/")}";`, want: 1 },
  { text: "a/work/b is a relative path", want: 0 },
  { text: `https://${["registry", "npm" + "js", "org"].join(".")}/left-pad`, want: 1 },
  { text: "npm:left-pad", want: 0 },
];

for (const { text, want } of LEAK_SAMPLES) {
  Deno.test(`tidy: leak sample: ${text}`, () => equal(leakProblems("README.md", text).length, want));
}

Deno.test("tidy: registry samples", () => {
  equal(
    registryProblems("src/filters/registry.ts", "/** To add a filter: … */\nexport const rows = [a];\n")
      .length,
    0,
  );
  equal(registryProblems("src/filters/registry.ts", "/** Filters. */\nexport const rows = [a];\n").length, 1);
  equal(registryProblems("src/filters/registry.ts", "/** To add … */\nexport function f() {}\n").length, 1);
});

Deno.test("tidy: import graph sees imports, types and workers, and finds dead files", () => {
  const text = 'import { a } from "./a.ts";\nimport "../b.ts";\ntype C = import("./c.ts").C;\n' +
    'new Worker(new URL("./d.ts", import.meta.url));\nrun(`${ROOT}tests/support/e.ts`);\n';
  deepEqual(importsOf("src/x/f.ts", text), [
    "src/x/a.ts",
    "src/b.ts",
    "src/x/c.ts",
    "src/x/d.ts",
    "tests/support/e.ts",
  ]);
  const files = new Map([["m.ts", 'import "./a.ts";'], ["a.ts", ""], ["dead.ts", 'import "./a.ts";']]);
  deepEqual(unreachable(files, ["m.ts"]), ["dead.ts"]);
});
