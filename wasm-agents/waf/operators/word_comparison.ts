/**
 * Finds comparisons that say the same whatever the data: `1=1`, `a like a`, `1<>2`, `'x' is not 'y'`. It is what rule 942130 of the
 * Core Rule Set 3 looks for with a reference to what its expression has found before, which no automaton can follow; here in
 * one pass. CRS 4 has the same as a chain of two rules.
 */

import { Bytes, lowered, Text } from "sentinel/text";
import { Operator } from "./operator";

/** What stands behind a word: nothing that compares, or something that holds for the same word, or for another one. */
const NOTHING: i32 = 0;
const FOR_SAME: i32 = 1;
const FOR_OTHER: i32 = 2;

export class WordComparison extends Operator {
  /** Where the comparison that was read ends. */
  private end: i32 = 0;

  constructor(argument: Text) {
    super(argument);
  }

  testWith(value: Bytes, _argument: Bytes): bool {
    let at = 0;
    while (at < value.length) {
      const start = at;
      if (!isWordByte(value.byteAt(at))) {
        at++;
        continue;
      }
      while (at < value.length && isWordByte(value.byteAt(at))) at++;
      const end = this.compared(value, start, at);
      if (end > 0) return this.met(start, end);
    }
    return false;
  }

  /** Where a comparison of the word from `start` to `end` ends that always holds; 0 when there is none. */
  private compared(value: Bytes, start: i32, end: i32): i32 {
    const kind = this.operator(value, behindFiller(value, end));
    if (kind == NOTHING) return 0;
    const at = behindFiller(value, this.end);
    if (at == value.length || !isWordByte(value.byteAt(at))) return 0;
    let other = at;
    while (other < value.length && isWordByte(value.byteAt(other))) other++;
    // A word that hangs on the operator is no word.
    const isSame = !isWordByte(value.byteAt(at - 1)) && other - at == end - start &&
      isSameText(value.at + start, value.at + at, end - start);
    return isSame == (kind == FOR_SAME) ? other : 0;
  }

  /** Reads an operator. */
  private operator(value: Bytes, at: i32): i32 {
    this.end = at + 1;
    switch (at < value.length ? lowered(value.byteAt(at)) : 0) {
      case 0x3c: // <
        if (at + 1 == value.length) return FOR_OTHER;
        if (value.byteAt(at + 1) == 0x3e) this.end++;
        if (value.byteAt(at + 1) != 0x3d) return FOR_OTHER;
        this.end++;
        if (at + 2 == value.length || value.byteAt(at + 2) != 0x3e) return FOR_OTHER;
        this.end++;
        return FOR_SAME;
      case 0x3e: // >
        if (at + 1 < value.length && value.byteAt(at + 1) == 0x3d) this.end++;
        return FOR_OTHER;
      case 0x21: // !
        this.end++;
        return at + 1 < value.length && value.byteAt(at + 1) == 0x3d ? FOR_OTHER : NOTHING;
      case 0x5e: // ^
        return FOR_OTHER;
      case 0x3d: // =
        return FOR_SAME;
      case 0x6e: // n
        if (!this.words(value, at, "not", "regexp") && !this.words(value, at, "not", "like")) return NOTHING;
        return FOR_OTHER;
      case 0x69: // i
        return this.words(value, at, "is", "not") ? FOR_OTHER : NOTHING;
      case 0x73: // s
        return this.words(value, at, "sounds", "like") ? FOR_SAME : NOTHING;
      case 0x6c: // l
        return this.word(value, at, "like") ? FOR_SAME : NOTHING;
      case 0x72: // r
        return this.word(value, at, "regexp") || this.word(value, at, "rlike") ? FOR_SAME : NOTHING;
      default:
        return NOTHING;
    }
  }

  private word(value: Bytes, at: i32, word: string): bool {
    if (at + word.length > value.length) return false;
    for (let index = 0; index < word.length; index++) {
      if (lowered(value.byteAt(at + index)) != <u32> word.charCodeAt(index)) return false;
    }
    this.end = at + word.length;
    return true;
  }

  /** Two words with blanks between them. */
  private words(value: Bytes, at: i32, first: string, second: string): bool {
    if (!this.word(value, at, first)) return false;
    const from = this.end;
    let next = from;
    while (next < value.length && isBlank(value.byteAt(next))) next++;
    return next > from && this.word(value, next, second);
  }
}

/** What may stand around words and operators: blanks, quotation marks, parentheses. */
function behindFiller(value: Bytes, from: i32): i32 {
  let at = from;
  while (at < value.length) {
    const byte = value.byteAt(at);
    if (!isBlank(byte) && byte != 0x27 && byte != 0x22 && byte != 0x60 && byte != 0x28 && byte != 0x29) break;
    at++;
  }
  return at;
}

function isBlank(byte: u32): bool {
  return byte == 32 || byte - 9 < 5;
}

function isWordByte(byte: u32): bool {
  return (byte | 32) - 97 < 26 || byte - 48 < 10 || byte == 95;
}

function isSameText(one: usize, other: usize, length: i32): bool {
  for (let index = 0; index < length; index++) {
    if (lowered(load<u8>(one + index)) != lowered(load<u8>(other + index))) return false;
  }
  return true;
}
