/** Rule files that were named on the command line, and the firewall with them. */

import { AgentLoadError } from "../agents/guest.ts";
import { agent as agentBlock, type AgentOptions } from "../agents/options.ts";
import { countRules, type RuleCounts } from "../agents/types/rule_lines.ts";
import { prepareAgent } from "../config/prepare_agents.ts";
import type { ConfigNode, Plain } from "../core/config_node.ts";
import type { Issue, Span } from "../core/issue.ts";
import type { Log } from "../core/ports.ts";
import { Reading } from "../core/reading.ts";
import type { AgentAsset } from "../engine/agent_plan.ts";
import { AgentStore, readAgentBytes, sha256Of } from "../server/agent_store.ts";
import { agentCompiler, componentLimits } from "../server/agent_store_compiler.ts";
import { DiskFiles } from "../server/config_files.ts";
import { AgentMachine } from "./agent_machine.ts";

/** Largest rule or data file. */
const FILE_BYTES_MAX = 32 * 1024 * 1024;

/** As Debian's package has it: one file that includes all others, some of them from other folders. */
const LOADING = "*.load";

/** What rule files are called in a folder, in the order in which the Core Rule Set and its plugins want to be read. */
const IN_FOLDERS: readonly (readonly string[])[] = [
  ["*.conf"],
  ["crs-setup.conf", "crs-setup.conf.example"],
  ["plugins/*-config.conf"],
  ["plugins/*-before.conf"],
  ["rules/*.conf"],
  ["plugins/*-after.conf"],
];

/** Where options of the command line are said to stand. */
const PLACE: Span = { file: "<command line>", start: 0, end: 0, line: 1, column: 1 };

/** Rule files, and the options of a firewall that runs them. */
export interface GatheredRules {
  readonly options: AgentOptions;
  /** What is wrong with the files, without having read their rules: one line each. */
  readonly problems: readonly string[];
  readonly counts: RuleCounts;
  readonly ruleFiles: number;
  readonly dataFiles: number;
}

/** Finds the rule files of paths, patterns and folders, all that they include, and the files that their rules read. */
export async function gatherRules(
  paths: readonly string[],
  config: Readonly<Record<string, Plain | readonly string[]>>,
): Promise<GatheredRules> {
  const files = new DiskFiles(Deno.cwd());
  const reading = new Reading();
  const patterns: string[] = [];
  for (const path of paths) patterns.push(...await patternsOf(path, { files, reading }));
  const texts = new Map<string, string>();
  const node = agentNode(patterns, config);
  const read = agentBlock.read([node], { reading, parent: node, name: "agent" }) as AgentOptions;
  const noteSource = (path: string, text: string) => void texts.set(path, text);
  const options = await prepareAgent(read, { reading, files, from: "", noteSource });
  const { rules = [], files: included = [] } = JSON.parse(options.config) as {
    readonly rules?: readonly string[];
    readonly files?: readonly string[];
  };
  // A pattern that matches nothing is still there, and so are files that cannot be read.
  const ruleFiles = new Set([...rules, ...included].filter((name) => texts.has(name)));
  return {
    options,
    problems: reading.issues.map(lineOf),
    // All are named by their paths, as they were found from here.
    counts: countRules([...texts].filter(([path]) => ruleFiles.has(path)).map(([, text]) => text)),
    ruleFiles: ruleFiles.size,
    dataFiles: [...texts.keys()].filter((path) => !ruleFiles.has(path)).length,
  };
}

/** The firewall that comes with the proxy, not yet configured. Throws `AgentLoadError` when it cannot be loaded. */
export async function wafMachine(options: AgentOptions, log: Log): Promise<AgentMachine> {
  const store = new AgentStore(agentCompiler);
  const { id, wasm, assets } = options;
  const [load] = await store.load([{ id, path: wasm, limits: componentLimits(options) }]);
  if (load?.type !== "loaded") throw new AgentLoadError(load?.problem ?? "nothing was loaded");
  return new AgentMachine({ ...load.agent, options, assets: await readAssets(assets), log });
}

/**
 * Everything that is wrong with rules, one line each, in the order of files and lines: what the search for files has
 * found and what the firewall itself does. Throws `AgentLoadError` when that fails.
 */
