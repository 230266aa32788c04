/** Numbers of JSON. */

/** Digits that fit into 64 bits. */
const DIGITS_MAX: i32 = 18;

import { Text } from "./text";

/** The value of a number as JSON writes it. More than 18 digits are rounded by their last bit. */
export function numberOf(raw: Text): f64 {
  let at = 0;
  const isNegative = raw.length > 0 && raw.byteAt(0) == 0x2d;
  if (isNegative) at++;
  let mantissa: u64 = 0;
  let digits = 0;
  let exponent = 0;
  let isFraction = false;
  for (; at < raw.length; at++) {
    const byte = raw.byteAt(at);
    if (byte == 0x2e) {
      isFraction = true;
      continue;
    }
    const digit = byte - 48;
    if (digit > 9) break;
    if (digits < DIGITS_MAX) {
      mantissa = mantissa * 10 + digit;
      if (mantissa > 0) digits++;
      if (isFraction) exponent--;
    } else if (!isFraction) exponent++;
  }
  if (at < raw.length) exponent += exponentOf(raw, at + 1);
  const value = scaled(<f64> mantissa, exponent);
  return isNegative ? -value : value;
}

function exponentOf(raw: Text, from: i32): i32 {
  let at = from;
  const sign = raw.byteAt(at);
  if (sign == 0x2b || sign == 0x2d) at++;
  let value = 0;
  // Beyond this a double is 0 or infinite, and the sum would overflow.
  for (; at < raw.length && value < 10_000; at++) value = value * 10 + <i32> (raw.byteAt(at) - 48);
  return sign == 0x2d ? -value : value;
}

function scaled(mantissa: f64, exponent: i32): f64 {
  if (mantissa == 0 || exponent == 0) return mantissa;
  if (exponent > 310) return f64.MAX_VALUE * 2;
  if (exponent < -345) return 0;
  // Powers up to 10^22 are exact, so that ordinary numbers are.
  let left = exponent < 0 ? -exponent : exponent;
  let value = mantissa;
  while (left > 0) {
    const step = min(left, 22);
    const power = powerOfTen(step);
    value = exponent < 0 ? value / power : value * power;
    left -= step;
  }
  return value;
}

function powerOfTen(exponent: i32): f64 {
  let power: f64 = 1;
  for (let left = exponent; left > 0; left--) power *= 10;
  return power;
}
