import { fileURLToPath } from "node:url";
import { AgentLoadError } from "../agents/guest.ts";

/** What the name of an agent that comes with the proxy begins with, in place of a file. */
const SCHEME = "bundled:";

/** Where they are: in a checkout, or beside the bundled program. */
const FOLDER = new URL(
  import.meta.url.endsWith(".ts") ? "../../wasm-agents/dist/" : "./agents/",
  import.meta.url,
);

/** The file that a component's path means. Throws `AgentLoadError` for an agent that does not come with the proxy. */
export async function agentPath(path: string): Promise<string> {
  if (!path.startsWith(SCHEME)) return path;
  const name = path.slice(SCHEME.length);
  if (!/^[a-z0-9-]+$/.test(name)) throw new AgentLoadError(`"${name}" is no name of an agent`);
  const file = fileURLToPath(new URL(`${name}.wasm`, FOLDER));
  const isThere = await Deno.stat(file).then((info) => info.isFile, () => false);
  if (isThere) return file;
  throw new AgentLoadError(
    `the agent "${name}" does not come with this build: in a checkout "deno task agents" makes it, elsewhere give a file`,
  );
}
