/** The program as two JavaScript files, which both kinds of packages are made of. */

import { fileURLToPath } from "node:url";

/** Root of the repository, with a slash at the end. */
export const ROOT: string = fileURLToPath(new URL("../", import.meta.url));

/** Version and permissions, as deno.json states them. */
export interface Manifest {
  readonly version: string;
  /** `--allow-…` and other run-time flags of `deno task sentinel`. */
  readonly flags: readonly string[];
}

/** Reads the manifest, so that every package runs under the permissions of the task. */
export async function readManifest(): Promise<Manifest> {
  const file = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`)) as {
    version: string;
    tasks: Record<string, string>;
  };
  const words = file.tasks["sentinel"]!.split(" ");
  return {
    version: file.version,
    flags: [...words.filter((word) => word.startsWith("--")), "--unstable-net"],
  };
}

/** Runs a program to its end and returns what it printed; throws with it when it fails. */
export async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const output = await new Deno.Command(command, {
    args: [...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(output.stdout) + new TextDecoder().decode(output.stderr);
  if (!output.success) throw new Error(`${command} ${args.join(" ")} failed:\n${text}`);
  return text;
}

/** Agents that are told by name. */
const AGENTS = `${ROOT}wasm-agents/dist`;

/**
 * Writes `main.js` and, where it looks for them, its worker script `worker.js` and the folder `agents` of components that
 * come along.
 */
export async function bundleProgram(folder: string): Promise<void> {
  const bundle = (from: string, to: string) =>
    run(Deno.execPath(), ["bundle", "--quiet", "--platform", "deno", "--output", `${folder}/${to}`, from]);
  await bundle("src/main.ts", "main.js");
  await bundle("src/server/worker.ts", "worker.js");
  await Deno.mkdir(`${folder}/agents`);
  for await (const { name } of Deno.readDir(AGENTS)) {
    if (name.endsWith(".wasm")) await Deno.copyFile(`${AGENTS}/${name}`, `${folder}/agents/${name}`);
  }
}
