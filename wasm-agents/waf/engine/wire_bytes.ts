/**
 * The proxy keeps heads of messages as text with one character for each byte, and hands it over in UTF-8, where bytes
 * above 127 take two. Rules look at the bytes as they were sent.
 */

import { Bytes, EMPTY, hexDigit } from "sentinel";
import { allocate } from "sentinel/arena";

/** The bytes that were sent. Characters that stand for no byte stay as they are. */
export function wireBytes(text: Bytes): Bytes {
  const length = text.length;
  let index = 0;
  while (index < length && text.byteAt(index) < 0x80) index++;
  return index == length ? text : narrowed(text, index);
}

function narrowed(text: Bytes, from: i32): Bytes {
  const at = allocate(text.length);
  memory.copy(at, text.at, from);
  let length = from;
  for (let index = from; index < text.length; index++) {
    let byte = text.byteAt(index);
    // U+0080 to U+00FF.
    if ((byte == 0xc2 || byte == 0xc3) && index + 1 < text.length) {
      byte = byte << 6 & 0xff | text.byteAt(++index) & 0x3f;
    }
    store<u8>(at + length++, <u8> byte);
  }
  return new Bytes(at, length);
}

/** A path with `%41` as `A`, once; what is no escape stays, and `+` is a plus. */
export function pathBytes(path: Bytes): Bytes {
  const first = path.indexOfByte(0x25);
  if (first < 0) return path.length == 0 ? EMPTY : path;
  const at = allocate(path.length);
  memory.copy(at, path.at, first);
  let length = first;
  for (let index = first; index < path.length; index++) {
    let byte = path.byteAt(index);
    if (byte == 0x25 && index + 2 < path.length) {
      const high = hexDigit(path.byteAt(index + 1));
      const low = hexDigit(path.byteAt(index + 2));
      if (high >= 0 && low >= 0) {
        byte = <u32> (high << 4 | low);
        index += 2;
      }
    }
    store<u8>(at + length++, <u8> byte);
  }
  return new Bytes(at, length);
}
