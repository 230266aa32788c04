/**
 * Declaring options: one declaration gives reading with positions, the TypeScript type, the JSON Schema,
 * the reference page and the names to complete.
 *
 * ```ts
 * const options = block({
 *   summary: "Answers with a redirect.",
 *   always: true, // As a plug-in's options have it: an empty block is read when nothing is given.
 *   fields: {
 *     statusCode: integer({ summary: "Status of the answer.", min: 300, max: 308, default: 302 }),
 *     hostname: text({ summary: "Host to send the client to; absent keeps the request's." }),
 *     onLimit: oneOf({ summary: "What to do.", values: { reject: [], "log-only": ["log"] }, default: "reject" }),
 *     remove: texts({ summary: "Headers to drop." }),
 *     set: pairs({ summary: "Headers to set." }),
 *   },
 *   check(value, report) {
 *     if (value.statusCode === 304) report("statusCode", "304 is no redirect", "use 302 or 307");
 *   },
 * });
 * type Options = Infer<typeof options>;
 * // { statusCode: number; hostname?: string; onLimit: "reject" | "log-only"; remove: readonly string[];
 * //   set: readonly (readonly [name: string, value: string])[] }
 * ```
 *
 * The KDL name is the key in kebab-case (`statusCode` is written `status-code`, and `status_code` is read
 * too); `name` overrides it, `aliases` adds spellings. With `required` or `default` the value is always
 * there; without, the property may be missing. Refuse what is wrong with `check`, on one option or on a block. Further combinators (lists of named blocks, variants) are in
 * `named_blocks.ts`, refusals of what is not built in `refused.ts`.
 */

import { choiceDecoder } from "./choices.ts";
import type { Choices } from "./choices.ts";
import { canonicalName, childNodes, describeValue, kebabName, valueNode } from "./config_node.ts";
import type { ConfigNode } from "./config_node.ts";
import { nearest } from "./nearest.ts";
import {
  decodeValue,
  expects,
  listValues,
  Problem,
  reportMissing,
  reportRepeated,
  singleValue,
} from "./reading.ts";
import type { Decode, Reading, Site } from "./reading.ts";
import type { Shape } from "./shape.ts";
import { parseBytes, parseDurationMs } from "./units.ts";

/** A declared option: how to read it and what to say about it. */
export interface Schema<out T> {
  readonly shape: Shape;
  /** One sentence for the reference page. */
  readonly summary: string;
  /** KDL name where it is not the key in kebab-case. */
  readonly name?: string | undefined;
  readonly aliases?: readonly string[] | undefined;
  readonly unit?: string | undefined;
  readonly required?: boolean | undefined;
  readonly default?: unknown;
  /** Reads every node of this name in a block (none when it was left out); reports, never throws. */
  read(nodes: readonly ConfigNode[], site: Site): T;
}

/** The TypeScript type that a schema reads. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

/** What every option says about itself. */
export interface Options<T> {
  readonly summary: string;
  readonly name?: string;
  readonly aliases?: readonly string[];
  readonly unit?: string;
  readonly required?: true;
  readonly default?: T;
}

/** The value's type: possibly undefined unless it is required or has a default. */
export type Present<T, O> = O extends { readonly required: true } | { readonly default: unknown } ? T
  : T | undefined;

/** The options of a block by key. */
export type Fields = Readonly<Record<string, Schema<unknown>>>;

type MaybeKeys<F extends Fields> = {
  [K in keyof F]: [Infer<F[K]>] extends [undefined] ? never : undefined extends Infer<F[K]> ? K : never;
}[keyof F];
type SureKeys<F extends Fields> = { [K in keyof F]: undefined extends Infer<F[K]> ? never : K }[keyof F];

/** What a block with these fields reads; fields that are always refused do not appear. */
export type BlockValue<F extends Fields> = Flat<
  & { readonly [K in SureKeys<F>]: Infer<F[K]> }
  & { readonly [K in MaybeKeys<F>]?: Infer<F[K]> }
