/** Forms as `application/x-www-form-urlencoded`, and query strings. */

import { allocate } from "sentinel/arena";
import { hexDigit } from "sentinel/request";
import { Bytes } from "sentinel/text";
import { ArgSink } from "./sink";

const AMPERSAND: u32 = 0x26;
const EQUALS: u32 = 0x3d;
const PERCENT: u32 = 0x25;
const PLUS: u32 = 0x2b;
const SPACE: u8 = 0x20;

/**
 * Gives every `name=value` to the sink, decoded. A name without `=` has an empty value; pieces without a byte are
 * none. Escapes that are no escapes stay as they are written.
 */
export function parseUrlEncoded(
  input: Bytes,
  sink: ArgSink,
  separator: u32 = AMPERSAND,
): void {
  const end = input.at + input.length;
  let from = input.at;
  while (from < end) {
    let equals: usize = 0;
    let to = from;
    while (to < end) {
      const byte = <u32> load<u8>(to);
      if (byte == separator) break;
      if (byte == EQUALS && equals == 0) equals = to;
      to++;
    }
    if (to > from) {
      if (equals == 0) sink.arg(decodedForm(from, to), new Bytes(to, 0));
      else sink.arg(decodedForm(from, equals), decodedForm(equals + 1, to));
    }
    from = to + 1;
  }
}

/** The bytes of `[from, to)` with `+` as a space and `%XX` as a byte; the same memory when there is neither. */
export function decodedForm(from: usize, to: usize): Bytes {
  for (let at = from; at < to; at++) {
    const byte = <u32> load<u8>(at);
    if (byte == PERCENT || byte == PLUS) return decodedFrom(from, at, to);
  }
  return new Bytes(from, <i32> (to - from));
}

function decodedFrom(from: usize, firstEscape: usize, to: usize): Bytes {
  const start = allocate(to - from);
  memory.copy(start, from, firstEscape - from);
  let out = start + (firstEscape - from);
  for (let at = firstEscape; at < to; at++) {
    const byte = <u32> load<u8>(at);
    if (byte == PLUS) {
      store<u8>(out++, SPACE);
      continue;
    }
    if (byte == PERCENT && at + 2 < to) {
      const high = hexDigit(load<u8>(at, 1));
      const low = hexDigit(load<u8>(at, 2));
      if (high >= 0 && low >= 0) {
        store<u8>(out++, <u8> (16 * high + low));
        at += 2;
        continue;
      }
    }
    store<u8>(out++, <u8> byte);
  }
  return new Bytes(start, <i32> (out - start));
}
