import assert from "node:assert/strict";
import { main } from "../../src/cli/program.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

/**
 * Each file: a configuration, a line of dashes, then for each request the arguments after `explain` in a
 * line that starts with `$`, and what it prints. `UPDATE=1` rewrites the outputs.
 */
const FOLDER = new URL("./explain/", import.meta.url);
const DASHES = "----------\n";

async function explain(config: string, line: string): Promise<string> {
  let printed = "";
  const terminal: Terminal = {
    out: (text) => printed += `${text}\n`,
    err: (text) => printed += `${text}\n`,
    env: () => undefined,
    color: false,
  };
  const args = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);
  const status = await main(["explain", "--config", config, ...args], terminal);
  const named = printed.replaceAll(config, "sentinel.kdl");
  return status === 0 ? named : `${named}exit ${status}\n`;
}

for (const { name } of Deno.readDirSync(FOLDER)) {
  Deno.test(`golden explain: ${name}`, async () => {
    const path = new URL(name, FOLDER);
    const golden = await Deno.readTextFile(path);
    const [kdl = "", expected = ""] = golden.split(DASHES);
    const config = await Deno.makeTempFile({ suffix: ".kdl" });
    await Deno.writeTextFile(config, kdl);
    let actual = "";
    for (const line of expected.split("\n").filter((each) => each.startsWith("$ "))) {
      actual += `${line}\n${await explain(config, line.slice(2))}\n`;
    }
    await Deno.remove(config);
    assert.notEqual(actual, "", "a golden file asks about at least one request");
    if (Deno.env.get("UPDATE") === "1") await Deno.writeTextFile(path, `${kdl}${DASHES}${actual}`);
    else assert.equal(actual, expected);
  });
}
