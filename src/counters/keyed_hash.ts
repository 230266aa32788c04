/** A 64-bit hash as two halves; reused by its owner, so read it before hashing again. */
export interface HashHalves {
  low: number;
  high: number;
}

/**
 * HalfSipHash-2-4 with 64 bits of output (Aumasson and Bernstein; the variant of the Linux kernel) over the
 * UTF-16 units of a text. Keyed, because keys come from clients: without the secret nobody can choose two
 * texts that meet in one place.
 */
export class KeyedHash {
  readonly #key0: number;
  readonly #key1: number;
  readonly #result: HashHalves = { low: 0, high: 0 };
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;

  constructor(key0: number, key1: number) {
    this.#key0 = key0 | 0;
    this.#key1 = key1 | 0;
  }

  /** Hashes a text into unsigned halves. */
  hash(text: string): HashHalves {
    this.#v0 = this.#key0;
    this.#v1 = this.#key1 ^ 0xee;
    this.#v2 = 0x6c796765 ^ this.#key0;
    this.#v3 = 0x74656462 ^ this.#key1;
    const length = text.length;
    const pairsEnd = length & ~1;
    for (let i = 0; i < pairsEnd; i += 2) this.#absorb(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
    // The last word holds the odd unit and the length, as the last block does in the original.
    const odd = length > pairsEnd ? text.charCodeAt(pairsEnd) : 0;
    this.#absorb(odd | (length << 16));
    this.#v2 ^= 0xee;
    this.#rounds(4);
    this.#result.low = (this.#v1 ^ this.#v3) >>> 0;
    this.#v1 ^= 0xdd;
    this.#rounds(4);
    this.#result.high = (this.#v1 ^ this.#v3) >>> 0;
    return this.#result;
  }

  #absorb(word: number): void {
    this.#v3 ^= word;
    this.#rounds(2);
    this.#v0 ^= word;
  }

  #rounds(count: number): void {
    let v0 = this.#v0;
    let v1 = this.#v1;
    let v2 = this.#v2;
    let v3 = this.#v3;
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}
