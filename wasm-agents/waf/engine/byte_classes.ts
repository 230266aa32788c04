/**
 * Which kinds of bytes a text has, and which kinds each transformation acts on: a transformation that acts on none of
 * the kinds that are there changes nothing, and need not be run.
 */

import { Text } from "sentinel/text";
import { transformName } from "../transforms/transforms";

const PERCENT: u32 = 1 << 0;
const PLUS: u32 = 1 << 1;
const AMPERSAND: u32 = 1 << 2;
const BACKSLASH: u32 = 1 << 3;
const UPPER: u32 = 1 << 4;
const SPACE: u32 = 1 << 5;
const SLASH: u32 = 1 << 6;
const DOT: u32 = 1 << 7;
const NUL: u32 = 1 << 8;
const HIGH: u32 = 1 << 9;
const STAR: u32 = 1 << 10;
const HASH: u32 = 1 << 11;
const DASH: u32 = 1 << 12;
const QUOTE: u32 = 1 << 13;
const SHELL: u32 = 1 << 14;
/** Every text has this, also an empty one. */
const ANYTHING: u32 = 1 << 30;

const CLASSES: usize = memory.data(1024, 8);

function fill(): void {
  for (let byte = 0; byte < 256; byte++) {
    store<u32>(CLASSES + 4 * byte, byte >= 128 ? HIGH : 0);
  }
  for (let byte = 65; byte <= 90; byte++) put(byte, UPPER);
  for (let byte = 9; byte <= 13; byte++) put(byte, SPACE);
  put(0, NUL);
  put(0x20, SPACE);
  put(0x25, PERCENT);
  put(0x2b, PLUS);
  put(0x26, AMPERSAND);
  put(0x5c, BACKSLASH);
  put(0x2f, SLASH);
  put(0x2e, DOT);
  put(0x2a, STAR);
  put(0x23, HASH);
  put(0x2d, DASH);
  put(0x22, QUOTE);
  put(0x27, QUOTE);
  put(0x5e, SHELL);
  put(0x2c, SHELL);
  put(0x3b, SHELL);
}

function put(byte: usize, kind: u32): void {
  store<u32>(CLASSES + 4 * byte, load<u32>(CLASSES + 4 * byte) | kind);
}

fill();

/** The kinds of bytes that a text has. */
export function classesOf(at: usize, length: i32): u32 {
  let found: u32 = ANYTHING;
  const end = at + length;
  for (; at < end; at++) {
    found |= load<u32>(CLASSES + ((<usize> load<u8>(at)) << 2));
  }
  return found;
}

/** The kinds of bytes that a transformation acts on. */
export function actsOn(transform: i32): u32 {
  const name = Text.of(transformName(transform)).toLowerCase();
  if (name.is("urldecode") || name.is("urldecodeuni")) return PERCENT | PLUS;
  if (name.is("htmlentitydecode")) return AMPERSAND;
  if (
    name.is("jsdecode") || name.is("cssdecode") || name.is("escapeseqdecode")
  ) return BACKSLASH;
  if (name.is("removenulls") || name.is("replacenulls")) return NUL;
  if (name.is("lowercase")) return UPPER;
  if (name.is("utf8tounicode")) return HIGH | NUL;
  if (name.is("removewhitespace") || name.is("compresswhitespace")) {
    return SPACE | HIGH;
  }
  if (name.is("trim") || name.is("trimleft") || name.is("trimright")) {
    return SPACE | HIGH;
  }
  if (name.is("replacecomments")) return STAR;
  if (name.is("removecommentschar")) return STAR | HASH | DASH;
  if (name.is("cmdline")) return BACKSLASH | QUOTE | SHELL | SPACE | UPPER;
  if (name.is("normalizepath") || name.is("normalisepath")) return SLASH | DOT;
  if (name.is("normalizepathwin") || name.is("normalisepathwin")) {
    return SLASH | DOT | BACKSLASH;
  }
  return ANYTHING;
}

/** Whether a transformation makes small letters of capital ones and nothing else, which the search for literals does too. */
export function isCaseOnly(transform: i32): bool {
  return Text.of(transformName(transform)).toLowerCase().is("lowercase");
}
