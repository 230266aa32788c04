/** Cuts text into the tokens of SQL, as a database would that is given it within a quoted text or outside of one. */

import { lowered } from "sentinel/text";
import { Kind, kindOfWord } from "./sqli_words";

/** What a value is put into: nothing, or a text in quotes that it may end. */
export const OUTSIDE: u32 = 0;
export const WITHIN_SINGLE: u32 = 0x27;
export const WITHIN_DOUBLE: u32 = 0x22;

const BACKSLASH: u32 = 0x5c;
const QUOTE: u32 = 0x27;
const DOUBLE: u32 = 0x22;
const BACKTICK: u32 = 0x60;

/** Longest name between the dollar signs of PostgreSQL's quotes. */
const TAG_BYTES_MAX: usize = 16;

let at: usize = 0;
let end: usize = 0;
let isMySql: bool = false;
let beginsInQuotes: u32 = 0;

/** The token that was read last. */
export let kind: u32 = 0;
export let tokenAt: usize = 0;
export let tokenEnd: usize = 0;
/** Of a text: it began before the first byte, and it goes on behind the last. */
export let isOpenStart: bool = false;
export let isOpenEnd: bool = false;
/** Comments were passed over. */
export let hasComments: bool = false;

/** Begins with `length` bytes; `mySql`: `#` begins a comment, and `--` only before white space. */
export function startTokens(from: usize, length: i32, context: u32, mySql: bool): void {
  at = from;
  end = from + length;
  isMySql = mySql;
  beginsInQuotes = context;
  hasComments = false;
}

/** Reads the next token; false at the end. */
export function nextToken(): bool {
  isOpenStart = isOpenEnd = false;
  if (beginsInQuotes != OUTSIDE) {
    const quote = beginsInQuotes;
    beginsInQuotes = OUTSIDE;
    isOpenStart = true;
    return text(at, quote);
  }
  while (at < end) {
    const byte = <u32> load<u8>(at);
    if (isSpace(byte)) {
      at++;
      continue;
    }
    if (isComment(byte)) {
      if (!comment(byte)) continue;
      return true;
    }
    return token(byte);
  }
  return false;
}

function token(byte: u32): bool {
  if (byte - 0x30 < 10) return number();
  if (byte == QUOTE || byte == DOUBLE) {
    at++;
    return text(at - 1, byte);
  }
  if (isLetter(byte)) return word();
  if (byte == BACKTICK) return closedBy(BACKTICK, Kind.NAME);
  if (byte == 0x5b) return closedBy(0x5d, Kind.NAME);
  if (byte == 0x40) return variable();
  if (byte == 0x2e && peek(1) - 0x30 < 10) return number();
  if (byte == 0x24 && (peek(1) == 0x24 || isLetter(peek(1)))) return dollar();
  return punctuation(byte);
}

function punctuation(byte: u32): bool {
  const next = peek(1);
  if (byte == 0x28 || byte == 0x29 || byte == 0x2c || byte == 0x3b || byte == 0x2e || byte == BACKSLASH) {
    return made(byte, 1);
  }
  if ((byte == 0x26 && next == 0x26) || (byte == 0x7c && next == 0x7c)) return made(Kind.LOGIC, 2);
  if (isOperator(byte)) {
    let length: i32 = 1;
    if (byte == 0x3c && next == 0x3d && peek(2) == 0x3e) length = 3;
    else if (
      next == 0x3d || (byte == 0x3c && (next == 0x3e || next == 0x3c)) || (byte == 0x3e && next == 0x3e)
    ) length = 2;
    return made(Kind.OPERATOR, length);
  }
  if (byte == 0x3a && next == 0x3d) return made(Kind.OPERATOR, 2);
  return made(Kind.OTHER, 1);
}

/** `! % & * + - / < = > ^ | ~` */
function isOperator(byte: u32): bool {
  return byte == 0x21 || byte == 0x25 || byte == 0x26 || byte == 0x2a || byte == 0x2b || byte == 0x2d ||
    byte == 0x2f || byte - 0x3c < 3 || byte == 0x5e || byte == 0x7c || byte == 0x7e;
}

function isComment(byte: u32): bool {
  if (byte == 0x23) return isMySql;
  const next = peek(1);
  if (byte == 0x2f) return next == 0x2a;
  if (byte != 0x2d || next != 0x2d) return false;
  return !isMySql || at + 2 == end || isSpace(peek(2));
}

/** Passes over a comment that ends; true when it is a token: it takes all of the rest, or a database executes it. */
function comment(byte: u32): bool {
  const from = at;
  if (byte == 0x2f) {
    const executes = peek(2) == 0x21;
    let close = at + 2;
    while (close + 1 < end && !(load<u8>(close) == 0x2a && load<u8>(close, 1) == 0x2f)) {
      // A comment within a comment is read in different ways.
      if (load<u8>(close) == 0x2f && load<u8>(close, 1) == 0x2a) return madeFrom(Kind.EVIL, from, end);
      close++;
    }
    if (executes) return madeFrom(Kind.EVIL, from, end);
    if (close + 1 >= end) return madeFrom(Kind.COMMENT, from, end);
    hasComments = true;
    at = close + 2;
    return false;
  }
  let close = at;
  while (close < end && load<u8>(close) != 10) close++;
  if (close < end) {
    hasComments = true;
    at = close + 1;
    return false;
  }
  return madeFrom(Kind.COMMENT, from, end);
}

