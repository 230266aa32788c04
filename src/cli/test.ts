import { agentProblems } from "./agent_problems.ts";
import { loadOrReport } from "./load.ts";
import type { GlobalOptions } from "./program.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

/** Reads and checks the configuration without starting anything. */
export async function testVerb(options: GlobalOptions, terminal: Terminal): Promise<number> {
  const loaded = await loadOrReport(options, terminal);
  if (loaded === undefined) return EXIT.failed;
  const problems = await agentProblems(loaded.config);
  for (const problem of problems) terminal.err(`error: ${problem}`);
  if (problems.length > 0) return EXIT.failed;
  terminal.out(`sentinel: configuration file ${loaded.name} test is successful`);
  return EXIT.ok;
}
