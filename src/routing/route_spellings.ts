import { canonicalName, valueNode } from "../core/config_node.ts";
import type { ConfigNode } from "../core/config_node.ts";

/** Reads `back-to upstream="api"`, which shipped examples use, as `upstream "api"`. */
export function normaliseRoute(node: ConfigNode): ConfigNode {
  if (!node.children.some((child) => canonicalName(child.name) === "back-to")) return node;
  return { ...node, children: node.children.map(backToUpstream) };
}

function backToUpstream(child: ConfigNode): ConfigNode {
  if (canonicalName(child.name) !== "back-to") return child;
  const prop = child.props.find((each) => canonicalName(each.name) === "upstream");
  if (prop === undefined || child.props.length > 1) return { ...child, name: "upstream" };
  return { ...valueNode("upstream", prop.value, child), nameSpan: child.nameSpan };
}
