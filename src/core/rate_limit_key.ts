import type { ConfigNode } from "./config_node.ts";
import { checkHeaderName } from "./header_edits.ts";
import { Problem } from "./reading.ts";
import { scalar } from "./schema.ts";
import type { Options, Present, Schema } from "./schema.ts";

/** What requests are counted by. */
export type RateLimitKey = "client-ip" | "path" | "route" | "client-ip-and-path" | `header:${string}`;

const WORDS: Readonly<Record<string, RateLimitKey>> = {
  "client-ip": "client-ip",
  ip: "client-ip",
  path: "path",
  route: "route",
  "client-ip-and-path": "client-ip-and-path",
};
const EXPECTED = `"client-ip", "path", "route", "client-ip-and-path" or "header:Name"`;

/** The `key` of a rate limit; header names are read in lower case. JSON may write `{ "header": "Name" }`. */
export function rateLimitKey<const O extends Options<RateLimitKey>>(
  options: O,
): Schema<Present<RateLimitKey, O>> {
  const header = { type: "object", properties: { header: { type: "string" } }, required: ["header"] };
  const shape = { type: "value", expected: EXPECTED, json: { anyOf: [{ type: "string" }, header] } } as const;
  const word = scalar<RateLimitKey, O>(options, shape, decodeKey);
  return { ...word, read: (nodes, site) => word.read(nodes.map(flattenHeader), site) };
}

function decodeKey(value: unknown): RateLimitKey | Problem {
  if (typeof value !== "string") return new Problem(`expects ${EXPECTED}`);
  const lower = value.toLowerCase();
  if (lower.startsWith("header:")) {
    const name = lower.slice("header:".length);
    return checkHeaderName(name) === undefined ? `header:${name}` : new Problem(`has no valid header name`);
  }
  const word = lower.replaceAll("_", "-");
  return Object.hasOwn(WORDS, word) ? WORDS[word]! : new Problem(`expects ${EXPECTED}, found "${value}"`);
}

function flattenHeader(node: ConfigNode): ConfigNode {
  const [header, more] = node.children;
  const name = header?.name === "header" && more === undefined ? header.args[0] : undefined;
  if (name === undefined || node.args.length > 0) return node;
  return { ...node, args: [{ value: `header:${name.value}`, span: name.span }], children: [] };
}
