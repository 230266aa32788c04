/** 32-bit hashes, the same on every machine and in every thread. Not for tables that an attacker may fill. */

/** The finalizer of MurmurHash3 (Austin Appleby, public domain): every bit of the input changes half of the output. */
export function mix(word: number): number {
  let h = word ^ (word >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Hash of a text's UTF-16 units, with a multiply and shift for each as in MurmurHash2, and `mix` at the end. */
export function hashText(text: string, seed = 0): number {
  let h = seed ^ text.length;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x5bd1e995);
    h ^= h >>> 15;
  }
  return mix(h);
}

/** Another hash of the same thing, independent of the first for all purposes here. */
export function rehash(hash: number, salt: number): number {
  return mix(hash ^ Math.imul(salt + 1, 0x9e3779b9));
}

/** A hash as a number from 0 up to, but not including, 1. */
export function fraction(hash: number): number {
  return hash / 2 ** 32;
}
