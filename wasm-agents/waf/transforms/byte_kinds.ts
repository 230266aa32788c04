/** Kinds of bytes as C's library and ModSecurity see them. */

/** Of a hexadecimal digit: its value; 16 or more for any other byte. */
// asc: @inline
export function hexValue(byte: u32): u32 {
  if (byte - 48 < 10) return byte - 48;
  const letter = (byte | 32) - 97;
  return letter < 6 ? letter + 10 : 255;
}

/** Value of the two hexadecimal digits at `at`; 256 or more when they are none. */
// asc: @inline
export function hexPair(at: usize): u32 {
  const high = hexValue(load<u8>(at));
  const low = hexValue(load<u8>(at, 1));
  return (high | low) < 16 ? (high << 4) | low : 0x1000;
}

/** Blank, tab, line feed, vertical tab, form feed or carriage return. */
// asc: @inline
export function isSpace(byte: u32): bool {
  return byte == 32 || byte - 9 < 5;
}

// asc: @inline
export function isDigit(byte: u32): bool {
  return byte - 48 < 10;
}

// asc: @inline
export function isOctal(byte: u32): bool {
  return byte - 48 < 8;
}

// asc: @inline
export function isAlphanumeric(byte: u32): bool {
  return byte - 48 < 10 || (byte | 32) - 97 < 26;
}

/** Where `\ooo` begins at `at`: how many octal digits there are, 3 at most. */
export function octalDigits(at: usize, end: usize): i32 {
  let count = 0;
  while (count < 3 && at + count < end && isOctal(load<u8>(at + count))) {
    count++;
  }
  return count;
}

/** The value of `count` octal digits. */
export function octalValue(at: usize, count: i32): u32 {
  let value: u32 = 0;
  for (let index = 0; index < count; index++) {
    value = (value << 3) | (load<u8>(at + index) - 48);
  }
  return value;
}

/** A byte of a \u escape, for which ff01 to ff5e are the full-width forms of ASCII; `high` is the byte above it. */
// asc: @inline
export function narrowed(low: u32, high: u32): u32 {
  return high == 0xff && low - 1 < 0x5e ? low + 0x20 : low;
}
