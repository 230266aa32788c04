import type { ConfigNode } from "../core/config_node.ts";
import type { Issue } from "../core/issue.ts";

/** What a parser makes of one file: its top-level nodes, or what is wrong with its syntax. */
export interface ParsedText {
  readonly nodes: readonly ConfigNode[];
  readonly issues: readonly Issue[];
}
