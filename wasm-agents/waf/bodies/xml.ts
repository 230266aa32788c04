/** XML bodies: the text and the attributes, and whether the document is well-formed. Nothing is ever loaded or expanded. */

import { allocate } from "sentinel/arena";
import { hexDigit } from "sentinel/request";
import { Bytes, Text } from "sentinel/text";
import { ArgSink } from "./sink";

/** Elements that may stand in each other. */
export const XML_DEPTH_MAX: i32 = 512;

const TOO_DEEP = Text.of("XML is nested too deep");
const ENDS_EARLY = Text.of("XML ends within the document");
const NO_ELEMENT = Text.of("XML has no element");
const OTHER_END = Text.of(
  "XML has an end tag that does not belong to the open element",
);
const BAD_TAG = Text.of("XML has a tag that cannot be read");
const BAD_MARKUP = Text.of("XML has markup that cannot be read");
const OUTSIDE = Text.of(
  "XML has text or a second element outside of its element",
);
const BAD_REFERENCE = Text.of(
  "XML has a reference to an entity that is not declared, or to no character",
);

let at: usize = 0;
let end: usize = 0;
/** Of each open element: where its name is, and how long it is. */
let names: usize = 0;
let depth: i32 = 0;
let hasRoot: bool = false;
/** Entities may have been declared; they are left as they are written. */
let hasDoctype: bool = false;
let problem: Bytes | null = null;

/**
 * Gives the texts and the values of attributes to the sink, references to characters decoded. What is wrong comes
 * back, and null when nothing is. `isPartial`: the end of the document is missing, which is nothing wrong then.
 */
export function parseXml(
  input: Bytes,
  sink: ArgSink,
  isPartial: bool,
): Bytes | null {
  at = input.at;
  end = input.at + input.length;
  names = allocate(8 * XML_DEPTH_MAX);
  depth = 0;
  hasRoot = hasDoctype = false;
  problem = null;
  if (startsWith("\xef\xbb\xbf")) at += 3;
  while (at < end && problem === null) {
    if (load<u8>(at) == 0x3c) markup(sink);
    else characters(sink);
  }
  const found = problem;
  problem = null;
  if (found !== null) return isPartial && found === ENDS_EARLY ? null : found;
  if (isPartial) return null;
  if (depth > 0) return ENDS_EARLY;
  return hasRoot ? null : NO_ELEMENT;
}

function markup(sink: ArgSink): void {
  if (startsWith("<!--")) return skipPast("-->", 4);
  if (startsWith("<![CDATA[")) return cdata(sink);
  if (startsWith("<?")) return skipPast("?>", 2);
  if (startsWith("<!DOCTYPE")) return doctype();
  if (startsWith("</")) return endTag();
  if (startsWith("<!")) return fail(end - at < 9 ? ENDS_EARLY : BAD_MARKUP);
  startTag(sink);
}

function characters(sink: ArgSink): void {
  const start = at;
  let isBlank = true;
  let hasReference = false;
  while (at < end) {
    const byte = <u32> load<u8>(at);
    if (byte == 0x3c) break;
    if (byte == 0x26) hasReference = true;
    if (!isSpace(byte)) isBlank = false;
    at++;
  }
  if (depth > 0) {
    return sink.xmlText(hasReference ? decoded(start, at) : span(start, at));
  }
  if (!isBlank) fail(OUTSIDE);
}

function cdata(sink: ArgSink): void {
  if (depth == 0) return fail(OUTSIDE);
  const start = at + 9;
  skipPast("]]>", 9);
  const stop = problem === null ? at - 3 : end;
  if (start < stop) sink.xmlText(span(start, stop));
}

/** Passes over a document type declaration with its internal subset, in which quotes and brackets hide a `>`. */
function doctype(): void {
  hasDoctype = true;
  let brackets: i32 = 0;
  let quote: u32 = 0;
  for (at += 9; at < end; at++) {
    const byte = <u32> load<u8>(at);
    if (quote != 0) {
      if (byte == quote) quote = 0;
    } else if (byte == 0x22 || byte == 0x27) quote = byte;
    else if (byte == 0x5b) brackets++;
    else if (byte == 0x5d) brackets--;
    else if (byte == 0x3e && brackets <= 0) {
      at++;
      return;
    }
  }
  fail(ENDS_EARLY);
}

function startTag(sink: ArgSink): void {
  at++;
  const nameAt = at;
  skipName();
  if (at == nameAt) return fail(at >= end ? ENDS_EARLY : BAD_TAG);
  if (depth == 0 && hasRoot) return fail(OUTSIDE);
  if (depth == XML_DEPTH_MAX) return fail(TOO_DEEP);
  hasRoot = true;
  store<usize>(names + 8 * depth, nameAt);
  store<i32>(names + 8 * depth, <i32> (at - nameAt), 4);
  depth++;
  while (true) {
    const before = at;
    skipSpace();
    if (at >= end) return fail(ENDS_EARLY);
    const byte = <u32> load<u8>(at);
    if (byte == 0x3e) {
      at++;
      return;
    }
    if (byte == 0x2f) {
      if (at + 1 >= end) return fail(ENDS_EARLY);
      if (load<u8>(at, 1) != 0x3e) return fail(BAD_TAG);
      at += 2;
      depth--;
      return;
    }
    if (at == before) return fail(BAD_TAG);
    attribute(sink);
    if (problem !== null) return;
  }
}

