/** Compiles an agent's AssemblyScript to a core module. */

import * as asc from "assemblyscript/asc";
import { BuildError } from "./hooks.ts";

const SDK = new URL("../sdk/assembly/", import.meta.url);

/** The compiler reads packages below this folder; there they are put together from the SDK and the agent's folder. */
const PACKAGES = "node_modules/";

const ENTRY = "entry.ts";

/** What is compiled. */
export interface Assembly {
  /** The folder of `agent.ts`. */
  readonly folder: URL;
  /** Functions to export, by the files in `sdk/assembly/bindings/` that have them. */
  readonly exports: ReadonlyMap<string, readonly string[]>;
}

/** The core module. Throws `BuildError` with the compiler's messages. */
export async function assemble({ folder, exports }: Assembly): Promise<Uint8Array> {
  // The place of the compiler's simplest runtime; ours has the same functions.
  asc.libraryFiles["rt/index-stub"] = 'import "sentinel/arena";';
  const entry = [
    'export { cabi_realloc, postReturn } from "sentinel/arena";',
    ...[...exports].map(([file, names]) =>
      `export { ${names.join(", ")} } from "sentinel/bindings/${file}";`
    ),
  ].join("\n");
  let module: Uint8Array | undefined;
  const { error, stderr } = await asc.main([ENTRY, "--outFile", "agent.wasm", ...OPTIONS], {
    readFile: (path) => path === ENTRY ? entry : packageFile(path, folder),
    writeFile: (name, contents) => {
      if (name === "agent.wasm") module = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  const messages = readable(stderr.toString(), folder);
  if (!error && module && messages === "") return module;
  throw new BuildError(`${messages}\n${error?.message ?? ""}`.trim() || "the compiler wrote nothing");
}

const OPTIONS = [
  ["--runtime", "stub"],
  ["--optimizeLevel", "3"],
  ["--shrinkLevel", "0"],
  // An error that is thrown ends the call as `unreachable`, for which nothing has to be imported.
  ["--use", "abort="],
].flat();

/** A file of the packages `sentinel` and `agent`; null when there is none, which makes the compiler look elsewhere. */
function packageFile(path: string, folder: URL): string | null {
  if (!path.startsWith(PACKAGES)) return null;
  const [name, ...rest] = path.slice(PACKAGES.length).split("/");
  const inner = rest.join("/");
  if (name === "sentinel") return read(new URL(inner === "index.ts" ? "sentinel.ts" : inner, SDK));
  if (name === "agent") return read(new URL(inner === "index.ts" ? "agent.ts" : inner, folder));
  return null;
}

/** Decorators of functions stand behind `// asc:`, because the formatter takes them away. */
function read(file: URL): string | null {
  try {
    return Deno.readTextFileSync(file).replace(/^\/\/ asc: (@.*)$/gm, "$1");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
}

/** The compiler's messages with the paths that the author knows. */
function readable(messages: string, folder: URL): string {
  const known = messages
    .replaceAll("~lib/agent/index.ts", new URL("agent.ts", folder).pathname)
    .replaceAll("~lib/agent/", folder.pathname)
    .replaceAll("~lib/sentinel/", SDK.pathname).trim();
  if (!known.includes(`${SDK.pathname}handlers/`)) return known;
  return `${known}\n\na hook of agent.ts has other parameters or another result than the SDK expects`;
}