function number(): bool {
  const from = at;
  const second = peek(1) | 0x20;
  if (load<u8>(at) == 0x30 && (second == 0x78 || second == 0x62)) {
    at += 2;
    while (at < end && isHex(load<u8>(at))) at++;
    if (at > from + 2) return madeFrom(Kind.NUMBER, from, at);
    at = from;
  }
  while (at < end && <u32> load<u8>(at) - 0x30 < 10) at++;
  if (at < end && load<u8>(at) == 0x2e) {
    at++;
    while (at < end && <u32> load<u8>(at) - 0x30 < 10) at++;
  }
  if (at < end && lowered(load<u8>(at)) == 0x65) {
    let digits = at + 1;
    if (digits < end && (load<u8>(digits) == 0x2b || load<u8>(digits) == 0x2d)) digits++;
    if (digits < end && <u32> load<u8>(digits) - 0x30 < 10) {
      at = digits;
      while (at < end && <u32> load<u8>(at) - 0x30 < 10) at++;
    }
  }
  return madeFrom(Kind.NUMBER, from, at);
}

function word(): bool {
  const from = at;
  while (at < end && isWordByte(load<u8>(at))) at++;
  const length = <i32> (at - from);
  const quote = at < end ? <u32> load<u8>(at) : 0;
  // N'text', X'41', B'1', _utf8'text'
  if (quote == QUOTE && (length == 1 ? isTextPrefix(lowered(load<u8>(from))) : load<u8>(from) == 0x5f)) {
    at++;
    return text(from, QUOTE);
  }
  const known = kindOfWord(from, length);
  if (known == Kind.NAME) {
    // Of `name.word` the first part may be a word of its own, as in `select.`.
    for (let place = from; place < at; place++) {
      if (load<u8>(place) != 0x2e) continue;
      const first = kindOfWord(from, <i32> (place - from));
      if (first != Kind.NAME && first != Kind.FUNCTION) {
        at = place;
        return madeFrom(first, from, at);
      }
      break;
    }
  }
  return madeFrom(known, from, at);
}

function isTextPrefix(letter: u32): bool {
  return letter == 0x6e || letter == 0x78 || letter == 0x62 || letter == 0x65 || letter == 0x71;
}

/** A text up to its quote; two quotes, or one behind a backslash, are part of it. */
function text(from: usize, quote: u32): bool {
  while (at < end) {
    const byte = <u32> load<u8>(at);
    if (byte == BACKSLASH) {
      at += 2;
      continue;
    }
    if (byte == quote) {
      if (peek(1) != quote) {
        at++;
        return madeFrom(Kind.TEXT, from, at);
      }
      at++;
    }
    at++;
  }
  at = end;
  isOpenEnd = true;
  return madeFrom(Kind.TEXT, from, at);
}

/** PostgreSQL's `$$text$$` and `$tag$text$tag$`. */
function dollar(): bool {
  const from = at;
  let tag = at + 1;
  const tagEnd = min(end, tag + TAG_BYTES_MAX);
  while (tag < tagEnd && isWordByte(load<u8>(tag)) && load<u8>(tag) != 0x24) tag++;
  if (tag >= tagEnd || load<u8>(tag) != 0x24) return made(Kind.OTHER, 1);
  const length = tag + 1 - from;
  for (let close = tag + 1; close + length <= end; close++) {
    if (load<u8>(close) != 0x24 || memory.compare(close, from, length) != 0) continue;
    at = close + length;
    return madeFrom(Kind.TEXT, from, at);
  }
  at = end;
  isOpenEnd = true;
  return madeFrom(Kind.TEXT, from, at);
}

function variable(): bool {
  const from = at;
  while (at < end && load<u8>(at) == 0x40) at++;
  const quote = at < end ? <u32> load<u8>(at) : 0;
  if (quote == BACKTICK || quote == QUOTE || quote == DOUBLE) {
    at++;
    while (at < end && load<u8>(at) != quote) at++;
    if (at < end) at++;
  } else {
    while (at < end && isWordByte(load<u8>(at))) at++;
  }
  return madeFrom(Kind.VARIABLE, from, at);
}

function closedBy(mark: u32, what: u32): bool {
  const from = at++;
  while (at < end && load<u8>(at) != mark) at++;
  if (at < end) at++;
  return madeFrom(what, from, at);
}

function made(what: u32, length: i32): bool {
  return madeFrom(what, at, min(at + length, end));
}

function madeFrom(what: u32, from: usize, to: usize): bool {
  kind = what;
  tokenAt = from;
  tokenEnd = at = min(to, end);
  return true;
}

function peek(ahead: usize): u32 {
  return at + ahead < end ? load<u8>(at + ahead) : 0;
}

/** White space of any database: NUL and the non-breaking space of Latin 1 too. */
function isSpace(byte: u32): bool {
  return byte == 0x20 || byte - 9 < 5 || byte == 0 || byte == 0xa0;
}

function isHex(byte: u32): bool {
  return byte - 0x30 < 10 || (byte | 0x20) - 0x61 < 6;
}

function isLetter(byte: u32): bool {
  return (byte | 0x20) - 0x61 < 26 || byte == 0x5f || byte > 0x7f && byte != 0xa0;
}

function isWordByte(byte: u32): bool {
  return isLetter(byte) || byte - 0x30 < 10 || byte == 0x2e || byte == 0x24;
}
