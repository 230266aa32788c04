/** JSON bodies (RFC 8259): every value becomes an argument, named by the way to it. */

import { allocate } from "sentinel/arena";
import { ByteWriter } from "sentinel/byte_writer";
import { hexDigit } from "sentinel/request";
import { Bytes, EMPTY, Text } from "sentinel/text";
import { ArgSink } from "./sink";

/** Deepest nesting where nothing else is configured (SecRequestBodyJsonDepthLimit). */
export const JSON_DEPTH_DEFAULT: i32 = 512;
/** No configuration goes beyond this. */
export const JSON_DEPTH_MAX: i32 = 10_000;

/** Bytes of one name; what is deeper is named by the end of its way alone. */
const NAME_BYTES_MAX: i32 = 1024;
/**
 * Bytes of all names together, besides twice those of the text: a deep tree of many values would else have far more
 * bytes in its names, which all rules look at, than it has itself.
 */
const NAMES_BYTES_FREE: i32 = 1 << 16;

const ROOT = Text.of("json");
const ARRAY = Text.of("array_");
const WORD_TRUE = Text.of("true");
const WORD_FALSE = Text.of("false");
const WORD_NULL = Text.of("null");
const TOO_DEEP = Text.of("JSON is nested too deep");
const ENDS_EARLY = Text.of("JSON ends within a value");
const NO_VALUE = Text.of("JSON has something else where a value is expected");
const NO_NAME = Text.of("JSON has something else where a name is expected");
const NO_COLON = Text.of("JSON has no colon behind a name");
const NO_COMMA = Text.of(
  "JSON has neither a comma nor the end of its array or object behind a value",
);
const GOES_ON = Text.of("JSON is followed by something else");
const BAD_STRING = Text.of(
  "JSON has a string with a bad escape or a control character",
);

let at: usize = 0;
let end: usize = 0;
let problem: Bytes | null = null;
/** The way to the value at hand: `json.a.array_0`. */
let path: usize = 0;
let pathLength: i32 = 0;
/** Of each open array or object: the length of the way to it (the sign says array), and the count of elements. */
let levels: usize = 0;
let depth: i32 = 0;
let namesBytes: i32 = 0;
let namesBytesMax: i32 = 0;
/** The last step of the way when it is the name of a member, which the client chose; 0: it is the number of an element. */
let memberAt: usize = 0;
let memberLength: i32 = 0;

/**
 * Gives every string, number and word of the text to the sink; members of objects as `json.member`, elements of arrays
 * as `json.array_0`. Of a name that stands twice both values count. No name of a member goes by unseen: one that would not
 * be part of any argument's name, as that of an empty object or one in front of a way too long, is an argument without a
 * value. What is wrong comes back, and null when nothing is; what was read before has been given. `isPartial`: the end of the text is missing, which is nothing wrong then.
 */
export function parseJson(
  input: Bytes,
  sink: ArgSink,
  depthMax: i32,
  isPartial: bool,
): Bytes | null {
  at = input.at;
  end = input.at + input.length;
  path = allocate(NAME_BYTES_MAX);
  levels = allocate(8 * (min(depthMax, JSON_DEPTH_MAX) + 1));
  depth = 0;
  namesBytes = 0;
  namesBytesMax = NAMES_BYTES_FREE + 2 * input.length;
  problem = null;
  memberAt = 0;
  setPath(0, ROOT, sink);
  readAll(sink, min(depthMax, JSON_DEPTH_MAX));
  const found = problem;
  problem = null;
  if (isPartial && at >= end && found === ENDS_EARLY) return null;
  return found;
}

/** Whether a value is expected next, or what comes behind one. */
function readAll(sink: ArgSink, depthMax: i32): void {
  let wantsValue = true;
  while (true) {
    skipSpace();
    if (wantsValue) {
      if (at >= end) return fail(ENDS_EARLY);
      const byte = <u32> load<u8>(at);
      if (byte == 0x5b || byte == 0x7b) {
        if (depth == depthMax) return fail(TOO_DEEP);
        wantsValue = open(byte == 0x5b, sink);
        if (problem !== null) return;
        continue;
      }
      const value = scalar(byte);
      if (value === null) return;
      give(sink, value);
      wantsValue = false;
      continue;
    }
    if (depth == 0) {
      if (at < end) fail(GOES_ON);
      return;
    }
    if (at >= end) return fail(ENDS_EARLY);
    const byte = <u32> load<u8>(at);
    if (byte == 0x2c) {
      at++;
      next(sink);
      if (problem !== null) return;
      wantsValue = true;
    } else if (byte == (isArray() ? <u32> 0x5d : <u32> 0x7d)) {
      at++;
      depth--;
    } else return fail(NO_COMMA);
  }
}

