const TWO_TO_THE_32 = 0x1_0000_0000;

/**
 * Where a text falls in [0, 1): the same text and salt always in the same place, different texts evenly. For
 * decisions that must come out alike in every thread and after every restart, such as which part of the
 * requests is sampled. Decisions of different salts do not depend on each other.
 *
 * FNV-1a (Fowler, Noll, Vo) over the UTF-16 units, and the finalizer of MurmurHash3 (Appleby), as the upper
 * bits of FNV-1a alone are uneven for short texts. Not keyed: who chooses the text chooses the place.
 */
export function shareOf(text: string, salt: number): number {
  let hash = (0x811c9dc5 ^ salt) | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / TWO_TO_THE_32;
}
