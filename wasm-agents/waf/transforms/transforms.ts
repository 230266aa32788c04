/**
 * What rules do to a value before they look at it (`t:…`), by number. To add one, give it a name in `NAMES` and a case in
 * `transform`. All take linear time, no more memory than four times their input, and any bytes.
 */

import { Bytes, lowered, Text } from "sentinel/text";
import { base64Decode, base64DecodeExt, base64Encode } from "./base64";
import { cmdLine } from "./command_line";
import { removeComments, removeCommentsChar, replaceComments } from "./comments";
import { md5, sha1 } from "./digests";
import { cssDecode, escapeSeqDecode, jsDecode } from "./escapes";
import { hexDecode, hexEncode, sqlHexDecode } from "./hex_codes";
import { htmlEntityDecode } from "./html_entities";
import { lowerCase, upperCase } from "./letter_case";
import { parityEven7bit, parityOdd7bit, parityZero7bit } from "./parity";
import { normalizePath, normalizePathWin } from "./paths";
import { urlDecode, urlDecodeUni, urlEncode } from "./url_codes";
import { utf8ToUnicode } from "./utf8_unicode";
import {
  compressWhitespace,
  removeNulls,
  removeWhitespace,
  replaceNulls,
  trim,
  trimLeft,
  trimRight,
} from "./white_space";

/** By number; the last two are other spellings. */
const NAMES: StaticArray<string> = [
  "none",
  "lowercase",
  "uppercase",
  "urlDecode",
  "urlDecodeUni",
  "urlEncode",
  "htmlEntityDecode",
  "jsDecode",
  "cssDecode",
  "escapeSeqDecode",
  "base64Decode",
  "base64DecodeExt",
  "base64Encode",
  "hexDecode",
  "hexEncode",
  "sqlHexDecode",
  "cmdLine",
  "compressWhitespace",
  "removeWhitespace",
  "removeNulls",
  "replaceNulls",
  "removeComments",
  "replaceComments",
  "removeCommentsChar",
  "normalizePath",
  "normalizePathWin",
  "utf8toUnicode",
  "length",
  "md5",
  "sha1",
  "trim",
  "trimLeft",
  "trimRight",
  "parityEven7bit",
  "parityOdd7bit",
  "parityZero7bit",
  "normalisePath",
  "normalisePathWin",
];

const NORMALIZE_PATH: i32 = 24;
const SPELLINGS: i32 = 36;

/** The number of a transformation, whose name may be in any letter case; -1 when there is none of the name. */
export function transformId(name: Text): i32 {
  for (let id = 0; id < NAMES.length; id++) {
    if (isNamed(name, NAMES[id])) {
      return id < SPELLINGS ? id : id - SPELLINGS + NORMALIZE_PATH;
    }
  }
  return -1;
}

function isNamed(name: Text, known: string): bool {
  if (name.length != known.length) return false;
  for (let index = 0; index < known.length; index++) {
    if (lowered(name.byteAt(index)) != lowered(<u32> known.charCodeAt(index))) {
      return false;
    }
  }
  return true;
}

/** The name that a number stands for. */
export function transformName(id: i32): string {
  return NAMES[id];
}

/**
 * Does what `id` says. When nothing changes the result is `input` itself; otherwise it lies in the memory of the call, or is
 * a part of the input.
 */
export function transform(id: i32, input: Bytes): Bytes {
  switch (id) {
    case 1:
      return lowerCase(input);
    case 2:
      return upperCase(input);
    case 3:
      return urlDecode(input);
    case 4:
      return urlDecodeUni(input);
    case 5:
      return urlEncode(input);
    case 6:
      return htmlEntityDecode(input);
    case 7:
      return jsDecode(input);
    case 8:
      return cssDecode(input);
    case 9:
      return escapeSeqDecode(input);
    case 10:
      return base64Decode(input);
    case 11:
      return base64DecodeExt(input);
    case 12:
      return base64Encode(input);
    case 13:
      return hexDecode(input);
    case 14:
      return hexEncode(input);
    case 15:
      return sqlHexDecode(input);
    case 16:
      return cmdLine(input);
    case 17:
      return compressWhitespace(input);
    case 18:
      return removeWhitespace(input);
    case 19:
      return removeNulls(input);
    default:
      return transformRarely(id, input);
  }
}

function transformRarely(id: i32, input: Bytes): Bytes {
  switch (id) {
    case 20:
      return replaceNulls(input);
    case 21:
      return removeComments(input);
    case 22:
      return replaceComments(input);
    case 23:
      return removeCommentsChar(input);
    case 24:
      return normalizePath(input);
    case 25:
      return normalizePathWin(input);
    case 26:
      return utf8ToUnicode(input);
    case 27:
      return lengthOf(input);
    case 28:
      return md5(input);
    case 29:
      return sha1(input);
    case 30:
      return trim(input);
    case 31:
      return trimLeft(input);
    case 32:
      return trimRight(input);
    case 33:
      return parityEven7bit(input);
    case 34:
      return parityOdd7bit(input);
    case 35:
      return parityZero7bit(input);
    default:
      return input;
  }
}

/** How many bytes there are, in decimal digits. */
function lengthOf(input: Bytes): Bytes {
  const digits = Text.of(input.length.toString());
  return digits.equals(input) ? input : digits;
}
