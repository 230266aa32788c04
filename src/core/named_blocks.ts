/** Lists of blocks: `upstreams { upstream "id" { } }`, repeated `target`s, and filters whose options depend on a type. */

import type { Choices } from "./choices.ts";
import { canonicalName, childNamed, childNodes, valueNode } from "./config_node.ts";
import type { ConfigNode, ConfigValue } from "./config_node.ts";
import { nearest } from "./nearest.ts";
import { Problem, reportRepeated } from "./reading.ts";
import type { Reading, Site } from "./reading.ts";
import { oneOf, text } from "./schema.ts";
import type { Options, Schema } from "./schema.ts";
import type { ShapeKind } from "./shape.ts";

/** Ids are labels of metrics and fields of logs, so they are kept short. */
const ID_LENGTH_MAX = 128;

/** The id of a named block. Colons separate scopes in qualified ids, so they cannot be part of one. */
export function identifier(summary: string) {
  return text({ summary, required: true, check: checkIdentifier });
}

function checkIdentifier(id: string): string | Problem | undefined {
  if (id.length > ID_LENGTH_MAX) return `must not be longer than ${ID_LENGTH_MAX} characters`;
  if (id.includes(":")) {
    return new Problem(`must not contain ":", found "${id}"`, "scopes are written by nesting");
  }
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x20\x7f]/.test(id)) return "must not contain spaces or control characters";
  return undefined;
}

type ListOptions = Pick<Options<never>, "summary" | "name" | "aliases">;

/**
 * A container of blocks with ids. Containers of one name are merged; a second block of one id is an error
 * with both places. In JSON and TOML: an array of objects with `id`, or a map from id to object.
 */
export function named<T extends { readonly id: string } | undefined>(
  options: ListOptions & { readonly item: string; readonly block: Schema<T>; readonly required?: true },
): Schema<readonly NonNullable<T>[]> {
  const { item, block } = options;
  return {
    summary: options.summary,
    name: options.name,
    aliases: options.aliases,
    required: options.required,
    shape: { type: "blocks", item, of: block },
    read(nodes, site) {
      const entries = nodes.flatMap((node) => entryNodes(node, item, site.reading));
      return readEntries(entries, block, { ...site, name: item });
    },
  };
}

/** A block that may stand several times, without a container: `namespace "id" { }`, `target "host:port"`. */
export function repeated<T>(
  options: ListOptions & { readonly block: Schema<T> },
): Schema<readonly NonNullable<T>[]> {
  const { block } = options;
  return {
    summary: options.summary,
    name: options.name,
    aliases: options.aliases,
    shape: { type: "blocks", item: undefined, of: block },
    read(nodes, site) {
      return readEntries(nodes.flatMap((node) => node.items ?? [node]), block, site);
    },
  };
}

function readEntries<T>(entries: readonly ConfigNode[], block: Schema<T>, site: Site) {
  const list: NonNullable<T>[] = [];
  const seen = new Map<string, NonNullable<T>>();
  for (const entry of entries) {
    const value = block.read([entry], site);
    if (value === undefined || value === null) continue;
    list.push(value);
    const id = (value as { readonly id?: unknown }).id;
    if (typeof id !== "string") continue;
    const first = seen.get(id);
    if (first === undefined) seen.set(id, value);
    else reportDuplicate({ id, first, second: value }, site);
  }
  return list;
}

/** Reports the second of two blocks with one id. */
export function reportDuplicate(
  twins: { readonly id: string; readonly first: object; readonly second: object },
  site: Pick<Site, "reading" | "name">,
): void {
  const { reading, name } = site;
  const span = reading.spanOf(twins.first, "id");
  reading.report({
    severity: "error",
    message: `${name} "${twins.id}" is defined twice`,
    span: reading.spanOf(twins.second, "id"),
    hint: "rename one of them",
    related: span === undefined ? [] : [{ message: "first defined here", span }],
  });
}

/** The blocks of a container in either syntax, each with its id as an argument or a child. */
function entryNodes(container: ConfigNode, item: string, reading: Reading): ConfigNode[] {
  const stray = container.args[0];
  if (stray !== undefined) {
    reading.error(stray.span, `"${container.name}" expects a block of "${item}" nodes, not a value`);
  }
  const entries: ConfigNode[] = (container.items ?? []).map((entry) => ({ ...entry, name: item }));
  for (const child of childNodes({ ...container, items: undefined })) {
    if (canonicalName(child.name) === item) entries.push(...(child.items ?? [child]));
    else if (container.syntax === "data") entries.push(withId(child, item));
    else {
      const near = nearest(child.name, [item]);
      const hint = near === undefined ? `known here: ${item}` : `did you mean "${near}"?`;
      reading.error(child.nameSpan, `unknown name "${child.name}" in "${container.name}"`, hint);
    }
  }
  return entries;
}

function withId(node: ConfigNode, item: string): ConfigNode {
  if (childNamed(node, "id") !== undefined) return { ...node, name: item };
  const id: ConfigValue = { value: node.name, span: node.nameSpan };
  return { ...node, name: item, args: [id, ...node.args] };
}

/** The words of a registry's rows, for an option that chooses one of them. */
export function kindChoices<const K extends { readonly type: string; readonly aliases?: readonly string[] }>(
  kinds: readonly K[],
): Readonly<Record<K["type"], readonly string[]>> {
  const entries = kinds.map((kind) => [kind.type, kind.aliases ?? []] as const);
  return Object.fromEntries(entries) as Record<K["type"], readonly string[]>;
}

type KindValue<K> = K extends { readonly type: infer T; readonly options: Schema<infer O> }
  ? { readonly id: string; readonly type: T; readonly options: O }
  : never;

