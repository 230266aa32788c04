import {
  ANY,
  caseFolded,
  type CharSet,
  DIGIT,
  MAX_UNIT,
  negated,
  normalised,
  NOT_NEWLINE,
  POSIX,
  SPACE,
  unicodeSet,
  WORD,
} from "./regex_classes.ts";

/** A condition on a position instead of a character. */
export type Look = "text-start" | "text-end" | "line-start" | "line-end" | "word-edge" | "no-word-edge";

/** A parsed expression. Groups leave no trace: whether it matches is all that is asked. */
export type Node =
  | { readonly type: "empty" }
  | { readonly type: "chars"; readonly set: CharSet }
  | { readonly type: "look"; readonly look: Look }
  | { readonly type: "concat"; readonly parts: readonly Node[] }
  | { readonly type: "alternate"; readonly parts: readonly Node[] }
  | { readonly type: "repeat"; readonly part: Node; readonly min: number; readonly max: number };

/** A regular expression that is wrong or asks for what linear time cannot give. */
export class RegexSyntaxError extends Error {
  override readonly name = "RegexSyntaxError";
  /** Offset in the pattern, in UTF-16 units from 0. */
  readonly index: number;

  constructor(message: string, index: number) {
    super(message);
    this.index = index;
  }
}

/** Largest count in `{n,m}`, as in RE2. */
export const REPEAT_MAX = 1000;
const DEPTH_MAX = 200;
const EMPTY: Node = { type: "empty" };
const NEWLINE: CharSet = [10, 10];
const SIMPLE_ESCAPES: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
const SETS: Readonly<Record<string, CharSet>> = { d: DIGIT, s: SPACE, w: WORD };

interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
}

