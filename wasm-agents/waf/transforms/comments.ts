/** removeComments, replaceComments, removeCommentsChar. */

import { Bytes } from "sentinel/text";
import { findByte } from "./byte_search";
import { begun, finished } from "./output";

/** Each comment between slash-star and star-slash is one blank; one that does not end reaches to the end. */
export function replaceComments(input: Bytes): Bytes {
  const end = input.at + input.length;
  let from = commentStart(input.at, end);
  if (from == end) return input;
  const at = begun(input, from, 0);
  let to = at + (from - input.at);
  while (from < end) {
    from += 2;
    while (from < end && !isPair(from, end, 0x2f2a)) from++;
    from += 2;
    store<u8>(to++, 32);
    const next = from < end ? commentStart(from, end) : from;
    if (next > from) memory.copy(to, from, next - from);
    to += next - from;
    from = next;
  }
  return finished(input, at, to);
}

function commentStart(at: usize, end: usize): usize {
  while (at < end) {
    at = findByte(at, end, 0x2f);
    if (isPair(at, end, 0x2a2f)) break;
    if (at < end) at++;
  }
  return at;
}

/** Whether two bytes stand at `at`; the first is the lower one. */
// asc: @inline
function isPair(at: usize, end: usize, pair: u32): bool {
  return at + 2 <= end && <u32> load<u16>(at) == pair;
}

/** `<!--` at `at`. */
// asc: @inline
function isMarkup(at: usize, end: usize): bool {
  return at + 4 <= end && load<u32>(at) == 0x2d2d213c;
}

/** `-->` at `at`. */
// asc: @inline
function isMarkupEnd(at: usize, end: usize): bool {
  return at + 3 <= end && load<u16>(at) == 0x2d2d && load<u8>(at, 2) == 0x3e;
}

/** Where something that could be a comment begins. */
function firstSign(at: usize, end: usize): usize {
  for (; at < end; at++) {
    const byte = <u32> load<u8>(at);
    if (byte == 0x23 || isPair(at, end, 0x2a2f) || isPair(at, end, 0x2f2a)) {
      break;
    }
    if (isPair(at, end, 0x2d2d) || isMarkup(at, end)) break;
  }
  return at;
}

/**
 * Without comments of C and HTML; `--` and `#` end the text. As in ModSecurity the byte behind a comment is taken as it
 * is, and a zero byte stands for it when there is none; a comment that does not end is one blank.
 */
export function removeComments(input: Bytes): Bytes {
  const end = input.at + input.length;
  let from = firstSign(input.at, end);
  if (from == end) return input;
  const at = begun(input, from, 1);
  let to = at + (from - input.at);
  let isInside = false;
  while (from < end) {
    if (isInside) {
      const skip: usize = isPair(from, end, 0x2f2a) ? 2 : isMarkupEnd(from, end) ? 3 : 0;
      if (skip == 0) {
        from++;
        continue;
      }
      isInside = false;
      from += skip;
      store<u8>(to++, from < end ? load<u8>(from) : 0);
      from++;
    } else if (isPair(from, end, 0x2a2f)) {
      isInside = true;
      from += 2;
    } else if (isMarkup(from, end)) {
      isInside = true;
      from += 4;
    } else if (isPair(from, end, 0x2d2d) || load<u8>(from) == 0x23) break;
    else store<u8>(to++, load<u8>(from++));
  }
  if (isInside) store<u8>(to++, 32);
  return finished(input, at, to);
}

/** Without the signs that comments begin and end with; what is between them stays. */
export function removeCommentsChar(input: Bytes): Bytes {
  const end = input.at + input.length;
  let from = firstSign(input.at, end);
  if (from == end) return input;
  const at = begun(input, from, 0);
  let to = at + (from - input.at);
  while (from < end) {
    if (isPair(from, end, 0x2a2f) || isPair(from, end, 0x2f2a)) from += 2;
    else if (isMarkup(from, end)) from += 4;
    else if (isMarkupEnd(from, end)) from += 3;
    else if (isPair(from, end, 0x2d2d)) from += 2;
    else if (load<u8>(from) == 0x23) from++;
    else store<u8>(to++, load<u8>(from++));
  }
  return finished(input, at, to);
}
