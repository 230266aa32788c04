/** Reads a pattern in PCRE's syntax into a syntax tree. What cannot be matched in linear time is a problem. */

import { Bytes } from "sentinel/text";
import { readBrackets } from "./brackets";
import { internSet, SET_BYTES, setAdd, setAddRange, setClear, setFold } from "./byte_sets";
import { problem, RegexProblem } from "./errors";
import { Escape, octal, readEscape } from "./escapes";
import { mergeSets } from "./merge_sets";
import { NESTING_MAX, PATTERN_BYTES_MAX, RegexFlags, REPEAT_MAX } from "./limits";
import {
  append,
  Assertion,
  hasRoomForNodes,
  isSingle,
  Kind,
  LINE_BREAK,
  newNode,
  Node,
  nodeAt,
  removeLast,
  resetNodes,
} from "./nodes";

const NO_LOOKAROUND =
  "look-around is not supported, because it cannot be matched in linear time; match what stands around as well";
const NO_BACKREFERENCE =
  "references to groups are not supported, because they cannot be matched in linear time";
const NO_SUBROUTINE = "recursion, subroutines and conditions are not supported";

class Parser {
  start: usize = 0;
  at: usize = 0;
  end: usize = 0;
  flags: u32 = 0;
  depth: i32 = 0;
  /** Groups that are remembered, so far. */
  groups: i32 = 0;
  /** A set while it is put together. */
  set: StaticArray<u8> = new StaticArray<u8>(32);

  get offset(): i32 {
    return <i32> (this.at - this.start);
  }

  has(flag: u32): bool {
    return (this.flags & flag) != 0;
  }

  /** Whether the next byte is `byte`; if so it is behind us. */
  skip(byte: u32): bool {
    if (this.at >= this.end || load<u8>(this.at) != byte) return false;
    this.at++;
    return true;
  }

  peek(ahead: usize = 0): u32 {
    return this.at + ahead < this.end ? load<u8>(this.at + ahead) : 0;
  }

  alternation(isReset: bool): Node {
    const all = newNode(Kind.ALTERNATE, 0, this.offset);
    const groupsBefore = this.groups;
    let groupsMost = groupsBefore;
    while (true) {
      if (isReset) this.groups = groupsBefore;
      if (!hasRoomForNodes()) {
        problem(this.offset, "the pattern has too many parts");
        break;
      }
      append(all, this.branch());
      groupsMost = max(groupsMost, this.groups);
      if (RegexProblem.isSet || !this.skip(124)) break;
    }
    this.groups = groupsMost;
    if (RegexProblem.isSet) return all;
    mergeSets(all);
    return isSingle(all) ? nodeAt(all.first) : all;
  }

  branch(): Node {
    const all = newNode(Kind.CONCAT, 0, this.offset);
    while (this.at < this.end && !RegexProblem.isSet) {
      const byte = <u32> load<u8>(this.at);
      if (byte == 124 || byte == 41) break;
      if (!hasRoomForNodes()) {
        problem(this.offset, "the pattern has too many parts");
        break;
      }
      if (this.has(RegexFlags.EXTENDED) && this.skipBlank(byte)) continue;
      if (byte == 92 && this.peek(1) == 81) this.quoted(all);
      else if (byte == 92 && this.peek(1) == 69) this.at += 2;
      else this.item(all);
    }
    if (all.first == 0) return newNode(Kind.EMPTY, 0, this.offset);
    return isSingle(all) ? nodeAt(all.first) : all;
  }

  skipBlank(byte: u32): bool {
    if (byte == 32 || byte - 9 < 5) {
      this.at++;
      return true;
    }
    if (byte != 35) return false;
    while (this.at < this.end && load<u8>(this.at) != 10) this.at++;
    return true;
  }

  /** \Q…\E. */
  quoted(all: Node): void {
    this.at += 2;
    while (this.at < this.end && !(load<u8>(this.at) == 92 && this.peek(1) == 69)) {
      if (!hasRoomForNodes()) return;
      append(all, this.single(load<u8>(this.at)));
      this.at++;
    }
    if (this.at < this.end) this.at += 2;
    if (all.last != 0) this.repeats(all, removeLast(all));
  }

  /** One thing and how often it comes. */
  item(all: Node): void {
    const one = this.atom();
    if (RegexProblem.isSet || !one) return;
    this.repeats(all, one);
  }

