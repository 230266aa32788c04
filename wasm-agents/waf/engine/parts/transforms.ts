/** stub */
import { Bytes, Text } from "sentinel";
import { isWord } from "../../seclang/words";
const N: string[] = [
  "lowercase",
  "urlDecodeUni",
  "urlDecode",
  "none2",
  "utf8toUnicode",
  "htmlEntityDecode",
  "jsDecode",
  "cssDecode",
  "removeNulls",
  "cmdLine",
  "escapeSeqDecode",
  "replaceComments",
  "normalizePathWin",
  "normalizePath",
  "removeWhitespace",
  "compressWhitespace",
  "length",
  "sha1",
  "hexEncode",
  "base64Decode",
  "removeCommentsChar",
];
export function transformId(name: Text): i32 {
  for (let i = 0; i < N.length; i++) if (isWord(name, N[i])) return i;
  return -1;
}
export function transformName(id: i32): string {
  return N[id];
}
export function transform(id: i32, input: Bytes): Bytes {
  if (id == 0) return input.asText().toLowerCase();
  if (id == 16) return Text.of(input.length.toString());
  return input;
}
