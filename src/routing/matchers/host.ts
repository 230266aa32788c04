import { parseAuthority } from "../../http1/authority.ts";
import { hostKey } from "../path.ts";
import { LinearRegex } from "../regex.ts";
import { RegexSyntaxError } from "../regex_parse.ts";
import { anyOf, type Matcher } from "./matcher.ts";

/** What a configured host stands for. */
export type HostPattern =
  | { readonly type: "any" }
  | { readonly type: "exact"; readonly host: string }
  /** `suffix` begins with the dot: any label or labels stand before it. */
  | { readonly type: "wildcard"; readonly suffix: string }
  | { readonly type: "regex"; readonly regex: LinearRegex };

/** The request's host, compared without case and port. */
export const host: Matcher<"host"> = {
  type: "host",
  key: "host",
  summary: "The host is one of these: a name, `*.name` for names under it, or a regular expression.",
  cacheable: true,
  cost: 4,
  compile(values) {
    const patterns = values.map(hostPattern);
    return [{
      type: "host",
      specificity: Math.max(...patterns.map((pattern) => SPECIFICITY[pattern.type])),
      costly: patterns.some((pattern) => pattern.type === "regex"),
      test: (input) => {
        const key = hostKey(input.head.host);
        return patterns.some((pattern) => hostMatches(pattern, key));
      },
      wanted: anyOf(values),
      found: (input) => input.head.host === "" ? "none" : JSON.stringify(input.head.host),
    }];
  },
};

const SPECIFICITY = { exact: 70, regex: 60, wildcard: 50, any: 0 } as const;

/**
 * Reads a configured host: `*`, `*.example.com`, a name or address, a name with `*` in a label (`api-*.example`,
 * where `*` stands for one or more characters other than dots), and otherwise a regular expression that is
 * searched for. Throws `RegexSyntaxError`.
 */
export function hostPattern(value: string): HostPattern {
  if (value === "*") return { type: "any" };
  const name = parseAuthority(value.startsWith("*.") ? value.slice(2) : value);
  if (name !== undefined && !name.includes("*") && !/[$+()]/.test(name)) {
    if (value.startsWith("*.")) return { type: "wildcard", suffix: `.${name}` };
    return { type: "exact", host: hostKey(name) };
  }
  if (/^[\w.*-]+$/.test(value) && !value.includes(".*.") && !value.includes("**") && isGlob(value)) {
    const pattern = value.replaceAll(".", "\\.").replaceAll("*", "[^.]+");
    return { type: "regex", regex: new LinearRegex(`^${pattern}$`, { ignoreCase: true }) };
  }
  return { type: "regex", regex: new LinearRegex(value, { ignoreCase: true }) };
}

/** `.*` is a regular expression's way to say anything; a name's `*` stands in a label. */
function isGlob(value: string): boolean {
  return value.includes("*") && !value.includes(".*");
}

/** Whether a host, as `hostKey` gives it, is what the pattern stands for. */
export function hostMatches(pattern: HostPattern, key: string): boolean {
  switch (pattern.type) {
    case "any":
      return true;
    case "exact":
      return key === pattern.host;
    case "wildcard":
      return key.length > pattern.suffix.length && key.endsWith(pattern.suffix) && key.charCodeAt(0) !== 0x2e;
    case "regex":
      return pattern.regex.test(key);
  }
}

/** What is wrong with a host, completing `"host" …`; undefined when nothing is. */
export function hostProblem(value: string): string | undefined {
  try {
    hostPattern(value);
    return undefined;
  } catch (error) {
    if (!(error instanceof RegexSyntaxError)) throw error;
    return `is neither a host name nor a usable regular expression: ${error.message} (at character ${
      error.index + 1
    })`;
  }
}