/** Opens an array or object; whether a value comes first, and not its end. */
function open(opensArray: bool, sink: ArgSink): bool {
  at++;
  const isSaid = mayBeLost(sink);
  if (isSaid) sink.arg(new Bytes(memberAt, memberLength), EMPTY);
  const level = levels + 8 * depth++;
  store<i32>(level, opensArray ? -pathLength : pathLength);
  store<i32>(level, 0, 4);
  skipSpace();
  if (at >= end) {
    fail(ENDS_EARLY);
    return false;
  }
  if (<u32> load<u8>(at) == (opensArray ? <u32> 0x5d : <u32> 0x7d)) {
    at++;
    depth--;
    if (memberAt != 0 && !isSaid) give(sink, EMPTY);
    return false;
  }
  if (opensArray) nameElement(level, sink);
  else readName(level, sink);
  return true;
}

/** Whether the name of the member that is an array or object may not become part of the name of what is in it. */
function mayBeLost(sink: ArgSink): bool {
  return memberAt != 0 &&
    (memberLength + ROOT.length >= NAME_BYTES_MAX || namesBytes + 2 * NAME_BYTES_MAX > namesBytesMax ||
      !sink.wantsNames());
}

/** Behind a comma: the name of the next value. */
function next(sink: ArgSink): void {
  const level = levels + 8 * (depth - 1);
  if (load<i32>(level) <= 0) return nameElement(level, sink);
  skipSpace();
  readName(level, sink);
}

function isArray(): bool {
  return load<i32>(levels + 8 * (depth - 1)) <= 0;
}

function nameElement(level: usize, sink: ArgSink): void {
  memberAt = 0;
  const index = load<i32>(level, 4);
  store<i32>(level, index + 1, 4);
  setPath(-load<i32>(level), ARRAY, sink);
  let digits: i32 = 1;
  for (let rest = index; rest > 9; rest /= 10) digits++;
  if (pathLength + digits > NAME_BYTES_MAX) return;
  pathLength += digits;
  for (
    let place = path + pathLength - 1, rest = index;
    digits > 0;
    digits--, place--, rest /= 10
  ) {
    store<u8>(place, <u8> (0x30 + rest % 10));
  }
}

function readName(level: usize, sink: ArgSink): void {
  if (at >= end) return fail(ENDS_EARLY);
  if (load<u8>(at) != 0x22) return fail(NO_NAME);
  const name = quoted();
  if (name === null) return;
  memberAt = name.at;
  memberLength = name.length;
  setPath(load<i32>(level), name, sink);
  skipSpace();
  if (at >= end) return fail(ENDS_EARLY);
  if (load<u8>(at) != 0x3a) return fail(NO_COLON);
  at++;
}

/** Puts a step behind the first `length` bytes of the way. A step that does not fit takes the place of all. */
function setPath(length: i32, step: Bytes, sink: ArgSink): void {
  let from = length;
  if (from + 1 + step.length > NAME_BYTES_MAX) {
    // What is given up would else be part of no name.
    if (from > ROOT.length && namesBytes + from <= namesBytesMax && sink.wantsNames()) {
      sink.arg(named(from), EMPTY);
    }
    from = 0;
  }
  if (from > 0) store<u8>(path + from++, 0x2e);
  const kept = min(step.length, NAME_BYTES_MAX - from);
  memory.copy(path + from, step.at, kept);
  pathLength = from + kept;
}

/** A copy of the first `length` bytes of the way. */
function named(length: i32): Bytes {
  namesBytes += length;
  const name = allocate(length);
  memory.copy(name, path, length);
  return new Bytes(name, length);
}

function give(sink: ArgSink, value: Bytes): void {
  const isMember = memberAt != 0;
  if (!sink.wantsNames() || isMember && memberLength + ROOT.length >= NAME_BYTES_MAX) {
    sink.arg(isMember ? new Bytes(memberAt, memberLength) : EMPTY, value);
  } else if (namesBytes + pathLength <= namesBytesMax) sink.arg(named(pathLength), value);
  // The last step alone: all of them together are shorter than the text.
  else sink.arg(isMember ? new Bytes(memberAt, memberLength) : ARRAY, value);
}

