/**
 * Builds agents: `deno run -A --config wasm-agents/deno.json wasm-agents/build.ts [name…]`. A name is a folder below
 * `wasm-agents/`, or a path to a folder; without one, everything that has an `agent.ts` is built. What comes out is
 * `dist/<name>.wasm` here, or `<name>.wasm` in the folder that was given by its path.
 */

import { componentEmbed, componentNew } from "@bytecodealliance/jco-transpile/wasm-tools";
import { exportName, fileOf } from "../build/wit/assemblyscript_names.ts";
import type { Func, Interface, Package } from "../build/wit/ast.ts";
import { functionLayout } from "../build/wit/layout.ts";
import { parseWit } from "../build/wit/parse.ts";
import { assemble } from "./toolchain/assemble.ts";
import { exportedFunctions } from "./toolchain/author_exports.ts";
import { BuildError, interfacesFor } from "./toolchain/hooks.ts";
import { importedModules, renameExports, withoutCustomSections } from "./toolchain/module_names.ts";
import { qualified, worldText } from "./toolchain/world_text.ts";

const HERE = new URL("./", import.meta.url);
const WIT = new URL("wit/sentinel-agent.wit", HERE);

/** Folders here that are not agents, although they have an `agent.ts`. */
const NO_AGENTS = new Set(["template"]);

/** A component with more bytes than this has something in it that does not belong there. */
const COMPONENT_BYTES_MAX = 576 * 1024;

/** A component, and what it has of the contract. */
export interface Built {
  readonly component: Uint8Array<ArrayBuffer>;
  readonly coreBytes: number;
  readonly imports: readonly string[];
  readonly exports: readonly string[];
}

/** Builds the agent of a folder. Throws `BuildError`. */
export async function buildAgent(folder: URL): Promise<Built> {
  const wit = await Deno.readTextFile(WIT);
  const contract = parseWit("sentinel-agent.wit", wit);
  const exports = interfacesFor(exportedFunctions("agent.ts", await agentText(folder)));
  const owners = contract.interfaces.filter(({ name }) => exports.has(name));
  const functions = owners.map((owner) =>
    [fileOf(owner.name), owner.functions.map((func) => exportName(owner, func))] as const
  );
  const core = await assemble({ folder, exports: new Map(functions) });
  const prefix = qualified(contract, "").split("@")[0]!;
  const imports = new Set([...importedModules(core)].map((name) => name.slice(prefix.length).split("@")[0]!));
  const names = canonicalNames(contract, owners);
  const module = renameExports(core, (name) => names.get(name) ?? []);
  const embedded = await componentEmbed({
    witSource: worldText(wit, { imports, exports }),
    world: "agent",
    binary: module,
  });
  // The names that it gives to its parts help nobody, and are a tenth of it.
  const component = withoutCustomSections(await componentNew(embedded, []));
  if (component.length > COMPONENT_BYTES_MAX) {
    throw new BuildError(
      `the component has ${component.length} bytes; at most ${COMPONENT_BYTES_MAX} are expected`,
    );
  }
  return { component, coreBytes: module.length, imports: [...imports].sort(), exports: [...exports].sort() };
}

async function agentText(folder: URL): Promise<string> {
  try {
    return await Deno.readTextFile(new URL("agent.ts", folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new BuildError(`${folder.pathname} has no agent.ts`);
    throw error;
  }
}

/** For every name that a compiled module exports, the names that the canonical ABI wants. */
function canonicalNames(contract: Package, owners: readonly Interface[]): Map<string, readonly string[]> {
  const names = new Map<string, readonly string[]>([["memory", ["memory"]], ["cabi_realloc", [
    "cabi_realloc",
  ]]]);
  const freeing: string[] = [];
  const note = (owner: Interface, func: Func) => {
    const name = `${qualified(contract, owner.name)}#${func.name}`;
    names.set(exportName(owner, func), [name]);
    if (functionLayout(func, "lift").returned) freeing.push(`cabi_post_${name}`);
  };
  for (const owner of owners) for (const func of owner.functions) note(owner, func);
  return names.set("postReturn", freeing);
}

/** Where an agent is, and where its component goes. */
interface Target {
  readonly name: string;
  readonly folder: URL;
  readonly output: URL;
}

/** The agent that a name or path on the command line means. */
export function targetOf(word: string): Target {
  if (/^[a-z0-9-]+$/.test(word)) {
    return { name: word, folder: new URL(`${word}/`, HERE), output: new URL(`dist/${word}.wasm`, HERE) };
  }
  const folder = new URL(`${word.replace(/\/*$/, "")}/`, `file://${Deno.cwd()}/`);
  const name = folder.pathname.split("/").at(-2)!;
  return { name, folder, output: new URL(`${name}.wasm`, folder) };
}

/** Names of all folders here that hold an agent. */
export async function agentNames(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(HERE)) {
    if (!isDirectory || NO_AGENTS.has(name)) continue;
    const hasAgent = await Deno.stat(new URL(`${name}/agent.ts`, HERE)).then(() => true, () => false);
    if (hasAgent) names.push(name);
  }
  return names.sort();
}

async function main(words: readonly string[]): Promise<number> {
  let failures = 0;
  for (const word of words.length > 0 ? words : await agentNames()) {
    const { name, folder, output } = targetOf(word);
    try {
      const { component, imports, exports } = await buildAgent(folder);
      await Deno.mkdir(new URL(".", output), { recursive: true });
      await Deno.writeFile(output, component);
      console.log(
        `${name}: ${component.length} bytes, exports ${exports.join(", ")}, imports ${imports.join(", ")}`,
      );
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      console.error(`Cannot build agent "${name}": ${error.message}`);
      failures++;
    }
  }
  return failures === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
