/** Bytes and text as they lie in memory: the host's words need no copy to be looked at. */

import { allocate } from "./arena";

/** Bytes somewhere in memory. Holds for as long as the call, or for ever when it was made in `onConfigure`. */
export class Bytes {
  constructor(readonly at: usize, readonly length: i32) {}

  /** The bytes of a text, as UTF-8. */
  static of(text: string): Bytes {
    return Text.of(text);
  }

  /** The bytes of an array, without a copy. */
  static over(array: Uint8Array): Bytes {
    return new Bytes(array.dataStart, array.length);
  }

  /** The byte at `index`, which must be below `length`. */
  @inline
  byteAt(index: i32): u32 {
    return load<u8>(this.at + index);
  }

  /** The same bytes as text. They must be UTF-8. */
  asText(): Text {
    return new Text(this.at, this.length);
  }

  /** A copy as an array. */
  toArray(): Uint8Array {
    const array = new Uint8Array(this.length);
    memory.copy(array.dataStart, this.at, this.length);
    return array;
  }

  /** Text in the language's own form, which is a copy. What is not UTF-8 becomes U+FFFD. */
  toString(): string {
    return String.UTF8.decodeUnsafe(this.at, this.length);
  }

  /** Whether both are the same bytes. */
  equals(other: Bytes): bool {
    return this.length == other.length && memory.compare(this.at, other.at, this.length) == 0;
  }

  /** Whether these begin with `start`. */
  startsWith(start: Bytes): bool {
    return this.length >= start.length && memory.compare(this.at, start.at, start.length) == 0;
  }

  /** Whether these end with `tail`. */
  endsWith(tail: Bytes): bool {
    const from = this.length - tail.length;
    return from >= 0 && memory.compare(this.at + from, tail.at, tail.length) == 0;
  }

  /** Where `byte` first stands at or after `from`; -1 when it does not. */
  indexOfByte(byte: u32, from: i32 = 0): i32 {
    const start = this.at;
    const end = start + this.length;
    for (let at = start + from; at < end; at++) {
      if (load<u8>(at) == byte) return <i32> (at - start);
    }
    return -1;
  }

  /** Where `other` first stands at or after `from`; -1 when it does not. */
  indexOf(other: Bytes, from: i32 = 0): i32 {
    const last = this.length - other.length;
    if (other.length == 0) return from <= this.length ? from : -1;
    const first = other.byteAt(0);
    for (let index = from; index <= last; index++) {
      if (this.byteAt(index) != first) continue;
      if (memory.compare(this.at + index, other.at, other.length) == 0) return index;
    }
    return -1;
  }

  /** Whether `other` stands somewhere in these. */
  includes(other: Bytes): bool {
    return this.indexOf(other) >= 0;
  }
}

/** Text somewhere in memory, as UTF-8. */
export class Text extends Bytes {
  /** The text as UTF-8. A text that is used often is best made once, at the top of the file. */
  static of(text: string): Text {
    const length = text.length;
    if (length == 0) return EMPTY;
    // Three bytes for a unit of UTF-16 are enough; what is not used goes back with the rest of the call.
    const at = allocate(3 * length);
    return new Text(at, <i32> String.UTF8.encodeUnsafe(changetype<usize>(text), length, at));
  }

  /** Part of the text, without a copy; counts bytes. */
  slice(from: i32, to: i32 = i32.MAX_VALUE): Text {
    const end = min(to, this.length);
    const start = min(max(from, 0), end);
    return new Text(this.at + start, end - start);
  }

  /** Whether the text is `other`. */
  is(other: string): bool {
    for (let index = 0; index < other.length; index++) {
      const unit = <u32> other.charCodeAt(index);
      if (unit > 127) return this.equals(Text.of(other));
      if (index >= this.length || this.byteAt(index) != unit) return false;
    }
    return this.length == other.length;
  }

  /** A copy with A to Z as a to z. */
  toLowerCase(): Text {
    const at = allocate(this.length);
    for (let index = 0; index < this.length; index++) {
      store<u8>(at + index, <u8> lowered(this.byteAt(index)));
    }
    return new Text(at, this.length);
  }

  /** Without spaces and tabs around. */
  trim(): Text {
    let from = 0;
    let to = this.length;
    while (from < to && isBlank(this.byteAt(from))) from++;
    while (to > from && isBlank(this.byteAt(to - 1))) to--;
    return from == 0 && to == this.length ? this : this.slice(from, to);
  }
}

/** No text and no bytes. */
export const EMPTY: Text = new Text(0, 0);

/** A to Z as a to z; any other byte as it is. */
// asc: @inline
export function lowered(byte: u32): u32 {
  return byte - 65 < 26 ? byte + 32 : byte;
}

function isBlank(byte: u32): bool {
  return byte == 32 || byte == 9;
}

/** A text from the two numbers that the host left at an address. */
export function loadText(at: usize): Text {
  return new Text(load<usize>(at), load<i32>(at, 4));
}

/** Bytes from the two numbers that the host left at an address. */
export function loadBytes(at: usize): Bytes {
  return new Bytes(load<usize>(at), load<i32>(at, 4));
}

/** Leaves for the host where bytes are and how many. */
export function storeText(at: usize, value: Bytes): void {
  store<usize>(at, value.at);
  store<i32>(at, value.length, 4);
}

/** A list of texts from its address and count. */
export function loadTexts(at: usize, count: i32): Text[] {
  const list = new Array<Text>(count);
  for (let index = 0; index < count; index++) list[index] = loadText(at + 8 * index);
  return list;
}

/** Writes a list of texts, null being an empty one, and returns its address. */
export function storeTexts(list: Text[] | null): usize {
  if (list === null || list.length == 0) return 0;
  const start = allocate(8 * list.length);
  for (let index = 0; index < list.length; index++) storeText(start + 8 * index, list[index]);
  return start;
}
