/**
 * Puts the rule files next to this one into `builtin.ts`, which the agent carries for those who name no rules:
 * `deno run -A wasm-agents/waf/rules/generate.ts`. A test fails while that file is not up to date.
 */

import { fileURLToPath } from "node:url";

const FOLDER = new URL("./", import.meta.url);

/** Rule files in the order in which they are read. */
export function ruleFiles(): string[] {
  return [...Deno.readDirSync(FOLDER)].map((entry) => entry.name).filter((
    name,
  ) => name.endsWith(".conf"))
    .sort().map((name) => fileURLToPath(new URL(name, FOLDER)));
}

/** The rules as one text: a directive per line, without comments. */
export function builtinRules(): string {
  const text = ruleFiles().map((path) => Deno.readTextFileSync(path)).join(
    "\n",
  );
  const lines = text.replace(/\\\n\s*/g, "").split("\n").filter((line) =>
    line !== "" && !line.startsWith("#")
  );
  return `${lines.join("\n")}\n`;
}

/** What `builtin.ts` has to be. */
export function builtinSource(): string {
  const lines = builtinRules().trimEnd().split("\n").map((line) =>
    `  ${JSON.stringify(`${line}\n`)}`
  );
  return `/** The agent's own rules, made of the files of this folder by generate.ts. */
// deno-fmt-ignore-file
export const BUILTIN_RULES: string =
${lines.join(" +\n")};
`;
}

if (import.meta.main) {
  Deno.writeTextFileSync(new URL("builtin.ts", FOLDER), builtinSource());
}
