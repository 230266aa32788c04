import { assert } from "../core/assert.ts";
import { ClockCache } from "./clock_cache.ts";
import { conditionsOf, type RouteCondition, specificityOf } from "./conditions.ts";
import { Lane, type PathKey, Search } from "./lane.ts";
import { hostPattern } from "./matchers/host.ts";
import type { MatchInput } from "./matchers/matcher.ts";
import { configuredPath } from "./matchers/path.ts";
import { hostKey } from "./path.ts";
import { literalsOf } from "./regex_literals.ts";
import { parseRegex } from "./regex_parse.ts";
import type { RouteMatches } from "./route.ts";

/** What the table needs of a route; whatever else the object carries comes back from `match`. */
export interface Routable {
  readonly id: string;
  readonly priority: number;
  readonly matches: RouteMatches;
}

/** What became of one route; see `RouteTable.explain`. */
export interface RouteExplanation {
  readonly id: string;
  /** `outranked`: it would have matched, but another came first. `default`: nothing matched, so it was taken. */
  readonly outcome: "matched" | "lost" | "outranked" | "default";
  /** In a few words, with the values compared. */
  readonly reason: string;
}

export interface RouteTableOptions {
  /** Entries of the cache of outcomes that took a regular expression to find; 0 for none. */
  readonly cacheSize: number;
  /** Id of the route taken when none matches. */
  readonly defaultRoute?: string | undefined;
}

/** Routes in the order they are tried: by priority, then specificity, then as they stand in the file. */
interface Ranked<R> {
  readonly route: R;
  readonly conditions: readonly RouteCondition[];
  readonly specificity: number;
}

/** Longer keys are not remembered, which bounds the cache's memory. */
const CACHE_KEY_LENGTH_MAX = 1024;

/** The candidates of one host: those told by lookups alone, and those that take a regular expression. */
interface HostLanes {
  cheap?: Lane;
  costly?: Lane;
}

/** Finds the route of a request without trying them all. Built once per snapshot. */
export class RouteTable<R extends Routable> {
  readonly #ranked: readonly Ranked<R>[];
  readonly #hosts = new Map<string, HostLanes>();
  /** Keys begin with a dot. */
  readonly #suffixes = new Map<string, HostLanes>();
  readonly #anyHost: HostLanes = {};
  readonly #cache: ClockCache<number> | undefined;
  readonly #search = new Search();
  readonly #lanes: HostLanes[] = [];
  readonly #defaultRoute: R | undefined;