  /** Reads the repeat behind `one`, if there is one, and appends it. */
  repeats(all: Node, one: Node): void {
    let node = one;
    while (this.at < this.end && hasRoomForNodes()) {
      if (this.has(RegexFlags.EXTENDED) && this.skipBlank(load<u8>(this.at))) continue;
      const offset = this.offset;
      if (RegexProblem.isSet || !this.readCount()) break;
      if (node != one) {
        problem(offset, "nothing to repeat here: the part before is repeated already");
        return;
      }
      const repeat = newNode(Kind.REPEAT, 0, one.offset);
      repeat.min = Count.min;
      repeat.max = Count.max;
      repeat.isLazy = this.has(RegexFlags.UNGREEDY);
      append(repeat, one);
      node = repeat;
      if (this.skip(63)) repeat.isLazy = !repeat.isLazy;
      else if (this.skip(43)) {
        node = newNode(Kind.ATOMIC, 0, one.offset);
        append(node, repeat);
      }
    }
    append(all, node);
  }

  /** Whether a repeat is next: `*`, `+`, `?` or `{n,m}`. Braces that are no repeat are themselves. */
  readCount(): bool {
    const byte = this.peek();
    if (byte == 42 || byte == 43 || byte == 63) {
      Count.min = byte == 43 ? 1 : 0;
      Count.max = byte == 63 ? 1 : -1;
      this.at++;
      return true;
    }
    if (byte != 123) return false;
    const at = this.at++;
    const low = this.number();
    let high = low;
    if (low >= 0 && this.skip(44)) {
      high = this.peek() == 125 ? -1 : this.number();
    }
    if (low < 0 || high < -1 || !this.skip(125)) {
      this.at = at;
      return false;
    }
    if (low > REPEAT_MAX || high > REPEAT_MAX) {
      problem(<i32> (at - this.start), "a count above 65535");
    } else if (high >= 0 && high < low) {
      problem(<i32> (at - this.start), "the counts are the wrong way round");
    }
    Count.min = low;
    Count.max = high;
    return true;
  }

  /** Digits as a number; -2 when there are none. */
  number(): i32 {
    let value = 0;
    const from = this.at;
    while (this.at < this.end && <u32> load<u8>(this.at) - 48 < 10) {
      value = min(10 * value + <i32> load<u8>(this.at++) - 48, REPEAT_MAX + 1);
    }
    return this.at == from ? -2 : value;
  }

  /** One thing; null when it was a change of flags or a comment, or after a problem. */
  atom(): Node | null {
    const offset = this.offset;
    const byte = <u32> load<u8>(this.at++);
    switch (byte) {
      case 40: // (
        return this.group(offset);
      case 91: // [
        return this.brackets(offset);
      case 92: // backslash
        return this.escape(offset);
      case 46: // .
        return this.dot(offset);
      case 94: // ^
        return newNode(
          Kind.ASSERT,
          this.has(RegexFlags.MULTILINE) ? Assertion.BEGIN_LINE : Assertion.BEGIN_TEXT,
          offset,
        );
      case 36: // $
        return newNode(Kind.ASSERT, this.dollar(), offset);
      case 42:
      case 43:
      case 63:
        problem(offset, "nothing to repeat here; write a backslash before it for the character itself");
        return null;
      default:
        return this.single(byte, offset);
    }
  }

  dollar(): u16 {
    if (this.has(RegexFlags.MULTILINE)) return Assertion.END_LINE;
    return this.has(RegexFlags.DOLLAR_ENDONLY) ? Assertion.END_TEXT : Assertion.END_OR_LAST_BREAK;
  }

  dot(offset: i32): Node {
    const set = changetype<usize>(this.set);
    memory.fill(set, 0xff, SET_BYTES);
    if (!this.has(RegexFlags.DOTALL)) store<u8>(set + 1, 0xff & ~4);
    return this.setNode(offset);
  }

  single(byte: u32, offset: i32 = -1): Node {
    const set = changetype<usize>(this.set);
    setClear(set);
    setAdd(set, byte);
    if (this.has(RegexFlags.CASELESS)) setFold(set);
    return this.setNode(offset < 0 ? this.offset : offset);
  }

  setNode(offset: i32): Node {
    const id = internSet(changetype<usize>(this.set));
    if (id < 0) {
      problem(offset, "all expressions together have too many different character classes");
    }
    return newNode(Kind.SET, <u16> max(id, 0), offset);
  }

