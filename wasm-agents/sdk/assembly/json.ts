/** A small JSON reader with bounds. What it reads points into the text it was read from; nothing is copied. */

import { Bytes, EMPTY, Text } from "./text";
import { decodedString, isSameName } from "./json_string";
import { numberOf } from "./json_number";
import { hexDigit } from "./request";

/** Deepest nesting of arrays and objects. */
export const JSON_DEPTH_MAX: i32 = 64;

/** Most values in one text. */
export const JSON_VALUES_MAX: i32 = 200_000;

/** What a value is. */
export class JsonKind {
  static readonly NULL: u8 = 0;
  static readonly FALSE: u8 = 1;
  static readonly TRUE: u8 = 2;
  static readonly NUMBER: u8 = 3;
  static readonly STRING: u8 = 4;
  static readonly ARRAY: u8 = 5;
  static readonly OBJECT: u8 = 6;
}

/** A JSON value, with its place among its neighbours. */
export class Json {
  kind: u8 = 0;
  /** Whether somebody looked at it; see `Config`. */
  isUsed: bool = false;
  /** As written: a string without its quotes. Means nothing for arrays and objects. */
  raw: Text = EMPTY;
  /** In an object: the member's name as written, without quotes. */
  rawName: Text = EMPTY;
  /** In an array or object: the first and last element. */
  first: Json | null = null;
  last: Json | null = null;
  /** The element after this one. */
  next: Json | null = null;

  get isNull(): bool {
    return this.kind == JsonKind.NULL;
  }

  get isString(): bool {
    return this.kind == JsonKind.STRING;
  }

  get isNumber(): bool {
    return this.kind == JsonKind.NUMBER;
  }

  get isArray(): bool {
    return this.kind == JsonKind.ARRAY;
  }

  get isObject(): bool {
    return this.kind == JsonKind.OBJECT;
  }

  get isBoolean(): bool {
    return this.kind == JsonKind.TRUE || this.kind == JsonKind.FALSE;
  }

  get isTrue(): bool {
    return this.kind == JsonKind.TRUE;
  }

  /** Of a string: its text. */
  get text(): Text {
    return decodedString(this.raw);
  }

  /** Of a number: its value. */
  get number(): f64 {
    return numberOf(this.raw);
  }

  /** The member's name. */
  get name(): Text {
    return decodedString(this.rawName);
  }

  /** The member of that name; the last one when there are several, null when there is none. */
  get(name: Text): Json | null {
    let found: Json | null = null;
    let each = this.first;
    while (each !== null) {
      if (isSameName(each.rawName, name)) found = each;
      each = each.next;
    }
    return found;
  }

  /** The element at `index`, null when there is none. */
  item(index: i32): Json | null {
    let left = index;
    let each = this.first;
    while (each !== null) {
      if (left-- == 0) return each;
      each = each.next;
    }
    return null;
  }

  /** How many elements there are. */
  get count(): i32 {
    let count = 0;
    let each = this.first;
    while (each !== null) {
      count++;
      each = each.next;
    }
    return count;
  }

  /** Puts an element behind the others. */
  append(element: Json): void {
    const last = this.last;
    element.next = null;
    if (last === null) this.first = element;
    else last.next = element;
    this.last = element;
  }
}

/** Reads one text. */
export class JsonReader {
  /** Why `read` returned null, with the place. */
  problem: string = "";
  private at: i32 = 0;
  private depth: i32 = 0;
  private values: i32 = 0;

  constructor(private readonly text: Bytes) {}

  /** The value of the whole text; null when it is no JSON or beyond the bounds. */
  read(): Json | null {
    const value = this.value();
    if (value === null) return null;
    this.skipBlank();
    return this.at == this.text.length ? value : this.refuse("something follows the value");
  }

  private refuse(why: string): Json | null {
    if (this.problem == "") this.problem = why + " at byte " + this.at.toString();
    return null;
  }

  private peek(): u32 {
    return this.at < this.text.length ? this.text.byteAt(this.at) : 0;
  }

  private skipBlank(): void {
    while (this.at < this.text.length) {
      const byte = this.text.byteAt(this.at);
      if (byte != 32 && byte != 10 && byte != 13 && byte != 9) return;
      this.at++;
    }
  }

