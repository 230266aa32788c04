/** JSON and TOML values as configuration nodes: one mapping for both syntaxes. */

import type { ConfigNode, ConfigValue, Plain } from "../core/config_node.ts";
import type { Issue, Span } from "../core/issue.ts";

/** A value with its place. */
export type Located =
  | { readonly type: "scalar"; readonly value: Plain; readonly span: Span }
  | { readonly type: "array"; readonly elements: readonly Located[]; readonly span: Span }
  | { readonly type: "object"; readonly members: readonly LocatedMember[]; readonly span: Span };

/** A member of an object with the place of its key. */
export interface LocatedMember {
  readonly key: string;
  readonly keySpan: Span;
  readonly value: Located;
}

/**
 * The nodes that an object's members are: a scalar is a node with an argument, an array of scalars one with
 * several, an object one with children, an array of objects one with items. Null is the same as absent.
 */
export function memberNodes(members: readonly LocatedMember[], issues: Issue[]): ConfigNode[] {
  return members.flatMap((member) => {
    const { value } = member;
    return value.type === "scalar" && value.value === null ? [] : [memberNode(member, issues)];
  });
}

function memberNode({ key, keySpan, value }: LocatedMember, issues: Issue[]): ConfigNode {
  const span = { ...keySpan, end: value.span.end };
  const base = {
    name: key,
    nameSpan: keySpan,
    span,
    args: [],
    props: [],
    children: [],
    syntax: "data",
  } as const;
  if (value.type === "scalar") return { ...base, args: [scalar(value)] };
  if (value.type === "object") return { ...base, children: memberNodes(value.members, issues) };
  const args: ConfigValue[] = [];
  const items: ConfigNode[] = [];
  for (const element of value.elements) {
    if (element.type === "scalar") args.push(scalar(element));
    else if (element.type === "object") items.push(elementNode(element, { key, issues }));
    else {issues.push({
        severity: "error",
        message: `"${key}" holds a list within a list`,
        span: element.span,
      });}
  }
  if (args.length > 0 && items.length > 0) {
    issues.push({
      severity: "error",
      message: `"${key}" mixes values and objects in one list`,
      span: value.span,
    });
  }
  return args.length > 0 ? { ...base, args } : { ...base, items };
}

function elementNode(
  element: Extract<Located, { type: "object" }>,
  at: { readonly key: string; readonly issues: Issue[] },
): ConfigNode {
  const { span } = element;
  const nameSpan = { ...span, end: span.start + 1 };
  const children = memberNodes(element.members, at.issues);
  return { name: at.key, nameSpan, span, args: [], props: [], children, syntax: "data" };
}

function scalar(value: Extract<Located, { type: "scalar" }>): ConfigValue {
  return { value: value.value, span: value.span };
}
