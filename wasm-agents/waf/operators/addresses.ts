/** Addresses and networks of both families as ranges. */

import { Text } from "sentinel/text";
import { hexValue } from "../transforms/byte_kinds";

/** What the last `readAddress` or `readNetwork` read: the range from its first address to its last. */
export let isVersion6: bool = false;
export let firstHigh: u64 = 0;
export let firstLow: u64 = 0;
export let lastHigh: u64 = 0;
export let lastLow: u64 = 0;

/** Reads an address, or a network as `address/bits`; false when it is none. */
export function readNetwork(text: Text): bool {
  const slash = text.indexOfByte(0x2f);
  if (!readAddress(slash < 0 ? text : text.slice(0, slash))) return false;
  if (slash < 0) return true;
  const bits = decimal(text, slash + 1, text.length);
  const width = isVersion6 ? 128 : 32;
  if (bits < 0 || bits > width) return false;
  const free = width - bits;
  const highMask: u64 = free > 64 ? (free == 128 ? u64.MAX_VALUE : ((<u64> 1) << (free - 64)) - 1) : 0;
  const lowMask: u64 = free >= 64 ? u64.MAX_VALUE : ((<u64> 1) << free) - 1;
  firstHigh &= ~highMask;
  firstLow &= ~lowMask;
  lastHigh = firstHigh | highMask;
  lastLow = firstLow | lowMask;
  return true;
}

/** Reads an address in one of the usual forms (RFC 4291 section 2.2); false when it is none. */
export function readAddress(text: Text): bool {
  isVersion6 = text.indexOfByte(0x3a) >= 0;
  firstHigh = 0;
  firstLow = 0;
  if (isVersion6) {
    if (!readVersion6(text)) return false;
  } else {
    const value = version4(text, 0);
    if (value < 0) return false;
    firstLow = value;
  }
  lastHigh = firstHigh;
  lastLow = firstLow;
  return true;
}

/** The number of a dotted address that goes from `from` to the end of the text; -1 when it is none. */
function version4(text: Text, from: i32): i64 {
  let value: i64 = 0;
  for (let part = 0; part < 4; part++) {
    const dot = part == 3 ? text.length : text.indexOfByte(0x2e, from);
    const number = dot < 0 ? -1 : decimal(text, from, dot);
    if (number < 0 || number > 255) return -1;
    value = (value << 8) | number;
    from = dot + 1;
  }
  return value;
}

/** One to three decimal digits without a zero in front; -1 for anything else. */
function decimal(text: Text, from: i32, to: i32): i32 {
  if (
    to <= from || to - from > 3 || (to - from > 1 && text.byteAt(from) == 48)
  ) return -1;
  let value = 0;
  for (; from < to; from++) {
    const digit = text.byteAt(from) - 48;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

const groups: StaticArray<u16> = new StaticArray<u16>(8);

function readVersion6(text: Text): bool {
  let count = 0;
  let gap = -1;
  let index = 0;
  if (text.length >= 2 && text.byteAt(0) == 0x3a) {
    if (text.byteAt(1) != 0x3a) return false;
    gap = 0;
    index = 2;
  }
  while (index < text.length) {
    if (count == 8) return false;
    const start = index;
    let value: u32 = 0;
    for (; index < text.length && index - start < 4; index++) {
      const digit = hexValue(text.byteAt(index));
      if (digit > 15) break;
      value = (value << 4) | digit;
    }
    if (index < text.length && text.byteAt(index) == 0x2e) {
      const last = version4(text, start);
      if (last < 0 || count > 6) return false;
      groups[count++] = <u16> (last >> 16);
      groups[count++] = <u16> last;
      break;
    }
    if (index == start) return false;
    groups[count++] = <u16> value;
    if (index == text.length) break;
    if (text.byteAt(index++) != 0x3a || index == text.length) return false;
    if (text.byteAt(index) == 0x3a) {
      if (gap >= 0) return false;
      gap = count;
      index++;
    }
  }
  if (gap < 0 ? count != 8 : count > 7) return false;
  for (let place = 0; place < 8; place++) {
    const group = gap < 0 || place < gap ? place : place - (8 - count);
    const value = gap >= 0 && place >= gap && place < gap + 8 - count ? 0 : <u64> groups[group];
    if (place < 4) firstHigh = (firstHigh << 16) | value;
    else firstLow = (firstLow << 16) | value;
  }
  return true;
}
