/** Words of rule files: compared without regard to the case of ASCII letters, and numbered. */

import { Bytes, ByteWriter, EMPTY, lowered, Text } from "sentinel";

/** Whether a word is the one of the program, in any letter case. */
export function isWord(word: Bytes, name: string): bool {
  if (word.length != name.length) return false;
  for (let index = 0; index < word.length; index++) {
    if (lowered(word.byteAt(index)) != lowered(<u32> name.charCodeAt(index))) {
      return false;
    }
  }
  return true;
}

/** Whether two words are the same in any letter case. */
export function isSameWord(a: Bytes, b: Bytes): bool {
  return a.length == b.length && isSameRun(a.at, b.at, a.length);
}

/** Whether `length` bytes at two places are the same in any letter case. */
export function isSameRun(a: usize, b: usize, length: i32): bool {
  for (let index = 0; index < length; index++) {
    const left = <u32> load<u8>(a + index);
    const right = <u32> load<u8>(b + index);
    if (left != right && lowered(left) != lowered(right)) return false;
  }
  return true;
}

/** FNV-1a over lower-cased bytes; spreads names over tables. */
export function wordHash(at: usize, length: i32): u32 {
  let hash: u32 = 0x811c9dc5;
  for (let index = 0; index < length; index++) {
    hash = (hash ^ lowered(load<u8>(at + index))) * 0x01000193;
  }
  return hash;
}

/** A copy of bytes with A to Z as a to z. */
export function loweredCopy(word: Bytes): Text {
  return word.asText().toLowerCase();
}

/** Part of bytes, without a copy. */
export function part(bytes: Bytes, from: i32, to: i32): Bytes {
  return new Bytes(bytes.at + from, to - from);
}

/** Without blanks, tabs and line ends around. */
export function trimmed(bytes: Bytes): Bytes {
  let from = 0;
  let to = bytes.length;
  while (from < to && isSpace(bytes.byteAt(from))) from++;
  while (to > from && isSpace(bytes.byteAt(to - 1))) to--;
  return part(bytes, from, to);
}

/** Blank, tab, carriage return, line feed, form feed or vertical tab. */
export function isSpace(byte: u32): bool {
  return byte == 32 || byte - 9 < 5;
}

/** A whole number of digits with a sign perhaps; `fallback` for anything else or more than nine digits. */
export function wholeNumber(bytes: Bytes, fallback: i32): i32 {
  const isNegative = bytes.length > 0 && bytes.byteAt(0) == 0x2d;
  const start = isNegative ? 1 : 0;
  if (bytes.length == start || bytes.length - start > 10) return fallback;
  let value: i64 = 0;
  for (let index = start; index < bytes.length; index++) {
    const digit = bytes.byteAt(index) - 48;
    if (digit > 9) return fallback;
    value = value * 10 + digit;
  }
  if (value > <i64> i32.MAX_VALUE) return fallback;
  return isNegative ? -(<i32> value) : <i32> value;
}

/** The number at the start of a text as C's `atoi` reads it: 0 when there is none; stays within 32 bits. */
export function leadingNumber(at: usize, length: i32): i32 {
  let index = 0;
  while (index < length && isSpace(load<u8>(at + index))) index++;
  if (index == length) return 0;
  const sign = <u32> load<u8>(at + index);
  if (sign == 0x2d || sign == 0x2b) index++;
  let value: i64 = 0;
  for (; index < length; index++) {
    const digit = <u32> load<u8>(at + index) - 48;
    if (digit > 9) break;
    value = value * 10 + digit;
    if (value > <i64> i32.MAX_VALUE) {
      value = <i64> i32.MAX_VALUE;
      break;
    }
  }
  return sign == 0x2d ? -(<i32> value) : <i32> value;
}

/** Pieces of a list between separators, without blanks around; empty ones are left out. */
export function listed(bytes: Bytes, separator: u32): Bytes[] {
  const pieces = new Array<Bytes>();
  let from = 0;
  for (let index = 0; index <= bytes.length; index++) {
    if (index < bytes.length && bytes.byteAt(index) != separator) continue;
    const piece = trimmed(part(bytes, from, index));
    if (piece.length > 0) pieces.push(piece);
    from = index + 1;
  }
  return pieces;
}

/** Bytes one behind the other. */
export function joinedBytes(first: Bytes, second: Bytes): Bytes {
  const writer = new ByteWriter(first.length + second.length);
  writer.bytes(first);
  writer.bytes(second);
  return writer.text;
}

/** Numbers names in the order in which they come; any letter case is the same name. */
export class NameTable {
  readonly names: Bytes[] = [];
  private slots: StaticArray<i32> = new StaticArray<i32>(64);

  /** The number of a name; -1 when it has none. */
  find(name: Bytes): i32 {
    return this.findRun(name.at, name.length, wordHash(name.at, name.length));
  }

  /** As `find`, with the hash at hand. */
  findRun(at: usize, length: i32, hash: u32): i32 {
    const mask = <u32> this.slots.length - 1;
    let slot = hash & mask;
    let number = unchecked(this.slots[slot]) - 1;
    while (number >= 0) {
      const name = unchecked(this.names[number]);
      if (name.length == length && isSameRun(name.at, at, length)) break;
      slot = (slot + 1) & mask;
      number = unchecked(this.slots[slot]) - 1;
    }
    return number;
  }

  /** The number of a name, which is given one when it has none. The bytes must last. */
  intern(name: Bytes): i32 {
    const known = this.find(name);
    if (known >= 0) return known;
    const lasting = loweredCopy(name);
    this.names.push(lasting);
    if (this.names.length * 2 > this.slots.length) {
      this.spread(this.slots.length * 2);
    } else this.place(this.names.length - 1);
    return this.names.length - 1;
  }

  private spread(size: i32): void {
    this.slots = new StaticArray<i32>(size);
    for (let number = 0; number < this.names.length; number++) {
      this.place(number);
    }
  }

  private place(number: i32): void {
    const name = this.names[number];
    const mask = <u32> this.slots.length - 1;
    let slot = wordHash(name.at, name.length) & mask;
    while (this.slots[slot] != 0) slot = (slot + 1) & mask;
    this.slots[slot] = number + 1;
  }
}

/** No bytes. */
export const NOTHING: Bytes = EMPTY;
