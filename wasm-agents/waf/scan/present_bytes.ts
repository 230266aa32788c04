/** Compares which bytes a text has (`LiteralScan.present`) with what an expression needs (`Regex.needsByte`). */

/** Whether a text with the bytes in `present` can match what needs a byte of each of `count` sets at `needs`. */
export function hasNeeded(present: usize, needs: usize, count: i32): bool {
  for (const end = needs + (<usize> count << 5); needs < end; needs += 32) {
    const common = (load<u64>(present) & load<u64>(needs)) | (load<u64>(present, 8) & load<u64>(needs, 8)) |
      (load<u64>(present, 16) & load<u64>(needs, 16)) | (load<u64>(present, 24) & load<u64>(needs, 24));
    if (common == 0) return false;
  }
  return true;
}