/** What a `typed` block needs to know of a plug-in; every `Kind` has it. */
export interface TypedKind extends ShapeKind {
  readonly aliases?: readonly string[];
}

/**
 * A block with an id and a `type` that decides its other options: `filter "id" { type "cors"; … }` reads as
 * `{ id, type, options }`. Kinds come from a registry; `unavailable` types are refused by name.
 */
export function typed<const K extends TypedKind>(options: {
  readonly summary: string;
  readonly kinds: readonly K[];
  readonly unavailable?: Choices;
}): Schema<KindValue<K> | undefined> {
  const { kinds, unavailable = {}, summary } = options;
  const values = kindChoices(kinds);
  const typeSchema = oneOf({ summary: "Which kind it is.", values, unavailable, required: true });
  const idSchema = identifier("Name by which others refer to it.");
  return {
    summary,
    shape: { type: "variant", key: "type", kinds },
    read(nodes, site) {
      const node = nodes[0]!;
      const { reading } = site;
      const fields = new Map([["id", idNodes(node, reading)], ["type", fieldNodes(node, "type")]]);
      const id = idSchema.read(fields.get("id")!, { reading, parent: node, name: "id" });
      const type = typeSchema.read(fields.get("type")!, { reading, parent: node, name: "type" });
      const kind = kinds.find((candidate) => candidate.type === type);
      const rest = childNodes(node).filter((child) => !fields.has(canonicalName(child.name)));
      const body: ConfigNode = { ...node, args: [], props: [], children: rest, items: undefined };
      // A block whose type is wrong still has its id, so that references to it raise no second error.
      const value = { id, type, options: kind?.options.read([body], { ...site, name: node.name }) };
      reading.origins.set(value, { node, fields });
      return id === undefined ? undefined : value as unknown as KindValue<K>;
    },
  };
}

type OptionsValue<K> = K extends { readonly type: infer T; readonly options: Schema<infer O> }
  ? { readonly type: T; readonly options: O }
  : never;

/** What a `variant` block may be. */
export interface VariantOptions<K extends TypedKind> extends ListOptions {
  readonly kinds: readonly K[];
  /** The kind that is meant when none is named, or the block is missing; without it, missing stays undefined. */
  readonly default?: K["type"];
  /** Other names of `type`. */
  readonly typeAliases?: readonly string[];
  /** Rewrites other spellings of the block before it is read. */
  readonly normalise?: (node: ConfigNode) => ConfigNode;
}

type VariantPresent<K, O> = O extends { readonly default: string } ? OptionsValue<K>
  : OptionsValue<K> | undefined;

/**
 * A block without an id whose first value, or `type`, decides about its options: `discovery "dns" { … }` reads as
 * `{ type, options }`. Kinds come from a registry.
 */
export function variant<const K extends TypedKind, const O extends VariantOptions<K>>(
  options: O & { readonly kinds: readonly K[] },
): Schema<VariantPresent<K, O>> {
  const { kinds, default: standard, typeAliases = [], normalise, summary, name, aliases } = options;
  const typeOptions = { summary: "Which kind it is.", values: kindChoices(kinds) };
  const typeSchema = standard === undefined
    ? oneOf({ ...typeOptions, required: true })
    : oneOf({ ...typeOptions, default: standard });
  const typeNames = new Set(["type", ...typeAliases]);
  return {
    summary,
    name,
    aliases,
    shape: { type: "variant", key: "type", kinds, unnamed: true, default: standard, keyAliases: typeAliases },
    read(nodes, site) {
      if (nodes.length === 0 && standard === undefined) return undefined as VariantPresent<K, O>;
      const { reading } = site;
      reportRepeated(nodes, site);
      const written = nodes[0] ?? emptyNode(site);
      const node = normalise?.(written) ?? written;
      const [given, extra] = node.args;
      if (extra !== undefined) reading.error(extra.span, `"${node.name}" takes one value, its type`);
      const isType = (child: ConfigNode) => typeNames.has(canonicalName(child.name));
      const children = childNodes(node);
      const types = [
        ...(given === undefined ? [] : [valueNode("type", given, node)]),
        ...children.filter(isType),
      ];
      const before = reading.errorCount;
      const type = typeSchema.read(types, {
        reading,
        parent: node,
        name: given === undefined ? "type" : site.name,
      });
      const kind = kinds.find((candidate) => candidate.type === type);
      // Options of a kind that is wrong are not looked at, so that one mistake is one error.
      const isWrong = reading.errorCount > before;
      const rest = isWrong ? [] : children.filter((child) => !isType(child));
      const body: ConfigNode = { ...node, args: [], props: [], children: rest, items: undefined };
      const value = { type, options: kind?.options.read([body], { ...site, name: node.name }) };
      reading.origins.set(value, { node, fields: new Map([["type", types]]) });
      return value as unknown as VariantPresent<K, O>;
    },
  };
}

function emptyNode(site: Site): ConfigNode {
  const { nameSpan, span, syntax } = site.parent;
  return { name: site.name, nameSpan, span, args: [], props: [], children: [], syntax };
}

function fieldNodes(node: ConfigNode, name: string): ConfigNode[] {
  return childNodes(node).filter((child) => canonicalName(child.name) === name);
}

function idNodes(node: ConfigNode, reading: Reading): ConfigNode[] {
  const [given, extra] = node.args;
  if (extra !== undefined) reading.error(extra.span, `"${node.name}" takes one value, its id`);
  const children = fieldNodes(node, "id");
  return given === undefined ? children : [valueNode("id", given, node), ...children];
}