  constructor(routes: readonly R[], options: RouteTableOptions) {
    this.#ranked = routes.map((route): Ranked<R> => {
      const conditions = conditionsOf(route.matches);
      return { route, conditions, specificity: specificityOf(conditions) };
    }).sort((a, b) => b.route.priority - a.route.priority || b.specificity - a.specificity);
    this.#ranked.forEach((ranked, rank) => this.#addRoute(ranked, rank));
    this.#cache = options.cacheSize > 0 ? new ClockCache(options.cacheSize) : undefined;
    this.#defaultRoute = routes.find((route) => route.id === options.defaultRoute);
    assert(
      options.defaultRoute === undefined || this.#defaultRoute !== undefined,
      "the default route is in the table",
    );
  }

  /** Routes in the order they are tried. */
  get routes(): readonly R[] {
    return this.#ranked.map((ranked) => ranked.route);
  }

  /** Remembered outcomes that gave way to others so far. */
  get cacheEvictions(): number {
    return this.#cache?.evictions ?? 0;
  }

  /** The first route all of whose conditions hold, else the default one. */
  match(input: MatchInput): R | undefined {
    const rank = this.#rankOf(input);
    return rank === Infinity ? this.#defaultRoute : this.#ranked[rank]!.route;
  }

  /** What each route made of the request, in the order they are tried. Tests every route: not for the request path. */
  explain(input: MatchInput): readonly RouteExplanation[] {
    let winner: Ranked<R> | undefined;
    const all = this.#ranked.map((ranked): RouteExplanation => {
      const failed = ranked.conditions.filter((condition) => !condition.test(input));
      const { id } = ranked.route;
      if (failed.length > 0) {
        const reasons = failed.map((each) => `wants ${each.type} ${each.wanted}, found ${each.found(input)}`);
        return { id, outcome: "lost", reason: reasons.join("; ") };
      }
      if (winner !== undefined) return { id, outcome: "outranked", reason: outranked(ranked, winner) };
      winner = ranked;
      return { id, outcome: "matched", reason: matched(ranked) };
    });
    const fallback = this.#defaultRoute;
    if (winner !== undefined || fallback === undefined) return all;
    const reason = "no route matches and the listener names it as its default";
    return all.map((each) => each.id === fallback.id ? { id: each.id, outcome: "default", reason } : each);
  }

  #rankOf(input: MatchInput): number {
    const search = this.#search;
    search.reset();
    const lanes = this.#lanesOf(hostKey(input.head.host));
    for (let i = 0; i < lanes.length; i++) {
      const lane = lanes[i]!.cheap;
      if (lane?.couldImprove(search)) lane.search(input, search);
    }
    for (let i = 0; i < lanes.length; i++) {
      if (lanes[i]!.costly?.reaches(input.path, search)) return this.#rankWithRegexes(input, lanes);
    }
    return search.best;
  }

  /**
   * An outcome is remembered when no header and no query was looked at on the way to it: then another request
   * of the same method, host and path takes exactly the same way.
   */
  #rankWithRegexes(input: MatchInput, lanes: readonly HostLanes[]): number {
    const search = this.#search;
    const { method, host } = input.head;
    const length = method.length + host.length + input.path.length;
    const cache = search.contextual || length > CACHE_KEY_LENGTH_MAX ? undefined : this.#cache;
    const key = cache === undefined ? "" : `${method} ${host} ${input.path}`;
    const known = cache?.get(key);
    if (known !== undefined) return known;
    for (let i = 0; i < lanes.length; i++) {
      const lane = lanes[i]!.costly;
      if (lane?.couldImprove(search)) lane.search(input, search);
    }
    if (cache !== undefined && !search.contextual) cache.set(key, search.best);
    return search.best;
  }

  /** The lanes of every configured host that the request's host is one of. */
  #lanesOf(host: string): readonly HostLanes[] {
    const lanes = this.#lanes;
    lanes.length = 0;
    const exact = this.#hosts.size === 0 ? undefined : this.#hosts.get(host);
    if (exact !== undefined) lanes.push(exact);
    if (this.#suffixes.size > 0) {
      for (let dot = host.indexOf(".", 1); dot > 0; dot = host.indexOf(".", dot + 1)) {
        const wildcard = this.#suffixes.get(host.slice(dot));
        if (wildcard !== undefined && host.charCodeAt(0) !== 0x2e) lanes.push(wildcard);
      }
    }
    lanes.push(this.#anyHost);
    return lanes;
  }

  #addRoute(ranked: Ranked<R>, rank: number): void {
    const { matches } = ranked.route;
    const hostLanes = this.#lanesFor(matches.host);
    const { keys, tested } = pathKeys(matches);
    const conditions = ranked.conditions.filter(({ key }) => {
      return key !== tested && !(key === "host" && hostLanes !== undefined);
    });
    const costly = conditions.some((condition) => condition.costly === true);
    for (const lanes of hostLanes ?? [this.#anyHost]) {
      const lane = costly ? lanes.costly ??= new Lane() : lanes.cheap ??= new Lane();
      for (const key of keys) lane.add(key, { rank, conditions });
    }
  }

  /** Where routes of these hosts belong; undefined when their host has to be tested request by request. */
  #lanesFor(hosts: readonly string[]): readonly HostLanes[] | undefined {
    if (hosts.length === 0) return undefined;
    const lanes = new Set<HostLanes>();
    for (const value of hosts) {
      const pattern = hostPattern(value);
      if (pattern.type === "regex") return undefined;
      if (pattern.type === "any") lanes.add(this.#anyHost);
      else if (pattern.type === "exact") lanes.add(lanesAt(this.#hosts, pattern.host));
      else lanes.add(lanesAt(this.#suffixes, pattern.suffix));
    }
    return [...lanes];
  }
}

/** Builds the table. Throws `RegexSyntaxError` for expressions that were not checked before. */
export function buildRouteTable<R extends Routable>(
  routes: readonly R[],
  options: RouteTableOptions,
): RouteTable<R> {
  return new RouteTable(routes, options);
}

function lanesAt(map: Map<string, HostLanes>, key: string): HostLanes {
  let lanes = map.get(key);
  if (lanes === undefined) map.set(key, lanes = {});
  return lanes;
}

/** How a route is found by path, and which of its conditions is then known to hold. */
function pathKeys(
  matches: RouteMatches,
): { keys: readonly PathKey[]; tested: keyof RouteMatches | undefined } {
  if (matches.path.length > 0) {
    const texts = new Set(matches.path.map(configuredPath));
    return { keys: [...texts].map((text) => ({ type: "exact", text })), tested: "path" };
  }
  if (matches.pathPrefix.length > 0) {
    const texts = new Set(matches.pathPrefix.map(configuredPath));
    return { keys: [...texts].map((text) => ({ type: "prefix", text })), tested: "pathPrefix" };
  }
  const literals = new Set(matches.pathRegex.map((pattern) => literalsOf(parseRegex(pattern)).prefix));
  if (literals.size === 0 || literals.has("")) return { keys: [{ type: "any" }], tested: undefined };
  return { keys: [...literals].map((text) => ({ type: "literal", text })), tested: undefined };
}

function matched<R extends Routable>({ conditions }: Ranked<R>): string {
  if (conditions.length === 0) return "it takes every request";
  return conditions.map((each) => `${each.type} ${each.wanted}`).join(", ");
}

function outranked<R extends Routable>(loser: Ranked<R>, winner: Ranked<R>): string {
  const by = `would match, but "${winner.route.id}" is tried first`;
  if (loser.route.priority !== winner.route.priority) {
    return `${by}: priority ${winner.route.priority} over ${loser.route.priority}`;
  }
  if (loser.specificity !== winner.specificity) {
    return `${by}: specificity ${winner.specificity} over ${loser.specificity}`;
  }
  return `${by}: it stands first in the configuration`;
}
