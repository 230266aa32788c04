/** The `Content-Disposition` of a part (RFC 7578 §4.2, RFC 8187 for `filename*`). */

import { allocate } from "sentinel/arena";
import { hexDigit } from "sentinel/request";
import { Bytes, EMPTY, Text } from "sentinel/text";
import { MultipartFacts, MultipartFlag } from "./multipart_facts";

const QUOTE: u32 = 0x22;
const APOSTROPHE: u32 = 0x27;
const BACKSLASH: u32 = 0x5c;
const SEMICOLON: u32 = 0x3b;
const EQUALS: u32 = 0x3d;

/** Parameters of one part; a browser sends three at most. Each may take as much memory as the line is long. */
const PARAMETERS_MAX: i32 = 16;

let at: i32 = 0;

/** What a part is. */
export class Disposition {
  name: Bytes = EMPTY;
  fileName: Bytes = EMPTY;
  isFile: bool = false;

  /** Reads what stands behind the colon; null when it is not `form-data` with a name, cannot be read, or is too much. */
  static read(text: Text, facts: MultipartFacts): Disposition | null {
    const found = new Disposition();
    let hasName = false;
    at = 0;
    skipSpace(text);
    const kindAt = at;
    while (
      at < text.length && !isSpace(text.byteAt(at)) &&
      text.byteAt(at) != SEMICOLON
    ) at++;
    if (!text.slice(kindAt, at).toLowerCase().is("form-data")) return null;
    for (let count = 0; count <= PARAMETERS_MAX; count++) {
      skipSpace(text);
      if (at == text.length) return hasName ? found : null;
      // Some servers do without it.
      if (text.byteAt(at) == SEMICOLON) at++;
      else facts.set(MultipartFlag.MISSING_SEMICOLON);
      skipSpace(text);
      if (at == text.length) return hasName ? found : null;
      const nameAt = at;
      while (at < text.length && !endsName(text.byteAt(at))) at++;
      const parameter = text.slice(nameAt, at).toLowerCase();
      skipSpace(text);
      if (
        parameter.length == 0 || at == text.length || text.byteAt(at) != EQUALS
      ) return null;
      at++;
      skipSpace(text);
      const value = readValue(text, facts);
      if (value === null) return null;
      if (parameter.is("name")) {
        if (hasName) facts.set(MultipartFlag.INVALID_PART);
        hasName = true;
        found.name = value;
      } else if (parameter.is("filename")) {
        if (found.isFile) facts.set(MultipartFlag.INVALID_PART);
        found.setFileName(value);
      } else if (parameter.is("filename*")) {
        found.setFileName(extended(value));
      }
    }
    return null;
  }

  /** Of two names, as `filename` and `filename*` may be, all bytes count. */
  private setFileName(value: Bytes): void {
    if (this.isFile && !this.fileName.equals(value)) {
      const first = this.fileName;
      const both = allocate(first.length + value.length + 1);
      memory.copy(both, first.at, first.length);
      store<u8>(both + first.length, <u8> SEMICOLON);
      memory.copy(both + first.length + 1, value.at, value.length);
      this.fileName = new Bytes(both, first.length + value.length + 1);
    } else {
      this.fileName = value;
    }
    this.isFile = true;
  }
}

/** A value with or without quotes; null when its quotes are open. */
function readValue(text: Text, facts: MultipartFacts): Bytes | null {
  if (at == text.length) return null;
  const first = text.byteAt(at);
  if (first == QUOTE || first == APOSTROPHE) {
    if (first == APOSTROPHE) facts.set(MultipartFlag.INVALID_QUOTING);
    return quoted(text, first, facts);
  }
  const start = at;
  while (
    at < text.length && !isSpace(text.byteAt(at)) &&
    text.byteAt(at) != SEMICOLON
  ) {
    const byte = text.byteAt(at);
    if (byte == QUOTE || byte == APOSTROPHE) {
      facts.set(MultipartFlag.INVALID_QUOTING);
    }
    at++;
  }
  return text.slice(start, at);
}

function quoted(text: Text, quote: u32, facts: MultipartFacts): Bytes | null {
  const start = ++at;
  const out = allocate(text.length - start);
  let length: i32 = 0;
  while (at < text.length) {
    let byte = text.byteAt(at++);
    if (byte == quote) {
      // Behind the end of a value comes a semicolon or nothing.
      let next = at;
      while (next < text.length && isSpace(text.byteAt(next))) next++;
      if (
        next < text.length && text.byteAt(next) != SEMICOLON &&
        hasByte(text, next, quote)
      ) {
        facts.set(MultipartFlag.INVALID_QUOTING);
      }
      return new Bytes(out, length);
    }
    if (byte == BACKSLASH && at < text.length) {
      const escaped = text.byteAt(at);
      // A lone backslash is part of a path, as some browsers send it.
      if (escaped == quote || escaped == BACKSLASH) {
        byte = escaped;
        at++;
      }
    }
    store<u8>(out + length++, <u8> byte);
  }
  return null;
}

/** `charset'language'value` with escapes. */
function extended(value: Bytes): Bytes {
  const first = value.indexOfByte(APOSTROPHE);
  const second = first < 0 ? -1 : value.indexOfByte(APOSTROPHE, first + 1);
  const from = second < 0 ? 0 : second + 1;
  const out = allocate(value.length - from);
  let length: i32 = 0;
  for (let index = from; index < value.length; index++) {
    let byte = value.byteAt(index);
    if (byte == 0x25 && index + 2 < value.length) {
      const high = hexDigit(value.byteAt(index + 1));
      const low = hexDigit(value.byteAt(index + 2));
      if (high >= 0 && low >= 0) {
        byte = 16 * high + low;
        index += 2;
      }
    }
    store<u8>(out + length++, <u8> byte);
  }
  return new Bytes(out, length);
}

function hasByte(text: Text, from: i32, byte: u32): bool {
  return text.indexOfByte(byte, from) >= 0;
}

function endsName(byte: u32): bool {
  return byte == EQUALS || byte == SEMICOLON || isSpace(byte);
}

function skipSpace(text: Text): void {
  while (at < text.length && isSpace(text.byteAt(at))) at++;
}

function isSpace(byte: u32): bool {
  return byte == 0x20 || byte - 9 < 5;
}