>;
type Flat<T> = { [K in keyof T]: T[K] };

/** Makes a schema from what reads its nodes; absence, defaults and `required` are handled here. */
export function schema<T, const O extends Options<T>>(
  options: O,
  shape: Shape,
  readPresent: (nodes: readonly ConfigNode[], site: Site) => T | undefined,
): Schema<Present<T, O>> {
  return {
    ...options,
    shape,
    read(nodes, site) {
      if (nodes.length > 0) return (readPresent(nodes, site) ?? options.default) as Present<T, O>;
      if (options.required) reportMissing(site);
      return options.default as Present<T, O>;
    },
  };
}

/** An option with one value of any kind: for what the combinators below do not cover. */
export function scalar<T, const O extends Options<T>>(
  options: O,
  shape: Shape,
  decode: Decode<T>,
): Schema<Present<T, O>> {
  return schema<T, O>(options, shape, (nodes, site) => {
    if (reportRepeated(nodes, site)) return undefined;
    const value = singleValue(nodes[0]!, site);
    return value === undefined ? undefined : decodeValue(value, decode, site);
  });
}

/** What a text may be. */
export interface TextOptions extends Options<string> {
  /** Says what is wrong with a text, completing `"name" …`, or undefined when nothing is. */
  readonly check?: (text: string) => string | Problem | undefined;
  /** Regular expression for the JSON Schema; `check` is what counts. */
  readonly pattern?: string;
  readonly example?: string;
}

/** One text, not empty. */
export function text<const O extends TextOptions>(options: O): Schema<Present<string, O>> {
  const { pattern, example } = options;
  return scalar<string, O>(options, { type: "text", pattern, example }, textDecoder(options.check));
}

function textDecoder(check: TextOptions["check"]): Decode<string> {
  return (value) => {
    if (typeof value !== "string") {
      return expects("text", value, value === null ? undefined : `write it in quotes: "${value}"`);
    }
    if (value === "") return new Problem("must not be empty");
    const problem = check?.(value);
    return problem === undefined ? value : typeof problem === "string" ? new Problem(problem) : problem;
  };
}

/** Bounds of a number, both included. */
export interface NumberOptions extends Options<number> {
  readonly min: number;
  readonly max: number;
}

/** A whole number within bounds. */
export function integer<const O extends NumberOptions>(options: O): Schema<Present<number, O>> {
  return scalar<number, O>(options, integerShape(options), integerDecoder(options));
}

/** A number within bounds, fractions allowed. */
export function decimal<const O extends NumberOptions>(options: O): Schema<Present<number, O>> {
  const { min, max } = options;
  return scalar<number, O>(options, { type: "number", integer: false, min, max }, (value) => {
    return within(value, min, max)
      ? value
      : expects(`a number from ${min} to ${max}`, value, unquoteHint(value));
  });
}

function integerShape({ min, max }: NumberOptions): Shape {
  return { type: "number", integer: true, min, max };
}

function integerDecoder({ min, max }: NumberOptions): Decode<number> {
  return (value) => {
    if (Number.isSafeInteger(value) && within(value, min, max)) return value as number;
    return expects(`an integer from ${min} to ${max}`, value, unquoteHint(value));
  };
}

function within(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && value >= min && value <= max;
}

function unquoteHint(value: unknown): string | undefined {
  const numeric = typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value));
  return numeric ? "write it without quotes" : undefined;
}

/** `#true` or `#false`. */
export function flag<const O extends Options<boolean>>(options: O): Schema<Present<boolean, O>> {
  return scalar<boolean, O>(options, { type: "flag" }, (value) => {
    if (typeof value === "boolean") return value;
    const word = typeof value === "string" && /^(true|false)$/i.test(value) ? value.toLowerCase() : undefined;
    return expects("#true or #false", value, word === undefined ? undefined : `write #${word}`);
  });
}

