import { AGENT_TEMPLATE } from "./agent_template.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

/** What stands for the agent's name in the template's files, and in their names. */
const PLACEHOLDER = "__AGENT__";

/** What to do with the folder. */
const NEXT =
  "It builds and is tested as a folder below wasm-agents/ in a checkout; wasm-agents/README.md says how.";

/** Where the folder is made. */
export interface AgentNewOptions {
  readonly dir?: string;
}

/** Files by their path below the folder. */
export type AgentTemplate = Readonly<Record<string, string>>;

/** Makes a folder with an agent that builds, tests and runs. Writes nothing when the folder holds anything. */
export async function agentNewVerb(
  name: string,
  options: AgentNewOptions,
  terminal: Terminal,
): Promise<number> {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name) || name.endsWith("-")) {
    terminal.err(
      `error: "${name}" cannot be an agent's id: it begins with a lower-case letter and has letters, digits ` +
        'and "-", at most 63',
    );
    return EXIT.usage;
  }
  const folder = options.dir ?? await defaultFolder(name);
  try {
    const files = await writeTemplate(AGENT_TEMPLATE, { folder, name });
    terminal.out([`${folder}/`, ...files.map((file) => `  ${file}`), NEXT].join("\n"));
  } catch (cause) {
    terminal.err(
      `sentinel: cannot make ${folder}: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
    return EXIT.failed;
  }
  return EXIT.ok;
}

/** Beside the other agents, in a checkout: there it builds, and its tests find what they need. */
async function defaultFolder(name: string): Promise<string> {
  const isCheckout = await Deno.stat("wasm-agents/build.ts").then((info) => info.isFile, () => false);
  return isCheckout ? `wasm-agents/${name}` : name;
}

/** Writes all files of a template; the paths written. Rejects when the folder is there and not empty. */
export async function writeTemplate(
  template: AgentTemplate,
  { folder, name }: { readonly folder: string; readonly name: string },
): Promise<readonly string[]> {
  await Deno.mkdir(folder, { recursive: true });
  for await (const { name: found } of Deno.readDir(folder)) {
    throw new Error(`the folder is there already, with ${found} in it`);
  }
  const files = Object.entries(template).map(([path, text]) => {
    return [path.replaceAll(PLACEHOLDER, name), text.replaceAll(PLACEHOLDER, name)] as const;
  });
  for (const [path, text] of files) {
    const slash = path.lastIndexOf("/");
    if (slash > 0) await Deno.mkdir(`${folder}/${path.slice(0, slash)}`, { recursive: true });
    await Deno.writeTextFile(`${folder}/${path}`, text, { createNew: true });
  }
  return files.map(([path]) => path).sort();
}
