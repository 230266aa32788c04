import type { Span } from "./issue.ts";

/** A value as written: numbers keep no trace of their radix, strings none of their quotes. */
export type Plain = string | number | boolean | null;

/** A value with its place. */
export interface ConfigValue {
  readonly value: Plain;
  readonly span: Span;
}

/**
 * One node of a configuration, whatever the file's syntax: KDL, JSON and TOML all become this tree, and
 * schemas read nothing else.
 */
export interface ConfigNode {
  /** As written; schemas compare it by `canonicalName`. */
  readonly name: string;
  readonly nameSpan: Span;
  /** The whole node, children included. */
  readonly span: Span;
  /** Positional values; the elements of a JSON or TOML array of scalars. */
  readonly args: readonly ConfigValue[];
  /** `name=value` pairs of KDL, which schemas read like children. */
  readonly props: readonly { readonly name: string; readonly nameSpan: Span; readonly value: ConfigValue }[];
  readonly children: readonly ConfigNode[];
  /** Objects of a JSON or TOML array, each as a node with children. Undefined in KDL. */
  readonly items?: readonly ConfigNode[] | undefined;
  /** `data` for JSON and TOML, where a map's keys may be ids instead of node names. */
  readonly syntax: "kdl" | "data";
}

/** The spelling under which names are compared: `max_rps` and `max-rps` are one name. */
export function canonicalName(name: string): string {
  return name.includes("_") ? name.replaceAll("_", "-") : name;
}

/** The KDL name of a key in code: `maxBodySize` → `max-body-size`. */
export function kebabName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A node that stands for a value: what `address="…"` means when the language wants a child `address`. */
export function valueNode(name: string, value: ConfigValue, from: ConfigNode): ConfigNode {
  const span = value.span;
  return { name, nameSpan: span, span, args: [value], props: [], children: [], syntax: from.syntax };
}

/** Children of a block in every spelling: `name=value` properties first, then child nodes, then array elements'. */
export function childNodes(node: ConfigNode): readonly ConfigNode[] {
  if (node.props.length === 0 && node.items === undefined) return node.children;
  const props = node.props.map((prop) => ({
    ...valueNode(prop.name, prop.value, node),
    nameSpan: prop.nameSpan,
  }));
  const elements = (node.items ?? []).flatMap((item) => childNodes(item));
  return [...props, ...node.children, ...elements];
}

/** The first child of that name. `name` is canonical. */
export function childNamed(node: ConfigNode, name: string): ConfigNode | undefined {
  return childNodes(node).find((child) => canonicalName(child.name) === name);
}

/** A value as messages show it, its type included. */
export function describeValue(value: Plain): string {
  if (value === null) return "null";
  if (typeof value === "boolean") return value ? "#true" : "#false";
  if (typeof value === "number") return `the number ${value}`;
  const shown = value.length > 60 ? `${value.slice(0, 57)}…` : value;
  return `the text ${JSON.stringify(shown)}`;
}
