import { type CharSet, contains, MAX_UNIT, normalised, WORD } from "./regex_classes.ts";
import { LINE_BREAK, type Look, type Node, RegexSyntaxError } from "./regex_parse.ts";

/** Instruction kinds of the automaton. */
export const CHARS = 0;
export const SPLIT = 1;
export const LOOK = 2;
export const MATCH = 3;

/** Kinds of neighbours that positions are judged by. Values are bits, so that a look is two masks. */
export const OTHER_CHAR = 1;
export const WORD_CHAR = 2;
export const LINE_CHAR = 4;
export const TEXT_EDGE = 8;

/** Largest automaton, in instructions. Matching costs at most this many steps per character. */
export const PROGRAM_MAX = 4000;

/** A Thompson automaton over classes of code units. */
export interface Program {
  readonly op: Uint8Array;
  /** CHARS: index into `sets`; SPLIT: first way; LOOK: index into `LOOKS`. */
  readonly x: Int32Array;
  /** Where to go on; SPLIT: second way. */
  readonly y: Int32Array;
  readonly start: number;
  /** For every set: which classes belong to it. */
  readonly sets: readonly Uint8Array[];
  readonly classes: Classes;
  readonly hasLooks: boolean;
  /** Every match begins at the start of the text. */
  readonly anchored: boolean;
}

/** Code units that no set tells apart share a class. */
export interface Classes {
  readonly count: number;
  /** Class of each code unit below 256. */
  readonly low: Uint16Array;
  /** First units of the intervals, ascending, and the class of each interval. */
  readonly starts: Int32Array;
  readonly classOf: Uint16Array;
  /** For every class: OTHER_CHAR, WORD_CHAR or LINE_CHAR. */
  readonly kind: Uint8Array;
}

/** Each look as [kinds before, kinds after] pairs, any of which is enough. */
const EDGE = TEXT_EDGE;
const NO_WORD = OTHER_CHAR | LINE_CHAR | EDGE;
const ANY_KIND = NO_WORD | WORD_CHAR;
const LOOK_NAMES: readonly Look[] = [
  "text-start",
  "text-end",
  "line-start",
  "line-end",
  "word-edge",
  "no-word-edge",
];
export const LOOKS: readonly (readonly (readonly [before: number, after: number])[])[] = [
  [[EDGE, ANY_KIND]],
  [[ANY_KIND, EDGE]],
  [[EDGE | LINE_CHAR, ANY_KIND]],
  [[ANY_KIND, EDGE | LINE_CHAR]],
  [[WORD_CHAR, NO_WORD], [NO_WORD, WORD_CHAR]],
  [[WORD_CHAR, WORD_CHAR], [NO_WORD, NO_WORD]],
];

/** Builds the automaton. Throws `RegexSyntaxError` when it would be larger than `PROGRAM_MAX`. */
export function buildProgram(root: Node): Program {
  const builder = new Builder();
  const start = builder.emit(root, builder.push(MATCH, 0, 0));
  const hasLooks = builder.op.includes(LOOK);
  const classes = classify(hasLooks ? [...builder.sets, WORD, LINE_BREAK] : builder.sets);
  const members = builder.sets.map((set) => membership(set, classes));
  return {
    op: Uint8Array.from(builder.op),
    x: Int32Array.from(builder.x),
    y: Int32Array.from(builder.y),
    start,
    sets: members,
    classes,
    hasLooks,
    anchored: beginsAtTextStart(root),
  };
}

class Builder {
  readonly op: number[] = [];
  readonly x: number[] = [];
  readonly y: number[] = [];
  readonly sets: CharSet[] = [];
  readonly #setIndex = new Map<string, number>();

  push(op: number, x: number, y: number): number {
    if (this.op.length >= PROGRAM_MAX) {
      throw new RegexSyntaxError(`the pattern is too large: it needs more than ${PROGRAM_MAX} steps`, 0);
    }
    this.op.push(op);
    this.x.push(x);
    this.y.push(y);
    return this.op.length - 1;
  }