  brackets(offset: i32): Node | null {
    const set = changetype<usize>(this.set);
    const next = readBrackets(this.at, this.end, this.start, set, this.has(RegexFlags.CASELESS));
    if (next == 0) return null;
    this.at = next;
    return this.setNode(offset);
  }

  escape(offset: i32): Node | null {
    const set = changetype<usize>(this.set);
    const kind = readEscape(this.at, this.end, this.start, set);
    if (kind == Escape.PROBLEM) return null;
    const from = this.at;
    this.at = Escape.next;
    if (kind == Escape.SET) return this.setNode(offset);
    if (kind == Escape.BYTE) return this.single(Escape.value, offset);
    if (kind == Escape.LETTER) return this.letter(Escape.value, offset);
    const value = <i32> Escape.value;
    if (value < 10 || value <= this.groups || load<u8>(from) >= 56) {
      problem(offset, NO_BACKREFERENCE);
      return null;
    }
    octal(from, this.end);
    this.at = Escape.next;
    return this.single(Escape.value, offset);
  }

  /** An escape that is no byte and no set. */
  letter(letter: u32, offset: i32): Node | null {
    switch (letter) {
      case 98: // b
        return newNode(Kind.ASSERT, Assertion.WORD_BOUNDARY, offset);
      case 66: // B
        return newNode(Kind.ASSERT, Assertion.NO_WORD_BOUNDARY, offset);
      case 65: // A
        return newNode(Kind.ASSERT, Assertion.BEGIN_TEXT, offset);
      case 122: // z
        return newNode(Kind.ASSERT, Assertion.END_TEXT, offset);
      case 90: // Z
        return newNode(Kind.ASSERT, Assertion.END_OR_LAST_BREAK, offset);
      case 67: // C
        memory.fill(changetype<usize>(this.set), 0xff, SET_BYTES);
        return this.setNode(offset);
      case 82: // R
        return this.lineBreak(offset);
      case 103: // g
      case 107: // k
        problem(offset, NO_BACKREFERENCE);
        return null;
      case 112: // p
      case 80: // P
      case 88: // X
        problem(
          offset,
          "Unicode properties are not supported, texts are matched byte by byte; name the bytes in [ ]",
        );
        return null;
      case 75: // K
      case 71: // G
        problem(offset, "\\K and \\G are not supported");
        return null;
      default:
        problem(offset, "no such escape; without the backslash it is the letter itself");
        return null;
    }
  }

  /** \R: CR LF, or any one line break; it never gives the LF back. */
  lineBreak(offset: i32): Node {
    const pair = newNode(Kind.CONCAT, 0, offset);
    append(pair, this.single(13, offset));
    append(pair, this.single(10, offset));
    const all = newNode(Kind.ALTERNATE, 0, offset);
    append(all, pair);
    const set = changetype<usize>(this.set);
    setClear(set);
    setAddRange(set, 10, 13);
    setAdd(set, 0x85);
    append(all, this.setNode(offset));
    const atomic = newNode(Kind.ATOMIC, LINE_BREAK, offset);
    append(atomic, all);
    return atomic;
  }

  /** From behind a parenthesis. */
  group(offset: i32): Node | null {
    const flagsBefore = this.flags;
    let kind = Kind.GROUP;
    let isReset = false;
    if (this.peek() == 42) {
      problem(offset, "verbs such as (*SKIP) are not supported");
      return null;
    }
    if (this.skip(63)) {
      kind = Kind.CONCAT;
      const byte = this.peek();
      if (byte == 35) return this.comment(offset);
      if (byte == 58) this.at++;
      else if (byte == 124) {
        this.at++;
        isReset = true;
      } else if (byte == 62) {
        this.at++;
        kind = Kind.ATOMIC;
      } else if (byte == 80 || byte == 60 || byte == 39) {
        if (!this.groupName(offset)) return null;
        kind = Kind.GROUP;
      } else {
        if (!this.flagLetters(offset)) return null;
        if (this.skip(41)) return null;
        this.at++;
      }
    }
    return this.inside(kind, isReset, offset, flagsBefore);
  }