export async function ruleProblems(
  { problems, ruleFiles }: GatheredRules,
  machine: AgentMachine,
): Promise<readonly string[]> {
  // Without any rule file there is nothing more to be said; the firewall would take its own.
  if (problems.length > 0 && ruleFiles === 0) return problems;
  const further = (await machine.configure())
    .map(({ path, message }) => path === "" ? message : `${path}: ${message}`)
    .filter((line) => !problems.some((known) => isAboutSameFile(known, line)));
  return inOrder([...problems, ...further]);
}

/** Lines that begin with a file and a line, in their order; others come first. */
export function inOrder(lines: readonly string[]): readonly string[] {
  const placed = lines.map((line) => ({ line, place: placeOf(line) ?? { file: "", number: 0 } }));
  placed.sort(({ place: a }, { place: b }) =>
    a.file < b.file ? -1 : a.file > b.file ? 1 : a.number - b.number
  );
  return placed.map(({ line }) => line);
}

interface Place {
  readonly file: string;
  readonly number: number;
}

function placeOf(line: string): Place | undefined {
  const match = /^(.+?):(\d+): /.exec(line);
  return match === null ? undefined : { file: match[1]!, number: Number(match[2]) };
}

/** Whether two lines are about the same place, and one is about the file that the other names in quotation marks. */
function isAboutSameFile(known: string, line: string): boolean {
  const [one, other] = [placeOf(known), placeOf(line)];
  if (one?.file !== other?.file || one?.number !== other?.number) return false;
  const name = /: [^"]*"([^"]+)"/.exec(known)?.[1];
  return name !== undefined && /\bno file\b/.test(line) && line.includes(name);
}

interface Search {
  readonly files: DiskFiles;
  readonly reading: Reading;
}

/** Patterns for a path: of a folder, for the rule files in it. */
async function patternsOf(path: string, { files, reading }: Search): Promise<readonly string[]> {
  const isFolder = await Deno.stat(path).then((info) => info.isDirectory, () => false);
  if (!isFolder) return [path];
  const folder = path.endsWith("/") ? path : `${path}/`;
  const loading = await files.glob(`${folder}${LOADING}`, "");
  if (loading.length > 0) return loading.toSorted();
  const found = new Set<string>();
  for (const alternatives of IN_FOLDERS) {
    for (const name of alternatives) {
      const there = (await files.glob(`${folder}${name}`, "")).toSorted();
      for (const each of there) found.add(each);
      if (there.length > 0) break;
    }
  }
  if (found.size === 0) {
    reading.error(PLACE, `${path}: no rule files are in this folder`, "their names end in .conf");
  }
  return [...found];
}

function agentNode(
  patterns: readonly string[],
  config: Readonly<Record<string, Plain | readonly string[]>>,
): ConfigNode {
  const members = Object.entries(config).map(([name, value]) =>
    Array.isArray(value) ? listNode(name, value) : nodeOf(name, [value as Plain])
  );
  if (patterns.length > 0) members.push(listNode("rules", patterns));
  return nodeOf("agent", ["waf"], [
    nodeOf("type", ["waf"]),
    nodeOf("config", [], members),
  ]);
}

function listNode(name: string, values: readonly Plain[]): ConfigNode {
  const node = nodeOf(name, [], values.map((value) => nodeOf("-", [value])));
  // KDL has no way to write an empty list.
  return values.length > 0 ? node : { ...node, items: [] };
}

function nodeOf(name: string, values: readonly Plain[], children: readonly ConfigNode[] = []): ConfigNode {
  const args = values.map((value) => ({ value, span: PLACE }));
  return { name, nameSpan: PLACE, span: PLACE, args, props: [], children, syntax: "kdl" };
}

function lineOf({ message, hint }: Issue): string {
  return hint === undefined ? message : `${message}; ${hint}`;
}

/** Files that cannot be read have been reported, and are left out. */
async function readAssets(named: AgentOptions["assets"]): Promise<readonly AgentAsset[]> {
  const assets: AgentAsset[] = [];
  for (const [name, path] of named) {
    const bytes = await readAgentBytes(path, FILE_BYTES_MAX).catch(() => undefined);
    if (bytes !== undefined) assets.push({ name, bytes, version: await sha256Of(bytes) });
  }
  return assets;
}
