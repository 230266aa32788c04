/**
 * Whether a value would make a browser run a script once it is put into a page. The method is that of libinjection's
 * XSS part (N. Galbreath, 2013): the value is read as HTML from each place in which a page may put it, and elements,
 * attributes and URLs that can run something are looked for. Reading goes by the HTML standard, as far as it matters.
 */

import { hexDigit } from "sentinel/request";
import { Bytes, lowered } from "sentinel/text";
import { Attribute, attributeKind, isActiveElement } from "./xss_words";

export { prepareXssWords } from "./xss_words";

/** Longer values are looked at in their first part only. */
const VALUE_BYTES_MAX: i32 = 65_536;

/** Where a page puts the value: among text, or into the value of an attribute, in these quotes. */
const IN_TEXT: u32 = 0;
const UNQUOTED: u32 = 1;
const QUOTE: u32 = 0x27;
const DOUBLE: u32 = 0x22;
const BACKTICK: u32 = 0x60;

const LESS: u32 = 0x3c;
const GREATER: u32 = 0x3e;
const SLASH: u32 = 0x2f;
const EQUALS: u32 = 0x3d;
const BANG: u32 = 0x21;
const DASH: u32 = 0x2d;

let at: usize = 0;
let end: usize = 0;
let isFound: bool = false;

/** Whether the value is an attack. Allocates nothing. */
export function detectXss(value: Bytes): bool {
  const length = min(value.length, VALUE_BYTES_MAX);
  const marks = marksOf(value.at, length);
  if ((marks & HAS_LESS) != 0 && isAttack(value.at, length, IN_TEXT)) return true;
  // Without an attribute, and without an element, nothing happens within a tag either.
  if ((marks & (HAS_EQUALS | HAS_LESS)) == 0) return false;
  if (isAttack(value.at, length, UNQUOTED)) return true;
  if ((marks & HAS_QUOTE) != 0 && isAttack(value.at, length, QUOTE)) return true;
  if ((marks & HAS_DOUBLE) != 0 && isAttack(value.at, length, DOUBLE)) return true;
  return (marks & HAS_BACKTICK) != 0 && isAttack(value.at, length, BACKTICK);
}

const HAS_LESS: u32 = 1;
const HAS_EQUALS: u32 = 2;
const HAS_QUOTE: u32 = 4;
const HAS_DOUBLE: u32 = 8;
const HAS_BACKTICK: u32 = 16;

function marksOf(from: usize, length: i32): u32 {
  let marks: u32 = 0;
  for (let index = 0; index < length; index++) {
    const byte = <u32> load<u8>(from + index);
    if (byte > BACKTICK) continue;
    if (byte == LESS) marks |= HAS_LESS;
    else if (byte == EQUALS) marks |= HAS_EQUALS;
    else if (byte == QUOTE) marks |= HAS_QUOTE;
    else if (byte == DOUBLE) marks |= HAS_DOUBLE;
    else if (byte == BACKTICK) marks |= HAS_BACKTICK;
  }
  return marks;
}

function isAttack(from: usize, length: i32, context: u32): bool {
  at = from;
  end = from + length;
  isFound = false;
  if (context != IN_TEXT) {
    if (context == UNQUOTED) skipUnquoted();
    else skipQuoted(context);
    if (at >= end) return false;
    readAttributes();
  }
  while (at < end && !isFound) readText();
  return isFound;
}

/** Up to the next tag, and that. */
function readText(): void {
  while (at < end && load<u8>(at) != LESS) at++;
  if (at + 1 >= end) {
    at = end;
    return;
  }
  const next = <u32> load<u8>(at, 1);
  if (next == BANG) return readDeclaration();
  if (next == 0x3f || next == 0x25) return readInstruction();
  if (next == SLASH) {
    at += 2;
    while (at < end && load<u8>(at) != GREATER) at++;
    return;
  }
  if ((next | 0x20) - 0x61 < 26 || next == 0) return readTag();
  at++;
}

function readTag(): void {
  const nameAt = ++at;
  while (at < end && !endsName(load<u8>(at))) at++;
  if (isActiveElement(nameAt, at)) {
    isFound = true;
    return;
  }
  readAttributes();
}

/** The attributes of a tag up to its end. */
function readAttributes(): void {
  while (!isFound) {
    while (at < end && (isSpace(load<u8>(at)) || load<u8>(at) == SLASH)) at++;
    if (at >= end) return;
    if (load<u8>(at) == GREATER) {
      at++;
      return;
    }
    const nameAt = at++;
    while (at < end && !endsName(load<u8>(at)) && load<u8>(at) != EQUALS) at++;
    const nameEnd = at;
    while (at < end && isSpace(load<u8>(at))) at++;
    if (at >= end) return;
    if (load<u8>(at) != EQUALS) continue;
    at++;
    readValue(attributeKind(nameAt, nameEnd));
  }
}

function readValue(attribute: u32): void {
  while (at < end && isSpace(load<u8>(at))) at++;
  // An attribute without a value does nothing.
  if (at >= end) return;
  const quote = <u32> load<u8>(at);
  let from = at;
  let to: usize;
  if (quote == QUOTE || quote == DOUBLE || quote == BACKTICK) {
    from = ++at;
    skipQuoted(quote);
    to = at > from && load<u8>(at - 1) == quote ? at - 1 : at;
  } else {
    skipUnquoted();
    to = at;
  }
  if (attribute == Attribute.SCRIPT || attribute == Attribute.STYLE) isFound = true;
  else if (attribute == Attribute.URL) isFound = isScriptUrl(from, to);
  else if (attribute == Attribute.NAME) isFound = attributeKind(from, to) != Attribute.HARMLESS;
}

