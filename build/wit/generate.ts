/**
 * Writes `src/agents/contract/` from the WIT files: types, texts of types, and the glue of both worlds.
 * `deno run -A build/wit/generate.ts`.
 */

import { functionText } from "./type_text.ts";
import { exportFiles } from "./export_files.ts";
import { importFiles } from "./import_files.ts";
import { instanceFile } from "./instance_file.ts";
import { liftFile, lowerFile } from "./codec_files.ts";
import { parseWit } from "./parse.ts";
import { keyOf, liftPath, lowerPath, type Plan, typesPath, worldOf } from "./plan.ts";
import { typesFile } from "./types_file.ts";
import type { Interface } from "./ast.ts";

const ROOT = new URL("../../", import.meta.url);

const SOURCES = [
  {
    prefix: "sentinel",
    source: "wasm-agents/wit/sentinel-agent.wit",
    renamed: new Map([["log.level", "LogLevel"]]),
    suspending: new Set(["fetch#send"]),
  },
  {
    prefix: "zentinel",
    source: "wasm-agents/wit/zentinel-agent.wit",
    renamed: new Map<string, string>(),
    suspending: new Set<string>(),
  },
];

/** Every generated file, formatted, by its path from the root. */
export async function generateContract(): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const { source, ...choices } of SOURCES) {
    const wit = await Deno.readTextFile(new URL(source, ROOT));
    const plan: Plan = { ...choices, source, package: parseWit(source, wit) };
    const opening = `// Generated from ${source} by \`deno task wit\`; do not edit.\n`;
    for (const { path, text } of filesOf(plan)) texts.set(`src/agents/${path}`, `${opening}\n${text}\n`);
  }
  return await formatted(texts);
}

function filesOf(plan: Plan): readonly { readonly path: string; readonly text: string }[] {
  const instance = instanceFile(plan);
  const calls = [...exportFiles(plan), ...importFiles(plan)];
  const needed = (path: string) => calls.flatMap(({ uses }) => uses.from(path));
  return [
    { path: typesPath(plan), text: typesFile(plan) },
    { path: `contract/${plan.prefix}_world.ts`, text: worldFile(plan) },
    { path: lowerPath(plan), text: lowerFile(plan, needed(lowerPath(plan))) },
    { path: liftPath(plan), text: liftFile(plan, needed(liftPath(plan))) },
    ...calls,
    ...(instance === undefined ? [] : [instance]),
  ];
}

function worldFile(plan: Plan): string {
  const { namespace, name, version } = plan.package;
  const { imports, exports } = worldOf(plan);
  const rows = (interfaces: readonly Interface[]) => {
    const lines = interfaces.flatMap((one) =>
      one.functions.map((func) =>
        `[${JSON.stringify(keyOf(one, func))}, ${JSON.stringify(functionText(func))}],`
      )
    );
    return lines.length === 0 ? "new Map()" : `new Map([\n${lines.join("\n")}\n])`;
  };
  return `import type { WorldTypes } from "./world.ts";

    /** The world of \`${namespace}:${name}@${version}\`. */
    export const ${plan.prefix.toUpperCase()}_WORLD: WorldTypes = {
      package: "${namespace}:${name}",
      version: "${version}",
      imports: ${rows(imports)},
      exports: ${rows(exports)},
    };`;
}

/** Formats all files in one go, in a folder of their own with the settings of the root. */
async function formatted(texts: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string>> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [path, text] of texts) {
      const target = `${folder}/${path}`;
      await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(target, text);
    }
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["fmt", "--quiet", "--line-width", "110", folder],
      cwd: folder,
      stderr: "piped",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const results = new Map<string, string>();
    for (const path of texts.keys()) results.set(path, await Deno.readTextFile(`${folder}/${path}`));
    return results;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  for (const [path, text] of await generateContract()) {
    await Deno.mkdir(new URL(".", new URL(path, ROOT)), { recursive: true });
    await Deno.writeTextFile(new URL(path, ROOT), text);
    console.log(`${path}: ${text.split("\n").length - 1} lines`);
  }
}
