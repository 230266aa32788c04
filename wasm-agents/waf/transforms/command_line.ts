/** cmdLine: undoes what shells allow between the letters of a command. */

import { Bytes } from "sentinel/text";
import { begun, finished } from "./output";

const KEPT: u8 = 0;
const CAPITAL: u8 = 1;
/** " ' \ ^ */
const DROPPED: u8 = 2;
/** Blank, comma, semicolon, tab, line ends. */
const GAP: u8 = 3;
/** A gap before / and ( goes. */
const CLOSING: u8 = 4;

const KINDS: StaticArray<u8> = kinds();

function kinds(): StaticArray<u8> {
  const table = new StaticArray<u8>(256);
  for (let byte = 65; byte <= 90; byte++) table[byte] = CAPITAL;
  table[0x22] = DROPPED;
  table[0x27] = DROPPED;
  table[0x5c] = DROPPED;
  table[0x5e] = DROPPED;
  table[0x20] = GAP;
  table[0x2c] = GAP;
  table[0x3b] = GAP;
  table[9] = GAP;
  table[10] = GAP;
  table[13] = GAP;
  table[0x2f] = CLOSING;
  table[0x28] = CLOSING;
  return table;
}

/** Without quotes, backslashes and carets; gaps as one blank, or none before / and (; small letters. */
export function cmdLine(input: Bytes): Bytes {
  const end = input.at + input.length;
  const table = changetype<usize>(KINDS);
  let from = firstChange(input.at, end);
  if (from == end) return input;
  const at = begun(input, from, 0);
  let to = at + (from - input.at);
  let isInGap = false;
  for (; from < end; from++) {
    const byte = <u32> load<u8>(from);
    const kind = load<u8>(table + byte);
    if (kind == DROPPED) continue;
    if (kind == GAP) {
      if (!isInGap) store<u8>(to++, 32);
      isInGap = true;
      continue;
    }
    if (kind == CLOSING && isInGap) to--;
    isInGap = false;
    store<u8>(to++, kind == CAPITAL ? byte + 32 : byte);
  }
  return finished(input, at, to);
}

/** A single blank before an ordinary byte, or at the end, changes nothing. */
function firstChange(at: usize, end: usize): usize {
  const table = changetype<usize>(KINDS);
  for (; at < end; at++) {
    const byte = <u32> load<u8>(at);
    const kind = load<u8>(table + byte);
    if (kind == KEPT || kind == CLOSING) continue;
    if (byte != 32) break;
    if (at + 1 < end && load<u8>(table + load<u8>(at, 1)) != KEPT) break;
  }
  return at;
}
