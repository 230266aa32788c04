/** Bytes as a JSON string. */

import { Bytes, ByteWriter } from "sentinel";

const HEX = "0123456789abcdef";

/** Writes bytes in quotation marks; a byte that is no part of UTF-8 becomes the character of its number. */
export function writeJsonText(writer: ByteWriter, bytes: Bytes): void {
  writer.byte(0x22);
  let index = 0;
  while (true) {
    const from = index;
    while (index < bytes.length && isPlain(bytes.byteAt(index))) index++;
    if (index > from) writer.bytes(new Bytes(bytes.at + from, index - from));
    if (index == bytes.length) break;
    const byte = bytes.byteAt(index);
    if (byte >= 0x80) {
      const length = sequenceLength(bytes, index);
      if (length == 0) escaped(writer, byte);
      else writer.bytes(new Bytes(bytes.at + index, length));
      index += max(length, 1);
      continue;
    }
    index++;
    if (byte == 0x22 || byte == 0x5c) {
      writer.byte(0x5c);
      writer.byte(byte);
    } else escaped(writer, byte);
  }
  writer.byte(0x22);
}

/** Whether a byte is written as it is. */
// asc: @inline
function isPlain(byte: u32): bool {
  return byte - 0x20 < 0x5f && byte != 0x22 && byte != 0x5c;
}

function escaped(writer: ByteWriter, byte: u32): void {
  writer.byte(0x5c);
  writer.byte(0x75);
  writer.byte(0x30);
  writer.byte(0x30);
  writer.byte(HEX.charCodeAt(byte >> 4));
  writer.byte(HEX.charCodeAt(byte & 15));
}

/** The length of the UTF-8 sequence that begins at `index`; 0 when there is none (RFC 3629, section 4). */
function sequenceLength(bytes: Bytes, index: i32): i32 {
  const first = bytes.byteAt(index);
  const length = first >= 0xc2 && first < 0xe0
    ? 2
    : first >= 0xe0 && first < 0xf0
    ? 3
    : first >= 0xf0 && first < 0xf5
    ? 4
    : 0;
  if (length == 0 || index + length > bytes.length) return 0;
  const second = bytes.byteAt(index + 1);
  if (first == 0xe0 && second < 0xa0 || first == 0xed && second > 0x9f) {
    return 0;
  }
  if (first == 0xf0 && second < 0x90 || first == 0xf4 && second > 0x8f) {
    return 0;
  }
  for (let next = index + 1; next < index + length; next++) {
    if ((bytes.byteAt(next) & 0xc0) != 0x80) return 0;
  }
  return length;
}
