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

/**
 * What `builtin.ts` has to be. In the guest's memory a string is UTF-16, which would double the size of a component;
 * so two characters stand in each unit, and the string's memory is the text as it is.
 */
export function builtinSource(): string {
  const rules = builtinRules();
  // deno-lint-ignore no-control-regex
  if (/[^\x00-\x7f]/.test(rules)) {
    throw new Error("The rules are to be ASCII; write other bytes as \\xHH");
  }
  return `/** The agent's own rules: made of the files of this folder by generate.ts, two characters to a unit. */

import { Bytes } from "sentinel/text";

const PACKED: string =
  ${packed(rules)};

/** The rules as the text of one file. */
export function builtinRules(): Bytes {
  return new Bytes(changetype<usize>(PACKED), PACKED.length << 1);
}
`;
}

/** A string literal whose units are pairs of characters, the first in the lower half. */
function packed(text: string): string {
  const even = text.length % 2 === 0 ? text : `${text}\n`;
  let units = "";
  for (let at = 0; at < even.length; at += 2) {
    units += String.fromCharCode(
      even.charCodeAt(at) | even.charCodeAt(at + 1) << 8,
    );
  }
  // These two end a line, and so a literal, for some readers.
  return JSON.stringify(units).replaceAll("\u2028", "\\u2028").replaceAll(
    "\u2029",
    "\\u2029",
  );
}

if (import.meta.main) {
  Deno.writeTextFileSync(new URL("builtin.ts", FOLDER), builtinSource());
}