function skipUnquoted(): void {
  while (at < end && !isSpace(load<u8>(at)) && load<u8>(at) != GREATER) at++;
}

/** To behind the quote. */
function skipQuoted(quote: u32): void {
  while (at < end && load<u8>(at) != quote) at++;
  if (at < end) at++;
}

/** A comment, a document type, or what a browser takes for a comment. */
function readDeclaration(): void {
  at += 2;
  if (begins("doctype") || begins("entity")) {
    isFound = true;
    return;
  }
  if (at + 1 < end && load<u8>(at) == DASH && load<u8>(at, 1) == DASH) {
    at += 2;
    const from = at;
    while (at < end && !endsComment()) at++;
    isFound = isActiveComment(from, at);
    while (at < end && load<u8>(at) != GREATER) at++;
    return;
  }
  if (begins("[cdata[")) {
    while (at + 2 < end && !(load<u8>(at) == 0x5d && load<u8>(at, 1) == 0x5d && load<u8>(at, 2) == GREATER)) {
      at++;
    }
    at = min(at + 3, end);
    return;
  }
  readBogusComment();
}

/** `<?` and `<%`, which pages of some servers and of old browsers run. */
function readInstruction(): void {
  at += 2;
  if (begins("import") || begins("xml-stylesheet")) {
    isFound = true;
    return;
  }
  readBogusComment();
}

function readBogusComment(): void {
  const from = at;
  while (at < end && load<u8>(at) != GREATER) at++;
  isFound = isActiveComment(from, at);
}

/** `-->`, `--!>`, and `->` or `>` right at the beginning. */
function endsComment(): bool {
  if (load<u8>(at) != DASH || at + 2 >= end || load<u8>(at, 1) != DASH) return false;
  const next = <u32> load<u8>(at, 2);
  return next == GREATER || (next == BANG && at + 3 < end && load<u8>(at, 3) == GREATER);
}

/** Comments that old browsers act on: conditions, and a backtick that ends an attribute. */
function isActiveComment(from: usize, to: usize): bool {
  const back = at;
  const last = end;
  at = from;
  end = to;
  let found = begins("[if") || begins("xml");
  for (let place = from; place < to && !found; place++) found = load<u8>(place) == BACKTICK;
  at = back;
  end = last;
  return found;
}

/** Whether a URL runs a script: white space and control characters in it do not count, references to characters do. */
function isScriptUrl(from: usize, to: usize): bool {
  return hasScheme(from, to, "javascript:") || hasScheme(from, to, "vbscript:") ||
    hasScheme(from, to, "data:") ||
    hasScheme(from, to, "view-source:") || hasScheme(from, to, "livescript:");
}

let place: usize = 0;

function hasScheme(from: usize, to: usize, scheme: string): bool {
  place = from;
  for (let index = 0; index < scheme.length; index++) {
    const character = nextCharacter(to);
    if (character < 0 || <i32> lowered(character) != scheme.charCodeAt(index)) return false;
  }
  return true;
}

/** The next character of a URL that counts; -1 at its end. */
function nextCharacter(to: usize): i32 {
  while (place < to) {
    const byte = <i32> load<u8>(place);
    const character = byte == 0x26 ? reference(to) : byte;
    if (byte != 0x26 || character == 0x26) place++;
    if (character > 0x20 && character < 0x7f) return character;
  }
  return -1;
}

/** The character of a reference at `place`, which goes behind it; `&` itself when it is none. */
function reference(to: usize): i32 {
  let from = place + 1;
  if (from >= to) return 0x26;
  if (load<u8>(from) != 0x23) return named(to);
  from++;
  const isHex = from < to && lowered(load<u8>(from)) == 0x78;
  if (isHex) from++;
  const digitsAt = from;
  let value: i32 = 0;
  while (from < to) {
    const digit = hexDigit(load<u8>(from));
    if (digit < 0 || (!isHex && digit > 9)) break;
    value = min(value * (isHex ? 16 : 10) + digit, 0x110000);
    from++;
  }
  if (from == digitsAt) return 0x26;
  if (from < to && load<u8>(from) == 0x3b) from++;
  place = from;
  // What is out of range must not be taken for the sign of a reference that is none.
  return value == 0x26 ? 1 : value;
}

/** `&colon;`, `&Tab;` and `&NewLine;` hide a scheme. */
function named(to: usize): i32 {
  const back = at;
  const last = end;
  at = place + 1;
  end = to;
  let character: i32 = 0x26;
  if (begins("colon;")) character = 0x3a;
  else if (begins("tab;")) character = 9;
  else if (begins("newline;")) character = 10;
  if (character != 0x26) place += character == 0x3a ? 7 : character == 9 ? 5 : 9;
  at = back;
  end = last;
  return character;
}

function begins(word: string): bool {
  if (at + word.length > end) return false;
  for (let index = 0; index < word.length; index++) {
    if (<i32> lowered(load<u8>(at + index)) != word.charCodeAt(index)) return false;
  }
  return true;
}

function endsName(byte: u32): bool {
  return isSpace(byte) || byte == SLASH || byte == GREATER;
}

/** NUL is passed over in tags by old browsers. */
function isSpace(byte: u32): bool {
  return byte == 0x20 || byte - 9 < 5;
}
