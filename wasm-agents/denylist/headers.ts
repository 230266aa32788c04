/** Patterns for the value of one header: a part of it, or all of it with `*` for anything. Letter case is ignored. */

import { Config, globMatches, lowered, Text } from "sentinel";
import { Entries } from "./entries";
import { Slots } from "./slots";

/** Longest pattern, in bytes. */
const PATTERN_BYTES_MAX: i32 = 256;

/** Most patterns for one header that have no three letters in a row, which have to be tried one by one. */
const SHORT_MAX: i32 = 32;

/** Values are looked at up to here, in bytes. */
const VALUE_BYTES_MAX: i32 = 16384;

const HINT_BITS: u32 = 16;

/**
 * Finds which of many patterns a value meets. Each pattern is filed under three letters in a row that few others are
 * filed under; only where those occur in a value is the pattern tried.
 */
export class HeaderTable {
  /** Patterns in lower case, and the entries that they come from. */
  private readonly patterns: Text[] = [];
  private readonly numbers: i32[] = [];
  private readonly short: i32[] = [];
  /** Where in a pattern the letters stand that it is filed under; -1 when it has a `*`. */
  private readonly offsets: i32[] = [];
  private readonly filed: Slots = new Slots();
  /** A bit for each three letters under which something is filed: most letters of a value are dismissed by it. */
  private readonly hints: StaticArray<u8> = new StaticArray<u8>(1 << (HINT_BITS - 3));

  constructor(readonly header: Text, private readonly entries: Entries) {}

  /** Adds an entry by its number. */
  add(number: i32, item: Config): void {
    const pattern = this.entries.at(number).value.toLowerCase();
    if (pattern.length > PATTERN_BYTES_MAX) {
      item.problem("is longer than " + PATTERN_BYTES_MAX.toString() + " bytes");
      return;
    }
    this.patterns.push(pattern);
    this.numbers.push(number);
  }

  /** Builds the table from what was added. */
  build(config: Config, list: string): void {
    const counts = new Map<u32, i32>();
    this.filed.reserve(this.patterns.length);
    for (let index = 0; index < this.patterns.length; index++) {
      const pattern = this.patterns[index];
      const end = rarest(pattern, counts);
      this.offsets.push(pattern.indexOfByte(0x2a) < 0 ? end - 3 : -1);
      if (end < 0) this.short.push(index);
      else {
        const letters = lettersBefore(pattern, end);
        counts.set(letters, (counts.has(letters) ? counts.get(letters) : 0) + 1);
        this.filed.put(letters, index);
        const hint = hintOf(letters);
        const byte = hint >>> 3;
        this.hints[byte] = this.hints[byte] | <u8> ((<u32> 1) << (hint & 7));
      }
    }
    if (this.short.length > SHORT_MAX) {
      config.problem(
        "has " + this.short.length.toString() + " patterns without three letters in a row; there may be " +
          SHORT_MAX.toString(),
        list,
      );
    }
  }

  /** The number of a live entry that the value meets; -1 when there is none. */
  find(value: Text): i32 {
    const length = min(value.length, VALUE_BYTES_MAX);
    const hints = changetype<usize>(this.hints);
    let text: Text | null = null;
    let letters: u32 = 0;
    for (let at = 0; at < length; at++) {
      letters = (letters << 8 | lowered(value.byteAt(at))) & 0xffffff;
      const hint = hintOf(letters);
      if ((<u32> load<u8>(hints + (hint >>> 3)) >>> (hint & 7) & 1) == 0) continue;
      if (text === null) text = value.slice(0, length).toLowerCase();
      const found = this.tryFiled(letters, text, at - 2);
      if (found >= 0) return found;
    }
    if (this.short.length == 0) return -1;
    if (text === null) text = value.slice(0, length).toLowerCase();
    return this.tryShort(text);
  }

  /** Tries the patterns that are filed under three letters, which the text has at `at`. */
  private tryFiled(letters: u32, text: Text, at: i32): i32 {
    for (let place = this.filed.first(letters); place >= 0; place = this.filed.next(letters, place)) {
      const index = this.filed.value(place);
      const offset = unchecked(this.offsets[index]);
      const isMet = offset < 0 ? this.meets(index, text) : this.standsAt(index, text, at - offset);
      if (isMet && this.entries.isLive(unchecked(this.numbers[index]))) return unchecked(this.numbers[index]);
    }
    return -1;
  }

  private tryShort(text: Text): i32 {
    for (let each = 0; each < this.short.length; each++) {
      const index = unchecked(this.short[each]);
      const isMet = this.meets(index, text);
      if (isMet && this.entries.isLive(unchecked(this.numbers[index]))) return unchecked(this.numbers[index]);
    }
    return -1;
  }

  private meets(index: i32, text: Text): bool {
    return globMatches(unchecked(this.patterns[index]), text);
  }

  /** Whether the pattern, which has no `*`, stands at one place of the text. */
  private standsAt(index: i32, text: Text, at: i32): bool {
    const pattern = unchecked(this.patterns[index]);
    return at >= 0 && at + pattern.length <= text.length &&
      text.slice(at, at + pattern.length).equals(pattern);
  }
}

/** A bit for three letters. */
function hintOf(letters: u32): u32 {
  return letters * 0x9e3779b1 >>> (32 - HINT_BITS);
}

/** The end of the three letters of a pattern under which the fewest patterns are filed; -1 when it has none in a row. */
function rarest(pattern: Text, counts: Map<u32, i32>): i32 {
  let best = -1;
  let fewest = i32.MAX_VALUE;
  let run = 0;
  for (let at = 0; at < pattern.length && fewest > 0; at++) {
    run = pattern.byteAt(at) == 0x2a ? 0 : run + 1;
    if (run < 3) continue;
    const letters = lettersBefore(pattern, at + 1);
    const count = counts.has(letters) ? counts.get(letters) : 0;
    if (count >= fewest) continue;
    fewest = count;
    best = at + 1;
  }
  return best;
}

function lettersBefore(text: Text, end: i32): u32 {
  return text.byteAt(end - 3) << 16 | text.byteAt(end - 2) << 8 | text.byteAt(end - 1);
}
