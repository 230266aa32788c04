/** md5 (RFC 1321) and sha1 (RFC 3174), as raw bytes. */

import { allocate } from "sentinel/arena";
import { Bytes } from "sentinel/text";

const BLOCK: i32 = 64;

const WORDS: StaticArray<u32> = new StaticArray<u32>(80);
const SINES: StaticArray<u32> = sines();
const TURNS: StaticArray<u8> = [
  7,
  12,
  17,
  22,
  5,
  9,
  14,
  20,
  4,
  11,
  16,
  23,
  6,
  10,
  15,
  21,
];

/** The constants of MD5: the whole part of 2^32 times |sin(step)|. */
function sines(): StaticArray<u32> {
  const table = new StaticArray<u32>(64);
  for (let index = 0; index < 64; index++) {
    table[index] = <u32> <u64> (abs<f64>(Math.sin(<f64> (index + 1))) * 4294967296.0);
  }
  return table;
}

/** The end of a message: what does not fill a block, 0x80, zeros, and the length in bits, in one or two blocks. */
function tail(input: Bytes, isBigEndian: i32): Bytes {
  const left = input.length & (BLOCK - 1);
  const length = left < 56 ? BLOCK : 2 * BLOCK;
  const at = allocate(length);
  memory.fill(at, 0, length);
  memory.copy(at, input.at + (input.length - left), left);
  store<u8>(at + left, 0x80);
  const bits = <u64> input.length << 3;
  store<u64>(at + length - 8, isBigEndian ? bswap(bits) : bits);
  return new Bytes(at, length);
}

let a: u32 = 0;
let b: u32 = 0;
let c: u32 = 0;
let d: u32 = 0;
let e: u32 = 0;

function begin(): void {
  a = 0x67452301;
  b = 0xefcdab89;
  c = 0x98badcfe;
  d = 0x10325476;
  e = 0xc3d2e1f0;
}

export function md5(input: Bytes): Bytes {
  begin();
  const whole = input.length & ~(BLOCK - 1);
  for (let index = 0; index < whole; index += BLOCK) md5Block(input.at + index);
  const end = tail(input, 0);
  for (let index = 0; index < end.length; index += BLOCK) {
    md5Block(end.at + index);
  }
  const at = allocate(16);
  store<u32>(at, a);
  store<u32>(at, b, 4);
  store<u32>(at, c, 8);
  store<u32>(at, d, 12);
  return new Bytes(at, 16);
}

function md5Block(at: usize): void {
  let p = a, q = b, r = c, s = d;
  for (let step = 0; step < 64; step++) {
    const round = step >> 4;
    let mixed: u32;
    let word: i32;
    if (round == 0) {
      mixed = (q & r) | (~q & s);
      word = step;
    } else if (round == 1) {
      mixed = (s & q) | (~s & r);
      word = 5 * step + 1;
    } else if (round == 2) {
      mixed = q ^ r ^ s;
      word = 3 * step + 5;
    } else {
      mixed = r ^ (q | ~s);
      word = 7 * step;
    }
    const sum = p + mixed + unchecked(SINES[step]) +
      load<u32>(at + 4 * (word & 15));
    p = s;
    s = r;
    r = q;
    q += rotl<u32>(sum, unchecked(TURNS[4 * round + (step & 3)]));
  }
  a += p;
  b += q;
  c += r;
  d += s;
}

export function sha1(input: Bytes): Bytes {
  begin();
  const whole = input.length & ~(BLOCK - 1);
  for (let index = 0; index < whole; index += BLOCK) {
    sha1Block(input.at + index);
  }
  const end = tail(input, 1);
  for (let index = 0; index < end.length; index += BLOCK) {
    sha1Block(end.at + index);
  }
  const at = allocate(20);
  store<u32>(at, bswap(a));
  store<u32>(at, bswap(b), 4);
  store<u32>(at, bswap(c), 8);
  store<u32>(at, bswap(d), 12);
  store<u32>(at, bswap(e), 16);
  return new Bytes(at, 20);
}

function sha1Block(at: usize): void {
  for (let index = 0; index < 16; index++) {
    unchecked(WORDS[index] = bswap(load<u32>(at + 4 * index)));
  }
  for (let index = 16; index < 80; index++) {
    const mixed = unchecked(
      WORDS[index - 3] ^ WORDS[index - 8] ^ WORDS[index - 14] ^
        WORDS[index - 16],
    );
    unchecked(WORDS[index] = rotl<u32>(mixed, 1));
  }
  let p = a, q = b, r = c, s = d, t = e;
  for (let step = 0; step < 80; step++) {
    let mixed: u32;
    if (step < 20) mixed = ((q & r) | (~q & s)) + 0x5a827999;
    else if (step < 40) mixed = (q ^ r ^ s) + 0x6ed9eba1;
    else if (step < 60) mixed = ((q & r) | (q & s) | (r & s)) + 0x8f1bbcdc;
    else mixed = (q ^ r ^ s) + 0xca62c1d6;
    const sum = rotl<u32>(p, 5) + mixed + t + unchecked(WORDS[step]);
    t = s;
    s = r;
    r = rotl<u32>(q, 30);
    q = p;
    p = sum;
  }
  a += p;
  b += q;
  c += r;
  d += s;
  e += t;
}
