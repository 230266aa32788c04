/**
 * Writes `wasm-agents/sdk/assembly/bindings/` from our WIT: for every interface a file with its types, functions that
 * call it when the guest imports it, and functions for the host to call when the guest exports it. The functions
 * that the host calls turn to `wasm-agents/sdk/assembly/handlers/`. `deno run -A build/wit/assemblyscript.ts`.
 */

import type { Func, Interface, Package, TypeDef } from "./ast.ts";
import { dropOf, exportOf, importOf } from "./assemblyscript_calls.ts";
import { codecOf } from "./assemblyscript_codec.ts";
import { BindingFile, definitionsIn, docsOr, fileOf, type Traffic } from "./assemblyscript_names.ts";
import { classOf } from "./assemblyscript_types.ts";
import { parseWit } from "./parse.ts";

const ROOT = new URL("../../", import.meta.url);
const SOURCE = "wasm-agents/wit/sentinel-agent.wit";
const FOLDER = "wasm-agents/sdk/assembly/bindings";

/** Every file of bindings, formatted, by its path from the root. */
export async function generateBindings(): Promise<ReadonlyMap<string, string>> {
  const source = parseWit(SOURCE, await Deno.readTextFile(new URL(SOURCE, ROOT)));
  const world = source.worlds[0]!;
  const traffic = trafficOf(source);
  const files = new Map<string, string>();
  for (const each of source.interfaces) {
    const side = world.imports.includes(each) ? "import" : world.exports.includes(each) ? "export" : "types";
    const body = bindingsOf(each, { side, traffic, package: source });
    const head =
      `// Generated from ${SOURCE} by \`deno task wit\`; do not edit.\n// deno-lint-ignore-file\n\n`;
    files.set(`${FOLDER}/${fileOf(each.name)}.ts`, await formatted(`${head}${body}\n`));
  }
  return files;
}

interface Choices {
  readonly side: "import" | "export" | "types";
  readonly traffic: Traffic;
  readonly package: Package;
}

function bindingsOf(owner: Interface, { side, traffic, ...choices }: Choices): string {
  const file = new BindingFile(owner, { ...traffic, ...choices });
  const parts = owner.types.flatMap((def) => [classOf(file, def), codecOf(file, def)]);
  if (side === "import") {
    parts.push(...owner.functions.map((func) => importOf(file, owner, func)));
    for (const def of owner.types) {
      if (def.shape.type === "resource") parts.push(dropOf(file, owner, def.name));
    }
  }
  if (side === "export") parts.push(...owner.functions.map((func) => exportOf(file, owner, func)));
  return file.text(
    docsOr(owner.docs, `The interface \`${owner.name}\`.`),
    parts.filter(Boolean).join("\n\n"),
  );
}

/** Which definitions leave the guest, and which come to it. */
function trafficOf(source: Package): Traffic {
  const world = source.worlds[0]!;
  const sent = new Set<TypeDef>();
  const received = new Set<TypeDef>();
  const note = (func: Func, sides: { readonly params: Set<TypeDef>; readonly result: Set<TypeDef> }) => {
    for (const { type } of func.params) definitionsIn(type, sides.params);
    definitionsIn(func.result, sides.result);
  };
  for (const { functions } of world.imports) {
    for (const func of functions) note(func, { params: sent, result: received });
  }
  for (const { functions } of world.exports) {
    for (const func of functions) note(func, { params: received, result: sent });
  }
  return { sent, received };
}

async function formatted(text: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "--line-width", "110", "--no-config", "--ext", "ts", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(`${new TextDecoder().decode(stderr)}\n${text}`);
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) {
  for (const [path, text] of await generateBindings()) {
    await Deno.mkdir(new URL(".", new URL(path, ROOT)), { recursive: true });
    await Deno.writeTextFile(new URL(path, ROOT), text);
    console.log(`${path}: ${text.split("\n").length - 1} lines`);
  }
}
