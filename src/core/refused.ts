import { canonicalName, childNodes } from "./config_node.ts";
import type { ConfigNode } from "./config_node.ts";
import type { Schema } from "./schema.ts";

/** How a node of the language that nobody has built yet is refused. */
export interface RefusedOptions {
  readonly summary: string;
  /** What the message names; the node's name when left out. */
  readonly feature?: string;
  readonly name?: string;
  readonly aliases?: readonly string[];
  readonly hint?: string;
  /** Says that a node asks for it, instead of everything that is not switched off. */
  readonly asks?: (node: ConfigNode) => boolean;
}

/**
 * A name the language knows and this build does not: an error that says so, so that nobody believes in a
 * protection that is not there. What asks for nothing (`#false`, `"off"`, `enabled #false`) is accepted.
 */
export function refused(options: RefusedOptions): Schema<undefined> {
  const { summary, name, aliases, feature, asks = (node) => !isSwitchedOff(node) } = options;
  return {
    summary,
    name,
    aliases,
    shape: { type: "refused", lenient: options.asks !== undefined },
    read(nodes, site) {
      for (const node of nodes) {
        if (!asks(node)) continue;
        const named = feature ?? site.name;
        site.reading.error(
          node.nameSpan,
          `"${named}" is not available in this build`,
          options.hint ?? "remove it, or switch it off",
        );
      }
      return undefined;
    },
  };
}

/** Whether a node holds anything: for lists and maps that ask for nothing while they are empty. */
export function hasContent(node: ConfigNode): boolean {
  return [node.args, node.props, node.children, node.items ?? []].some((parts) => parts.length > 0);
}

/**
 * Whether a node says no: `#false`, `"off"`, `"none"`, null, an empty JSON list, or a block with `enabled #false` or
 * `mode "off"`.
 */
export function isSwitchedOff(node: ConfigNode): boolean {
  if (node.items !== undefined && !hasContent(node)) return true;
  if (node.args.length === 1 && isNo(node.args[0]!.value)) return true;
  return childNodes(node).some((child) => {
    const name = canonicalName(child.name);
    return (name === "enabled" || name === "mode") && child.args.length === 1 && isNo(child.args[0]!.value);
  });
}

function isNo(value: unknown): boolean {
  return value === false || value === null || value === "off" || value === "none";
}
