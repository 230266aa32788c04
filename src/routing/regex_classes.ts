/** Sets of UTF-16 code units as sorted, disjoint ranges, flat: `[low, high, low, high, …]`, both inclusive. */
export type CharSet = readonly number[];

export const MAX_UNIT = 0xffff;
export const ANY: CharSet = [0, MAX_UNIT];
export const NOT_NEWLINE: CharSet = [0, 9, 11, MAX_UNIT];
export const DIGIT: CharSet = [0x30, 0x39];
export const SPACE: CharSet = [0x09, 0x0a, 0x0c, 0x0d, 0x20, 0x20];
export const WORD: CharSet = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];

/** `[:name:]` classes as in RE2, ASCII only. */
export const POSIX: Readonly<Record<string, CharSet>> = {
  alnum: [0x30, 0x39, 0x41, 0x5a, 0x61, 0x7a],
  alpha: [0x41, 0x5a, 0x61, 0x7a],
  ascii: [0, 0x7f],
  blank: [0x09, 0x09, 0x20, 0x20],
  cntrl: [0, 0x1f, 0x7f, 0x7f],
  digit: DIGIT,
  graph: [0x21, 0x7e],
  lower: [0x61, 0x7a],
  print: [0x20, 0x7e],
  punct: [0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e],
  space: [0x09, 0x0d, 0x20, 0x20],
  upper: [0x41, 0x5a],
  word: WORD,
  xdigit: [0x30, 0x39, 0x41, 0x46, 0x61, 0x66],
};

/** Sorts and merges ranges given in any order. */
export function normalised(ranges: readonly number[]): CharSet {
  const pairs: [number, number][] = [];
  for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i]!, ranges[i + 1]!]);
  pairs.sort((a, b) => a[0] - b[0]);
  const merged: number[] = [];
  for (const [low, high] of pairs) {
    const end = merged.length - 1;
    if (end > 0 && low <= merged[end]! + 1) merged[end] = Math.max(merged[end]!, high);
    else merged.push(low, high);
  }
  return merged;
}

export function negated(set: CharSet): CharSet {
  const inverse: number[] = [];
  let next = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (set[i]! > next) inverse.push(next, set[i]! - 1);
    next = set[i + 1]! + 1;
  }
  if (next <= MAX_UNIT) inverse.push(next, MAX_UNIT);
  return inverse;
}

export function contains(set: CharSet, unit: number): boolean {
  let low = 0;
  let high = set.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (set[middle * 2 + 1]! < unit) low = middle + 1;
    else high = middle;
  }
  return low * 2 < set.length && set[low * 2]! <= unit;
}

/** The one unit in the set, or -1 when there are none or more. */
export function onlyUnit(set: CharSet): number {
  return set.length === 2 && set[0] === set[1] ? set[0]! : -1;
}

/** Letters whose Unicode simple folding leads outside the pair of one upper and one lower case letter. */
const ODD_FOLDS: Readonly<Record<string, string>> = {
  k: "\u212a",
  s: "\u017f",
  "\u00e5": "\u212b",
  "\u03c9": "\u2126",
  "\u03b8": "\u03d1\u03f4",
  "\u03b2": "\u03d0",
  "\u03b5": "\u03f5",
  "\u03ba": "\u03f0",
  "\u03bc": "\u00b5",
  "\u03c0": "\u03d6",
  "\u03c1": "\u03f1",
  "\u03c3": "\u03c2",
  "\u03c6": "\u03d5",
};

/** The other way round: odd letter → base. */
const ODD_BASES: ReadonlyMap<string, string> = new Map(
  Object.entries(ODD_FOLDS).flatMap(([base, others]) => [...others].map((other) => [other, base] as const)),
);

/** The set and every unit that differs from one of its members by case only. */
export function caseFolded(set: CharSet): CharSet {
  const ranges = [...set];
  for (let i = 0; i < set.length; i += 2) {
    for (let unit = set[i]!; unit <= set[i + 1]!; unit++) addVariants(unit, ranges);
  }
  return normalised(ranges);
}

function addVariants(unit: number, ranges: number[]): void {
  const char = String.fromCharCode(unit);
  const lower = char.toLowerCase();
  const upper = char.toUpperCase();
  // Most characters have no case at all.
  if (lower === upper) return;
  const base = ODD_BASES.get(char) ?? (lower.length === 1 ? lower : char);
  for (const other of [base, base.toUpperCase(), upper, ...(ODD_FOLDS[base] ?? "")]) {
    if (other.length !== 1 || other === char) continue;
    const folded = other.charCodeAt(0);
    ranges.push(folded, folded);
  }
}

/** The members of a Unicode category or script within the basic plane, or undefined for an unknown name. */
export function unicodeSet(name: string): CharSet | undefined {
  const member = unicodePattern(name);
  if (member === undefined) return undefined;
  const ranges: number[] = [];
  for (let unit = 0; unit <= MAX_UNIT; unit++) {
    if (member.test(String.fromCharCode(unit))) ranges.push(unit, unit);
  }
  return normalised(ranges);
}

function unicodePattern(name: string): RegExp | undefined {
  if (!/^\w+$/.test(name)) return undefined;
  for (const property of [`General_Category=${name}`, `Script=${name}`]) {
    try {
      return new RegExp(`^\\p{${property}}$`, "u");
    } catch {
      // The name may be of the other property; unknown names end below.
    }
  }
  return undefined;
}
