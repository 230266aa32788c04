/**
 * Whether a file name matches a pattern of `*` (any characters) and `?` (one character). A leading dot
 * must be written out, as in a shell. Time is linear in the product of the lengths.
 */
export function matchesSegment(pattern: string, name: string): boolean {
  if (name.startsWith(".") && !pattern.startsWith(".")) return false;
  let [p, n] = [0, 0];
  let [star, resume] = [-1, 0];
  while (n < name.length) {
    if (pattern[p] === "*") {
      [star, resume] = [p++, n];
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
