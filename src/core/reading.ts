import { describeValue } from "./config_node.ts";
import type { ConfigNode, ConfigValue, Plain } from "./config_node.ts";
import type { Issue, Span } from "./issue.ts";

/** One run over a configuration: collects every issue and remembers where values came from. */
export class Reading {
  /** Filled by `report`. */
  readonly issues: Issue[] = [];
  /** Blocks read so far → where they and their fields stand; for checks across the whole configuration. */
  readonly origins = new WeakMap<object, Origin>();

  #errors = 0;

  /** How many of the issues are errors. */
  get errorCount(): number {
    return this.#errors;
  }

  report(issue: Issue): void {
    this.issues.push(issue);
    if (issue.severity === "error") this.#errors++;
  }

  error(span: Span | undefined, message: string, hint?: string): void {
    this.report({ severity: "error", message, span, hint });
  }

  warn(span: Span | undefined, message: string, hint?: string): void {
    this.report({ severity: "warning", message, span, hint });
  }

  /**
   * Where a block's field stands, or the block itself when the field was left out. With `index`, the
   * index-th value of a list.
   */
  spanOf(owner: object, key?: string, index = 0): Span | undefined {
    const origin = this.origins.get(owner);
    const nodes = key === undefined ? undefined : origin?.fields.get(key);
    if (nodes === undefined || nodes.length === 0) return origin?.node.nameSpan;
    return listValues(nodes)[index]?.span ?? nodes[0]!.nameSpan;
  }
}

/** Where a block and its fields stand. */
export interface Origin {
  readonly node: ConfigNode;
  readonly fields: ReadonlyMap<string, readonly ConfigNode[]>;
}

/** Where a schema reads: in which run, in which block, under which name. */
export interface Site {
  readonly reading: Reading;
  /** The block that should hold the nodes; blamed when they are missing. */
  readonly parent: ConfigNode;
  readonly name: string;
}

/** Why a value was not accepted. `message` completes the sentence `"max-rps" …`. */
export class Problem {
  readonly message: string;
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    this.message = message;
    this.hint = hint;
  }
}

/** Turns a plain value into what the option means, or says why it cannot. */
export type Decode<T> = (value: Plain) => T | Problem;

/** The problem of a value of the wrong kind: `expects an integer from 1 to 9, found #true`. */
export function expects(expected: string, value: Plain, hint?: string): Problem {
  return new Problem(`expects ${expected}, found ${describeValue(value)}`, hint);
}

/** Reports that a block lacks what it must have. */
export function reportMissing(site: Site, hint?: string): void {
  const parent = site.parent.name === "" ? "the configuration" : `"${site.parent.name}"`;
  site.reading.error(site.parent.nameSpan, `${parent} needs "${site.name}"`, hint);
}

/** Reports a second node of a name that may stand once; true when there was one. */
export function reportRepeated(nodes: readonly ConfigNode[], site: Site): boolean {
  if (nodes.length < 2) return false;
  const [first, second] = nodes as [ConfigNode, ConfigNode];
  site.reading.report({
    severity: "error",
    message: `"${site.name}" is given more than once`,
    span: second.nameSpan,
    hint: "keep one of them",
    related: [{ message: "first given here", span: first.nameSpan }],
  });
  return true;
}

/** The one value that a node has; reports anything else and gives undefined. */
export function singleValue(node: ConfigNode, site: Site): ConfigValue | undefined {
  const { reading, name } = site;
  const extra = node.children[0] ?? node.items?.[0];
  if (extra !== undefined) reading.error(extra.nameSpan, `"${name}" expects a value, not a block`);
  const prop = node.props[0];
  if (prop !== undefined) reading.error(prop.nameSpan, `"${name}" has no property "${prop.name}"`);
  if (node.args.length > 1) {
    reading.error(node.args[1]!.span, `"${name}" expects one value, found ${node.args.length}`);
  }
  if (node.args.length === 0 && extra === undefined && prop === undefined) {
    reading.error(node.nameSpan, `"${name}" has no value`);
  }
  return node.args.length === 1 && extra === undefined && prop === undefined ? node.args[0] : undefined;
}

/** What a value means to the option; reports a problem under the option's name and gives undefined. */
export function decodeValue<T>(value: ConfigValue, decode: Decode<T>, site: Site): T | undefined {
  const result = decode(value.value);
  if (!(result instanceof Problem)) return result;
  // A message that begins with the value follows the bare name: `type "geo" is not available`.
  const name = result.message.startsWith('"') ? site.name : `"${site.name}"`;
  site.reading.error(value.span, `${name} ${result.message}`, result.hint);
  return undefined;
}

/** Every value of a list: arguments of all its nodes, and names in a block (`filters { a b }`). */
export function listValues(nodes: readonly ConfigNode[]): ConfigValue[] {
  return nodes.flatMap((node) => [
    ...node.args,
    ...node.children.flatMap((child) => [{ value: child.name, span: child.nameSpan }, ...child.args]),
  ]);
}
