/** The `Cookie` header (RFC 6265 §4.2): names and values as they are, nothing decoded. */

import { Bytes } from "sentinel/text";
import { ArgSink } from "./sink";

const SEMICOLON: u32 = 0x3b;
const EQUALS: u32 = 0x3d;

/** Gives every cookie to the sink. Spaces before a name do not count; a name without `=` has an empty value. */
export function parseCookies(input: Bytes, sink: ArgSink): void {
  const end = input.at + input.length;
  let from = input.at;
  while (from < end) {
    while (from < end && isSpace(load<u8>(from))) from++;
    let equals: usize = 0;
    let to = from;
    while (to < end) {
      const byte = <u32> load<u8>(to);
      if (byte == SEMICOLON) break;
      if (byte == EQUALS && equals == 0) equals = to;
      to++;
    }
    if (to > from) {
      const nameEnd = equals == 0 ? to : equals;
      const value = equals == 0 ? to : equals + 1;
      sink.cookie(
        new Bytes(from, <i32> (nameEnd - from)),
        new Bytes(value, <i32> (to - value)),
      );
    }
    from = to + 1;
  }
}

function isSpace(byte: u32): bool {
  return byte == 0x20 || byte - 9 < 5;
}