/** The words of a choice. */
export interface ChoiceOptions<V extends Choices> extends Options<keyof V & string> {
  readonly values: V;
  /** Words of the language that this build cannot do: refused by name, in every spelling. */
  readonly unavailable?: Choices;
}

/** One word out of a few; reads as the canonical one. */
export function oneOf<const V extends Choices, const O extends Omit<ChoiceOptions<V>, "values">>(
  options: O & { readonly values: V },
): Schema<Present<keyof V & string, O>> {
  const values = Object.keys(options.values);
  const aliases = Object.values(options.values).flat();
  const read = schema<keyof V & string, Options<keyof V & string>>(
    options as Options<keyof V & string>,
    { type: "choice", values, aliases },
    (nodes, site) => {
      if (reportRepeated(nodes, site)) return undefined;
      const value = singleValue(nodes[0]!, site);
      return value === undefined ? undefined : decodeValue(value, choiceDecoder<V>(options), site);
    },
  );
  return read as Schema<Present<keyof V & string, O>>;
}

/** A size: an integer number of bytes, or text such as `"10MB"` (1 KB is 1024 bytes). Reads as bytes. */
export function bytes<const O extends NumberOptions>(options: O): Schema<Present<number, O>> {
  const { min, max } = options;
  const decode: Decode<number> = (value) => {
    const size = typeof value === "string" ? parseBytes(value) : value;
    if (Number.isSafeInteger(size) && within(size, min, max)) return size;
    return expects(`a size from ${min} to ${max} bytes, such as 4096 or "10MB"`, value);
  };
  return scalar<number, O & { readonly unit: "bytes" }>({ ...options, unit: "bytes" }, {
    type: "bytes",
    min,
    max,
  }, decode) as Schema<Present<number, O>>;
}

/** A time: a number in `unit`, or text such as `"500ms"` or `"1.5h"`. Reads as a number in `unit`. */
export function duration<const O extends NumberOptions & { readonly unit: "s" | "ms" }>(
  options: O,
): Schema<Present<number, O>> {
  const { min, max, unit } = options;
  const msPerUnit = unit === "s" ? 1000 : 1;
  const decode: Decode<number> = (value) => {
    const ms = typeof value === "string" ? parseDurationMs(value) : undefined;
    const time = ms === undefined ? value : ms / msPerUnit;
    if (within(time, min, max)) return time;
    const example = unit === "s" ? `30 or "30s"` : `500 or "500ms"`;
    return expects(`a time from ${min} to ${max} ${unit}, such as ${example}`, value);
  };
  return scalar<number, O>(options, { type: "duration", unit, min, max }, decode);
}

/** A list of values given as several arguments, repeated nodes or both; empty when left out. */
export function list<T, const O extends Options<readonly T[]>>(
  options: O,
  of: Shape,
  decode: Decode<T>,
): Schema<readonly T[]> {
  const given = { ...options, default: options.default ?? [] };
  return schema<readonly T[], typeof given>(given, { type: "list", of }, (nodes, site) => {
    for (const prop of nodes.flatMap((node) => node.props)) {
      site.reading.error(prop.nameSpan, `"${site.name}" has no property "${prop.name}"`);
    }
    for (const node of nodes.flatMap((each) => [...each.children, ...(each.items ?? [])])) {
      const inner = node.children[0] ?? node.props[0];
      if (inner !== undefined) site.reading.error(inner.nameSpan, `"${site.name}" expects a list of values`);
    }
    const values = listValues(nodes);
    if (values.length === 0 && nodes[0]!.syntax === "kdl") {
      site.reading.error(nodes[0]!.nameSpan, `"${site.name}" has no value`);
    }
    const decoded = values.map((value) => decodeValue(value, decode, site));
    return decoded.filter((value) => value !== undefined) as readonly T[];
  }) as Schema<readonly T[]>;
}

/** What each text of a list may be. */
export interface TextsOptions extends Options<readonly string[]> {
  /** As for `text`, for each of them. */
  readonly check?: TextOptions["check"];
  readonly example?: string;
}