function attribute(sink: ArgSink): void {
  const nameAt = at;
  skipName();
  if (at == nameAt) return fail(BAD_TAG);
  skipSpace();
  if (at >= end) return fail(ENDS_EARLY);
  if (load<u8>(at) != 0x3d) return fail(BAD_TAG);
  at++;
  skipSpace();
  if (at >= end) return fail(ENDS_EARLY);
  const quote = <u32> load<u8>(at);
  if (quote != 0x22 && quote != 0x27) return fail(BAD_TAG);
  const start = ++at;
  let hasReference = false;
  while (at < end && load<u8>(at) != quote) {
    if (load<u8>(at) == 0x26) hasReference = true;
    at++;
  }
  sink.xmlAttribute(hasReference ? decoded(start, at) : span(start, at));
  if (at >= end) return fail(ENDS_EARLY);
  at++;
}

function endTag(): void {
  at += 2;
  const nameAt = at;
  skipName();
  const length = <i32> (at - nameAt);
  skipSpace();
  if (at >= end) return fail(ENDS_EARLY);
  if (load<u8>(at) != 0x3e) return fail(BAD_TAG);
  at++;
  if (depth == 0) return fail(OTHER_END);
  depth--;
  const place = names + 8 * depth;
  if (
    load<i32>(place, 4) != length ||
    memory.compare(load<usize>(place), nameAt, length) != 0
  ) fail(OTHER_END);
}

/** Text in which references to characters stand for them. Those to other entities stay: nothing is expanded. */
function decoded(start: usize, stop: usize): Bytes {
  const out = allocate(stop - start);
  let to = out;
  let from = start;
  while (from < stop) {
    const byte = load<u8>(from);
    if (byte != 0x26) {
      store<u8>(to++, byte);
      from++;
      continue;
    }
    let semicolon = from + 1;
    // The longest reference to a character is &#x10ffff; with some zeroes.
    const limit = min(stop, from + 16);
    while (semicolon < limit && load<u8>(semicolon) != 0x3b) semicolon++;
    const character = semicolon < limit ? characterOf(from + 1, semicolon) : -1;
    if (character < 0) {
      if (!hasDoctype || character == -2) fail(BAD_REFERENCE);
      store<u8>(to++, byte);
      from++;
      continue;
    }
    to = writeCharacter(to, character);
    from = semicolon + 1;
  }
  return span(out, to);
}

/** What a reference stands for; -1 for an entity that is not of XML itself, -2 for what is no character. */
function characterOf(from: usize, to: usize): i32 {
  const length = <i32> (to - from);
  if (length > 1 && load<u8>(from) == 0x23) return numbered(from + 1, to);
  if (isWord(from, length, "lt")) return 0x3c;
  if (isWord(from, length, "gt")) return 0x3e;
  if (isWord(from, length, "amp")) return 0x26;
  if (isWord(from, length, "quot")) return 0x22;
  if (isWord(from, length, "apos")) return 0x27;
  return -1;
}

function numbered(from: usize, to: usize): i32 {
  const isHex = load<u8>(from) == 0x78;
  let place = isHex ? from + 1 : from;
  if (place == to) return -2;
  let value: i32 = 0;
  for (; place < to; place++) {
    const digit = hexDigit(load<u8>(place));
    if (digit < 0 || (!isHex && digit > 9)) return -2;
    value = value * (isHex ? 16 : 10) + digit;
    if (value > 0x10ffff) return -2;
  }
  return value == 0 ? -2 : value;
}

/** Never longer than the reference. */
function writeCharacter(to: usize, character: i32): usize {
  if (character < 0x80) {
    store<u8>(to, <u8> character);
    return to + 1;
  }
  if (character < 0x800) {
    store<u8>(to, <u8> (0xc0 | (character >> 6)));
    store<u8>(to, <u8> (0x80 | (character & 0x3f)), 1);
    return to + 2;
  }
  if (character < 0x10000) {
    store<u8>(to, <u8> (0xe0 | (character >> 12)));
    store<u8>(to, <u8> (0x80 | ((character >> 6) & 0x3f)), 1);
    store<u8>(to, <u8> (0x80 | (character & 0x3f)), 2);
    return to + 3;
  }
  store<u8>(to, <u8> (0xf0 | (character >> 18)));
  store<u8>(to, <u8> (0x80 | ((character >> 12) & 0x3f)), 1);
  store<u8>(to, <u8> (0x80 | ((character >> 6) & 0x3f)), 2);
  store<u8>(to, <u8> (0x80 | (character & 0x3f)), 3);
  return to + 4;
}

function skipPast(mark: string, behind: usize): void {
  for (at += behind; at < end; at++) {
    if (!startsWith(mark)) continue;
    at += mark.length;
    return;
  }
  fail(ENDS_EARLY);
}

/** A name ends at white space or at what has a meaning in tags; the letters themselves are not judged. */
function skipName(): void {
  while (at < end) {
    const byte = <u32> load<u8>(at);
    if (
      isSpace(byte) || byte == 0x3e || byte == 0x2f || byte == 0x3d ||
      byte == 0x3c
    ) return;
    if (byte == 0x22 || byte == 0x27) return;
    at++;
  }
}

function skipSpace(): void {
  while (at < end && isSpace(load<u8>(at))) at++;
}

function isSpace(byte: u32): bool {
  return byte == 0x20 || byte == 10 || byte == 13 || byte == 9;
}

function startsWith(word: string): bool {
  return isWordAt(at, end, word);
}

function isWordAt(from: usize, to: usize, word: string): bool {
  const length = word.length;
  if (<i32> (to - from) < length) return false;
  for (let index = 0; index < length; index++) {
    if (<i32> load<u8>(from + index) != word.charCodeAt(index)) return false;
  }
  return true;
}

function isWord(from: usize, length: i32, word: string): bool {
  return length == word.length && isWordAt(from, from + length, word);
}

function span(from: usize, to: usize): Bytes {
  return new Bytes(from, <i32> (to - from));
}

function fail(message: Bytes): void {
  if (problem === null) problem = message;
}
