/** rsub: puts something else in place of what an expression finds, `s/expression/replacement/flags`. */

import { allocate } from "sentinel/arena";
import { Bytes, Text } from "sentinel/text";
import { Regex, regexError } from "../regex/regex";
import { RegexFlags } from "../regex/limits";
import { Operator, refused } from "./operator";

/** A replaced text is at most this much longer than the value; matches behind that stay as they are. */
const GROWTH_BYTES_MAX: i32 = 1 << 20;

/** Matches behind so many stay as they are. */
const MATCHES_MAX: i32 = 4096;

/** Bytes that all searches together may read besides twice the value: each may read to its end to find a short match. */
const READ_BYTES_FREE: i64 = 65_536;

const groups: StaticArray<i32> = new StaticArray<i32>(20);

/** Met when the expression finds something; the new text lies at `replacedAt`, in the memory of the call. */
export class Rsub extends Operator {
  replacedAt: usize = 0;
  replacedLength: i32 = 0;
  private room: i32 = 0;

  private constructor(
    argument: Text,
    private readonly regex: Regex,
    private readonly replacement: Text,
    private readonly isGlobal: bool,
  ) {
    super(argument);
    this.isRepeated = true;
  }

  static make(argument: Text): Operator | null {
    if (argument.length < 4 || argument.byteAt(0) != 0x73) return refused(FORM);
    if (argument.indexOf(Text.of("%{")) >= 0) {
      return refused("cannot have %{…} in its argument");
    }
    const mark = argument.byteAt(1);
    const middle = unescaped(argument, mark, 2);
    const end = middle < 0 ? -1 : unescaped(argument, mark, middle + 1);
    if (end < 0) return refused(FORM);
    let flags = RegexFlags.DOTALL | RegexFlags.MULTILINE;
    let isGlobal = false;
    for (let index = end + 1; index < argument.length; index++) {
      const flag = argument.byteAt(index);
      if (flag == 0x67) isGlobal = true;
      else if (flag == 0x69) flags |= RegexFlags.CASELESS;
      // `d` escapes the replacement for `SecRule STREAM_…`, which is of no use without macros.
      else if (flag != 0x64) {
        return refused('has an unknown flag; known are "g", "i" and "d"');
      }
    }
    const regex = Regex.compile(
      withoutEscape(argument.slice(2, middle), mark),
      flags,
    );
    if (regex === null) {
      return refused(
        "the expression cannot be used: " + regexError().toString(),
      );
    }
    return new Rsub(
      argument,
      regex,
      withoutEscape(argument.slice(middle + 1, end), mark),
      isGlobal,
    );
  }

  override test(value: Bytes): bool {
    if (!this.regex.captureFrom(value.at, value.length, 0, groups)) {
      return false;
    }
    this.met(unchecked(groups[0]), unchecked(groups[1]));
    this.room = min(2 * value.length + 256, value.length + GROWTH_BYTES_MAX);
    this.replacedAt = allocate(this.room);
    this.replacedLength = 0;
    let copied = 0;
    let left = READ_BYTES_FREE + 2 * value.length - Regex.readTo;
    for (let count = 0; count < MATCHES_MAX; count++) {
      const start = unchecked(groups[0]);
      const end = unchecked(groups[1]);
      const added = this.replacementLength();
      if (
        !this.hasRoom(start - copied + added + value.length - end, value.length)
      ) break;
      this.put(value.at + copied, start - copied);
      this.putReplacement(value);
      copied = end;
      const next = end > start ? end : end + 1;
      if (!this.isGlobal || next > value.length || left < 0) break;
      if (!this.regex.captureFrom(value.at, value.length, next, groups)) break;
      left -= Regex.readTo - next;
    }
    this.put(value.at + copied, value.length - copied);
    return true;
  }

  /** The expression is what it was: one with macros is refused. */
  testWith(value: Bytes, _argument: Bytes): bool {
    return this.test(value);
  }

  /** Whether `more` bytes can be added, in a bigger place if need be. */
  private hasRoom(more: i32, length: i32): bool {
    const needed = this.replacedLength + more;
    if (needed <= this.room) return true;
    if (needed > length + GROWTH_BYTES_MAX) return false;
    const room = min(2 * needed, length + GROWTH_BYTES_MAX);
    const at = allocate(room);
    memory.copy(at, this.replacedAt, this.replacedLength);
    this.replacedAt = at;
    this.room = room;
    return true;
  }

  private put(at: usize, length: i32): void {
    memory.copy(this.replacedAt + this.replacedLength, at, length);
    this.replacedLength += length;
  }

  /** Number of the group that `\0` to `\9` at `index` means; -1 when there is no such thing. */
  private groupAt(index: i32): i32 {
    const text = this.replacement;
    if (text.byteAt(index) != 0x5c || index + 1 == text.length) return -1;
    const digit = text.byteAt(index + 1) - 48;
    return digit < 10 ? digit : -1;
  }

  private replacementLength(): i32 {
    let length = 0;
    for (let index = 0; index < this.replacement.length; index++) {
      const group = this.groupAt(index);
      if (group < 0) length++;
      else {
        index++;
        if (groups[2 * group] >= 0) {
          length += groups[2 * group + 1] - groups[2 * group];
        }
      }
    }
    return length;
  }

  private putReplacement(value: Bytes): void {
    const text = this.replacement;
    for (let index = 0; index < text.length; index++) {
      const group = this.groupAt(index);
      if (group < 0) this.put(text.at + index, 1);
      else {
        index++;
        const from = groups[2 * group];
        if (from >= 0) this.put(value.at + from, groups[2 * group + 1] - from);
      }
    }
  }
}

const FORM: string = "its argument is s/expression/replacement/flags, with any byte in place of the slashes";

/** Where `mark` stands without a backslash before it; -1 when nowhere. */
function unescaped(text: Text, mark: u32, from: i32): i32 {
  for (let index = from; index < text.length; index++) {
    const byte = text.byteAt(index);
    if (byte == mark) return index;
    if (byte == 0x5c) index++;
  }
  return -1;
}

/** Without the backslashes before `mark`. */
function withoutEscape(text: Text, mark: u32): Text {
  const at = allocate(text.length);
  let length = 0;
  for (let index = 0; index < text.length; index++) {
    const isEscape = text.byteAt(index) == 0x5c && index + 1 < text.length;
    if (!isEscape || text.byteAt(index + 1) != mark) {
      store<u8>(at + length++, text.byteAt(index));
    }
    if (isEscape) store<u8>(at + length++, text.byteAt(++index));
  }
  return new Text(at, length);
}
