/**
 * A second reading of patterns, for tests only: what the guest's parser and program say is compared with what the
 * host's regular expressions make of this. It reads what it has to read and throws at the rest.
 */

/** Bytes that are in a class. */
export type ByteSet = readonly boolean[];

/** A part of a pattern. */
export type Part =
  | { readonly type: "set"; readonly set: ByteSet }
  | { readonly type: "all"; readonly parts: readonly Part[] }
  | { readonly type: "any"; readonly parts: readonly Part[] }
  | {
    readonly type: "repeat";
    readonly part: Part;
    readonly min: number;
    /** Infinity: without end. */
    readonly max: number;
    readonly mode: "greedy" | "lazy" | "possessive";
  }
  | { readonly type: "group"; readonly part: Part; readonly index: number }
  | { readonly type: "atomic"; readonly part: Part }
  | { readonly type: "place"; readonly place: Place };

/** A place between bytes. */
export type Place = "start" | "line-start" | "end" | "line-end" | "last-break" | "word" | "no-word";

/** Flags as the guest takes them. */
export const FLAGS = { caseless: 1, multiline: 2, dotall: 4, extended: 8, dollarEndOnly: 16 } as const;

const WORD = setOf((byte) => /\w/.test(String.fromCharCode(byte)));
const CLASSES: Readonly<Record<string, ByteSet>> = {
  d: setOf((byte) => byte >= 48 && byte <= 57),
  w: WORD,
  s: setOf((byte) => byte === 32 || (byte >= 9 && byte <= 13)),
  h: setOf((byte) => byte === 9 || byte === 32 || byte === 0xa0),
  v: setOf((byte) => (byte >= 10 && byte <= 13) || byte === 0x85),
  N: setOf((byte) => byte !== 10),
};
const NAMED: Readonly<Record<string, RegExp>> = {
  alpha: /[a-zA-Z]/,
  digit: /\d/,
  alnum: /[0-9a-zA-Z]/,
  upper: /[A-Z]/,
  lower: /[a-z]/,
  space: /[\t-\r ]/,
  blank: /[\t ]/,
  punct: /[!-/:-@[-`{-~]/,
  print: /[ -~]/,
  graph: /[!-~]/,
  // deno-lint-ignore no-control-regex
  cntrl: /[\0-\x1f\x7f]/,
  xdigit: /[0-9a-fA-F]/,
  word: /\w/,
  // deno-lint-ignore no-control-regex
  ascii: /[\0-\x7f]/,
};
const CONTROLS: Readonly<Record<string, number>> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 };
const PLACES: Readonly<Record<string, Place>> = {
  A: "start",
  z: "end",
  Z: "last-break",
  b: "word",
  B: "no-word",
};

/** The set of the bytes that `has` accepts. */
export function setOf(has: (byte: number) => boolean): ByteSet {
  return Array.from({ length: 256 }, (_, byte) => has(byte));
}

/** Reads a pattern. Throws on what it does not know. */
export function readPattern(pattern: string, flags: number): Part {
  const reader = new Reader(pattern, flags);
  const part = reader.any();
  if (!reader.atEnd) throw new Error(`left over: ${pattern.slice(reader.at)}`);
  return part;
}

class Reader {
  at = 0;
  #groups = 0;
  #flags: number;
  readonly #text: string;

  constructor(text: string, flags: number) {
    this.#text = text;
    this.#flags = flags;
  }

  get atEnd(): boolean {
    return this.at >= this.#text.length;
  }

  any(): Part {
    const parts: Part[] = [];
    do parts.push(this.#all()); while (this.#take("|"));
    return parts.length === 1 ? parts[0]! : { type: "any", parts };
  }

  #has(flag: number): boolean {
    return (this.#flags & flag) !== 0;
  }

  #take(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.at)) return false;
    this.at += expected.length;
    return true;
  }

  /** What `pattern`, which must be sticky, matches here; behind us then. */
  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text);
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  #all(): Part {
    const parts: Part[] = [];
    while (!this.atEnd && !/[|)]/.test(this.#text[this.at]!)) {
      if (this.#has(FLAGS.extended) && this.#match(/[\t-\r ]+|#[^\n]*/y)) continue;
      const quoted = this.#match(/\\Q([^]*?)(?:\\E|$)/y);
      if (quoted) {
        for (const unit of quoted[1]!) parts.push(this.#byte(unit.charCodeAt(0)));
      } else if (!this.#match(/\\E|\(\?#[^)]*\)/y)) {
        const part = this.#one();
        if (part) parts.push(part);
        else continue;
      }
      const last = parts.pop();
      if (last) parts.push(this.#repeated(last));
    }
    return parts.length === 1 ? parts[0]! : { type: "all", parts };
  }

  #repeated(part: Part): Part {
    let result = part;
    while (true) {
      if (this.#has(FLAGS.extended)) this.#match(/(?:[\t-\r ]+|#[^\n]*)+/y);
      const count = this.#match(/([*+?])|\{(\d+)(?:(,)(\d*))?\}/y);
      if (!count) return result;
      const [, sign, low, comma, high] = count;
      const min = sign ? (sign === "+" ? 1 : 0) : Number(low);
      const max = sign
        ? (sign === "?" ? 1 : Infinity)
        : comma === undefined
        ? min
        : high
        ? Number(high)
        : Infinity;
      const mode = this.#take("?") ? "lazy" : this.#take("+") ? "possessive" : "greedy";
      result = { type: "repeat", part: result, min, max, mode };
    }
  }

  #byte(byte: number): Part {
    return this.#set(setOf((each) => each === byte));
  }

  #set(set: ByteSet): Part {
    return { type: "set", set: this.#has(FLAGS.caseless) ? folded(set) : set };
  }

  #one(): Part | null {
    const unit = this.#text[this.at++]!;
    switch (unit) {
      case "(":
        return this.#group();
      case "[":
        return { type: "set", set: this.#brackets() };
      case ".":
        return this.#has(FLAGS.dotall) ? this.#set(setOf(() => true)) : this.#set(CLASSES.N!);
      case "^":
        return { type: "place", place: this.#has(FLAGS.multiline) ? "line-start" : "start" };
      case "$":
        if (this.#has(FLAGS.multiline)) return { type: "place", place: "line-end" };
        return { type: "place", place: this.#has(FLAGS.dollarEndOnly) ? "end" : "last-break" };
      case "\\":
        return this.#escape();
      default:
        return this.#byte(unit.charCodeAt(0));
    }
  }

  #escape(): Part {
    const letter = this.#text[this.at]!;
    if (Object.hasOwn(PLACES, letter)) {
      this.at++;
      return { type: "place", place: PLACES[letter]! };
    }
    if (letter === "R") {
      this.at++;
      const any = setOf((byte) => CLASSES.v![byte]!);
      const pair: Part = { type: "all", parts: [this.#byte(13), this.#byte(10)] };
      return { type: "atomic", part: { type: "any", parts: [pair, { type: "set", set: any }] } };
    }
    const read = this.#escaped();
    return typeof read === "number" ? this.#byte(read) : { type: "set", set: read };
  }

  /** An escape that means the same in brackets: a byte or a class. */
  #escaped(): number | ByteSet {
    const hex = this.#match(/x(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{0,2}))/y);
    if (hex) return Number.parseInt(hex[1] ?? (hex[2] || "0"), 16);
    // Patterns here have fewer than ten groups.
    const octal = this.#match(/o\{([0-7]+)\}|(0[0-7]{0,2}|[1-7][0-7]{1,2})/y);
    if (octal) return Number.parseInt(octal[1] ?? octal[2]!, 8);
    const control = this.#match(/c([\x20-\x7e])/y);
    if (control) return control[1]!.toUpperCase().charCodeAt(0) ^ 64;
    const letter = this.#text[this.at++]!;
    if (Object.hasOwn(CONTROLS, letter)) return CONTROLS[letter]!;
    if (Object.hasOwn(CLASSES, letter)) return CLASSES[letter]!;
    const lower = letter.toLowerCase();
    if (letter !== lower && Object.hasOwn(CLASSES, lower)) return setOf((byte) => !CLASSES[lower]![byte]);
    if (/[a-zA-Z0-9]/.test(letter)) throw new Error(`an escape that is not known: \\${letter}`);
    return letter.charCodeAt(0);
  }

  #brackets(): ByteSet {
    const members = new Set<number>();
    const addAll = (set: ByteSet) => set.forEach((has, byte) => has && members.add(byte));
    const isInverted = this.#take("^");
    for (let isFirst = true; isFirst || !this.#take("]"); isFirst = false) {
      if (this.atEnd) throw new Error("brackets without an end");
      const low = this.#member();
      if (typeof low !== "number") {
        addAll(low);
        continue;
      }
      if (!/^-[^\]]/s.test(this.#text.slice(this.at, this.at + 2))) {
        members.add(low);
        continue;
      }
      this.at++;
      const high = this.#member();
      if (typeof high === "number") { for (let byte = low; byte <= high; byte++) members.add(byte); }
      else {
        members.add(low).add(45);
        addAll(high);
      }
    }
    const plain = setOf((byte) => members.has(byte));
    const set = this.#has(FLAGS.caseless) ? folded(plain) : plain;
    return isInverted ? setOf((byte) => !set[byte]) : set;
  }

  #member(): number | ByteSet {
    const named = this.#match(/\[:(\^?)([a-z]+):\]/y);
    if (named) {
      const test = NAMED[named[2]!]!;
      return setOf((byte) => test.test(String.fromCharCode(byte)) !== (named[1] === "^"));
    }
    if (!this.#take("\\")) return this.#text.charCodeAt(this.at++);
    if (this.#take("b")) return 8;
    const octal = this.#match(/[0-7]{1,3}/y);
    return octal ? Number.parseInt(octal[0], 8) & 255 : this.#escaped();
  }

  #group(): Part | null {
    const before = this.#flags;
    let wrap = (part: Part): Part => part;
    if (!this.#take("?")) {
      const index = ++this.#groups;
      wrap = (part) => ({ type: "group", part, index });
    } else if (this.#match(/(?:P?<|')\w+[>']/y)) {
      const index = ++this.#groups;
      wrap = (part) => ({ type: "group", part, index });
    } else if (this.#take(">")) wrap = (part) => ({ type: "atomic", part });
    else if (!this.#take(":")) {
      const letters = this.#match(/([imsx]*)(?:-([imsx]*))?([:)])/y);
      if (!letters) throw new Error(`a group that is not known: ${this.#text.slice(this.at, this.at + 10)}`);
      for (const letter of letters[1]!) this.#flags |= flagOf(letter);
      for (const letter of letters[2] ?? "") this.#flags &= ~flagOf(letter);
      if (letters[3] === ")") return null;
    }
    const part = wrap(this.any());
    if (!this.#take(")")) throw new Error("a group without an end");
    this.#flags = before;
    return part;
  }
}

function flagOf(letter: string): number {
  return { i: FLAGS.caseless, m: FLAGS.multiline, s: FLAGS.dotall, x: FLAGS.extended }[letter]!;
}

function folded(set: ByteSet): ByteSet {
  const swap = (byte: number) => {
    const unit = String.fromCharCode(byte);
    if (/[a-z]/.test(unit)) return byte - 32;
    return /[A-Z]/.test(unit) ? byte + 32 : byte;
  };
  return setOf((byte) => set[byte]! || set[swap(byte)]!);
}
