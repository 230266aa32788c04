import type { HeaderList } from "../../core/headers.ts";
import type { RouteMatches } from "../route.ts";

/** What routes are matched on. A `RequestContext` is one. */
export interface MatchInput {
  readonly head: {
    readonly method: string;
    /** Lower case, without port. */
    readonly host: string;
    readonly headers: HeaderList;
  };
  /** As `matchingPath` gives it. */
  readonly path: string;
  /** Raw, without `?`. */
  readonly query: string;
}

/** One thing that a route wants of a request. All conditions of a route must hold. */
export interface Condition {
  /** Matcher it comes from. */
  readonly type: string;
  /** Rank among routes of one priority; how they add up is in `conditions.ts`. */
  readonly specificity: number;
  /** Whether testing runs a regular expression, so that outcomes are worth remembering. */
  readonly costly?: boolean;
  test(input: MatchInput): boolean;
  /** What it wants, for explanations: `"/a" or "/b"`. */
  readonly wanted: string;
  /** What the request has there instead. */
  found(input: MatchInput): string;
}

/** A kind of condition: one file and one row in the registry. */
export interface Matcher<Key extends keyof RouteMatches> {
  /** The word in the configuration. */
  readonly type: string;
  /** Where its values stand in a route's `matches`. */
  readonly key: Key;
  readonly summary: string;
  /** Whether the outcome follows from method, host and path alone, so that it may be remembered by them. */
  readonly cacheable: boolean;
  /** Order of testing: cheap ones first. */
  readonly cost: number;
  /** The conditions that these values make. Not called with an empty list. */
  compile(values: RouteMatches[Key]): readonly Condition[];
}

/** Values as explanations list them: `"a" or "b"`. */
export function anyOf(values: readonly string[]): string {
  return values.map((value) => JSON.stringify(value)).join(" or ");
}
