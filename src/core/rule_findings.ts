/** What a rule engine such as a firewall found in one request. */

/** Matches of one request that are kept; further ones are counted. */
export const MATCHES_MAX = 256;

/** Names of the facts in an agent's audit from which findings are read. */
const MATCHES = "waf.matches";
const LEFT_OUT = "waf.matches-left-out";
const VERDICT = "waf.verdict";
const RULE = "waf.rule";
const INBOUND = "waf.score.inbound";
const OUTBOUND = "waf.score.outbound";

/** Rule by rule, in the order in which they matched. */
export interface RuleMatch {
  readonly id: string;
  /** What the rule says of itself. */
  readonly message: string;
  /** The variable and its value, where a rule looked at one. */
  readonly variable: string | undefined;
  readonly value: string | undefined;
  /** What it added to the request's score. */
  readonly score: number;
  /** All that the engine said of the match; JSON data. */
  readonly fields: Readonly<Record<string, unknown>>;
}

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
  /** The matches as the engine wrote them; undefined when it said them in several lists, or not all of them are kept. */
  text: string | undefined = undefined;
  readonly #matches: RuleMatch[] = [];
  /** Every match by its text, since calls may repeat what was found before them; undefined until there is a second list. */
  #known: Set<string> | undefined = undefined;

  get matches(): readonly RuleMatch[] {
    return this.#matches;
  }

  /** Whether a fact of an audit belongs here, and not into logs as it is. */
  static owns(name: string): boolean {
    return name.startsWith("waf.");
  }

  /** Adds the facts of one call; those that make no sense are passed over. */
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
    let list: unknown;
    try {
      list = JSON.parse(text);
    } catch {
      return;
    }
    if (!Array.isArray(list)) return;
    const isFirst = this.#matches.length === 0;
    for (const item of list) {
      if (typeof item !== "object" || item === null) continue;
      if (!isFirst && this.#isKnown(JSON.stringify(item))) continue;
      if (this.#matches.length === MATCHES_MAX) this.leftOut++;
      else this.#matches.push(matchOf(item as Readonly<Record<string, unknown>>));
    }
    this.text = isFirst && this.#matches.length === list.length ? text : undefined;
  }

  /** Whether a match with this text was there before; it is from now on. */
  #isKnown(text: string): boolean {
    const known = this.#known ??= new Set(this.#matches.map(({ fields }) => JSON.stringify(fields)));
    if (known.has(text)) return true;
    if (this.#matches.length < MATCHES_MAX) known.add(text);
    return false;
  }
}

function matchOf(fields: Readonly<Record<string, unknown>>): RuleMatch {
  const { id, msg, var: variable, value, score } = fields;
  return {
    id: String(id ?? ""),
    message: typeof msg === "string" ? msg : "",
    variable: typeof variable === "string" ? variable : undefined,
    value: typeof value === "string" ? value : undefined,
    score: typeof score === "number" ? score : 0,
    fields,
  };
}

function isVerdict(word: string): word is FindingsVerdict {
  return Object.hasOwn(STRENGTH, word);
}

function numberOf(text: string): number | undefined {
  const number = Number(text);
  return text !== "" && Number.isFinite(number) ? number : undefined;
}
