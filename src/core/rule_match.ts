/** One match of a rule, as a firewall or another rule engine writes it. */

/** Longest list and longest match that are taken as they are written: what is longer is rare, and is read first. */
const PLAIN_LIST_CHARS_MAX = 32_768;
const PLAIN_CHARS_MAX = 8192;

const TEXT = String.raw`"[ !#-\[\]-~]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[ !#-\[\]-~]*)*"`;
const NATURAL = String.raw`(?:0|[1-9]\d{0,14})`;
const VALUE = String.raw`(?:${TEXT}|${NATURAL}|\[(?:${TEXT}(?:,${TEXT})*)?\])`;
/**
 * An object whose members are texts, natural numbers and lists of texts, without any blank between; first, and only there, the
 * rule's number. There is one way only to read a text by it, so that it takes time in proportion to the text, matched or not.
 */
const PLAIN = new RegExp(String.raw`\{"id":${NATURAL}(?:,"(?!id")\w{1,32}":${VALUE})*\}`, "y");
const ID_START = '{"id":'.length;
const TAGS = ',"tags":';
const TAG_LIST = /\[(?:"[^"\\]*"(?:,"[^"\\]*")*)?\]/y;

/** What an engine says of one match. Where its JSON is plain, nothing is read before somebody asks. */
export class RuleMatch {
  readonly id: string;
  /** Plain JSON: printable ASCII, with nothing deeper in it than lists of texts; undefined where it was written otherwise. */
  readonly plainText: string | undefined;
  #fields: Readonly<Record<string, unknown>> | undefined;

  private constructor(
    id: string,
    plainText: string | undefined,
    fields: Readonly<Record<string, unknown>> | undefined,
  ) {
    this.id = id;
    this.plainText = plainText;
    this.#fields = fields;
  }

  /** Reads a list of matches; entries that are no objects are left out. Undefined when the text is no list in JSON. */
  static list(text: string): readonly RuleMatch[] | undefined {
    const plain = plainMatches(text);
    if (plain !== undefined) return plain.map((each) => new RuleMatch(idOf(each), each, undefined));
    let list: unknown;
    try {
      list = JSON.parse(text);
    } catch {
      return undefined;
    }
    if (!Array.isArray(list)) return undefined;
    return list.filter(isObject).map((fields) =>
      new RuleMatch(wordOf(fields["id"]) ?? "", undefined, fields)
    );
  }

  /** All that the engine said of the match; JSON data. */
  get fields(): Readonly<Record<string, unknown>> {
    return this.#fields ??= JSON.parse(this.plainText!) as Readonly<Record<string, unknown>>;
  }

  /** What the rule says of itself. */
  get message(): string {
    return this.#text("msg") ?? "";
  }

  /** The variable and its value, where the rule looked at one. */
  get variable(): string | undefined {
    return this.#text("var");
  }

  get value(): string | undefined {
    return this.#text("value");
  }

  /** What it added to the request's score. */
  get score(): number {
    const { score } = this.fields;
    return typeof score === "number" ? score : 0;
  }

  get tags(): readonly string[] {
    const { tags } = this.fields;
    return Array.isArray(tags) ? tags.map(wordOf).filter((tag) => tag !== undefined) : [];
  }

  /** The list of tags in JSON, where it is plain and there is no escape in it. */
  get plainTags(): string | undefined {
    const text = this.plainText;
    const found = text?.indexOf(TAGS) ?? -1;
    if (text === undefined || found < 0) return undefined;
    // Quotes within texts are escaped, so this is the name of a member; of a name that comes twice JSON takes the last.
    const from = TAG_LIST.lastIndex = found + TAGS.length;
    if (!TAG_LIST.test(text) || text.indexOf(TAGS, from) >= 0) return undefined;
    return text.slice(from, TAG_LIST.lastIndex);
  }

  #text(name: string): string | undefined {
    const value = this.fields[name];
    return typeof value === "string" ? value : undefined;
  }
}

const CLOSING_BRACKET = 0x5d;
const COMMA = 0x2c;

/** The texts of all matches of a list; undefined unless every one is plain. */
function plainMatches(list: string): readonly string[] | undefined {
  if (list.length > PLAIN_LIST_CHARS_MAX || !list.startsWith("[")) return undefined;
  const matches: string[] = [];
  for (let from = 1;;) {
    PLAIN.lastIndex = from;
    if (!PLAIN.test(list)) return undefined;
    const to = PLAIN.lastIndex;
    if (to - from > PLAIN_CHARS_MAX) return undefined;
    matches.push(list.slice(from, to));
    const next = list.charCodeAt(to);
    if (next === CLOSING_BRACKET) return to + 1 === list.length ? matches : undefined;
    if (next !== COMMA) return undefined;
    from = to + 1;
  }
}

function idOf(plain: string): string {
  const end = plain.indexOf(",");
  return plain.slice(ID_START, end < 0 ? -1 : end);
}

/** What was to be a name. Lists and objects are none, and may be too deep to be made a text of. */
function wordOf(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

function isObject(item: unknown): item is Readonly<Record<string, unknown>> {
  return typeof item === "object" && item !== null;
}
