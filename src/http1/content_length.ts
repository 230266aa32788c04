/** 15 digits stay exact as a number, and no body comes near a petabyte. */
const DIGITS_MAX = 15;

/**
 * The value of Content-Length (RFC 9110 §8.6): decimal digits and nothing else, read in one way for
 * requests and responses. Undefined for anything else: signs, lists, spaces, other bases, too many digits.
 */
export function parseContentLength(value: string): number | undefined {
  if (value.length === 0 || value.length > DIGITS_MAX) return undefined;
  let length = 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    length = length * 10 + digit;
  }
  return length;
}
