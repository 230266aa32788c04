/** The Huffman code of HPACK (RFC 7541 §5.2 and appendix B). */

/**
 * Bits of each octet's code, then of the end-of-string mark. The code is canonical: shorter codes come first,
 * equally long ones in the order of their octets, so the lengths say everything.
 */
const CODE_LENGTHS: readonly number[] = parseLengths(`
  13 23 28*7 24 30 28*2 30 28*8 30 28*9
  6 10*2 12 13 6 8 11 10*2 8 11 8 6*3 5*3 6*7 7 8 15 6 12 10
  13 6 7*22 8 7 8 13 19 13 14 6
  15 5 6 5 6 5 6*3 5 7*2 6*3 5 6 7 6 5*2 6 7*5 15 11 14 13 28
  20 22 20*2 22*3 23 22 23*5 24 23 24*2 22 23 24 23*4 21 22 23 22 23*2 24
  22 21 20 22*2 23*2 21 23 22*2 24 21 22 23*2 21*2 22 21 23 22 23*2 20 22*3 23 22*2 23
  26*2 20 19 22 23 22 25 26*3 27*2 26 24 25 19 21 26 27*2 26 27 24 21*2 26*2 28 27*3
  20 24 20 21 22 21*2 23 22*2 25*2 24*2 26 23 26 27 26*2 27*5 28 27*5 26
  30`);

/** The end-of-string mark, whose beginning pads the last octet; whole, it must not occur. */
const END_OF_STRING = 256;

/** Reads lengths, `28*7` being seven times 28. */
function parseLengths(text: string): number[] {
  return text.trim().split(/\s+/).flatMap((word) => {
    const [length, times = "1"] = word.split("*");
    return new Array<number>(Number(times)).fill(Number(length));
  });
}

interface Codes {
  readonly codes: Uint32Array;
  readonly lengths: Uint8Array;
}

function assignCodes(): Codes {
  const codes = new Uint32Array(CODE_LENGTHS.length);
  let next = 0;
  for (let length = 1; length <= 30; length++) {
    next *= 2;
    for (let symbol = 0; symbol < CODE_LENGTHS.length; symbol++) {
      if (CODE_LENGTHS[symbol] === length) codes[symbol] = next++;
    }
  }
  return { codes, lengths: Uint8Array.from(CODE_LENGTHS) };
}

const CODES = assignCodes();

/** An entry of the decoding tables that ends a code; below it are its bits in this table, then the symbol. */
const LEAF = 0x10000;
/** No code begins like this. */
const NOTHING = 0;

/**
 * Tables of 256 entries, chosen by the next octet of the input: a leaf, or the number of the table that
 * goes on. A code of n bits fills all entries that begin with it.
 */
const TABLES: Uint32Array = buildTables();

function buildTables(): Uint32Array {
  const tables: Uint32Array[] = [new Uint32Array(256)];
  for (let symbol = 0; symbol < END_OF_STRING; symbol++) {
    let table = tables[0]!;
    let left = CODES.lengths[symbol]!;
    const code = CODES.codes[symbol]!;
    while (left > 8) {
      left -= 8;
      const slot = (code >>> left) & 0xff;
      if (table[slot] === NOTHING) table[slot] = tables.push(new Uint32Array(256)) - 1;
      table = tables[table[slot]!]!;
    }
    const first = (code << (8 - left)) & 0xff;
    table.fill(LEAF | (left << 8) | symbol, first, first + (1 << (8 - left)));
  }
  const all = new Uint32Array(tables.length * 256);
  tables.forEach((table, i) => all.set(table, i * 256));
  return all;
}

/** Most octets that `length` coded ones can stand for: the shortest codes have five bits. */
export function decodedLengthMax(length: number): number {
  return Math.floor(length * 8 / 5);
}

/** Some of a buffer's octets: `bytes[start, end)`. */
export interface Octets {
  bytes: Uint8Array;
  start: number;
  end: number;
}

/**
 * Decodes octets into `out`, which must have room for `decodedLengthMax`; the octets written, or
 * -1 when the code is wrong: padding longer than seven bits or not of ones, or the end mark itself (§5.2).
 */
export function decodeHuffman({ bytes, start, end }: Octets, out: Uint8Array): number {
  let written = 0;
  let bits = 0;
  let count = 0;
  /** Bits read since the last whole symbol. */
  let open = 0;
  let table = 0;
  for (let at = start; at < end; at++) {
    bits = (bits << 8) | bytes[at]!;
    count += 8;
    open += 8;
    while (count >= 8) {
      const entry = TABLES[table + ((bits >>> (count - 8)) & 0xff)]!;
      if (entry === NOTHING) return -1;
      if (entry < LEAF) {
        table = entry * 256;
        count -= 8;
      } else {
        out[written++] = entry & 0xff;
        count -= (entry >>> 8) & 0xff;
        open = count;
        table = 0;
      }
    }
    bits &= (1 << count) - 1;
  }
  while (count > 0) {
    const entry = TABLES[table + ((bits << (8 - count)) & 0xff)]!;
    if (entry < LEAF || ((entry >>> 8) & 0xff) > count) break;
    out[written++] = entry & 0xff;
    count -= (entry >>> 8) & 0xff;
    open = count;
    table = 0;
    bits &= (1 << count) - 1;
  }
  const padding = (1 << count) - 1;
  return open > 7 || (bits & padding) !== padding ? -1 : written;
}

/** Octets of a byte string once coded; NaN when it is none. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += CODES.lengths[text.charCodeAt(i)] ?? NaN;
  return Math.ceil(bits / 8);
}

/** Writes the code of a byte string to `out` at `at`, where there is room; the offset behind it. */
export function encodeHuffman(text: string, out: Uint8Array, at: number): number {
  let bits = 0;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    let left = CODES.lengths[symbol]!;
    const code = CODES.codes[symbol]!;
    // At most 7 bits wait, so that pieces of 16 fit a 32 bit number.
    while (left > 0) {
      const take = Math.min(left, 16);
      left -= take;
      bits = (bits << take) | ((code >>> left) & ((1 << take) - 1));
      count += take;
      while (count >= 8) {
        count -= 8;
        out[at++] = bits >>> count;
      }
      bits &= (1 << count) - 1;
    }
  }
  if (count > 0) out[at++] = (bits << (8 - count)) | ((1 << (8 - count)) - 1);
  return at;
}
