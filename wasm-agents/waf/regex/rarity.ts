/** How likely a byte is to stand at a place of an ordinary request, in millionths: what literals are chosen by. */

import { lowered } from "sentinel/text";

/** Letters in the order of the alphabet, after the usual counts for English. */
const LETTERS: StaticArray<i32> = [
  57_000,
  12_000,
  25_000,
  28_000,
  85_000,
  16_000,
  16_000,
  38_000,
  54_000,
  3_000,
  9_000,
  32_000,
  20_000,
  54_000,
  56_000,
  18_000,
  2_000,
  47_000,
  52_000,
  70_000,
  24_000,
  8_000,
  15_000,
  4_000,
  15_000,
  3_000,
];

/** Of a byte in small letters. */
// asc: @inline
export function rarityOf(byte: u32): i32 {
  return unchecked(RARITIES[byte]);
}

function guessed(byte: u32): i32 {
  if (byte - 97 < 26) return unchecked(LETTERS[byte - 97]);
  if (byte - 48 < 10) return 22_000;
  switch (byte) {
    case 32: // space
      return 60_000;
    case 47: // /
      return 30_000;
    case 46: // .
    case 45: // -
    case 61: // =
      return 25_000;
    case 44: // ,
    case 59: // ;
    case 58: // :
    case 95: // _
    case 37: // %
    case 38: // &
    case 43: // +
      return 12_000;
    case 34: // "
    case 40: // (
    case 41: // )
      return 6_000;
    default:
      return byte > 32 && byte < 127 ? 1_500 : 500;
  }
}

const RARITIES: StaticArray<i32> = new StaticArray<i32>(256);
for (let byte: u32 = 0; byte < 256; byte++) RARITIES[byte] = guessed(byte);

/** How many of a million bytes of ordinary text are in a set. */
export function chanceOfSet(set: usize): i32 {
  let chance = 0;
  for (let word: usize = 0; word < 32; word += 8) {
    let bits = load<u64>(set + word);
    while (bits != 0) {
      const byte = <u32> (word << 3) + <u32> ctz(bits);
      // A capital letter is rare next to its small one.
      chance += byte - 65 < 26 ? unchecked(RARITIES[lowered(byte)]) >> 4 : unchecked(RARITIES[byte]);
      bits &= bits - 1;
    }
  }
  return chance;
}
