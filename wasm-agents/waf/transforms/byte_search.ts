/** Looks for bytes eight at a time. All searches give `end` when there is nothing. */

const ONES: u64 = 0x0101010101010101;
const HIGH: u64 = 0x8080808080808080;
const LOW: u64 = 0x7f7f7f7f7f7f7f7f;

/** High bits of bytes that are zero; above the first of them it may mark others, so it only says whether there is one. */
// asc: @inline
function zeros(word: u64): u64 {
  return (word - ONES) & ~word & HIGH;
}

/** Where `byte` first stands. */
export function findByte(at: usize, end: usize, byte: u32): usize {
  const pattern = ONES * <u64> byte;
  while (at + 8 <= end && zeros(load<u64>(at) ^ pattern) == 0) at += 8;
  while (at < end && load<u8>(at) != byte) at++;
  return at;
}

/** Where one of two bytes first stands. */
export function findEither(at: usize, end: usize, bytes: u32): usize {
  const first = bytes & 0xff;
  const second = bytes >>> 8;
  const one = ONES * <u64> first;
  const other = ONES * <u64> second;
  for (; at + 8 <= end; at += 8) {
    const word = load<u64>(at);
    if ((zeros(word ^ one) | zeros(word ^ other)) != 0) break;
  }
  while (at < end && load<u8>(at) != first && load<u8>(at) != second) at++;
  return at;
}

/** Where a byte above 127 or a zero byte first stands. */
export function findHighOrZero(at: usize, end: usize): usize {
  for (; at + 8 <= end; at += 8) {
    const word = load<u64>(at);
    if (((word & HIGH) | zeros(word)) != 0) break;
  }
  while (at < end && <u32> load<u8>(at) - 1 < 127) at++;
  return at;
}

/** Of eight bytes: 0x80 where one lies between `first` and `last`, which are letters. */
// asc: @inline
function between(word: u64, first: u64, last: u64): u64 {
  const low = word & LOW;
  const isFrom = low + (0x80 - first) * ONES;
  const isPast = low + (0x7f - last) * ONES;
  return isFrom & ~isPast & ~word & HIGH;
}

/** Where a byte from `first` to `first + 25` first stands. */
export function findLetter(at: usize, end: usize, first: u32): usize {
  while (at + 8 <= end && between(load<u64>(at), first, first + 25) == 0) {
    at += 8;
  }
  while (at < end && <u32> load<u8>(at) - first >= 26) at++;
  return at;
}

/** Copies bytes, capital letters as small ones. */
export function copyLowered(from: usize, end: usize, to: usize): void {
  for (; from + 8 <= end; from += 8, to += 8) {
    const word = load<u64>(from);
    store<u64>(to, word ^ (between(word, 65, 90) >>> 2));
  }
  for (; from < end; from++, to++) {
    const byte = <u32> load<u8>(from);
    store<u8>(to, byte - 65 < 26 ? byte ^ 32 : byte);
  }
}

/** Copies bytes, small letters as capital ones. */
export function copyRaised(from: usize, end: usize, to: usize): void {
  for (; from + 8 <= end; from += 8, to += 8) {
    const word = load<u64>(from);
    store<u64>(to, word ^ (between(word, 97, 122) >>> 2));
  }
  for (; from < end; from++, to++) {
    const byte = <u32> load<u8>(from);
    store<u8>(to, byte - 97 < 26 ? byte ^ 32 : byte);
  }
}
