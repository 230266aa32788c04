/** Follows "Write an agent in five minutes" of the README word by word, in a copy of the repository. */

import { equal, ok } from "node:assert/strict";
import { readAgentFile } from "../../src/config/agent_file.ts";
import { loadAgent } from "../testing/load_agent.ts";
import { copyTree, exists } from "./tree_copy.ts";

const README = new URL("../README.md", import.meta.url);
const ROOT = new URL("../../", import.meta.url);

/** What is read here names no files. */
const NO_FILES = {
  glob: () => Promise.resolve([]),
  readBytes: () => Promise.reject(new Error("there are no files")),
  locate: (path: string) => path,
};

/** A part of the section: a command, a file, or what the command before must have printed. */
type Step =
  | { readonly type: "run"; readonly command: string }
  | { readonly type: "write"; readonly path: string; readonly text: string }
  | { readonly type: "expect"; readonly lines: readonly string[] };

function stepsOf(readme: string): Step[] {
  const section = /## Write an agent in five minutes\n([^]*?)\n## /.exec(readme)![1]!;
  const steps: Step[] = [];
  for (const [, before, language, text] of section.matchAll(/([^\n]*)\n\n```(\w+)\n([^]*?)```/g)) {
    const path = /in `([^`]+)`:$/.exec(before!)?.[1];
    if (language === "sh") steps.push({ type: "run", command: text!.trim() });
    else if (language === "text") steps.push({ type: "expect", lines: text!.trimEnd().split("\n") });
    else if (path !== undefined) steps.push({ type: "write", path, text: text! });
  }
  return steps;
}

async function run(command: string, cwd: string): Promise<{ status: number; printed: string }> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", command],
    cwd,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { status: code, printed: decoder.decode(stdout) + decoder.decode(stderr) };
}

Deno.test("readme: an agent in five minutes, word by word", async () => {
  const steps = stepsOf(await Deno.readTextFile(README));
  equal(steps.filter(({ type }) => type === "run").length, 5);
  equal(steps.filter(({ type }) => type === "write").length, 3);
  const folder = await Deno.makeTempDir();
  try {
    await copyTree(ROOT, folder);
    let printed = "";
    for (const step of steps) {
      if (step.type === "write") await Deno.writeTextFile(`${folder}/${step.path}`, step.text);
      if (step.type === "expect") {
        for (const line of step.lines) ok(printed.includes(line), `${line}\n${printed}`);
      }
      if (step.type !== "run") continue;
      const result = await run(step.command, folder);
      printed = result.printed;
      equal(result.status, step.command.includes("agent run") ? 3 : 0, `${step.command}\n${printed}`);
    }
    ok(await exists(`${folder}/agents/my-agent.wasm`));
    const checked = await run(
      "deno task sentinel agent run agents/my-agent.wasm --options agents/my-agent.kdl -r 'GET https://a.example/internal/'",
      folder,
    );
    equal(checked.status, 3, checked.printed);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("readme: the configurations of bundled agents are good", async () => {
  const section = (await Deno.readTextFile(README)).split("## Bundled agents")[1]!;
  const blocks = [...section.matchAll(/\*\*([a-z]+)\*\* [^]*?```kdl\n([^]*?)```/g)];
  equal(blocks.map(([, name]) => name).join(), "denylist,transform");
  for (const [, name, text] of blocks) {
    const wasm = new URL(`../dist/${name}.wasm`, import.meta.url);
    const { options, issues } = await readAgentFile({
      id: name!,
      wasm: wasm.pathname,
      options: { path: "readme", text: text! },
    }, NO_FILES);
    equal(issues.length, 0, JSON.stringify(issues));
    await loadAgent(wasm, { config: options!.config, grants: ["conn-info", "clock"] });
  }
});