/** A list of texts. */
export function texts(options: TextsOptions): Schema<readonly string[]> {
  const shape: Shape = { type: "text", example: options.example };
  return list<string, TextsOptions>(options, shape, textDecoder(options.check));
}

/** A list of whole numbers within bounds. */
export function integers(
  options: Options<readonly number[]> & { readonly min: number; readonly max: number },
): Schema<readonly number[]> {
  const bounds = { summary: options.summary, min: options.min, max: options.max };
  return list<number, typeof options>(options, integerShape(bounds), integerDecoder(bounds));
}

/** What the lines of a block of pairs may be. */
export interface PairsOptions extends Options<readonly (readonly [string, string])[]> {
  /** Says what is wrong with a pair, completing `"Name" …`, or undefined when nothing is. */
  readonly check?: (name: string, value: string) => string | undefined;
}

/** A block of `Name "value"` lines, in order; names are kept as written. Empty when left out. */
export function pairs(options: PairsOptions): Schema<readonly (readonly [name: string, value: string])[]> {
  const given = { ...options, default: options.default ?? [] };
  type Pairs = readonly (readonly [name: string, value: string])[];
  return schema<Pairs, typeof given>(given, { type: "pairs" }, (nodes, site) => {
    const read: (readonly [string, string])[] = [];
    for (const node of nodes.flatMap((each) => pairNodes(each, site))) {
      const place = { ...site, name: node.name };
      const value = singleValue(node, place);
      const decoded = value && decodeValue(value, textDecoder(undefined), place);
      if (decoded === undefined) continue;
      const problem = options.check?.(node.name, decoded);
      if (problem === undefined) read.push([node.name, decoded]);
      else site.reading.error(node.nameSpan, `"${node.name}" ${problem}`);
    }
    return read;
  }) as Schema<Pairs>;
}

function pairNodes(node: ConfigNode, site: Site): readonly ConfigNode[] {
  if (node.args.length === 2 && typeof node.args[0]!.value === "string") {
    return [{ ...valueNode(node.args[0]!.value, node.args[1]!, node), nameSpan: node.args[0]!.span }];
  }
  if (node.args.length === 0) return childNodes(node);
  site.reading.error(
    node.args[0]!.span,
    `"${site.name}" expects a block of names and values`,
    `Name "value"`,
  );
  return [];
}

/** Tells about a block's field: by key, what is wrong (a whole sentence), and what to do. */
export type Report = (key: string, message: string, hint?: string) => void;

/** A block: its options, and what holds between them. */
export interface BlockOptions<F extends Fields> {
  readonly summary: string;
  readonly name?: string;
  readonly aliases?: readonly string[];
  readonly fields: F;
  /** Keys that positional arguments stand for: `header "Name" "value"` reads as `name` and `value`. */
  readonly args?: readonly (keyof F & string)[];
  /** Rewrites other spellings of the block before it is read. */
  readonly normalise?: (node: ConfigNode, reading: Reading) => ConfigNode;
  /** Checks fields against each other; called only when each is right by itself. */
  readonly check?: (value: BlockValue<F>, report: Report) => void;
  readonly required?: true;
  /** Read as if it stood there empty when it is left out. */
  readonly always?: true;
}

type BlockPresent<T, O> = O extends { readonly required: true } | { readonly always: true } ? T
  : T | undefined;

/** A block of options, each declared by its own schema. Unknown names are errors. */
export function block<
  const F extends Fields,
  const O extends Omit<BlockOptions<F>, "fields" | "args" | "check">,
