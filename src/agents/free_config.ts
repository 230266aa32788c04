import type { ConfigNode } from "../core/config_node.ts";
import { reportRepeated } from "../core/reading.ts";
import type { Site } from "../core/reading.ts";
import { schema } from "../core/schema.ts";
import type { Schema } from "../core/schema.ts";

/** Longest JSON text that a block may become. */
const TEXT_LENGTH_MAX = 4 * 1024 * 1024;
/** Deepest nesting; agents read this with parsers of their own. */
const DEPTH_MAX = 64;

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/**
 * A block whose names only its reader knows, read as JSON text. What stands for what:
 *
 * | configuration | JSON |
 * |---|---|
 * | `threshold 5` | `"threshold": 5` |
 * | `paths "/a" "/b"` | `"paths": ["/a", "/b"]` |
 * | `path "/a"` and `path "/b"` | `"path": ["/a", "/b"]`: nodes of one name are one list |
 * | `strict` | `"strict": true` |
 * | `rules { }` | `"rules": {}` |
 * | `limit per="ip" { burst 3 }` | `"limit": {"per": "ip", "burst": 3}` |
 * | `rule "sqli" { score 5 }` | `"rule": {"args": ["sqli"], "score": 5}` |
 * | `paths { - "/a"; - "/b" }` | `"paths": ["/a", "/b"]`: a list even of one |
 *
 * Names are kept as written. In JSON and TOML files a block is handed on as it stands, but for a list of one value in
 * TOML, which is the value: positions there do not tell the two apart. An absent block is `{}`.
 */
export function freeConfig(options: { readonly summary: string }): Schema<string> {
  const given = { ...options, default: "{}" };
  const shape = {
    type: "value",
    expected: "block with names of the agent's own",
    json: { type: "object" },
  } as const;
  const read = schema<string, typeof given>(given, shape, (nodes, site) => {
    if (reportRepeated(nodes, site)) return undefined;
    const node = nodes[0]!;
    const stray = node.args[0];
    if (stray !== undefined) {
      site.reading.error(stray.span, `"${site.name}" expects a block, not a value`);
      return undefined;
    }
    const before = site.reading.errorCount;
    const text = JSON.stringify(members(node, { site, depth: 0 }));
    if (site.reading.errorCount > before) return undefined;
    if (text.length <= TEXT_LENGTH_MAX) return text;
    site.reading.error(node.nameSpan, `"${site.name}" is longer than ${TEXT_LENGTH_MAX} characters`);
    return undefined;
  }) as Schema<string>;
  // The reference page has no use for braces in the column of defaults.
  return { ...read, default: undefined };
}

interface Place {
  readonly site: Site;
  readonly depth: number;
}

/** The members that a node's properties and children are. */
function members(node: ConfigNode, place: Place): Json {
  if (place.depth > DEPTH_MAX) {
    place.site.reading.error(node.nameSpan, `"${node.name}" is nested more than ${DEPTH_MAX} blocks deep`);
    return {};
  }
  // A prototype would make `__proto__` a name with a meaning.
  const object = Object.create(null) as Record<string, Json>;
  const lists = new Map<string, Json[]>();
  for (const { name, value } of node.props) object[name] = scalar(value, place.site);
  for (const child of node.children) {
    const value = valueOf(child, { ...place, depth: place.depth + 1 });
    const known = lists.get(child.name);
    if (known !== undefined) {
      known.push(...elements(child, value));
      object[child.name] = known;
    } else if (Object.hasOwn(object, child.name)) {
      place.site.reading.error(child.nameSpan, `"${child.name}" is a property and a child of "${node.name}"`);
    } else {
      lists.set(child.name, [...elements(child, value)]);
      object[child.name] = value;
    }
  }
  return object;
}

/** What a node adds to the list of all nodes of its name: several plain values are several elements. */
function elements(node: ConfigNode, value: Json): readonly Json[] {
  const isPlain = node.props.length === 0 && node.children.length === 0 && node.args.length > 1;
  return isPlain || node.items !== undefined ? value as readonly Json[] : [value];
}

function valueOf(node: ConfigNode, place: Place): Json {
  const { site } = place;
  if (node.items !== undefined) {
    return node.items.map((item) => members(item, { site, depth: place.depth + 1 }));
  }
  const args = node.args.map((arg) => scalar(arg, site));
  if (node.props.length === 0 && node.children.length === 0) {
    if (args.length > 1) return args;
    if (args.length === 1) return isDataList(node) ? args : args[0]!;
    return node.syntax === "kdl" && node.span.end <= node.nameSpan.end ? true : {};
  }
  const isList = node.props.length === 0 && args.length === 0 &&
    node.children.every(({ name }) => name === "-");
  if (isList) return node.children.map((child) => valueOf(child, { site, depth: place.depth + 1 }));
  const object = members(node, place) as Record<string, Json>;
  if (args.length > 0) {
    if (Object.hasOwn(object, "args")) {
      site.reading.error(node.nameSpan, `"${node.name}" has values, so it cannot have a member "args" too`);
    }
    object["args"] = args;
  }
  return object;
}

/** In JSON an array of one value is told from the value by its span, which includes the brackets. */
function isDataList(node: ConfigNode): boolean {
  return node.syntax === "data" && node.span.end > node.args[0]!.span.end;
}

function scalar({ value, span }: ConfigNode["args"][number], site: Site): Json {
  if (typeof value !== "number" || Number.isFinite(value)) return value;
  site.reading.error(span, `"${site.name}" cannot hold ${value}, which JSON does not have`);
  return null;
}
