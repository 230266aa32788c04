/** Which bytes a text has: what `Regex.needsByte` is compared with. */

/** Fills the 32 bytes of bits at `set`. */
export function presentBytes(at: usize, length: i32, set: usize): void {
  memory.fill(set, 0, 32);
  const end = at + length;
  while (at < end) {
    const byte = <u32> load<u8>(at++);
    const word = set + ((byte >>> 5) << 2);
    store<u32>(word, load<u32>(word) | (1 << (byte & 31)));
  }
}

/** Whether a text with the bytes in `present` can match what needs a byte of each of `count` sets at `needs`. */
export function hasNeeded(present: usize, needs: usize, count: i32): bool {
  for (const end = needs + (<usize> count << 5); needs < end; needs += 32) {
    const common = (load<u64>(present) & load<u64>(needs)) | (load<u64>(present, 8) & load<u64>(needs, 8)) |
      (load<u64>(present, 16) & load<u64>(needs, 16)) | (load<u64>(present, 24) & load<u64>(needs, 24));
    if (common == 0) return false;
  }
  return true;
}
