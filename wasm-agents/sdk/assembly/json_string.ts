/** Texts of JSON, with and without escapes. */

import { allocate } from "./arena";
import { hexDigit } from "./request";
import { Text } from "./text";

/** The text of a string that was read; the same bytes when there are no escapes. */
export function decodedString(raw: Text): Text {
  const first = raw.indexOfByte(0x5c);
  if (first < 0) return raw;
  // An escape is longer than what it stands for.
  const start = allocate(raw.length);
  let to = start;
  for (let at = 0; at < raw.length; at++) {
    const byte = raw.byteAt(at);
    if (byte != 0x5c) {
      store<u8>(to++, <u8> byte);
      continue;
    }
    const letter = raw.byteAt(++at);
    if (letter != 0x75) {
      store<u8>(to++, <u8> plainEscape(letter));
      continue;
    }
    let code = codeUnit(raw, at + 1);
    at += 4;
    if (code >= 0xd800 && code < 0xdc00) {
      const low = at + 2 < raw.length && raw.byteAt(at + 1) == 0x5c && raw.byteAt(at + 2) == 0x75
        ? codeUnit(raw, at + 3)
        : 0;
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
      }
    }
    to = storeCodePoint(to, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
  }
  return new Text(start, <i32> (to - start));
}

/** Whether a name as written in JSON is `name`. */
export function isSameName(raw: Text, name: Text): bool {
  return raw.equals(name) || (raw.indexOfByte(0x5c) >= 0 && decodedString(raw).equals(name));
}

/** What goes between the quotes for a text. */
export function encodedString(text: Text): Text {
  let extra = 0;
  for (let at = 0; at < text.length; at++) extra += escapeLength(text.byteAt(at)) - 1;
  if (extra == 0) return text;
  const start = allocate(text.length + extra);
  let to = start;
  for (let at = 0; at < text.length; at++) {
    const byte = text.byteAt(at);
    const length = escapeLength(byte);
    if (length > 1) store<u8>(to++, 0x5c);
    if (length == 6) {
      store<u32>(to, 0x30303075);
      to += 3;
      store<u8>(to++, <u8> (48 + (byte >> 4)));
      const low = byte & 15;
      store<u8>(to++, <u8> (low < 10 ? 48 + low : 87 + low));
    } else store<u8>(to++, <u8> byte);
  }
  return new Text(start, <i32> (to - start));
}

function escapeLength(byte: u32): i32 {
  return byte < 32 ? 6 : byte == 0x22 || byte == 0x5c ? 2 : 1;
}

function plainEscape(letter: u32): u32 {
  switch (letter) {
    case 0x62:
      return 8;
    case 0x66:
      return 12;
    case 0x6e:
      return 10;
    case 0x72:
      return 13;
    case 0x74:
      return 9;
    default:
      return letter;
  }
}

function codeUnit(raw: Text, at: i32): u32 {
  let value: u32 = 0;
  for (let index = at; index < at + 4; index++) value = (value << 4) | <u32> hexDigit(raw.byteAt(index));
  return value;
}

function storeCodePoint(at: usize, code: u32): usize {
  if (code < 0x80) {
    store<u8>(at, <u8> code);
    return at + 1;
  }
  if (code < 0x800) {
    store<u8>(at, <u8> (0xc0 | (code >> 6)));
    store<u8>(at, <u8> (0x80 | (code & 63)), 1);
    return at + 2;
  }
  if (code < 0x10000) {
    store<u8>(at, <u8> (0xe0 | (code >> 12)));
    store<u8>(at, <u8> (0x80 | ((code >> 6) & 63)), 1);
    store<u8>(at, <u8> (0x80 | (code & 63)), 2);
    return at + 3;
  }
  store<u8>(at, <u8> (0xf0 | (code >> 18)));
  store<u8>(at, <u8> (0x80 | ((code >> 12) & 63)), 1);
  store<u8>(at, <u8> (0x80 | ((code >> 6) & 63)), 2);
  store<u8>(at, <u8> (0x80 | (code & 63)), 3);
  return at + 4;
}

/** A JSON text for a text, quotes included. */
export function quoted(text: Text): Text {
  const inner = encodedString(text);
  const at = allocate(inner.length + 2);
  store<u8>(at, 0x22);
  memory.copy(at + 1, inner.at, inner.length);
  store<u8>(at + 1 + inner.length, 0x22);
  return new Text(at, inner.length + 2);
}
