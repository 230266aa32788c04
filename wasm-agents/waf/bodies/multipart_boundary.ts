/** The boundary of a multipart body, from its Content-Type. */

import { Bytes, lowered, Text } from "sentinel/text";
import { MultipartFacts, MultipartFlag } from "./multipart_facts";

/** RFC 2046 §5.1.1. */
const BOUNDARY_BYTES_MAX: i32 = 70;

const NOT_FORM_DATA = Text.of("the Content-Type is not multipart/form-data");
const NO_BOUNDARY = Text.of("the Content-Type has no boundary");
const TWO_BOUNDARIES = Text.of("the Content-Type has more than one boundary");
const BAD_BOUNDARY = Text.of(
  "the boundary is empty, too long, or has bytes that none may have",
);

const WORD = Text.of("boundary");
const TYPE = Text.of("multipart/form-data");

/** The boundary without its dashes; null when there is none that everybody would read alike, which `facts` then says. */
export function boundaryOf(
  contentType: Bytes,
  facts: MultipartFacts,
): Bytes | null {
  if (!hasWord(contentType, 0, TYPE)) return refused(facts, NOT_FORM_DATA);
  const found = find(contentType, TYPE.length);
  if (found < 0) return refused(facts, NO_BOUNDARY);
  let at = found + WORD.length;
  const nameEnd = at;
  while (at < contentType.length && isSpace(contentType.byteAt(at))) at++;
  if (at == contentType.length || contentType.byteAt(at) != 0x3d) {
    return refused(facts, NO_BOUNDARY);
  }
  if (at > nameEnd) facts.set(MultipartFlag.BOUNDARY_WHITESPACE);
  const equals = at++;
  while (at < contentType.length && isSpace(contentType.byteAt(at))) at++;
  if (at > equals + 1) facts.set(MultipartFlag.BOUNDARY_WHITESPACE);
  if (hasParameter(contentType, at)) return refused(facts, TWO_BOUNDARIES);
  const isQuoted = at < contentType.length && contentType.byteAt(at) == 0x22;
  if (isQuoted) {
    facts.set(MultipartFlag.BOUNDARY_QUOTED);
    at++;
  }
  let to = at;
  while (to < contentType.length) {
    const byte = contentType.byteAt(to);
    if (isQuoted ? byte == 0x22 : byte == 0x3b || byte == 0x2c) break;
    to++;
  }
  if (isQuoted && to == contentType.length) return refused(facts, BAD_BOUNDARY);
  let end = to;
  if (!isQuoted) {
    while (end > at && isSpace(contentType.byteAt(end - 1))) end--;
    if (end < to) facts.set(MultipartFlag.BOUNDARY_WHITESPACE);
  }
  if (end == at || end - at > BOUNDARY_BYTES_MAX) {
    return refused(facts, BAD_BOUNDARY);
  }
  for (let index = at; index < end; index++) {
    if (!isBoundaryByte(contentType.byteAt(index))) {
      return refused(facts, BAD_BOUNDARY);
    }
  }
  return new Bytes(contentType.at + at, end - at);
}

function refused(facts: MultipartFacts, why: Bytes): Bytes | null {
  facts.problem = why;
  return null;
}

/** Where a parameter `boundary` begins at or behind `from`; -1 when there is none. */
function find(text: Bytes, from: i32): i32 {
  for (let at = from; at + WORD.length <= text.length; at++) {
    if (hasWord(text, at, WORD)) return at;
  }
  return -1;
}

/** Whether another parameter `boundary` stands behind `from`; the word within a value is none, as browsers have it. */
function hasParameter(text: Bytes, from: i32): bool {
  for (let found = find(text, from); found >= 0; found = find(text, found + 1)) {
    const before = text.byteAt(found - 1);
    if (before != 0x3b && before != 0x2c && before != 0x22 && !isSpace(before)) continue;
    let at = found + WORD.length;
    while (at < text.length && isSpace(text.byteAt(at))) at++;
    if (at < text.length && text.byteAt(at) == 0x3d) return true;
  }
  return false;
}

function hasWord(text: Bytes, at: i32, word: Bytes): bool {
  if (at + word.length > text.length) return false;
  for (let index = 0; index < word.length; index++) {
    if (lowered(text.byteAt(at + index)) != word.byteAt(index)) return false;
  }
  return true;
}

/** RFC 2046 §5.1.1: `bchars`. */
function isBoundaryByte(byte: u32): bool {
  if (lowered(byte) - 0x61 < 26 || byte - 0x30 < 10) return true;
  // ' ( ) + , - . / : = ? _ and space
  return byte == 0x20 || byte - 0x27 < 3 || byte - 0x2b < 5 || byte == 0x3a ||
    byte == 0x3d || byte == 0x3f ||
    byte == 0x5f;
}

function isSpace(byte: u32): bool {
  return byte == 0x20 || byte - 9 < 5;
}
