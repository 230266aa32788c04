/** What a rule engine such as a firewall found in one request. */

import { RuleMatch } from "./rule_match.ts";

/** Matches of one request that are kept; further ones are counted. */
export const MATCHES_MAX = 256;

/** Names of the facts in an agent's audit from which findings are read. */
const MATCHES = "waf.matches";
const LEFT_OUT = "waf.matches-left-out";
const VERDICT = "waf.verdict";
const RULE = "waf.rule";
const INBOUND = "waf.score.inbound";
const OUTBOUND = "waf.score.outbound";

/** `block`: the request was refused; `detected`: it would have been; `pass`: rules matched, and that was all. */
export type FindingsVerdict = "pass" | "detected" | "block";

const STRENGTH: Readonly<Record<FindingsVerdict, number>> = { pass: 0, detected: 1, block: 2 };

/** What several calls for one request found together. */
export class RuleFindings {
  verdict: FindingsVerdict = "pass";
  /** The rule that refused the request, or would have. */
  decidingRule: string | undefined = undefined;
  inboundScore: number | undefined = undefined;
  outboundScore: number | undefined = undefined;
  /** Matches that happened, but are not among `matches`. */
  leftOut = 0;
  readonly #matches: RuleMatch[] = [];
  #ruleIds: readonly string[] | undefined = undefined;
  /** Every match by its text, since calls may repeat what was found before them; undefined until there is a second list. */
  #known: Set<string> | undefined = undefined;
  /** All matches so far are plain. An engine writes the same match in the same way, so that texts say which are the same. */
  #isPlain = true;

  /** In the order in which the rules matched. */
  get matches(): readonly RuleMatch[] {
    return this.#matches;
  }

  /** Each rule that matched, once. */
  get ruleIds(): readonly string[] {
    return this.#ruleIds ??= distinctIds(this.#matches);
  }

  /** Whether a fact of an audit belongs here, and not into logs as it is. */
  static owns(name: string): boolean {
    return name.startsWith("waf.");
  }

  /** Adds the facts of one call; those that are none of its own, or make no sense, are passed over. */
  add(facts: readonly { readonly name: string; readonly value: string }[]): void {
    for (const { name, value } of facts) this.#fact(name, value);
  }

  #fact(name: string, value: string): void {
    switch (name) {
      case MATCHES:
        return this.#addMatches(value);
      case LEFT_OUT:
        this.leftOut += numberOf(value) ?? 0;
        return;
      case VERDICT:
        if (isVerdict(value) && STRENGTH[value] > STRENGTH[this.verdict]) this.verdict = value;
        return;
      case RULE:
        this.decidingRule = value;
        return;
      case INBOUND:
        this.inboundScore = numberOf(value) ?? this.inboundScore;
        return;
      case OUTBOUND:
        this.outboundScore = numberOf(value) ?? this.outboundScore;
    }
  }

  #addMatches(text: string): void {
    const list = RuleMatch.list(text);
    if (list === undefined || list.length === 0) return;
    const isFirst = this.#matches.length === 0;
    if (this.#isPlain && list.some(({ plainText }) => plainText === undefined)) {
      this.#isPlain = false;
      this.#known = undefined;
    }
    for (const match of list) {
      if (!isFirst && this.#isKnown(match)) continue;
      if (this.#matches.length === MATCHES_MAX) this.leftOut++;
      else this.#matches.push(match);
    }
    this.#ruleIds = undefined;
  }

  /** Whether a match was there before; it is from now on. */
  #isKnown(match: RuleMatch): boolean {
    const known = this.#known ??= new Set(this.#matches.map((each) => this.#textOf(each)));
    const text = this.#textOf(match);
    if (known.has(text)) return true;
    if (this.#matches.length < MATCHES_MAX) known.add(text);
    return false;
  }

  #textOf(match: RuleMatch): string {
    return this.#isPlain ? match.plainText! : JSON.stringify(match.fields);
  }
}

/** Up to so many a list is searched faster than a set is made. */
const FEW = 8;

function distinctIds(matches: readonly RuleMatch[]): readonly string[] {
  if (matches.length > FEW) return [...new Set(matches.map(({ id }) => id))];
  const ids: string[] = [];
  for (const { id } of matches) if (!ids.includes(id)) ids.push(id);
  return ids;
}

function isVerdict(word: string): word is FindingsVerdict {
  return Object.hasOwn(STRENGTH, word);
}

function numberOf(text: string): number | undefined {
  const number = Number(text);
  return text !== "" && Number.isFinite(number) ? number : undefined;
}
