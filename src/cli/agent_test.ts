import assert from "node:assert/strict";
import { Command, CommanderError } from "commander";
import { fixture } from "../../tests/agents/corpus.ts";
import { addAgentVerbs } from "./agent.ts";

/** Runs the verbs below a program that has the options of the real one. */
async function sentinel(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const texts = { out: "", err: "" };
  let status = -1;
  const program = new Command("sentinel")
    .option("-c, --config <path>")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void (texts.out += text),
      writeErr: (text) => void (texts.err += text),
    });
  addAgentVerbs(program, {
    terminal: {
      out: (text) => texts.out += `${text}\n`,
      err: (text) => texts.err += `${text}\n`,
      env: () => undefined,
      color: false,
    },
    done: (result) => status = result,
  });
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (cause) {
    if (!(cause instanceof CommanderError)) throw cause;
    status = cause.exitCode === 0 ? 0 : 2;
  }
  return { status, ...texts };
}

Deno.test("agent verbs: run takes the agent's configuration where the program takes its own", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/guard.wasm`;
  await Deno.writeFile(file, await fixture("c"));
  const admin = ["-r", "GET https://a.example/admin", "--config", '{"prefix":"/admin"}'];
  assert.equal((await sentinel("agent", "run", file, ...admin)).status, 3);
  const trusted = ["-H", "X-A: 1", "-H", "Authorization: x", "--client", "192.0.2.7"];
  const allowed = await sentinel("agent", "run", file, ...admin, ...trusted);
  assert.equal(allowed.status, 0);
  assert.match(allowed.out, /from 192\.0\.2\.7$/m);
  assert.equal((await sentinel("agent", "inspect", file)).status, 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("agent verbs: what is missing or unknown is a usage error", async () => {
  for (
    const args of [
      ["agent", "run", "x.wasm"],
      ["agent", "run"],
      ["agent", "inspect"],
      ["agent", "new"],
      ["agent", "frobnicate"],
      ["agent", "list", "--frobnicate"],
    ]
  ) {
    const { status, out, err } = await sentinel(...args);
    assert.equal(status, 2, args.join(" "));
    assert.equal(out, "");
    assert.notEqual(err, "");
  }
});

Deno.test("agent verbs: each has help", async () => {
  for (const verb of ["list", "inspect", "run", "new"]) {
    const { status, out } = await sentinel("agent", verb, "--help");
    assert.equal(status, 0);
    assert.match(out, new RegExp(`^Usage: sentinel agent ${verb} `));
  }
});
