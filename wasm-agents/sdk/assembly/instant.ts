/** Points in time as people write them. */

import { Text } from "./text";

const DAY_MS: f64 = 86_400_000;

/** Unix milliseconds of an RFC 3339 time such as `2027-03-01T12:00:00Z`; NaN when it is none. */
export function instantOf(text: Text): f64 {
  if (text.length < 20 || text.byteAt(4) != 0x2d || text.byteAt(7) != 0x2d) return NaN;
  if ((text.byteAt(10) | 32) != 0x74 || text.byteAt(13) != 0x3a || text.byteAt(16) != 0x3a) return NaN;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return NaN;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return NaN;
  let at = 19;
  let fraction: f64 = 0;
  if (text.byteAt(at) == 0x2e) {
    let unit: f64 = 1000;
    const start = ++at;
    while (at < text.length && text.byteAt(at) - 48 < 10) {
      unit /= 10;
      fraction += unit * <f64> (text.byteAt(at++) - 48);
    }
    if (at == start) return NaN;
  }
  const offset = offsetMinutes(text, at);
  if (offset == i32.MIN_VALUE) return NaN;
  const seconds = (hour * 60 + minute - offset) * 60 + second;
  return <f64> daysSince1970(year, month, day) * DAY_MS + <f64> seconds * 1000 + Math.floor(fraction);
}

/** Minutes east of UTC; the smallest number when it is none. */
function offsetMinutes(text: Text, at: i32): i32 {
  if (at >= text.length) return i32.MIN_VALUE;
  const sign = text.byteAt(at);
  if ((sign | 32) == 0x7a) return at + 1 == text.length ? 0 : i32.MIN_VALUE;
  if ((sign != 0x2b && sign != 0x2d) || at + 6 != text.length || text.byteAt(at + 3) != 0x3a) {
    return i32.MIN_VALUE;
  }
  const hours = digits(text, at + 1, 2);
  const minutes = digits(text, at + 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return i32.MIN_VALUE;
  return sign == 0x2d ? -(hours * 60 + minutes) : hours * 60 + minutes;
}

function digits(text: Text, from: i32, count: i32): i32 {
  let value = 0;
  for (let at = from; at < from + count; at++) {
    const digit = text.byteAt(at) - 48;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function daysIn(year: i32, month: i32): i32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** Days of the Gregorian calendar, counted in years that begin in March so that leap days come last. */
function daysSince1970(year: i32, month: i32, day: i32): i32 {
  const shifted = month <= 2 ? year - 1 : year;
  const monthFromMarch = (month + 9) % 12;
  const dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1;
  return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719468;
}
