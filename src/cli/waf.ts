import type { Command } from "commander";
import type { Terminal } from "./terminal.ts";
import { wafCheckVerb } from "./waf_check.ts";
import { wafExplainVerb } from "./waf_explain.ts";
import type { WafExplainOptions } from "./waf_explain.ts";

/** What the verbs write to, and who is told how they ended. */
export interface WafVerbs {
  readonly terminal: Terminal;
  done(status: number): void;
}

/** Adds `waf check` and `waf explain`. To add one: its file, and a block here. */
export function addWafVerbs(program: Command, { terminal, done }: WafVerbs): void {
  const waf = program.command("waf").description("check and try rules of the web application firewall");
  waf.command("check")
    .description(
      "load rule files and print what is wrong with them, by file and line, and how many rules they have",
    )
    .argument("<paths...>", "files, patterns such as 'rules/*.conf', or folders of rule files")
    .action(async (paths: readonly string[]) => {
      done(await wafCheckVerb(paths, terminal));
    });
  waf.command("explain")
    .description(
      "show one request to the firewall and print every rule that matches it; the status is 0 when the request " +
        "passes, 3 when it is blocked, 1 when the rules cannot be loaded",
    )
    .option("--rules <paths...>", "as for check; without it the rules that come with the firewall")
    .option("--paranoia-level <level>", "1 to 4; otherwise what the rules say")
    .option("-r, --request <request>", "such as 'GET https://a.example/x'")
    .option("-H, --header <header>", "'name: value'; may be repeated", collect, [])
    .option("-d, --body <text>", "the request's body")
    .option("--body-file <file>", "the same from a file")
    .option(
      "--raw <file>",
      "the whole request instead, as it is sent; its body may be given by the options above",
    )
    .option(
      "--response <file>",
      "the whole response, as the upstream sends it, for rules that look at responses",
    )
    .option("--client <ip>", "address the request comes from", "127.0.0.1")
    .option("--all", "also rules that do not log what they match, such as those that only set variables")
    .option("--json", "print everything as JSON")
    .action(async (_: unknown, command: Command) => {
      done(await wafExplainVerb(command.optsWithGlobals<WafExplainOptions>(), terminal));
    });
}

function collect(value: string, all: readonly string[]): readonly string[] {
  return [...all, value];
}
