import type { ConfigNode } from "../core/config_node.ts";
import { hasErrors } from "../core/issue.ts";
import type { Issue, Span } from "../core/issue.ts";
import { Reading } from "../core/reading.ts";
import { checkDocument } from "./checks.ts";
import type { Unchecked } from "./checks.ts";
import { document } from "./document.ts";
import type { Config } from "./document.ts";
import { expandIncludes, isInclude } from "./include.ts";
import type { ConfigFiles } from "./include.ts";
import { prepareAgents, prepareAgentsOfText } from "./prepare_agents.ts";
import { WafBlock } from "./waf_agent.ts";
import { parseText } from "./parse_text.ts";

/** What became of a configuration. */
export interface LoadResult {
  /** The configuration, deeply frozen; undefined when there is an error among the issues. */
  readonly config: Config | undefined;
  /** Everything that is wrong or worth a word, in the order of the files. */
  readonly issues: readonly Issue[];
  /** Name → text of every file that was read, for excerpts and for watching. */
  readonly sources: ReadonlyMap<string, string>;
}

/**
 * Reads and checks a configuration file and everything it includes. What is wrong, unreadable files
 * included, is in the issues; it rejects only on bugs.
 */
export async function loadConfig(path: string, files: ConfigFiles): Promise<LoadResult> {
  const sources = new Map<string, string>();
  const expanded = await expandIncludes(path, { files, sources });
  const read = readNodes({ ...expanded, file: path }, sources);
  if (read.document === undefined) return read.failed;
  const { document, reading } = read;
  if (reading.errorCount === 0) {
    const firewall = new WafBlock(document, reading);
    await firewall.addAgent(files);
    const noteSource = (path: string, text: string) => {
      sources.set(path, text);
      firewall.noteSource(text);
    };
    await prepareAgents(document, { reading, files, noteSource });
    firewall.finish();
  }
  return checked(read, sources);
}

/** As `loadConfig` for one text without includes; the name's extension decides about the syntax. */
export function parseConfig(text: string, fileName = "<text>"): LoadResult {
  const parsed = parseText(text, fileName);
  const includes = parsed.nodes.filter(isInclude).map((node): Issue => ({
    severity: "error",
    message: '"include" works in files only',
    span: node.nameSpan,
  }));
  const nodes = parsed.nodes.filter((node) => !isInclude(node));
  const sources = new Map([[fileName, text]]);
  const read = readNodes({ nodes, issues: [...parsed.issues, ...includes], file: fileName }, sources);
  if (read.document === undefined) return read.failed;
  if (read.reading.errorCount === 0) {
    const firewall = new WafBlock(read.document, read.reading);
    firewall.addAgentOfText();
    prepareAgentsOfText(read.document, read.reading);
    firewall.finish();
  }
  return checked(read, sources);
}

/** A document that was read, but not checked. */
interface Read {
  readonly document: Unchecked;
  readonly reading: Reading;
  /** Of its syntax. */
  readonly issues: readonly Issue[];
}

function readNodes(
  parsed: { readonly nodes: readonly ConfigNode[]; readonly issues: readonly Issue[]; readonly file: string },
  sources: ReadonlyMap<string, string>,
): Read | { readonly document: undefined; readonly failed: LoadResult } {
  // A tree with holes would only raise errors that are none, so syntax comes first.
  if (hasErrors(parsed.issues)) {
    return { document: undefined, failed: { config: undefined, issues: parsed.issues, sources } };
  }
  const reading = new Reading();
  const span: Span = { file: parsed.file, start: 0, end: 0, line: 1, column: 1 };
  const root: ConfigNode = {
    name: "",
    nameSpan: span,
    span,
    args: [],
    props: [],
    children: parsed.nodes,
    syntax: parsed.nodes[0]?.syntax ?? "kdl",
  };
  const read = document.read([root], { reading, parent: root, name: "" });
  return { document: read as Unchecked, reading, issues: parsed.issues };
}

function checked(
  { document, reading, issues: ofSyntax }: Read,
  sources: ReadonlyMap<string, string>,
): LoadResult {
  checkDocument(document, reading);
  const issues = inFileOrder([...ofSyntax, ...reading.issues], [...sources.keys()]);
  return { config: hasErrors(issues) ? undefined : deepFreeze(document as Config), issues, sources };
}

function inFileOrder(issues: readonly Issue[], files: readonly string[]): Issue[] {
  const rank = (issue: Issue) => issue.span === undefined ? -1 : files.indexOf(issue.span.file);
  return [...issues].sort((a, b) => rank(a) - rank(b) || (a.span?.start ?? 0) - (b.span?.start ?? 0));
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
