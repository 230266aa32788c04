/** jsDecode, cssDecode, escapeSeqDecode: what follows a backslash in three languages. */

import { Bytes } from "sentinel/text";
import { hexPair, hexValue, isSpace, narrowed, octalDigits, octalValue } from "./byte_kinds";
import { findByte } from "./byte_search";
import { begun, finished } from "./output";

/** Languages whose escapes have much in common. */
const SCRIPT: u32 = 0;
const SEQUENCES: u32 = 1;

/** \uHHHH (the lower byte, full-width forms as ASCII), \xHH, \ooo up to 377, \n and the like; \c is c. */
export function jsDecode(input: Bytes): Bytes {
  return unescaped(input, SCRIPT);
}

/** \n and the like, \xHH, \ooo; of anything else the backslash goes. The last byte of all may be a backslash. */
export function escapeSeqDecode(input: Bytes): Bytes {
  return unescaped(input, SEQUENCES);
}

/** Written out for each language, which costs nothing where bytes are gone through. */
// asc: @inline
function unescaped(input: Bytes, language: u32): Bytes {
  const end = input.at + input.length;
  let from = findByte(input.at, end, 0x5c);
  if (from == end) return input;
  const at = begun(input, from, 0);
  let to = at + (from - input.at);
  while (from < end) {
    let byte = <u32> load<u8>(from++);
    if (byte == 0x5c && from < end) {
      byte = load<u8>(from++);
      if (byte == 0x78 || language == SEQUENCES && byte == 0x58) {
        const value = from + 2 <= end ? hexPair(from) : 256;
        if (value < 256) {
          byte = value;
          from += 2;
        }
      } else if (byte - 48 < 8) {
        let digits = octalDigits(from - 1, end);
        if (language == SCRIPT && digits == 3 && byte > 51) digits = 2;
        byte = octalValue(from - 1, digits);
        from += digits - 1;
      } else if (language == SCRIPT && byte == 0x75) {
        const high = from + 4 <= end ? hexPair(from) : 256;
        const low = high < 256 ? hexPair(from + 2) : 256;
        if (low < 256) {
          byte = narrowed(low, high);
          from += 4;
        }
      } else byte = controlFor(byte);
    }
    store<u8>(to++, byte);
  }
  return finished(input, at, to);
}

/** The control character that a letter after a backslash stands for; any other byte is itself. */
function controlFor(byte: u32): u32 {
  switch (byte) {
    case 0x61:
      return 7;
    case 0x62:
      return 8;
    case 0x66:
      return 12;
    case 0x6e:
      return 10;
    case 0x72:
      return 13;
    case 0x74:
      return 9;
    case 0x76:
      return 11;
    default:
      return byte;
  }
}

/**
 * Up to six hexadecimal digits are a character, of which the lower byte stays (full-width forms as ASCII), and one
 * blank behind them goes; a line feed goes together with its backslash; any other character is itself. ModSecurity 3 ends
 * the text at a zero byte, this does not.
 */
export function cssDecode(input: Bytes): Bytes {
  const end = input.at + input.length;
  let from = findByte(input.at, end, 0x5c);
  if (from == end) return input;
  const at = begun(input, from, 0);
  let to = at + (from - input.at);
  while (from < end) {
    const byte = <u32> load<u8>(from++);
    if (byte != 0x5c) {
      store<u8>(to++, byte);
      continue;
    }
    if (from == end) break;
    let value: u32 = 0;
    let digits = 0;
    for (; digits < 6 && from + digits < end; digits++) {
      const digit = hexValue(load<u8>(from + digits));
      if (digit > 15) break;
      value = (value << 4) | digit;
    }
    if (digits > 0) {
      // What is above 16 bits is no full-width form.
      store<u8>(to++, narrowed(value & 255, value >>> 8));
      from += digits;
      if (from < end && isSpace(load<u8>(from))) from++;
    } else if (load<u8>(from) == 10) from++;
    else store<u8>(to++, load<u8>(from++));
  }
  return finished(input, at, to);
}
