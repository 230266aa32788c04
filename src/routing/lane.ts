import type { RouteCondition } from "./conditions.ts";
import { endsSegment } from "./matchers/path_prefix.ts";
import type { MatchInput } from "./matchers/matcher.ts";
import { PrefixTrie, type TrieNode } from "./prefix_trie.ts";

/** A route as an index lists it. */
export interface Candidate {
  /** Place among all routes of the table; lower is tried first. */
  readonly rank: number;
  /** What the way to this candidate has not tested yet. */
  readonly conditions: readonly RouteCondition[];
}

/** How a candidate is found by the path. `literal` is what paths begin with that a regex can match. */
export type PathKey =
  | { readonly type: "exact" | "prefix" | "literal"; readonly text: string }
  | { readonly type: "any" };

/** One match in progress. */
export class Search {
  /** Rank of the best route so far. */
  best = Infinity;
  /** Headers or the query were looked at, so the outcome must not be remembered by method, host and path. */
  contextual = false;

  reset(): void {
    this.best = Infinity;
    this.contextual = false;
  }
}

interface Prefixed extends Candidate {
  /** The prefix, when it must end where a segment ends. */
  readonly segment: string | undefined;
}

/** Candidates found by path, each list in order of rank, so that a search stops at what it has already beaten. */
export class Lane {
  // Tables with many hosts have many lanes, most of them with one kind of path.
  #exact: Map<string, Candidate[]> | undefined;
  #prefixes: PrefixTrie<Prefixed> | undefined;
  #others: Candidate[] | undefined;
  #firstRank = Infinity;

  /** Adds a candidate; call in order of rank. */
  add(key: PathKey, candidate: Candidate): void {
    this.#firstRank = Math.min(this.#firstRank, candidate.rank);
    if (key.type === "any") {
      (this.#others ??= []).push(candidate);
    } else if (key.type === "exact") {
      const exact = this.#exact ??= new Map();
      const list = exact.get(key.text);
      if (list === undefined) exact.set(key.text, [candidate]);
      else list.push(candidate);
    } else {
      const segment = key.type === "prefix" ? key.text : undefined;
      (this.#prefixes ??= new PrefixTrie()).add(key.text, { ...candidate, segment });
    }
  }

  /** Whether a route of this lane could come before the best one so far. */
  couldImprove(search: Search): boolean {
    return this.#firstRank < search.best;
  }

  /** Whether there is a candidate for this path that could, so that its conditions have to be tested. */
  reaches(path: string, search: Search): boolean {
    if (!this.couldImprove(search)) return false;
    if (isBefore(this.#others, search) || isBefore(this.#exact?.get(path), search)) return true;
    let node = this.#prefixes?.root;
    for (let length = 0; node !== undefined; length += node?.label.length ?? 0) {
      if (isBefore(node.items, search)) return true;
      node = node.next(path, length);
    }
    return false;
  }

  search(input: MatchInput, search: Search): void {
    const exact = this.#exact?.get(input.path);
    if (exact !== undefined) searchList(exact, input, search);
    if (this.#others !== undefined) searchList(this.#others, input, search);
    if (this.#prefixes !== undefined) searchPrefixes(this.#prefixes, input, search);
  }
}

function searchPrefixes(prefixes: PrefixTrie<Prefixed>, input: MatchInput, search: Search): void {
  const path = input.path;
  let node: TrieNode<Prefixed> | undefined = prefixes.root;
  for (let length = 0; node !== undefined; length += node?.label.length ?? 0) {
    const items: readonly Prefixed[] = node.items;
    for (let i = 0; i < items.length; i++) {
      const item = items[i]!;
      if (item.rank >= search.best) break;
      if (item.segment !== undefined && !endsSegment(path, item.segment)) continue;
      if (holds(item, input, search)) search.best = item.rank;
    }
    node = node.next(path, length);
  }
}

/** Lists stand in order of rank, so the first one tells. */
function isBefore(list: readonly Candidate[] | undefined, search: Search): boolean {
  return list !== undefined && list.length > 0 && list[0]!.rank < search.best;
}

function searchList(list: readonly Candidate[], input: MatchInput, search: Search): void {
  for (let i = 0; i < list.length; i++) {
    const candidate = list[i]!;
    if (candidate.rank >= search.best) return;
    if (holds(candidate, input, search)) search.best = candidate.rank;
  }
}

function holds(candidate: Candidate, input: MatchInput, search: Search): boolean {
  const conditions = candidate.conditions;
  for (let i = 0; i < conditions.length; i++) {
    const condition = conditions[i]!;
    if (!condition.cacheable) search.contextual = true;
    if (!condition.test(input)) return false;
  }
  return true;
}
