import { Command, CommanderError, Option } from "commander";
import { addAcmeVerbs } from "./acme.ts";
import { addAgentVerbs } from "./agent.ts";
import { docsVerb } from "./docs.ts";
import { explainVerb } from "./explain.ts";
import type { ExplainOptions } from "./explain.ts";
import { healthVerb } from "./health.ts";
import { lintVerb } from "./lint.ts";
import { runVerb } from "./run.ts";
import { schemaVerb } from "./schema.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";
import { testVerb } from "./test.ts";
import { validateVerb } from "./validate.ts";
import type { ValidateOptions } from "./validate.ts";
import { versionLine } from "./version.ts";
import { addWafVerbs } from "./waf.ts";

/** Options that stand before or after any verb. */
export interface GlobalOptions {
  /** Path of the configuration; undefined means the environment's, else the embedded default. */
  readonly config?: string;
  readonly verbose?: boolean;
}

/** Runs the verb that the arguments name; resolves with the exit status. */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  let status: number = EXIT.ok;
  const program = build(terminal, (result) => status = result);
  try {
    await program.parseAsync(withTestAlias(args), { from: "user" });
  } catch (cause) {
    if (!(cause instanceof CommanderError)) throw cause;
    return cause.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  return status;
}

/** nginx and the reference spell the verb `test` as `-t` too. */
function withTestAlias(args: readonly string[]): string[] {
  const index = args.findIndex((argument) => argument === "-t" || argument === "--test");
  if (index < 0) return [...args];
  return [
    "test",
    ...args.slice(0, index),
    ...args.slice(index + 1).filter((argument) => argument !== "test"),
  ];
}

function build(terminal: Terminal, done: (status: number) => void): Command {
  const program = new Command("sentinel");
  program
    .description("An edge reverse proxy: a KDL file in, traffic proxied.")
    .version(versionLine(), "-V, --version", "print the version")
    .addOption(
      new Option(
        "-c, --config <path>",
        "configuration file; without it the embedded default (or SENTINEL_CONFIG)",
      ),
    )
    .option("--verbose", "log at level debug")
    .option("-t, --test", "the same as the verb test")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("(sentinel --help lists verbs and options)")
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) });

  const verb = <T extends GlobalOptions>(
    name: string,
    summary: string,
    run: (options: T, terminal: Terminal) => number | Promise<number>,
  ): Command =>
    program.command(name, { isDefault: name === "run" }).description(summary).allowExcessArguments()
      .action(async (_: unknown, command: Command) => {
        const [stray] = command.args;
        // With a default verb, a misspelt one arrives as an argument of it.
        if (stray !== undefined) program.error(`error: unknown verb or argument "${stray}"`);
        done(await run(command.optsWithGlobals() as T, terminal));
      });

  verb("run", "serve (what happens without a verb)", runVerb);
  verb("test", "check the configuration without starting", testVerb);
  verb<ValidateOptions>(
    "validate",
    "check the configuration, the targets it names, and its certificates",
    validateVerb,
  )
    .option("--skip-network", "do not connect to targets")
    .option("--skip-certs", "do not read certificates");
  verb("lint", "advise on a configuration that is valid", lintVerb);
  verb<ExplainOptions>("explain", "say which route a request takes, and why the others lost", explainVerb)
    .requiredOption("-r, --request <request>", "such as 'GET https://a.example/x'")
    .option(
      "-H, --header <header>",
      "'name: value'; may be repeated",
      (value, all: string[]) => [...all, value],
      [],
    )
    .option("--client <ip>", "address the request comes from", "127.0.0.1")
    .option("--json", "print the trace as JSON");
  verb("schema", "print the JSON Schema of the configuration", schemaVerb);
  verb("docs", "print the reference of the configuration in Markdown", docsVerb);
  addAgentVerbs(program, { terminal, done });
  addWafVerbs(program, { terminal, done });
  addAcmeVerbs(program, { terminal, done });
  verb("health", "ask a running instance whether it is ready", healthVerb);
  return program;
}
