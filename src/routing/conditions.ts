import type { Condition, Matcher } from "./matchers/matcher.ts";
import { MATCHERS } from "./matchers/registry.ts";
import type { RouteMatches } from "./route.ts";

/** A condition with what the table needs to know of its kind. */
export interface RouteCondition extends Condition {
  readonly key: keyof RouteMatches;
  readonly cacheable: boolean;
  readonly cost: number;
}

const BEST_PATH: readonly string[] = ["path", "path-prefix", "path-regex"];

/** Every condition of a route, cheap ones first. Throws `RegexSyntaxError` for expressions not checked before. */
export function conditionsOf(matches: RouteMatches): readonly RouteCondition[] {
  const conditions: RouteCondition[] = [];
  for (const matcher of Object.values(MATCHERS)) {
    conditions.push(...compiled(matcher as Matcher<keyof RouteMatches>, matches));
  }
  return conditions.sort((a, b) => a.cost - b.cost);
}

function compiled<Key extends keyof RouteMatches>(matcher: Matcher<Key>, matches: RouteMatches) {
  const values = matches[matcher.key];
  if (values.length === 0) return [];
  const { key, cacheable, cost } = matcher;
  return matcher.compile(values).map((condition): RouteCondition => ({ ...condition, key, cacheable, cost }));
}

/**
 * How specific a route is: its best path condition, plus its host condition, plus every method, header and
 * query condition. Among routes of one priority the most specific is tried first.
 */
export function specificityOf(conditions: readonly Condition[]): number {
  let path = 0;
  let rest = 0;
  for (const { type, specificity } of conditions) {
    if (BEST_PATH.includes(type)) path = Math.max(path, specificity);
    else rest += specificity;
  }
  return path + rest;
}