  private value(): Json | null {
    this.skipBlank();
    if (++this.values > JSON_VALUES_MAX) return this.refuse("too many values");
    switch (this.peek()) {
      case 0x7b:
        return this.nested(JsonKind.OBJECT, 0x7d);
      case 0x5b:
        return this.nested(JsonKind.ARRAY, 0x5d);
      case 0x22: {
        const value = new Json();
        value.kind = JsonKind.STRING;
        const raw = this.string();
        if (raw === null) return null;
        value.raw = raw;
        return value;
      }
      case 0x74:
        return this.word("true", JsonKind.TRUE);
      case 0x66:
        return this.word("false", JsonKind.FALSE);
      case 0x6e:
        return this.word("null", JsonKind.NULL);
      default:
        return this.numeral();
    }
  }

  private nested(kind: u8, closing: u32): Json | null {
    if (++this.depth > JSON_DEPTH_MAX) return this.refuse("nested too deep");
    const parent = new Json();
    parent.kind = kind;
    this.at++;
    this.skipBlank();
    if (this.peek() == closing) {
      this.at++;
      this.depth--;
      return parent;
    }
    while (true) {
      let name = EMPTY;
      if (kind == JsonKind.OBJECT) {
        this.skipBlank();
        const found = this.peek() == 0x22 ? this.string() : null;
        if (found === null) return this.refuse("a name in quotes is expected");
        name = found;
        this.skipBlank();
        if (this.peek() != 0x3a) return this.refuse("':' is expected");
        this.at++;
      }
      const element = this.value();
      if (element === null) return null;
      element.rawName = name;
      parent.append(element);
      this.skipBlank();
      const byte = this.peek();
      if (byte != 0x2c && byte != closing) return this.refuse("',' or the end of the list is expected");
      this.at++;
      if (byte == closing) {
        this.depth--;
        return parent;
      }
    }
  }

  /** What is between the quotes, escapes included. */
  private string(): Text | null {
    const start = ++this.at;
    const base = this.text.at;
    const end = base + this.text.length;
    let at = base + start;
    while (at < end) {
      const byte = load<u8>(at++);
      if (byte == 0x22) {
        this.at = <i32> (at - base);
        return new Text(base + start, this.at - start - 1);
      }
      if (byte < 32) break;
      if (byte == 0x5c) {
        this.at = <i32> (at - base);
        if (!this.escape()) break;
        at = base + this.at;
      }
    }
    this.refuse("a text is not written as JSON wants it");
    return null;
  }

  private escape(): bool {
    switch (this.peek()) {
      case 0x22:
      case 0x5c:
      case 0x2f:
      case 0x62:
      case 0x66:
      case 0x6e:
      case 0x72:
      case 0x74:
        this.at++;
        return true;
      case 0x75: {
        this.at++;
        for (let left = 4; left > 0; left--) {
          if (hexDigit(this.peek()) < 0) return false;
          this.at++;
        }
        return true;
      }
      default:
        return false;
    }
  }

  private word(word: string, kind: u8): Json | null {
    for (let index = 0; index < word.length; index++) {
      if (this.peek() != <u32> word.charCodeAt(index)) return this.refuse("'" + word + "' is expected");
      this.at++;
    }
    const value = new Json();
    value.kind = kind;
    value.raw = new Text(this.text.at + this.at - word.length, word.length);
    return value;
  }

  private numeral(): Json | null {
    const start = this.at;
    if (this.peek() == 0x2d) this.at++;
    const first = this.peek();
    if (first == 48) this.at++;
    else if (!this.digits()) return this.refuse("a value is expected");
    if (this.peek() == 0x2e) {
      this.at++;
      if (!this.digits()) return this.refuse("a digit is expected");
    }
    if ((this.peek() | 32) == 0x65) {
      this.at++;
      if (this.peek() == 0x2b || this.peek() == 0x2d) this.at++;
      if (!this.digits()) return this.refuse("a digit is expected");
    }
    const value = new Json();
    value.kind = JsonKind.NUMBER;
    value.raw = new Text(this.text.at + start, this.at - start);
    return value;
  }

  private digits(): bool {
    const start = this.at;
    while (this.peek() - 48 < 10) this.at++;
    return this.at > start;
  }
}
