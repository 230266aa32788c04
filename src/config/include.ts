import { canonicalName } from "../core/config_node.ts";
import type { AgentFiles } from "../agents/types/agent_type.ts";
import type { ConfigNode, ConfigValue } from "../core/config_node.ts";
import type { Issue, Span } from "../core/issue.ts";
import { parseText } from "./parse_text.ts";

/** Where configuration files come from. */
export interface ConfigFiles extends AgentFiles {
  /** The file's text (UTF-8). Rejects with an `Error` whose message a person understands. */
  read(path: string): Promise<string>;
  /** One path for all spellings of a file, links followed; used to see that two paths are one file. */
  identify(path: string): Promise<string>;
}

/** A configuration in more pieces than this is a mistake. */
const FILES_MAX = 1000;

interface Expansion {
  readonly files: ConfigFiles;
  /** Texts by path, filled while files are read. */
  readonly sources: Map<string, string>;
}

/** Top-level nodes of a file with every include replaced by the nodes of the files it names. */
export async function expandIncludes(
  path: string,
  { files, sources }: Expansion,
): Promise<{ readonly nodes: readonly ConfigNode[]; readonly issues: readonly Issue[] }> {
  const expander = new Expander(files, sources);
  const nodes = await expander.expand({ path, chain: [], from: undefined });
  return { nodes, issues: expander.issues };
}

/** Whether a top-level node is an `include`. */
export function isInclude(node: ConfigNode): boolean {
  return canonicalName(node.name) === "include";
}

interface Visit {
  readonly path: string;
  /** Files that include this one, outermost first. */
  readonly chain: readonly { readonly path: string; readonly identity: string }[];
  /** Where this file is included. */
  readonly from: Span | undefined;
}

class Expander {
  readonly issues: Issue[] = [];
  readonly #files: ConfigFiles;
  readonly #sources: Map<string, string>;
  readonly #loaded = new Set<string>();

  constructor(files: ConfigFiles, sources: Map<string, string>) {
    this.#files = files;
    this.#sources = sources;
  }

  async expand(visit: Visit): Promise<readonly ConfigNode[]> {
    const { path, chain } = visit;
    let text: string;
    let identity: string;
    try {
      identity = await this.#files.identify(path);
      const start = chain.findIndex((file) => file.identity === identity);
      if (start >= 0) return this.#reportCycle(visit, start);
      // A file that two others include is there once.
      if (this.#loaded.has(identity)) return [];
      if (this.#loaded.size >= FILES_MAX) {
        return this.#fail(visit, `more than ${FILES_MAX} files are included`);
      }
      this.#loaded.add(identity);
      text = await this.#files.read(path);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      return this.#fail(visit, `cannot read ${path}: ${reason}`);
    }
    this.#sources.set(path, text);
    const parsed = parseText(text, path);
    this.issues.push(...parsed.issues);
    const nodes: ConfigNode[] = [];
    for (const node of parsed.nodes) {
      if (isInclude(node)) {
        nodes.push(...await this.#include(node, { path, chain: [...chain, { path, identity }] }));
      } else nodes.push(node);
    }
    return nodes;
  }

  async #include(node: ConfigNode, within: Pick<Visit, "path" | "chain">): Promise<ConfigNode[]> {
    const stray = node.children[0] ?? node.props[0];
    if (node.args.length === 0 || stray !== undefined) {
      const span = stray?.nameSpan ?? node.nameSpan;
      const message = '"include" expects a path or pattern';
      this.issues.push({ severity: "error", message, span, hint: 'include "routes/*.kdl"' });
    }
    const nodes: ConfigNode[] = [];
    for (const pattern of node.args) nodes.push(...await this.#includePattern(pattern, within));
    return nodes;
  }

  async #includePattern(pattern: ConfigValue, within: Pick<Visit, "path" | "chain">): Promise<ConfigNode[]> {
    const { value, span } = pattern;
    if (typeof value !== "string" || value === "") {
      this.issues.push({ severity: "error", message: '"include" expects a path or pattern as text', span });
      return [];
    }
    let paths: readonly string[];
    try {
      paths = await this.#files.glob(value, within.path);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.issues.push({ severity: "error", message: `cannot search for "${value}": ${reason}`, span });
      return [];
    }
    if (paths.length === 0) {
      this.issues.push({ severity: "warning", message: `no file matches include "${value}"`, span });
    }
    const nodes: ConfigNode[] = [];
    for (const path of [...paths].sort(byCodeUnit)) {
      nodes.push(...await this.expand({ path, chain: within.chain, from: span }));
    }
    return nodes;
  }

  #reportCycle(visit: Visit, start: number): readonly ConfigNode[] {
    const circle = [...visit.chain.slice(start), visit].map(({ path }) => path);
    return this.#fail(visit, `files include each other: ${circle.join(" → ")}`);
  }

  #fail(visit: Visit, message: string): readonly ConfigNode[] {
    this.issues.push({ severity: "error", message, span: visit.from });
    return [];
  }
}

/** The same order on every machine, whatever its locale. */
function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
