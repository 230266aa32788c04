/** Which byte a character beyond ASCII becomes on a server of some code page: the file that `SecUnicodeMapFile` names. */

import { allocate, keepCall } from "sentinel/arena";
import { Bytes, Text } from "sentinel/text";
import { hexPair, hexValue } from "./byte_kinds";

const CHARACTERS: i32 = 65_536;

/** A byte for each character, 0 where the file has none; no table at all when there is no file. */
let table: usize = 0;

/**
 * Takes the row of a code page from such a file for `urlDecodeUni`: a line that begins with the number of the page, then lines
 * of `hhhh:hh`. False when there is no such page. Must be called in `onConfigure`.
 */
export function setUnicodeMap(file: Bytes, page: Text): bool {
  let isFound = false;
  let isRow = false;
  for (let from = 0; from < file.length;) {
    const found = file.indexOfByte(10, from);
    const to = found < 0 ? file.length : found;
    const line = new Text(file.at + from, to - from);
    from = to + 1;
    const hasPairs = line.length >= 7 && line.byteAt(4) == 0x3a &&
      hexPair(line.at + 5) < 256;
    if (isRow && hasPairs) readPairs(line);
    else if (isRow && isFound && line.trim().length > 1) isRow = false;
    if (hasPairs || !isPage(line, page)) continue;
    if (!isFound) begin();
    isFound = true;
    isRow = true;
  }
  return isFound;
}

function begin(): void {
  table = allocate(CHARACTERS);
  memory.fill(table, 0, CHARACTERS);
  keepCall();
}

/** Whether a line begins with the number of the page. */
function isPage(line: Text, page: Text): bool {
  if (page.length == 0 || !line.startsWith(page)) return false;
  return line.length == page.length || line.byteAt(page.length) <= 32;
}

function readPairs(line: Text): void {
  for (let at = line.at, end = line.at + line.length; at + 7 <= end;) {
    if (hexValue(load<u8>(at)) > 15) {
      at++;
      continue;
    }
    const high = hexPair(at);
    const low = hexPair(at + 2);
    const byte = hexPair(at + 5);
    if ((high | low | byte) < 256 && load<u8>(at, 4) == 0x3a) {
      store<u8>(table + ((high << 8) | low), byte);
    }
    at += 7;
  }
}

/** The byte that the file gives a character; 0 when it gives none, or there is no file. */
// asc: @inline
export function mappedByte(code: u32): u32 {
  return table == 0 ? 0 : load<u8>(table + code);
}
