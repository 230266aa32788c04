import type { Command } from "commander";
import { agentInspectVerb } from "./agent_inspect.ts";
import type { AgentInspectOptions } from "./agent_inspect.ts";
import { agentListVerb } from "./agent_list.ts";
import type { AgentListOptions } from "./agent_list.ts";
import { agentNewVerb } from "./agent_new.ts";
import type { AgentNewOptions } from "./agent_new.ts";
import { agentRunVerb } from "./agent_run.ts";
import type { AgentRunOptions } from "./agent_run.ts";
import type { Terminal } from "./terminal.ts";

/** What the verbs write to, and who is told how they ended. */
export interface AgentVerbs {
  readonly terminal: Terminal;
  done(status: number): void;
}

/** Adds `agent list`, `agent inspect`, `agent run` and `agent new`. To add one: its file, and a block here. */
export function addAgentVerbs(program: Command, { terminal, done }: AgentVerbs): void {
  const agent = program.command("agent").description("see, try and make agents");
  agent.command("list")
    .description("list the agents of a running instance, and how they are")
    .option("--admin <url>", "its admin listener; otherwise the one that the configuration names")
    .option("--json", "print what it answers")
    .action(async (_: unknown, command: Command) => {
      done(await agentListVerb(command.optsWithGlobals<AgentListOptions>(), terminal));
    });
  agent.command("inspect")
    .description("say what a component is: world, functions, modules and sizes")
    .argument("<file>", "the component")
    .option("--json", "print everything, types in full")
    .action(async (file: string, options: AgentInspectOptions) => {
      done(await agentInspectVerb(file, options, terminal));
    });
  addRun(agent, { terminal, done });
  agent.command("new")
    .description("make a folder with an agent that builds, tests and runs")
    .argument("<name>", "the agent's id: lower-case letters, digits and -")
    .option("--dir <folder>", "where; otherwise a folder of that name, below wasm-agents/ in a checkout")
    .action(async (name: string, options: AgentNewOptions) => {
      done(await agentNewVerb(name, options, terminal));
    });
}

function addRun(agent: Command, { terminal, done }: AgentVerbs): void {
  agent.command("run")
    .description(
      "show one made-up request to an agent and print what comes of it; --config is the agent's own " +
        "configuration here, as JSON or @file. The status is 0 for allow, 3 for a decision against the " +
        "request, 1 when the agent failed",
    )
    .argument("<file>", "the component")
    .requiredOption("-r, --request <request>", "such as 'GET https://a.example/x'")
    .option("-H, --header <header>", "'name: value'; may be repeated", collect, [])
    .option("--body <text>", "the request's body, or @file")
    .option("--client <ip>", "address the request comes from", "127.0.0.1")
    .option("--options <file>", "options of the agent, as in the .kdl file beside a dropped one")
    .option("--grant <names>", "what it may use, with commas: log,clock")
    .option("--fuel <units>", "fuel of one call")
    .option("--response-status <status>", "what the upstream would answer", "200")
    .option("--response-header <header>", "'name: value' of that answer; may be repeated", collect, [])
    .option("--response-body <text>", "its body, or @file")
    .option("--json", "print everything as JSON")
    .action(async (file: string, _: unknown, command: Command) => {
      done(await agentRunVerb(file, command.optsWithGlobals<AgentRunOptions>(), terminal));
    });
}

function collect(value: string, all: readonly string[]): readonly string[] {
  return [...all, value];
}
