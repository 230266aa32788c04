import assert from "node:assert/strict";
import { agentNewVerb, writeTemplate } from "./agent_new.ts";
import { AGENT_TEMPLATE } from "./agent_template.ts";
import type { Terminal } from "./terminal.ts";

const SOURCE = new URL("../../wasm-agents/template/", import.meta.url);
const MODULE = new URL("./agent_template.ts", import.meta.url);

/** All files below a folder, by their path in it. What a build leaves there is not part of the template. */
async function filesBelow(folder: URL, prefix = ""): Promise<[path: string, text: string][]> {
  const files: [string, string][] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) {
      if (name !== "dist" && name !== "node_modules") {
        files.push(...await filesBelow(new URL(`${name}/`, folder), `${prefix}${name}/`));
      }
    } else if (!name.endsWith(".wasm")) {
      files.push([prefix + name, await Deno.readTextFile(new URL(name, folder))]);
    }
  }
  return files.sort(([a], [b]) => a < b ? -1 : 1);
}

function moduleText(files: readonly (readonly [string, string])[]): string {
  const rows = files.map(([path, text]) => `  ${JSON.stringify(path)}: ${JSON.stringify(text)},\n`);
  return "/**\n * What `sentinel agent new` writes, by path; a bundled program has no files beside it. Generated from\n" +
    " * `wasm-agents/template/` by `UPDATE=1 deno test -A src/cli/agent_template_test.ts`; do not edit.\n */\n" +
    `export const AGENT_TEMPLATE: Readonly<Record<string, string>> = {\n${rows.join("")}};\n`;
}

interface Made {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

async function agentNew(name: string, dir: string): Promise<Made> {
  const texts = { out: "", err: "" };
  const terminal: Terminal = {
    out: (text) => texts.out += text,
    err: (text) => texts.err += text,
    env: () => undefined,
    color: false,
  };
  return { status: await agentNewVerb(name, { dir }, terminal), ...texts };
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("agent template: the program carries the files of wasm-agents/template", async () => {
  const files = await filesBelow(SOURCE);
  if (Deno.env.get("UPDATE") === "1") await Deno.writeTextFile(MODULE, moduleText(files));
  else assert.deepEqual(AGENT_TEMPLATE, Object.fromEntries(files), "UPDATE=1 takes them over");
  assert.ok(files.length > 0);
});

Deno.test("agent new: every file, with the agent's name in it", async () => {
  await inFolder(async (folder) => {
    const { status, out, err } = await agentNew("my-agent", `${folder}/made`);
    assert.equal(err, "");
    assert.equal(status, 0);
    const made = await filesBelow(new URL(`file://${folder}/made/`));
    assert.equal(made.length, Object.keys(AGENT_TEMPLATE).length);
    for (const [path, text] of made) {
      assert.ok(out.includes(path), `${path} is named`);
      assert.ok(!`${path}${text}`.includes("__AGENT__"), `${path} holds a placeholder`);
    }
    assert.ok(made.some(([, text]) => text.includes("my-agent")));
  });
});

Deno.test("agent new: placeholders in paths and texts, folders made", async () => {
  await inFolder(async (folder) => {
    const template = { "src/__AGENT__.ts": "// __AGENT__ and __AGENT__", "a.txt": "" };
    const written = await writeTemplate(template, { folder: `${folder}/x/y`, name: "waf" });
    assert.deepEqual(written, ["a.txt", "src/waf.ts"]);
    assert.equal(await Deno.readTextFile(`${folder}/x/y/src/waf.ts`), "// waf and waf");
  });
});

Deno.test("agent new: a folder that holds anything is left alone, and so is a bad name", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/mine.txt`, "mine");
    const { status, out, err } = await agentNew("waf", folder);
    assert.equal(status, 1);
    assert.equal(out, "");
    assert.match(err, /^sentinel: cannot make .*: the folder is there already, with mine\.txt in it$/);
    assert.deepEqual(await filesBelow(new URL(`file://${folder}/`)), [["mine.txt", "mine"]]);
    for (const name of ["", "Waf", "a b", "-a", "a-", "../x", "a".repeat(64)]) {
      const refused = await agentNew(name, `${folder}/made`);
      assert.equal(refused.status, 2, name);
      assert.match(refused.err, /^error: ".*" cannot be an agent's id/);
    }
    assert.equal((await filesBelow(new URL(`file://${folder}/`))).length, 1);
  });
});
