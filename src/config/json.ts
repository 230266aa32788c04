import type { Issue } from "../core/issue.ts";
import { memberNodes } from "./data_nodes.ts";
import type { Located, LocatedMember } from "./data_nodes.ts";
import { LineIndex } from "./line_index.ts";
import type { ParsedText } from "./parsed_text.ts";

/** Objects and arrays within each other; more is no configuration. */
const DEPTH_MAX = 64;

/** Parses JSON (RFC 8259) into the neutral tree, keeping positions, which `JSON.parse` does not. */
export function parseJson(text: string, file: string): ParsedText {
  const parser = new JsonParser(text, file);
  try {
    const root = parser.parseDocument();
    const issues: Issue[] = [];
    if (root.type === "object") return { nodes: memberNodes(root.members, issues), issues };
    return {
      nodes: [],
      issues: [{ severity: "error", message: "the configuration must be an object", span: root.span }],
    };
  } catch (cause) {
    if (cause instanceof JsonSyntaxError) return { nodes: [], issues: [cause.issue] };
    throw cause;
  }
}

class JsonSyntaxError extends Error {
  readonly issue: Issue;

  constructor(issue: Issue) {
    super(issue.message);
    this.issue = issue;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

class JsonParser {
  readonly #text: string;
  readonly #lines: LineIndex;
  #at = 0;
  #depth = 0;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#lines = new LineIndex(text, file);
    if (text.charCodeAt(0) === 0xfeff) this.#at = 1;
  }

  parseDocument(): Located {
    this.#skipSpace();
    const value = this.#parseValue();
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail("something stands after the end of the object");
    return value;
  }

  #parseValue(): Located {
    const c = this.#text[this.#at];
    if (c === "{") return this.#nested(() => this.#parseObject());
    if (c === "[") return this.#nested(() => this.#parseArray());
    const start = this.#at;
    if (c === '"') {
      const value = this.#parseString();
      return { type: "scalar", value, span: this.#lines.span(start, this.#at) };
    }
    return this.#parseWord(start);
  }

  #nested(parse: () => Located): Located {
    if (++this.#depth > DEPTH_MAX) this.#fail(`more than ${DEPTH_MAX} levels of nesting`);
    const value = parse();
    this.#depth--;
    return value;
  }

  #parseObject(): Located {
    const start = this.#at++;
    const members: LocatedMember[] = [];
    while (!this.#closes("}", members.length)) {
      const keyStart = this.#at;
      if (this.#text[this.#at] !== '"') {
        this.#fail("expected a name in double quotes", quoteHint(this.#text[this.#at]));
      }
      const key = this.#parseString();
      const keySpan = this.#lines.span(keyStart, this.#at);
      this.#skipSpace();
      if (this.#text[this.#at] !== ":") this.#fail('expected ":" after the name');
      this.#at++;
      this.#skipSpace();
      members.push({ key, keySpan, value: this.#parseValue() });
    }
    return { type: "object", members, span: this.#lines.span(start, this.#at) };
  }

  #parseArray(): Located {
    const start = this.#at++;
    const elements: Located[] = [];
    while (!this.#closes("]", elements.length)) elements.push(this.#parseValue());
    return { type: "array", elements, span: this.#lines.span(start, this.#at) };
  }

  /** Steps over the closing bracket (true) or, before another element, over the comma (false). */
  #closes(bracket: "}" | "]", count: number): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] === bracket) {
      this.#at++;
      return true;
    }
    if (count === 0) return false;
    if (this.#text[this.#at] !== ",") this.#fail(`expected "," or "${bracket}"`);
    this.#at++;
    this.#skipSpace();
    if (this.#text[this.#at] === bracket) {
      this.#fail(`a comma stands before "${bracket}"`, "remove the comma");
    }
    return false;
  }

  #parseString(): string {
    const start = this.#at++;
    let value = "";
    for (;;) {
      const c = this.#text[this.#at++];
      if (c === '"') return value;
      if (c === undefined || c < " ") {
        this.#at = start;
        this.#fail("a text is not closed on its line", 'a closing quote is missing, or write "\\n"');
      }
      value += c === "\\" ? this.#parseEscape() : c;
    }
  }

  #parseEscape(): string {
    const letter = this.#text[this.#at++] ?? "";
    if (Object.hasOwn(ESCAPES, letter)) return ESCAPES[letter]!;
    const hex = this.#text.slice(this.#at, this.#at + 4);
    if (letter === "u" && /^[0-9a-f]{4}$/i.test(hex)) {
      this.#at += 4;
      return String.fromCharCode(parseInt(hex, 16));
    }
    this.#at -= letter.length + 1;
    this.#fail(`unknown escape "\\${letter}"`);
  }

  #parseWord(start: number): Located {
    const word = /[^\s,\]}:"[{]*/y;
    word.lastIndex = start;
    const found = word.exec(this.#text)?.[0] ?? "";
    const span = this.#lines.span(start, start + found.length);
    const value = plainWord(found);
    if (value === undefined) {
      this.#fail(found === "" ? "expected a value" : `"${found}" is no JSON value`, "quote text");
    }
    this.#at += found.length;
    return { type: "scalar", value, span };
  }

  #skipSpace(): void {
    const space = /[ \t\r\n]*/y;
    space.lastIndex = this.#at;
    space.exec(this.#text);
    this.#at = space.lastIndex;
    if (this.#text[this.#at] === "/") this.#fail("JSON has no comments", "use KDL or TOML for comments");
  }

  #fail(message: string, hint?: string): never {
    const span = this.#lines.span(this.#at, Math.min(this.#at + 1, this.#text.length));
    throw new JsonSyntaxError({ severity: "error", message: `syntax: ${message}`, span, hint });
  }
}

function plainWord(word: string): number | boolean | null | undefined {
  if (word === "true") return true;
  if (word === "false") return false;
  if (word === "null") return null;
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(word) ? Number(word) : undefined;
}

function quoteHint(character: string | undefined): string | undefined {
  return character === "'" ? "JSON uses double quotes" : undefined;
}
