/**
 * What configurations read as, and the exact diagnostics of wrong ones.
 *
 * Each file in `config/` holds a configuration, a line of dashes, and what becomes of it: the diagnostics, or the
 * configuration as JSON. A comment `// show: upstreams.0.targets` narrows the JSON to a part. A name such as
 * `x.json.txt` sets the syntax. `UPDATE=1` rewrites the second half.
 */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { parseConfig } from "../../src/config/load.ts";
import { renderIssues } from "../../src/config/render.ts";

const FOLDER = new URL("./config/", import.meta.url);
const DIVIDER = "----------\n";

/** Parts of a case that most have no interest in, so that each shows only what it is about. */
const PREAMBLE = /^(?:\/\/|#) preamble\n/;
const PREAMBLE_TEXT = `system {}
listeners {
    listener "http" {
        address "127.0.0.1:8080"
    }
}
`;

function outcome(input: string, fileName: string): string {
  const text = input.replace(PREAMBLE, (comment) => comment + PREAMBLE_TEXT);
  const { config, issues, sources } = parseConfig(text, fileName);
  const diagnostics = renderIssues(issues, sources, { color: false });
  if (config === undefined) return diagnostics;
  const path = /(?:\/\/|#) show: (\S+)/.exec(input)?.[1]?.split(".") ?? [];
  let shown: unknown = config;
  for (const key of path) shown = (shown as Record<string, unknown>)[key];
  return `${diagnostics}${JSON.stringify(shown, null, 2)}\n`;
}

const names = [...Deno.readDirSync(FOLDER)].map((entry) => entry.name).filter((name) => name.endsWith(".txt"))
  .sort();

Deno.test("there are golden configurations", () => ok(names.length >= 30, `found ${names.length}`));

for (const name of names) {
  Deno.test(`golden: ${name}`, () => {
    const file = new URL(name, FOLDER);
    const [input, want = ""] = Deno.readTextFileSync(file).split(DIVIDER);
    const fileName = name.replace(/\.txt$/, "").replace(/^([^.]+)$/, "$1.kdl");
    const got = outcome(input!, fileName);
    if (Deno.env.get("UPDATE") === "1") Deno.writeTextFileSync(file, `${input}${DIVIDER}${got}`);
    else equal(got, want);
  });
}
