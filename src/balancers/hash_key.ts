import type { RequestContext } from "../core/context.ts";
import { checkHeaderName } from "../core/header_edits.ts";
import { Problem } from "../core/reading.ts";
import { scalar } from "../core/schema.ts";
import type { Options } from "../core/schema.ts";
import { cookieValue } from "../core/cookies.ts";
import { hashText } from "./hash.ts";

/** What of a request decides its target. */
export type HashKey = "client-ip" | "uri" | "path" | "host" | `${"header" | "cookie" | "query"}:${string}`;

const WORDS: Readonly<Record<string, HashKey>> = {
  "client-ip": "client-ip",
  "client-address": "client-ip",
  "source-ip": "client-ip",
  ip: "client-ip",
  uri: "uri",
  url: "uri",
  path: "path",
  host: "host",
};
const EXPECTED = `"client-ip", "uri", "path", "host", "header:Name", "cookie:name" or "query:name"`;

/** The `hash-key` of a balancer. Names of headers are read in lower case, others as written. */
export function hashKey(options: Pick<Options<HashKey>, "summary">) {
  const shape = { type: "value", expected: EXPECTED, json: { type: "string" } } as const;
  const whole = { ...options, aliases: ["key", "hash-on"], default: "client-ip" as HashKey };
  return scalar<HashKey, typeof whole>(whole, shape, decodeKey);
}

function decodeKey(value: unknown): HashKey | Problem {
  const unknown = new Problem(`expects ${EXPECTED}, found ${JSON.stringify(value)}`);
  if (typeof value !== "string") return unknown;
  const [, kind, name] = /^(header|cookie|query):(.+)$/is.exec(value) ?? [];
  if (kind === undefined || name === undefined) {
    return WORDS[value.toLowerCase().replaceAll("_", "-")] ?? unknown;
  }
  const source = kind.toLowerCase() as "header" | "cookie" | "query";
  if (source === "query") return `query:${name}`;
  // Cookie names have the syntax of header names (RFC 6265 §4.1.1).
  if (checkHeaderName(name) !== undefined) return new Problem(`has no valid ${source} name`);
  return source === "header" ? `header:${name.toLowerCase()}` : `cookie:${name}`;
}

/** How the hash of a request is taken: a function made once per upstream. */
export type RequestHash = (context: RequestContext) => number;

/**
 * The hash for a key. Requests without the header, cookie or parameter go by the client's address, so that they
 * spread instead of all meeting one target.
 */
export function requestHash(key: HashKey): RequestHash {
  const colon = key.indexOf(":");
  const name = key.slice(colon + 1);
  switch (colon < 0 ? key : key.slice(0, colon)) {
    case "uri":
      return ({ path, query }) => query === "" ? hashText(path) : hashText(query, hashText(path));
    case "path":
      return ({ path }) => hashText(path);
    case "host":
      return ({ head }) => hashText(head.host);
    case "header":
      return (context) => hashText(context.head.headers.get(name) ?? context.clientIp);
    case "cookie":
      return (context) => hashText(cookieValue(context.head.headers, name) ?? context.clientIp);
    case "query":
      return (context) => hashText(queryValue(context.query, name) ?? context.clientIp);
    default:
      return ({ clientIp }) => hashText(clientIp);
  }
}

/** The first value of a parameter, as it stands in the query. */
function queryValue(query: string, name: string): string | undefined {
  let start = 0;
  while (start < query.length) {
    let end = query.indexOf("&", start);
    if (end < 0) end = query.length;
    if (query.startsWith(name, start) && query[start + name.length] === "=" && start + name.length < end) {
      return query.slice(start + name.length + 1, end);
    }
    start = end + 1;
  }
  return undefined;
}
