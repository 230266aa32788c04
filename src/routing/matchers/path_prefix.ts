import { anyOf, type Matcher } from "./matcher.ts";
import { configuredPath } from "./path.ts";

/** Whole segments at the beginning of the path: `/api` takes `/api` and `/api/x`, not `/apix`. */
export const pathPrefix: Matcher<"pathPrefix"> = {
  type: "path-prefix",
  key: "pathPrefix",
  summary: "The path begins with one of these, up to a segment's end.",
  cacheable: true,
  cost: 3,
  compile(values) {
    const prefixes = values.map(configuredPath);
    return [{
      type: "path-prefix",
      specificity: 1000 + Math.max(...prefixes.map((prefix) => prefix.length)),
      test: (input) => prefixes.some((prefix) => isUnder(input.path, prefix)),
      wanted: anyOf(values),
      found: (input) => JSON.stringify(input.path),
    }];
  },
};

export function isUnder(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && endsSegment(path, prefix);
}

/** Whether a prefix that the path begins with ends where a segment ends. */
export function endsSegment(path: string, prefix: string): boolean {
  return path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f || prefix.endsWith("/");
}
