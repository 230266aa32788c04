import { canonicalName, childNamed, childNodes, type ConfigNode, kebabName } from "../../core/config_node.ts";
import type { AgentType } from "./agent_type.ts";
import { AGENT_TYPES } from "./registry.ts";

/** The one option to which a type's values are added, rather than holding in its place. */
const ADDED = "grant";

/** The type of that name, if it brings something along. */
export function agentType(name: string | undefined): AgentType | undefined {
  return AGENT_TYPES.find((type) => type.name === name);
}

/** An agent's block with the options that its type brings along, where it has none of its own. */
export function withTypeDefaults(
  node: ConfigNode,
  fields: Readonly<Record<string, { readonly aliases?: readonly string[] | undefined }>>,
): ConfigNode {
  const named = childNamed(node, "type")?.args[0]?.value;
  const type = typeof named === "string" ? agentType(named) : undefined;
  if (type === undefined) return node;
  const given = new Set(childNodes(node).map(({ name }) => canonicalName(name)));
  const added: ConfigNode[] = [];
  for (const [name, ...values] of type.defaults) {
    const key = Object.keys(fields).find((each) => kebabName(each) === name);
    const spellings = [name, ...(key === undefined ? [] : fields[key]!.aliases ?? [])];
    if (name !== ADDED && spellings.some((spelling) => given.has(canonicalName(spelling)))) continue;
    const args = values.map((value) => ({ value, span: node.nameSpan }));
    added.push({
      name,
      nameSpan: node.nameSpan,
      span: node.nameSpan,
      args,
      props: [],
      children: [],
      syntax: "kdl",
    });
  }
  return { ...node, children: [...node.children, ...added] };
}