/** A string, number or word; null when there is none. */
function scalar(first: u32): Bytes | null {
  if (first == 0x22) return quoted();
  if (first == 0x74) return word(WORD_TRUE, WORD_TRUE);
  if (first == 0x66) return word(WORD_FALSE, WORD_FALSE);
  if (first == 0x6e) return word(WORD_NULL, EMPTY);
  const start = at;
  if (load<u8>(at) == 0x2d) at++;
  const whole = at;
  skipDigits();
  if (at == whole || (load<u8>(whole) == 0x30 && at > whole + 1)) {
    return failed(NO_VALUE);
  }
  if (at < end && load<u8>(at) == 0x2e) {
    at++;
    const fraction = at;
    skipDigits();
    if (at == fraction) return failed(at >= end ? ENDS_EARLY : NO_VALUE);
  }
  if (at < end && (load<u8>(at) | 0x20) == 0x65) {
    at++;
    if (at < end && (load<u8>(at) == 0x2b || load<u8>(at) == 0x2d)) at++;
    const exponent = at;
    skipDigits();
    if (at == exponent) return failed(at >= end ? ENDS_EARLY : NO_VALUE);
  }
  return new Bytes(start, <i32> (at - start));
}

function word(expected: Bytes, value: Bytes): Bytes | null {
  const left = <i32> (end - at);
  const length = min(left, expected.length);
  if (memory.compare(at, expected.at, length) != 0) return failed(NO_VALUE);
  at += length;
  return length == expected.length ? value : failed(ENDS_EARLY);
}

/** The string that begins at `at`, decoded; the same memory when there is nothing to decode. */
function quoted(): Bytes | null {
  at++;
  const start = at;
  while (at < end) {
    const byte = <u32> load<u8>(at);
    if (byte == 0x22) {
      const text = new Bytes(start, <i32> (at - start));
      at++;
      return text;
    }
    if (byte == 0x5c) return escaped(start);
    if (byte < 0x20) return failed(BAD_STRING);
    at++;
  }
  return failed(ENDS_EARLY);
}

function escaped(start: usize): Bytes | null {
  const text = new ByteWriter(<i32> (at - start) + 64);
  text.bytes(new Bytes(start, <i32> (at - start)));
  while (at < end) {
    const byte = <u32> load<u8>(at++);
    if (byte == 0x22) return text.text;
    if (byte < 0x20) return failed(BAD_STRING);
    if (byte != 0x5c) {
      text.byte(byte);
      continue;
    }
    if (at >= end) break;
    const kind = <u32> load<u8>(at++);
    if (kind == 0x75) {
      const unit = codeUnit();
      if (unit < 0) return failed(at >= end ? ENDS_EARLY : BAD_STRING);
      writeCharacter(text, paired(unit));
    } else {
      const plain = plainEscape(kind);
      if (plain == 0) return failed(BAD_STRING);
      text.byte(plain);
    }
  }
  return failed(ENDS_EARLY);
}

function plainEscape(kind: u32): u32 {
  if (kind == 0x22 || kind == 0x5c || kind == 0x2f) return kind;
  if (kind == 0x6e) return 10;
  if (kind == 0x72) return 13;
  if (kind == 0x74) return 9;
  if (kind == 0x62) return 8;
  return kind == 0x66 ? 12 : 0;
}

/** The four hexadecimal digits at `at`; -1 when they are none. */
function codeUnit(): i32 {
  let unit: i32 = 0;
  for (let index = 0; index < 4; index++) {
    if (at >= end) return -1;
    const digit = hexDigit(load<u8>(at));
    if (digit < 0) return -1;
    unit = 16 * unit + digit;
    at++;
  }
  return unit;
}

/** The character of a code unit and of the one behind it, where they are a pair of surrogates. */
function paired(unit: i32): i32 {
  if ((unit & 0xfc00) != 0xd800 || at + 6 > end) return unit;
  if (load<u8>(at) != 0x5c || load<u8>(at, 1) != 0x75) return unit;
  const back = at;
  at += 2;
  const low = codeUnit();
  if (low >= 0 && (low & 0xfc00) == 0xdc00) {
    return 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
  }
  at = back;
  return unit;
}

function writeCharacter(text: ByteWriter, character: i32): void {
  if (character < 0x80) return text.byte(character);
  if (character < 0x800) {
    text.byte(0xc0 | (character >> 6));
  } else {
    if (character < 0x10000) {
      text.byte(0xe0 | (character >> 12));
    } else {
      text.byte(0xf0 | (character >> 18));
      text.byte(0x80 | ((character >> 12) & 0x3f));
    }
    text.byte(0x80 | ((character >> 6) & 0x3f));
  }
  text.byte(0x80 | (character & 0x3f));
}

function skipDigits(): void {
  while (at < end && <u32> load<u8>(at) - 0x30 < 10) at++;
}

function skipSpace(): void {
  while (at < end) {
    const byte = <u32> load<u8>(at);
    if (byte != 0x20 && byte != 10 && byte != 13 && byte != 9) return;
    at++;
  }
}

function fail(message: Bytes): void {
  problem = message;
}

function failed(message: Bytes): Bytes | null {
  problem = message;
  return null;
}
