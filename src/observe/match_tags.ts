import type { RuleMatch } from "../core/rule_match.ts";

/** Tags of all matches of a request that a line names. */
const TAGS_MAX = 64;

/** Lists of tags that are remembered: rules say the same with every match. */
export const KNOWN_MAX = 256;
/** Longer lists are not. */
const KNOWN_CHARS_MAX = 1024;

/** Reads the tags of matches, which are the same few lists again and again. */
export class MatchTags {
  /** By the list as it is written. */
  readonly #known = new Map<string, readonly string[]>();

  /** How many lists are remembered. */
  get known(): number {
    return this.#known.size;
  }

  /** All tags of a request's matches, each once. */
  of(matches: readonly RuleMatch[]): readonly string[] {
    if (matches.length === 1) return this.#tags(matches[0]!).slice(0, TAGS_MAX);
    const all = new Set<string>();
    for (const match of matches) {
      for (const tag of this.#tags(match)) if (all.size < TAGS_MAX) all.add(tag);
    }
    return [...all];
  }

  /** The tags of one match, each once. */
  #tags(match: RuleMatch): readonly string[] {
    const text = match.plainTags;
    if (text === undefined || text.length > KNOWN_CHARS_MAX) return distinct(match.tags);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size === KNOWN_MAX) this.#known.clear();
    const tags = distinct(JSON.parse(text) as readonly string[]);
    this.#known.set(text, tags);
    return tags;
  }
}

function distinct(tags: readonly string[]): readonly string[] {
  return [...new Set(tags)];
}
