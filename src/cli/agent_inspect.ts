import { AgentLoadError } from "../agents/guest.ts";
import type { Description } from "../agents/contract/sentinel_types.ts";
import { agentDefaults } from "../agents/options.ts";
import type { AgentEvent } from "../agents/options.ts";
import type { CompiledComponent } from "../agents/wasm/compile_component.ts";
import { describeComponent } from "../agents/wasm/describe_component.ts";
import type { ComponentDescription, DescribedInterface } from "../agents/wasm/describe_component.ts";
import { readAgentBytes, sha256Of } from "../server/agent_store.ts";
import { agentCompiler, askedCapabilities, componentLimits } from "../server/agent_store_compiler.ts";
import { WASM_BYTES_MAX } from "../server/agents_dir_look.ts";
import { AgentMachine } from "./agent_machine.ts";
import { listOf, pairs, shortBytes, visible } from "./agent_table.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

/** Longest type that is printed for people; some fill ten lines. */
const TYPE_LENGTH_MAX = 96;

/** How a component is shown. */
export interface AgentInspectOptions {
  readonly json?: boolean;
}

/** What is known of a file. */
interface Inspected {
  readonly path: string;
  readonly digest: string;
  readonly description: ComponentDescription;
  /** Undefined when it is a component, but no agent. */
  readonly agent: InspectedAgent | undefined;
  /** Why it is none. */
  readonly problem: string | undefined;
}

/** What is known of an agent beyond its file. */
interface InspectedAgent {
  readonly said: Description;
  readonly compiled: CompiledComponent;
  readonly handles: readonly AgentEvent[];
}

/** Says what a component is: world, functions and their types, modules and sizes. Fails when it is no agent. */
export async function agentInspectVerb(
  path: string,
  options: AgentInspectOptions,
  terminal: Terminal,
): Promise<number> {
  let inspected: Inspected;
  try {
    inspected = await inspect(path);
  } catch (cause) {
    if (!(cause instanceof AgentLoadError)) throw cause;
    terminal.err(`sentinel: ${path}: ${visible(cause.message)}`);
    return EXIT.failed;
  }
  terminal.out(options.json ? JSON.stringify(factsOf(inspected), null, 2) : describe(inspected));
  return inspected.problem === undefined ? EXIT.ok : EXIT.failed;
}

async function inspect(path: string): Promise<Inspected> {
  const bytes = await readAgentBytes(path, WASM_BYTES_MAX);
  const limits = { ...componentLimits(agentDefaults("agent", path)), moduleBytesMax: WASM_BYTES_MAX };
  const digest = await sha256Of(bytes);
  const description = describeComponent(bytes, limits);
  try {
    const compiled = await agentCompiler.compile(bytes, limits);
    const agent = await inspectAgent(compiled, { path, digest });
    return { path, digest, description, agent, problem: undefined };
  } catch (cause) {
    if (!(cause instanceof AgentLoadError)) throw cause;
    return { path, digest, description, agent: undefined, problem: cause.message };
  }
}

/** Starts it, granted nothing, to be told who it is. */
async function inspectAgent(
  compiled: CompiledComponent,
  { path, digest }: { readonly path: string; readonly digest: string },
): Promise<InspectedAgent> {
  const options = agentDefaults("agent", path);
  using machine = new AgentMachine({ options, compiled, digest, assets: [], log() {} });
  return { said: await machine.describe(), compiled, handles: machine.live.state().events };
}

function worldText({ world }: ComponentDescription): string {
  return world === undefined ? "-" : `${world.package}@${world.version}`;
}

function factsOf({ path, digest, description, agent, problem }: Inspected) {
  return {
    path,
    digest,
    bytes: description.bytes,
    world: description.world === undefined ? null : worldText(description),
    agent: agent?.said ?? null,
    handles: agent?.handles ?? [],
    asks: agent === undefined ? [] : askedCapabilities(agent.compiled),
    problem: problem ?? null,
    exports: description.exports,
    imports: description.imports,
    modules: description.modules.map((module, index) => ({
      ...module,
      memory: module.memory ?? null,
      confinedBytes: agent?.compiled.sizes.modules[index]?.confinedBytes ?? null,
    })),
    sections: description.sections,
  };
}

function describe(inspected: Inspected): string {
  const { path, digest, description, agent, problem } = inspected;
  const head: [string, string][] = [
    ["file", path],
    ["sha256", digest],
    ["size", shortBytes(description.bytes)],
    ["world", worldText(description)],
  ];
  if (agent === undefined) head.push(["no agent", visible(problem ?? "")]);
  else {
    const { id, version, summary } = agent.said;
    head.push(["agent", visible(`${id} ${version}`)], ["summary", visible(summary)]);
    head.push(["handles", listOf(agent.handles)], ["asks for", listOf(askedCapabilities(agent.compiled))]);
  }
  const modules = description.modules.map((module, index): [string, string] => {
    const parts = [shortBytes(module.bytes), `${module.functions} functions`];
    if (module.memory !== undefined) {
      const { min, max } = module.memory;
      parts.push(
        `memory ${shortBytes(min * 65_536)} to ${max === undefined ? "any" : shortBytes(max * 65_536)}`,
      );
    }
    if (module.hasStart) parts.push("start function");
    const confined = agent?.compiled.sizes.modules[index]?.confinedBytes;
    if (confined !== undefined) parts.push(`${shortBytes(confined)} with fuel and limits`);
    return [`  ${index}`, parts.join(", ")];
  });
  return [
    pairs(head),
    interfaces("exports", description.exports),
    interfaces("imports", description.imports),
    modules.length === 0 ? "core modules none" : `core modules\n${pairs(modules)}`,
  ].join("\n");
}

/** By interface, each function with its type. JSON has the types in full, and interfaces that are nothing but types. */
function interfaces(title: string, described: readonly DescribedInterface[]): string {
  const all = described.filter(({ functions }) => functions.length > 0);
  if (all.length === 0) return `${title} none`;
  const lines = [title];
  for (const { name, functions } of all) {
    lines.push(`  ${visible(name)}`);
    for (const { name: member, type } of functions) {
      const shown = type.length > TYPE_LENGTH_MAX ? `${type.slice(0, TYPE_LENGTH_MAX)}…` : type;
      lines.push(`    ${visible(member)}${visible(shown)}`);
    }
  }
  return lines.join("\n");
}
