import { AgentLoadError } from "../agents/guest.ts";
import type { RuleCounts } from "../agents/types/rule_lines.ts";
import { visible } from "./agent_table.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";
import { gatherRules, inOrder, ruleProblems, wafMachine } from "./waf_rules.ts";
import type { GatheredRules } from "./waf_rules.ts";

/** What is said of rules that set a paranoia level, as the one that is set here goes before theirs. */
const OF_OUR_LEVEL = /^tx\.\w*paranoia_level is set by an option/i;

/** Loads rule files as a worker would, and prints every problem with its file and line; the status is 1 for any error. */
export async function wafCheckVerb(paths: readonly string[], terminal: Terminal): Promise<number> {
  const warnings = new Warnings();
  // The firewall does not compile rules above the paranoia level, so their mistakes would not show.
  const gathered = await gatherRules(paths, { "log-warnings": true, "paranoia-level": 4 });
  let problems: readonly string[];
  try {
    using machine = await wafMachine(gathered.options, (_level, message, fields) => {
      if (!OF_OUR_LEVEL.test(message)) warnings.add(message, fields);
    });
    problems = await ruleProblems(gathered, machine);
  } catch (cause) {
    if (!(cause instanceof AgentLoadError)) throw cause;
    problems = [...gathered.problems, cause.message];
  }
  for (const line of inOrder([...problems, ...warnings.lines()])) terminal.out(visible(line));
  terminal.out(summary(gathered));
  const found = [amount(problems.length, "error"), amount(warnings.count, "warning")];
  terminal.out(problems.length + warnings.count === 0 ? "nothing is wrong" : found.join(", "));
  return problems.length === 0 ? EXIT.ok : EXIT.failed;
}

/** What is said of rules; the same of many places is said once. */
class Warnings {
  count = 0;
  readonly #places = new Map<string, { readonly first: string; count: number }>();

  add(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.count++;
    const known = this.#places.get(message);
    if (known !== undefined) {
      known.count++;
      return;
    }
    const { "agent.file": file, "agent.line": line } = fields;
    this.#places.set(message, { first: file === undefined ? "" : `${file}:${line}: `, count: 1 });
  }

  lines(): readonly string[] {
    return Array.from(this.#places, ([message, { first, count }]) => {
      const more = count > 1 ? ` (and at ${amount(count - 1, "more place")})` : "";
      return `${first}warning: ${message}${more}`;
    });
  }
}

function summary({ counts, ruleFiles, dataFiles }: GatheredRules): string {
  const { rules, conditions, markers } = counts;
  const files = `${amount(ruleFiles, "rule file")}, ${amount(dataFiles, "data file")}`;
  const lines = [
    `${files}: ${amount(rules, "rule")}, ${amount(conditions, "further condition")} in chains, ${
      amount(markers, "marker")
    }`,
  ];
  if (counts.levels.size > 0) lines.push(`rules by paranoia level: ${levelsText(counts)}`);
  return lines.join("\n");
}

function levelsText({ rules, levels }: RuleCounts): string {
  const tagged = [...levels].sort(([a], [b]) => a - b);
  const rest = rules - tagged.reduce((sum, [, count]) => sum + count, 0);
  const texts = tagged.map(([level, count]) => `${level}: ${count}`);
  return rest > 0 ? `${texts.join(", ")}, without one: ${rest}` : texts.join(", ");
}

function amount(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
