/** Other spellings of upstream blocks that people copy from shipped examples, rewritten before they are read. */

import { canonicalName, childNamed, childNodes, valueNode } from "../core/config_node.ts";
import type { ConfigNode } from "../core/config_node.ts";
import { isSwitchedOff } from "../core/refused.ts";

const TARGET_NAMES: ReadonlySet<string> = new Set(["target", "server", "endpoint"]);

/**
 * Lifts `targets { target … }` and an upstream's own `address` to `target` nodes, and puts `sticky-session` into
 * `load-balancing`.
 */
export function normaliseUpstream(node: ConfigNode): ConfigNode {
  const lifted = withSticky(childNodes(node)).flatMap((child) => {
    const name = canonicalName(child.name);
    if (name === "targets") return [...child.children, ...(child.items ?? [])].map((each) => asTarget(each));
    return TARGET_NAMES.has(name) ? (child.items ?? [child]).map(asTarget) : [child];
  });
  const hasTarget = lifted.some((child) => child.name === "target");
  const children = hasTarget
    ? lifted
    : lifted.map((child) => child.name === "address" ? asTarget(child) : child);
  return { ...node, props: [], items: undefined, children };
}

/** JSON has the options of sticky beside the algorithm; here they come to stand in it. */
function withSticky(children: readonly ConfigNode[]): readonly ConfigNode[] {
  const sticky = children.find(({ name }) => canonicalName(name) === "sticky-session");
  if (sticky === undefined || isSwitchedOff(sticky)) return children.filter((child) => child !== sticky);
  const others = children.filter((child) => child !== sticky);
  const options = childNodes(sticky);
  const algorithm = others.find(({ name }) => canonicalName(name) === "load-balancing");
  if (algorithm === undefined) {
    const word = { value: "sticky", span: sticky.nameSpan };
    return [...others, {
      ...sticky,
      name: "load-balancing",
      args: [word],
      props: [],
      items: undefined,
      children: options,
    }];
  }
  const joined = { ...algorithm, children: [...algorithm.children, ...options] };
  return others.map((child) => child === algorithm ? joined : child);
}

function asTarget(node: ConfigNode): ConfigNode {
  const known = TARGET_NAMES.has(canonicalName(node.name)) || node.name === "address" ||
    node.syntax === "data";
  return known ? withZone({ ...node, name: "target" }) : node;
}

/** `zone=eu-1,10.0.0.1:80` and `eu-1/10.0.0.1:80` put a target's zone before its address. */
function withZone(node: ConfigNode): ConfigNode {
  const address = node.args[0] ?? childNamed(node, "address")?.args[0];
  if (typeof address?.value !== "string") return node;
  const [, named, slashed, rest] = /^(?:zone=([^,]+),|([^.:/[\]]+)\/)(.+)$/.exec(address.value) ?? [];
  const zone = named ?? slashed;
  if (zone === undefined || rest === undefined) return node;
  const others = childNodes(node).filter(({ name }) => canonicalName(name) !== "address");
  const written = valueNode("zone", { ...address, value: zone }, node);
  return {
    ...node,
    args: [{ ...address, value: rest }, ...node.args.slice(1)],
    props: [],
    items: undefined,
    children: [...others, written],
  };
}

const HTTP_OPTIONS: ReadonlySet<string> = new Set([
  "path",
  "expected-status",
  "host",
  "method",
  "headers",
  "expected-body",
]);

/**
 * Flattens `type "http" { path "/health" }` and JSON's `"type": { "http": { … } }`; a check that has http
 * options and no type is an http check.
 */
export function normaliseHealthCheck(node: ConfigNode): ConfigNode {
  const children = childNodes(node);
  const type = childNamed(node, "type");
  if (type === undefined) {
    const http = children.some((child) => HTTP_OPTIONS.has(canonicalName(child.name)));
    const value = { value: "http", span: node.nameSpan };
    return http ? { ...node, props: [], children: [valueNode("type", value, node), ...children] } : node;
  }
  const inner = type.syntax === "data" && type.args.length === 0 ? type.children[0] : undefined;
  const word = inner === undefined
    ? type.args[0]
    : { value: canonicalName(inner.name), span: inner.nameSpan };
  const args = word === undefined ? [] : [word];
  const flat: ConfigNode = { ...type, args, props: [], children: [] };
  const others = [...children.filter((child) => child !== type), ...childNodes(inner ?? type)];
  return { ...node, props: [], children: [flat, ...others] };
}