  /** Emits the node so that it continues at `next`; back to front, so every target is known. */
  emit(node: Node, next: number): number {
    switch (node.type) {
      case "empty":
        return next;
      case "chars":
        return this.push(CHARS, this.#set(node.set), next);
      case "look":
        return this.push(LOOK, LOOK_NAMES.indexOf(node.look), next);
      case "concat":
        return node.parts.reduceRight((after, part) => this.emit(part, after), next);
      case "alternate":
        return node.parts.slice(0, -1).reduceRight(
          (other, part) => this.push(SPLIT, this.emit(part, next), other),
          this.emit(node.parts.at(-1)!, next),
        );
      case "repeat":
        return this.#repeat(node.part, node, next);
    }
  }

  #repeat(part: Node, counts: { readonly min: number; readonly max: number }, next: number): number {
    let entry = next;
    if (counts.max === Infinity) {
      const loop = this.push(SPLIT, next, next);
      this.x[loop] = this.emit(part, loop);
      entry = loop;
    } else {
      for (let i = counts.min; i < counts.max; i++) entry = this.push(SPLIT, this.emit(part, entry), next);
    }
    for (let i = 0; i < counts.min; i++) {
      const before = entry;
      entry = this.emit(part, before);
      // A part without instructions stays empty, however often it is repeated.
      if (entry === before) break;
    }
    return entry;
  }

  #set(set: CharSet): number {
    const key = set.join();
    let index = this.#setIndex.get(key);
    if (index === undefined) {
      index = this.sets.push(set) - 1;
      this.#setIndex.set(key, index);
    }
    return index;
  }
}

function classify(sets: readonly CharSet[]): Classes {
  const edges = new Set([0]);
  for (const set of sets) {
    for (let i = 0; i < set.length; i += 2) {
      edges.add(set[i]!);
      if (set[i + 1]! < MAX_UNIT) edges.add(set[i + 1]! + 1);
    }
  }
  const starts = Int32Array.from(edges).sort();
  const ids = new Map<string, number>();
  const kinds: number[] = [];
  const classOf = Uint16Array.from(starts, (unit) => {
    const signature = sets.map((set) => contains(set, unit) ? "1" : "0").join("");
    const known = ids.get(signature);
    if (known !== undefined) return known;
    ids.set(signature, ids.size);
    kinds.push(contains(WORD, unit) ? WORD_CHAR : contains(LINE_BREAK, unit) ? LINE_CHAR : OTHER_CHAR);
    return ids.size - 1;
  });
  const low = new Uint16Array(256);
  for (let unit = 0, interval = 0; unit < 256; unit++) {
    while (interval + 1 < starts.length && starts[interval + 1]! <= unit) interval++;
    low[unit] = classOf[interval]!;
  }
  return { count: ids.size, low, starts, classOf, kind: Uint8Array.from(kinds) };
}

/** The class of any code unit. */
export function classOfUnit(classes: Classes, unit: number): number {
  if (unit < 256) return classes.low[unit]!;
  let low = 0;
  let high = classes.starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (classes.starts[middle]! <= unit) low = middle;
    else high = middle - 1;
  }
  return classes.classOf[low]!;
}

function membership(set: CharSet, classes: Classes): Uint8Array {
  const members = new Uint8Array(classes.count);
  classes.starts.forEach((unit, interval) => {
    if (contains(normalised(set), unit)) members[classes.classOf[interval]!] = 1;
  });
  return members;
}

function beginsAtTextStart(node: Node): boolean {
  switch (node.type) {
    case "look":
      return node.look === "text-start";
    case "concat":
      return beginsAtTextStart(node.parts[0]!);
    case "alternate":
      return node.parts.every(beginsAtTextStart);
    case "repeat":
      return node.min > 0 && beginsAtTextStart(node.part);
    default:
      return false;
  }
}