/** Parses RE2 syntax. Throws `RegexSyntaxError`. */
export function parseRegex(pattern: string, options: { readonly ignoreCase?: boolean } = {}): Node {
  return new Parser(pattern, { i: options.ignoreCase ?? false, m: false, s: false }).parse();
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  readonly #foldedSets = new Map<string, CharSet>();
  readonly #unicodeSets = new Map<string, CharSet>();
  #flags: Flags;

  constructor(text: string, flags: Flags) {
    this.#text = text;
    this.#flags = flags;
  }

  parse(): Node {
    const node = this.#alternation();
    if (this.#at < this.#text.length) throw this.#error("unmatched )", this.#at);
    return node;
  }

  #error(message: string, index: number): RegexSyntaxError {
    return new RegexSyntaxError(message, index);
  }

  #looksAt(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  #take(text: string): boolean {
    if (!this.#looksAt(text)) return false;
    this.#at += text.length;
    return true;
  }

  #alternation(): Node {
    const parts = [this.#sequence()];
    while (this.#take("|")) parts.push(this.#sequence());
    return parts.length === 1 ? parts[0]! : { type: "alternate", parts };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#text.length && !this.#looksAt("|") && !this.#looksAt(")")) {
      const start = this.#at;
      const atom = this.#take("\\Q") ? this.#quoted() : this.#atom();
      if (atom !== undefined) parts.push(this.#repeated(atom, start));
      else if (this.#repeatCounts() !== undefined) throw this.#error("nothing to repeat", start);
    }
    if (parts.length === 0) return EMPTY;
    return parts.length === 1 ? parts[0]! : { type: "concat", parts };
  }

  /** An atom, or undefined for what only changes flags. */
  #atom(): Node | undefined {
    const start = this.#at;
    const c = this.#text[this.#at++]!;
    switch (c) {
      case ".":
        return { type: "chars", set: this.#flags.s ? ANY : NOT_NEWLINE };
      case "^":
        return { type: "look", look: this.#flags.m ? "line-start" : "text-start" };
      case "$":
        return { type: "look", look: this.#flags.m ? "line-end" : "text-end" };
      case "(":
        return this.#group(start);
      case "[":
        return { type: "chars", set: this.#class(start) };
      case "\\":
        return this.#escape(start);
      case "*":
      case "+":
      case "?":
        throw this.#error(`nothing to repeat before "${c}"`, start);
      default:
        this.#at = start;
        if (this.#repeatCounts() !== undefined) throw this.#error("nothing to repeat", start);
        return this.#literal(this.#codePoint());
    }
  }

  /** Folding goes through every member, so equal sets are folded once per pattern. */
  #folded(set: CharSet): CharSet {
    const key = set.join();
    const known = this.#foldedSets.get(key);
    if (known !== undefined) return known;
    const folded = caseFolded(set);
    this.#foldedSets.set(key, folded);
    return folded;
  }

  #codePoint(): number {
    const code = this.#text.codePointAt(this.#at)!;
    this.#at += code > MAX_UNIT ? 2 : 1;
    return code;
  }

  #literal(code: number): Node {
    if (code > MAX_UNIT) {
      const units = String.fromCodePoint(code);
      const parts = [0, 1].map((i): Node => {
        const unit = units.charCodeAt(i);
        return { type: "chars", set: [unit, unit] };
      });
      return { type: "concat", parts };
    }
    const set: CharSet = [code, code];
    return { type: "chars", set: this.#flags.i ? this.#folded(set) : set };
  }

  /** The rest of `\Q…\E`; a repetition applies to its last character. */
  #quoted(): Node | undefined {
    const end = this.#text.indexOf("\\E", this.#at);
    const stop = end < 0 ? this.#text.length : end;
    const parts: Node[] = [];
    while (this.#at < stop) parts.push(this.#literal(this.#codePoint()));
    if (end >= 0) this.#at = end + 2;
    const last = parts.pop();
    if (last === undefined) return undefined;
    if (parts.length === 0) return last;
    return { type: "concat", parts: [...parts, this.#repeated(last, stop)] };
  }

  #repeated(atom: Node, start: number): Node {
    const operator = this.#at;
    const counts = this.#repeatCounts();
    if (counts === undefined) return atom;
    this.#take("?");
    const second = this.#at;
    if (this.#repeatCounts() !== undefined) {
      throw this.#error(`repetition of a repetition "${this.#text.slice(operator, this.#at)}"`, second);
    }
    if (counts.min > counts.max) throw this.#error("repeat count is in the wrong order", operator);
    if (counts.min > REPEAT_MAX || (counts.max !== Infinity && counts.max > REPEAT_MAX)) {
      throw this.#error(`repeat count is above ${REPEAT_MAX}`, start);
    }
    return { type: "repeat", part: atom, ...counts };
  }

  #repeatCounts(): { min: number; max: number } | undefined {
    if (this.#take("*")) return { min: 0, max: Infinity };
    if (this.#take("+")) return { min: 1, max: Infinity };
    if (this.#take("?")) return { min: 0, max: 1 };
    if (!this.#looksAt("{")) return undefined;
    const written = /^\{(\d{1,9})(,(\d{0,9}))?\}/.exec(this.#text.slice(this.#at, this.#at + 22));
    if (written === null) return undefined;
    this.#at += written[0].length;
    const min = Number(written[1]);
    if (written[2] === undefined) return { min, max: min };
    return { min, max: written[3] === "" ? Infinity : Number(written[3]) };
  }

  #group(start: number): Node | undefined {
    for (const look of ["(?=", "(?!", "(?<=", "(?<!"]) {
      if (this.#text.startsWith(look, start)) {
        throw this.#error(
          `look-around "${look}" is not supported: it cannot be matched in linear time`,
          start,
        );
      }
    }
    const outer = this.#flags;
    if (this.#take("?")) {
      if (this.#take("P<") || this.#take("<")) this.#groupName(start);
      else if (!this.#groupFlags(start)) return undefined;
    }
    if (++this.#depth > DEPTH_MAX) throw this.#error(`groups are nested more than ${DEPTH_MAX} deep`, start);
    const node = this.#alternation();
    this.#depth--;
    if (!this.#take(")")) throw this.#error("missing )", start);
    this.#flags = outer;
    return node;
  }

  #groupName(start: number): void {
    const name = /^\w+>/.exec(this.#text.slice(this.#at))?.[0];
    if (name === undefined) throw this.#error("invalid group name", start);
    this.#at += name.length;
  }

  /** Reads `flags:` or `flags)`; true when a group body follows. */
  #groupFlags(start: number): boolean {
    const written = /^([imsU]*)(-([imsU]+))?([:)])/.exec(this.#text.slice(this.#at));
    if (written === null || (written[4] === ")" && written[0] === ")")) {
      throw this.#error("invalid group or flags", start);
    }
    this.#at += written[0].length;
    const flags = { ...this.#flags };
    for (const [letters, value] of [[written[1]!, true], [written[3] ?? "", false]] as const) {
      for (const letter of letters) if (letter !== "U") flags[letter as keyof Flags] = value;
    }
    this.#flags = flags;
    return written[4] === ":";
  }

  #escape(start: number): Node {
    const c = this.#text[this.#at];
    if (c === undefined) throw this.#error("pattern ends in a backslash", start);
    const look = ({ A: "text-start", z: "text-end", b: "word-edge", B: "no-word-edge" } as const)[c];
    if (look !== undefined) {
      this.#at++;
      return { type: "look", look };
    }
    const set = this.#setEscape(start);
    if (set !== undefined) return { type: "chars", set };
    return this.#literal(this.#charEscape(start));
  }

  /** `\d \D \s \S \w \W \pX \p{X} \P…` as a set; undefined when it is no such escape. At the letter. */
  #setEscape(start: number): CharSet | undefined {
    const c = this.#text[this.#at]!;
    const lower = c.toLowerCase();
    if (c === "p" || c === "P") return this.#property(start);
    const known = Object.hasOwn(SETS, lower) ? SETS[lower]! : undefined;
    if (known === undefined) return undefined;
    this.#at++;
    const set = this.#flags.i ? this.#folded(known) : known;
    return c === lower ? set : negated(set);
  }

  #property(start: number): CharSet {
    const written = /^([pP])(?:\{(\^?)(\w+)\}|(\w))/.exec(this.#text.slice(this.#at));
    const set = written === null ? undefined : this.#unicode(written[3] ?? written[4]!);
    if (written === null || set === undefined) throw this.#error("unknown Unicode class", start);
    this.#at += written[0].length;
    const folded = this.#flags.i ? this.#folded(set) : set;
    return (written[1] === "P") !== (written[2] === "^") ? negated(folded) : folded;
  }

  #unicode(name: string): CharSet | undefined {
    const set = this.#unicodeSets.get(name) ?? unicodeSet(name);
    if (set !== undefined) this.#unicodeSets.set(name, set);
    return set;
  }

  /** The code point of an escaped character. At the character after the backslash. */
  #charEscape(start: number): number {
    const c = this.#text[this.#at]!;
    if (Object.hasOwn(SIMPLE_ESCAPES, c)) {
      this.#at++;
      return SIMPLE_ESCAPES[c]!;
    }
    if (c === "x") return this.#hexEscape(start);
    const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(this.#text.slice(this.#at))?.[0];
    if (octal !== undefined) {
      this.#at += octal.length;
      return parseInt(octal, 8);
    }
    if (/[1-9]/.test(c) || c === "k") {
      throw this.#error(
        `back-reference "\\${c}" is not supported: it cannot be matched in linear time`,
        start,
      );
    }
    if (/[A-Za-z0-9]/.test(c)) throw this.#error(`unknown escape "\\${c}"`, start);
    return this.#codePoint();
  }

  #hexEscape(start: number): number {
    const written = /^x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))/.exec(this.#text.slice(this.#at));
    const code = written === null ? NaN : parseInt(written[1] ?? written[2]!, 16);
    if (written === null || code > 0x10ffff) throw this.#error("invalid \\x escape", start);
    this.#at += written[0].length;
    return code;
  }

  /** A bracket expression, after its `[`. */
  #class(start: number): CharSet {
    const inverse = this.#take("^");
    const ranges: number[] = [];
    for (let first = true; first || !this.#looksAt("]"); first = false) {
      if (this.#at >= this.#text.length) throw this.#error("missing ]", start);
      ranges.push(...this.#classItem(start));
    }
    this.#at++;
    const set = this.#flags.i ? this.#folded(normalised(ranges)) : normalised(ranges);
    return inverse ? negated(set) : set;
  }

  #classItem(start: number): CharSet {
    const posix = /^\[:(\^?)(\w*):\]/.exec(this.#text.slice(this.#at, this.#at + 20));
    if (posix !== null) {
      const set = Object.hasOwn(POSIX, posix[2]!) ? POSIX[posix[2]!]! : undefined;
      if (set === undefined) throw this.#error(`unknown class "${posix[0]}"`, this.#at);
      this.#at += posix[0].length;
      return posix[1] === "^" ? negated(set) : set;
    }
    const itemStart = this.#at;
    if (this.#looksAt("\\") && this.#at + 1 < this.#text.length) {
      this.#at++;
      const set = this.#setEscape(itemStart);
      if (set !== undefined) return set;
      this.#at = itemStart;
    }
    const low = this.#classChar(start);
    if (!this.#looksAt("-") || this.#text[this.#at + 1] === "]") return [low, low];
    this.#at++;
    const high = this.#classChar(start);
    if (high < low) throw this.#error("range is in the wrong order", itemStart);
    return [low, high];
  }

  #classChar(start: number): number {
    if (this.#at >= this.#text.length) throw this.#error("missing ]", start);
    const from = this.#at;
    const escaped = this.#take("\\");
    if (escaped && this.#at >= this.#text.length) throw this.#error("pattern ends in a backslash", from);
    const code = escaped ? this.#charEscape(from) : this.#codePoint();
    if (code > MAX_UNIT) throw this.#error("characters above U+FFFF cannot stand in a class", from);
    return code;
  }
}

/** What `^` and `$` look for with the `m` flag. */
export const LINE_BREAK = NEWLINE;