>(
  options:
    & O
    & { readonly fields: F }
    & Pick<BlockOptions<F>, "args" | "check">,
): Schema<BlockPresent<BlockValue<F>, O>> {
  const whole = options as BlockOptions<F>;
  const { fields, args = [], ...about } = whole;
  const plan = { options: whole, keys: keysByName(fields), names: fieldNames(fields) };
  return {
    ...about,
    shape: { type: "block", fields, args },
    read(nodes, site) {
      if (nodes.length === 0 && whole.required) reportMissing(site, `add: ${site.name} { }`);
      if (nodes.length === 0 && !whole.always) return undefined as BlockPresent<BlockValue<F>, O>;
      reportRepeated(nodes, site);
      const node = nodes[0] ?? emptyBlock(site);
      return readBlock(plan, node, site.reading) as BlockPresent<BlockValue<F>, O>;
    },
  };
}

function emptyBlock(site: Site): ConfigNode {
  const { nameSpan, span, syntax } = site.parent;
  return { name: site.name, nameSpan, span, args: [], props: [], children: [], syntax };
}

/** A block with what follows from its fields' names, worked out once. */
interface BlockPlan<F extends Fields> {
  readonly options: BlockOptions<F>;
  /** Canonical spelling → key. */
  readonly keys: ReadonlyMap<string, string>;
  /** Key → KDL name. */
  readonly names: Readonly<Record<string, string>>;
}

function readBlock<F extends Fields>(plan: BlockPlan<F>, written: ConfigNode, reading: Reading) {
  const { options, keys, names } = plan;
  const before = reading.errorCount;
  const node = options.normalise?.(written, reading) ?? written;
  const found = new Map<string, ConfigNode[]>();
  const positional = argumentNodes(plan, node, reading);
  for (const child of [...positional, ...childNodes(node)]) {
    const key = keys.get(canonicalName(child.name));
    if (key === undefined) reportUnknown(child, node, { keys, reading });
    else if (found.has(key)) found.get(key)!.push(child);
    else found.set(key, [child]);
  }
  const value: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(options.fields)) {
    const nodes = found.get(key) ?? [];
    const name = positional.includes(nodes[0]!) ? node.name : names[key]!;
    const read = field.read(nodes, { reading, parent: node, name });
    if (read !== undefined) value[key] = read;
  }
  reading.origins.set(value, { node, fields: found });
  if (options.check && reading.errorCount === before) {
    options.check(value as BlockValue<F>, (key, message, hint) => {
      reading.error(reading.spanOf(value, key), message, hint);
    });
  }
  return value;
}

function argumentNodes<F extends Fields>(plan: BlockPlan<F>, node: ConfigNode, reading: Reading) {
  const { options, names } = plan;
  const args = options.args ?? [];
  const extra = node.args[args.length];
  if (extra !== undefined) {
    const most = args.length === 1 ? "one value" : `at most ${args.length} values`;
    const takes = args.length === 0 ? "takes a block and no value" : `takes ${most}`;
    reading.error(extra.span, `"${node.name}" ${takes}, found ${describeValue(extra.value)}`);
  }
  return node.args.slice(0, args.length).map((value, index) => valueNode(names[args[index]!]!, value, node));
}

function fieldNames(fields: Fields): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, field]) => [key, field.name ?? kebabName(key)]),
  );
}

/** Every accepted spelling of the fields' names, canonical, with its key. */
function keysByName(fields: Fields): Map<string, string> {
  const keys = new Map<string, string>();
  for (const [key, field] of Object.entries(fields)) {
    for (const name of [field.name ?? kebabName(key), ...(field.aliases ?? [])]) {
      keys.set(canonicalName(name), key);
    }
  }
  return keys;
}

function reportUnknown(
  child: ConfigNode,
  parent: ConfigNode,
  known: { readonly keys: ReadonlyMap<string, string>; readonly reading: Reading },
): void {
  const place = parent.name === "" ? "at the top level" : `in "${parent.name}"`;
  const near = nearest(canonicalName(child.name), known.keys.keys());
  const names = [...known.keys.keys()];
  const listed = names.length === 0 ? "nothing may stand here" : `known here: ${names.join(", ")}`;
  const hint = near === undefined ? listed : `did you mean "${near}"?`;
  known.reading.error(child.nameSpan, `unknown name "${child.name}" ${place}`, hint);
}
