/** Patterns as regular expressions of the host, over strings whose units are bytes. */

import type { ByteSet, Part, Place } from "./pattern.ts";

/** An expression of the host, and how its groups are to be read. */
export interface HostExpression {
  readonly expression: RegExp;
  /** The same with the places of groups. */
  readonly withPlaces: RegExp;
  /** For each group of the pattern its number in the expression. */
  readonly groups: readonly number[];
  /**
   * Groups in a repeat: the host forgets them at the start of each round, PCRE does not. Their places are not
   * compared.
   */
  readonly inRepeats: ReadonlySet<number>;
  /** Whether a repeat's part can be empty, where host and PCRE go different ways; then only yes and no are compared. */
  readonly hasEmptyRounds: boolean;
}

const PLACES: Readonly<Record<Place, string>> = {
  start: "(?<![^])",
  "line-start": "(?:(?<![^])|(?<=\\n)(?=[^]))",
  end: "(?![^])",
  "line-end": "(?=\\n|(?![^]))",
  "last-break": "(?=\\n?(?![^]))",
  word: "\\b",
  "no-word": "\\B",
};

/** The expression for a pattern's parts. */
export function hostExpression(part: Part): HostExpression {
  const writer = new Writer();
  const source = writer.write(part, false);
  return {
    expression: new RegExp(source),
    withPlaces: new RegExp(source, "d"),
    groups: writer.groups,
    inRepeats: writer.inRepeats,
    hasEmptyRounds: writer.hasEmptyRounds,
  };
}

class Writer {
  readonly groups: number[] = [0];
  readonly inRepeats = new Set<number>();
  hasEmptyRounds = false;
  #hostGroups = 0;

  write(part: Part, isRepeated: boolean): string {
    switch (part.type) {
      case "set":
        return classOf(part.set);
      case "all":
        return part.parts.map((each) => this.write(each, isRepeated)).join("");
      case "any":
        return `(?:${part.parts.map((each) => this.write(each, isRepeated)).join("|")})`;
      case "place":
        return PLACES[part.place];
      case "group":
        this.groups[part.index] = ++this.#hostGroups;
        if (isRepeated) this.inRepeats.add(part.index);
        return `(${this.write(part.part, isRepeated)})`;
      case "atomic":
        return this.#atomic(() => this.write(part.part, isRepeated));
      case "repeat":
        return this.#repeat(part, isRepeated);
    }
  }

  #repeat(part: Part & { readonly type: "repeat" }, isRepeated: boolean): string {
    const { min, max, mode } = part;
    if (max > 1 && isNullable(part.part)) this.hasEmptyRounds = true;
    const count = max === Infinity ? `{${min},}` : `{${min},${max}}`;
    const write = (suffix: string) => `(?:${this.write(part.part, isRepeated || max > 1)})${count}${suffix}`;
    if (mode === "possessive") return this.#atomic(() => write(""));
    return write(mode === "lazy" ? "?" : "");
  }

  /** The host has no atomic groups, but what a look-ahead found stays found. */
  #atomic(inner: () => string): string {
    const own = ++this.#hostGroups;
    return `(?:(?=(${inner()}))\\${own}(?:))`;
  }
}

function isNullable(part: Part): boolean {
  switch (part.type) {
    case "set":
      return false;
    case "place":
      return true;
    case "all":
      return part.parts.every(isNullable);
    case "any":
      return part.parts.some(isNullable);
    case "repeat":
      return part.min === 0 || isNullable(part.part);
    default:
      return isNullable(part.part);
  }
}

function classOf(set: ByteSet): string {
  const ranges: string[] = [];
  for (let from = 0; from < 256; from++) {
    if (!set[from]) continue;
    let to = from;
    while (to < 255 && set[to + 1]) to++;
    ranges.push(from === to ? unit(from) : `${unit(from)}-${unit(to)}`);
    from = to;
  }
  return `[${ranges.join("")}]`;
}

function unit(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
