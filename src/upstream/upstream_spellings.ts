/** Other spellings of upstream blocks that people copy from shipped examples, rewritten before they are read. */

import { canonicalName, childNamed, childNodes, valueNode } from "../core/config_node.ts";
import type { ConfigNode } from "../core/config_node.ts";

/** Algorithms of the language that are not built yet, in every spelling. */
export const BALANCERS_UNAVAILABLE = {
  "least-connections": ["leastconnections", "least-conn"],
  "ip-hash": ["iphash"],
  random: [],
  "consistent-hash": ["consistenthash"],
  "power-of-two-choices": ["p2c"],
  adaptive: [],
  "least-tokens-queued": ["leasttokensqueued", "least-tokens"],
  maglev: [],
  "locality-aware": ["localityaware", "locality"],
  "peak-ewma": ["peakewma", "ewma"],
  "deterministic-subset": ["subset", "subsetting"],
  "weighted-least-connections": ["weighted-least-conn", "wlc"],
  sticky: ["sticky-session", "stickysession"],
} as const;

const TARGET_NAMES: ReadonlySet<string> = new Set(["target", "server", "endpoint"]);

/** Lifts `targets { target … }` and an upstream's own `address` to `target` nodes. */
export function normaliseUpstream(node: ConfigNode): ConfigNode {
  const lifted = childNodes(node).flatMap((child) => {
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

function asTarget(node: ConfigNode): ConfigNode {
  const known = TARGET_NAMES.has(canonicalName(node.name)) || node.name === "address" ||
    node.syntax === "data";
  return known ? { ...node, name: "target" } : node;
}

/** Drops the options of an algorithm that is refused, so that one mistake is one error. */
export function normaliseBalancing(node: ConfigNode): ConfigNode {
  const type = String(node.args[0]?.value ?? "").toLowerCase().replaceAll("_", "-");
  const unavailable = Object.entries(BALANCERS_UNAVAILABLE).some(([name, aliases]) => {
    return name === type || (aliases as readonly string[]).includes(type);
  });
  return unavailable ? { ...node, props: [], children: [] } : node;
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

/** Whether an `http-version` block insists on HTTP/2; offering it beside HTTP/1.1 promises nothing. */
export function asksForHttp2(node: ConfigNode): boolean {
  const least = childNamed(node, "min-version")?.args[0]?.value;
  return least !== undefined && Number(least) >= 2;
}