  inside(kind: u8, isReset: bool, offset: i32, flagsBefore: u32): Node | null {
    if (++this.depth > NESTING_MAX) {
      problem(offset, "groups are nested too deeply");
      return null;
    }
    let group = this.groups;
    if (kind == Kind.GROUP) group = ++this.groups;
    const inner = this.alternation(isReset);
    this.depth--;
    this.flags = flagsBefore;
    if (RegexProblem.isSet) return null;
    if (!this.skip(41)) {
      problem(offset, "the ( has no ); write \\( for the parenthesis itself");
      return null;
    }
    if (kind == Kind.CONCAT) return inner;
    const node = newNode(kind, <u16> min(group, 65535), offset);
    append(node, inner);
    return node;
  }

  comment(offset: i32): Node | null {
    while (this.at < this.end && load<u8>(this.at) != 41) this.at++;
    if (!this.skip(41)) problem(offset, "the comment has no end");
    return null;
  }

  /** `P<name>`, `<name>` or `'name'`. */
  groupName(offset: i32): bool {
    const second = this.peek(1);
    if (this.peek() == 60 && (second == 61 || second == 33)) {
      problem(offset, NO_LOOKAROUND);
      return false;
    }
    if (this.skip(80) && this.peek() != 60) {
      problem(offset, this.peek() == 61 ? NO_BACKREFERENCE : NO_SUBROUTINE);
      return false;
    }
    const close: u32 = load<u8>(this.at++) == 39 ? 39 : 62;
    const from = this.at;
    while (this.at < this.end && isNameByte(load<u8>(this.at))) this.at++;
    if (this.at > from && this.skip(close)) return true;
    problem(offset, "the group's name must be letters, digits and _, and end with what it began with");
    return false;
  }

  /** `i-s`, `^` and so on, up to a colon or the closing parenthesis. */
  flagLetters(offset: i32): bool {
    let isOff = false;
    if (this.skip(94)) {
      this.flags &= ~(RegexFlags.CASELESS | RegexFlags.MULTILINE | RegexFlags.DOTALL |
        RegexFlags.EXTENDED);
    }
    while (this.at < this.end) {
      const letter = <u32> load<u8>(this.at);
      if (letter == 41 || letter == 58) return true;
      let flag: u32 = 0;
      if (letter == 105) flag = RegexFlags.CASELESS;
      else if (letter == 109) flag = RegexFlags.MULTILINE;
      else if (letter == 115) flag = RegexFlags.DOTALL;
      else if (letter == 120) flag = RegexFlags.EXTENDED;
      else if (letter == 85) flag = RegexFlags.UNGREEDY;
      else if (letter != 45 || isOff) break;
      if (letter == 45) isOff = true;
      else if (isOff) this.flags &= ~flag;
      else this.flags |= flag;
      this.at++;
    }
    const letter = this.peek();
    if (letter == 61 || letter == 33) problem(offset, NO_LOOKAROUND);
    else if (
      letter == 38 || letter == 40 || letter == 82 || letter == 43 ||
      letter - 48 < 10
    ) problem(offset, NO_SUBROUTINE);
    else {problem(
        offset,
        "the flags i, m, s, x and U are known, and groups (?: (?> (?| (?<name>",
      );}
    return false;
  }
}

/** The counts that were read last; max -1: without end. */
class Count {
  static min: i32 = 0;
  static max: i32 = 0;
}

function isNameByte(byte: u32): bool {
  return (byte | 32) - 97 < 26 || byte - 48 < 10 || byte == 95;
}

/** One for all patterns, so that a pattern leaves nothing behind. */
const parser: Parser = new Parser();

/** The tree of a pattern; null after a problem, which is in `RegexProblem`. */
export function parsePattern(pattern: Bytes, flags: u32): Node | null {
  resetNodes();
  if (pattern.length > PATTERN_BYTES_MAX) {
    problem(PATTERN_BYTES_MAX, "the pattern is longer than 65536 bytes");
    return null;
  }
  parser.start = pattern.at;
  parser.at = pattern.at;
  parser.end = pattern.at + pattern.length;
  parser.flags = flags;
  parser.depth = 0;
  parser.groups = 0;
  const all = parser.alternation(false);
  if (!RegexProblem.isSet && parser.at < parser.end) {
    problem(parser.offset, "a ) without (; write \\) for the parenthesis itself");
  }
  return RegexProblem.isSet ? null : all;
}

/** How many groups the last pattern has, without group 0. */
export function groupCount(): i32 {
  return parser.groups;
}
