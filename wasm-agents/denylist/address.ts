/** Addresses in numbers. */

import { hexDigit, Text } from "sentinel";

/** The last address that was read, as 128 bits; an IPv4 address has its 32 bits at the end of `low`. */
export class Parsed {
  static high: u64 = 0;
  static low: u64 = 0;
  static isV4: bool = false;
}

/** Reads an address into `Parsed`. IPv4 in the form `::ffff:192.0.2.1` is IPv4; a zone (`%eth0`) is left out. */
export function parseAddress(text: Text): bool {
  const zone = text.indexOfByte(0x25);
  const plain = zone < 0 ? text : text.slice(0, zone);
  if (plain.indexOfByte(0x3a) < 0) {
    const v4 = parseV4(plain, 0);
    if (v4 < 0 || zone >= 0) return false;
    Parsed.high = 0;
    Parsed.low = <u64> v4;
    Parsed.isV4 = true;
    return true;
  }
  if (!parseV6(plain)) return false;
  Parsed.isV4 = Parsed.high == 0 && Parsed.low >>> 32 == 0xffff;
  if (Parsed.isV4) Parsed.low &= 0xffffffff;
  return true;
}

/** Four numbers from `from` to the end; -1 when they are none. Leading zeros are refused: some read them as octal. */
function parseV4(text: Text, from: i32): i64 {
  let value: i64 = 0;
  let parts = 0;
  let at = from;
  while (at < text.length) {
    const start = at;
    let part: u32 = 0;
    while (at < text.length && text.byteAt(at) - 48 < 10 && at - start < 3) {
      part = part * 10 + text.byteAt(at++) - 48;
    }
    if (at == start || part > 255 || (at - start > 1 && text.byteAt(start) == 48)) return -1;
    value = value << 8 | part;
    parts++;
    if (at == text.length) break;
    if (parts == 4 || text.byteAt(at++) != 0x2e || at == text.length) return -1;
  }
  return parts == 4 ? value : -1;
}

function parseV6(text: Text): bool {
  let high: u64 = 0;
  let low: u64 = 0;
  let groups = 0;
  /** How many groups stand before `::`. */
  let gap = -1;
  let at = 0;
  if (text.length >= 2 && text.byteAt(0) == 0x3a) {
    if (text.byteAt(1) != 0x3a) return false;
    gap = 0;
    at = 2;
  }
  while (at < text.length) {
    const start = at;
    let group: u64 = 0;
    while (at < text.length && hexDigit(text.byteAt(at)) >= 0) {
      group = group << 4 | hexDigit(text.byteAt(at++));
    }
    if (at < text.length && text.byteAt(at) == 0x2e) {
      const v4 = parseV4(text, start);
      if (v4 < 0 || groups > 6) return false;
      high = high << 32 | low >>> 32;
      low = low << 32 | <u64> v4;
      groups += 2;
      break;
    }
    if (at == start || at - start > 4 || groups == 8) return false;
    high = high << 16 | low >>> 48;
    low = low << 16 | group;
    groups++;
    if (at == text.length) break;
    if (text.byteAt(at++) != 0x3a || at == text.length) return false;
    if (text.byteAt(at) != 0x3a) continue;
    if (gap >= 0) return false;
    gap = groups;
    at++;
  }
  if (gap < 0 ? groups != 8 : groups > 7) return false;
  if (gap >= 0) {
    // What stands after the gap is at the end already; what stands before it has to move to the front.
    const after = groups - gap;
    const move = 16 * (8 - groups);
    const tailHigh = high & maskHigh(128 - 16 * after) ^ high;
    const tailLow = low & maskLow(128 - 16 * after) ^ low;
    high ^= tailHigh;
    low ^= tailLow;
    if (move >= 64) {
      high = move == 64 ? low : move == 128 ? 0 : low << (move - 64);
      low = 0;
    } else if (move > 0) {
      high = high << move | low >>> (64 - move);
      low <<= move;
    }
    high |= tailHigh;
    low |= tailLow;
  }
  Parsed.high = high;
  Parsed.low = low;
  return true;
}

/** The upper 64 bits of a mask of `bits` out of 128. */
export function maskHigh(bits: i32): u64 {
  return bits <= 0 ? 0 : bits >= 64 ? ~(<u64> 0) : ~(<u64> 0) << (64 - bits);
}

/** The lower 64 bits of a mask of `bits` out of 128. */
export function maskLow(bits: i32): u64 {
  return bits <= 64 ? 0 : bits >= 128 ? ~(<u64> 0) : ~(<u64> 0) << (128 - bits);
}
