import { agent as agentBlock, type AgentOptions } from "../agents/options.ts";
import type { AgentFiles } from "../agents/types/agent_type.ts";
import { canonicalName, type ConfigNode } from "../core/config_node.ts";
import { hasErrors, type Issue, type Span } from "../core/issue.ts";
import { Reading } from "../core/reading.ts";
import { parseText } from "./parse_text.ts";
import { prepareAgent } from "./prepare_agents.ts";

/** An agent of the agents folder. */
export interface AgentFile {
  /** Name of the file without its ending: the agent's id. */
  readonly id: string;
  /** Path of the component. */
  readonly wasm: string;
  /** What stands in the `.kdl` file beside it: the inside of an `agent` block, without `wasm`. */
  readonly options: { readonly path: string; readonly text: string } | undefined;
}

/** What the options of an agent of the folder are; undefined when an issue is an error. */
export interface AgentFileResult {
  readonly options: AgentOptions | undefined;
  readonly issues: readonly Issue[];
}

/** Reads the options of an agent of the agents folder; without a `.kdl` file beside it, all have their defaults. */
export async function readAgentFile(file: AgentFile, files: AgentFiles): Promise<AgentFileResult> {
  const path = file.options?.path ?? file.wasm;
  const start: Span = { file: path, start: 0, end: 0, line: 1, column: 1 };
  const parsed = file.options === undefined
    ? { nodes: [], issues: [] }
    : parseText(file.options.text, `${file.id}.kdl`);
  const inFile = (issue: Issue): Issue =>
    issue.span === undefined ? issue : {
      ...issue,
      span: { ...issue.span, file: path },
    };
  if (hasErrors(parsed.issues)) return { options: undefined, issues: parsed.issues.map(inFile) };
  const reading = new Reading();
  for (const node of parsed.nodes) {
    if (canonicalName(node.name) !== "wasm") continue;
    reading.error(node.nameSpan, `"wasm" is the file beside this one`, "remove it");
  }
  const base = { nameSpan: start, span: start, args: [], props: [], children: [], syntax: "kdl" } as const;
  const own: ConfigNode = { ...base, name: "wasm", args: [{ value: file.wasm, span: start }] };
  const node: ConfigNode = {
    ...base,
    name: "agent",
    args: [{ value: file.id, span: start }],
    children: [own, ...parsed.nodes.filter((each) => canonicalName(each.name) !== "wasm")],
  };
  const read = agentBlock.read([node], { reading, parent: node, name: "agent" }) as AgentOptions;
  const options = reading.errorCount > 0
    ? read
    : await prepareAgent(read, { reading, files, from: path, noteSource: () => {} });
  const issues = [...parsed.issues, ...reading.issues].map(inFile);
  return { options: hasErrors(issues) ? undefined : options, issues };
}
