import type { Command } from "commander";
import { acmeRenewVerb } from "./acme_renew.ts";
import { acmeStatusVerb } from "./acme_status.ts";
import type { AcmeVerbOptions } from "./acme_asking.ts";
import type { Terminal } from "./terminal.ts";

/** Adds `acme status` and `acme renew`. */
export function addAcmeVerbs(
  program: Command,
  { terminal, done }: { readonly terminal: Terminal; done(status: number): void },
): void {
  const acme = program.command("acme").description("see and renew certificates that come from an authority");
  const adminOption = [
    "--admin <url>",
    "its admin listener; otherwise the one that the configuration names",
  ] as const;
  acme.command("status")
    .description(
      "list the certificates of the running instance; without one, those in the storage folder. The status is 1 " +
        "when one has expired, stands in, or could not be renewed the last time",
    )
    .option(...adminOption)
    .option("--json", "print everything as JSON")
    .action(async (_: unknown, command: Command) => {
      done(await acmeStatusVerb(command.optsWithGlobals<AcmeVerbOptions>(), terminal));
    });
  acme.command("renew")
    .description(
      "renew now, all certificates or the one of a name: by the running instance; without one, by this process, " +
        "which then answers HTTP-01 on the addresses of the plain http listeners",
    )
    .argument("[name]", "one of its names")
    .option(...adminOption)
    .option("--json", "print what came of it as JSON")
    .action(async (name: string | undefined, _: unknown, command: Command) => {
      done(await acmeRenewVerb(name, command.optsWithGlobals<AcmeVerbOptions>(), terminal));
    });
}
