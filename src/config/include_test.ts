import { deepStrictEqual as equal, ok } from "node:assert/strict";
import type { ConfigFiles } from "./include.ts";
import { loadConfig } from "./load.ts";

/** Files in memory; `*` matches within a segment, paths are relative to the including file. */
class MemoryFiles implements ConfigFiles {
  readonly reads: string[] = [];
  readonly #files: ReadonlyMap<string, string>;

  constructor(files: Record<string, string>) {
    this.#files = new Map(Object.entries(files));
  }

  read(path: string): Promise<string> {
    this.reads.push(path);
    const text = this.#files.get(path);
    return text === undefined ? Promise.reject(new Error("no such file")) : Promise.resolve(text);
  }

  glob(pattern: string, from: string): Promise<readonly string[]> {
    const full = new URL(pattern, new URL(from, "file:///")).pathname.slice(1);
    const matcher = new RegExp(`^${full.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`);
    // Reversed, so that a test notices when nobody sorts.
    return Promise.resolve([...this.#files.keys()].filter((path) => matcher.test(path)).reverse());
  }

  async readBytes(path: string): Promise<Uint8Array> {
    return new TextEncoder().encode(await this.read(path));
  }

  locate(path: string): string {
    return `/${path}`;
  }

  identify(path: string): Promise<string> {
    return Promise.resolve(path);
  }
}

const BASE = `system {}\nlisteners { listener "http" { address "127.0.0.1:1" } }\n`;
const route = (id: string) =>
  `routes { route "${id}" { matches { path "/${id}" }; builtin-handler "health" } }\n`;

async function load(files: Record<string, string>) {
  const memory = new MemoryFiles(files);
  const { config, issues, sources } = await loadConfig("main.kdl", memory);
  const messages = issues.map((issue) => `${issue.span?.file}:${issue.span?.line} ${issue.message}`);
  return { config, messages, sources: [...sources.keys()], reads: memory.reads };
}

Deno.test("patterns are relative to the including file, sorted and recursive", async () => {
  const { config, messages, sources } = await load({
    "main.kdl": `${BASE}include "routes/*.kdl"\n`,
    "routes/b.kdl": route("b"),
    "routes/a.kdl": `${route("a")}include "inner/*.kdl"\n`,
    "routes/inner/c.kdl": route("c"),
  });
  equal(messages, []);
  equal(config?.routes.map(({ id }) => id), ["a", "c", "b"]);
  equal(sources, ["main.kdl", "routes/a.kdl", "routes/inner/c.kdl", "routes/b.kdl"]);
});

Deno.test("a file that two others include is loaded once", async () => {
  const { config, messages, reads } = await load({
    "main.kdl": `${BASE}include "a.kdl" "b.kdl"\n`,
    "a.kdl": `include "common.kdl"\n`,
    "b.kdl": `include "common.kdl"\n`,
    "common.kdl": route("common"),
  });
  equal(messages, []);
  equal(config?.routes.length, 1);
  equal(reads.filter((path) => path === "common.kdl").length, 1);
});

const mistakes: { name: string; files: Record<string, string>; want: string[] }[] = [
  {
    name: "a cycle shows its chain",
    files: {
      "main.kdl": `${BASE}include "a.kdl"\n`,
      "a.kdl": `include "b.kdl"\n`,
      "b.kdl": `\ninclude "a.kdl"\n`,
    },
    want: ["b.kdl:2 files include each other: a.kdl → b.kdl → a.kdl"],
  },
  {
    name: "a file that includes itself",
    files: { "main.kdl": `${BASE}include "main.kdl"\n` },
    want: ["main.kdl:3 files include each other: main.kdl → main.kdl"],
  },
  {
    name: "no match is a warning",
    files: { "main.kdl": `${BASE}include "none/*.kdl"\n` },
    want: ['main.kdl:3 no file matches include "none/*.kdl"'],
  },
  {
    name: "a missing main file",
    files: {},
    want: ["undefined:undefined cannot read main.kdl: no such file"],
  },
  {
    name: "issues are in their own file",
    files: { "main.kdl": `${BASE}include "a.kdl"\n`, "a.kdl": `\n\nupstrems { }\n` },
    want: ['a.kdl:3 unknown name "upstrems" at the top level'],
  },
  {
    name: "syntax errors of several files are reported together",
    files: { "main.kdl": `${BASE}include "a.kdl" "b.kdl"\n`, "a.kdl": "x true\n", "b.kdl": "y [1]\n" },
    want: [
      'a.kdl:1 syntax: "true" is no value in KDL 2',
      'b.kdl:1 syntax: Unexpected character "[", did you forget to quote an identifier?',
    ],
  },
  {
    name: "an include without a path",
    files: { "main.kdl": `${BASE}include\ninclude 5\n` },
    want: [
      'main.kdl:3 "include" expects a path or pattern',
      'main.kdl:4 "include" expects a path or pattern as text',
    ],
  },
  {
    name: "another format",
    files: { "main.kdl": `${BASE}include "a.yaml"\n`, "a.yaml": "a: 1" },
    want: ['a.yaml:1 unsupported configuration format ".yaml"'],
  },
  {
    name: "duplicate ids across files",
    files: { "main.kdl": `${BASE}${route("x")}include "a.kdl"\n`, "a.kdl": route("x") },
    want: ['a.kdl:1 route "x" is defined twice'],
  },
];

for (const { name, files, want } of mistakes) {
  Deno.test(name, async () => equal((await load(files)).messages, want));
}

Deno.test("syntaxes can be mixed", async () => {
  const { config, messages } = await load({
    "main.kdl": `${BASE}include "a.json" "b.toml"\n`,
    "a.json": `{"upstreams": {"a": {"targets": [{"address": "127.0.0.1:1"}]}}}`,
    "b.toml": `[[routes]]\nid = "r"\nupstream = "a"\nmatches = { path_prefix = "/" }\n`,
  });
  equal(messages, []);
  ok(config?.routes[0]?.matches.pathPrefix[0] === "/");
});

Deno.test("the configuration is frozen and can be cloned", async () => {
  const { config } = await load({ "main.kdl": BASE + route("a") });
  ok(Object.isFrozen(config?.routes[0]?.matches.path));
  equal(structuredClone(config), config);
});
