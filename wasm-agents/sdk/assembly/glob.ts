/** Patterns with `*`, which stands for anything, nothing included. */

import { Text } from "./text";

const STAR: u32 = 0x2a;

/** Whether a text meets a pattern: without `*` the pattern must occur in it, with `*` it stands for all of the text. */
export function globMatches(pattern: Text, text: Text): bool {
  if (pattern.indexOfByte(STAR) < 0) return text.includes(pattern);
  let at = 0;
  let read = 0;
  /** Where the last `*` stands, and where in the text what follows it was tried last. */
  let star = -1;
  let tried = 0;
  while (at < text.length) {
    if (read < pattern.length && pattern.byteAt(read) == STAR) {
      star = read++;
      tried = at;
    } else if (read < pattern.length && pattern.byteAt(read) == text.byteAt(at)) {
      read++;
      at++;
    } else if (star >= 0) {
      read = star + 1;
      at = ++tried;
    } else return false;
  }
  while (read < pattern.length && pattern.byteAt(read) == STAR) read++;
  return read == pattern.length;
}

/** A pattern for the whole of a text that tells what each `*` stood for. */
export class Glob {
  /** What stands between the `*`; one more than there are of them. */
  private readonly pieces: Text[] = [];

  constructor(pattern: Text) {
    let from = 0;
    while (true) {
      const star = pattern.indexOfByte(STAR, from);
      if (star < 0) break;
      this.pieces.push(pattern.slice(from, star));
      from = star + 1;
    }
    this.pieces.push(pattern.slice(from));
  }

  /** What each `*` stood for, as little as can be from left to right; null when the text does not meet the pattern. */
  captures(text: Text): Text[] | null {
    const pieces = this.pieces;
    const count = pieces.length;
    const head = pieces[0];
    if (count == 1) return head.equals(text) ? new Array<Text>(0) : null;
    const tail = pieces[count - 1];
    const end = text.length - tail.length;
    if (end < head.length || !text.startsWith(head) || !text.endsWith(tail)) return null;
    const captures = new Array<Text>(count - 1);
    let from = head.length;
    for (let index = 1; index < count - 1; index++) {
      const piece = pieces[index];
      const found = text.indexOf(piece, from);
      if (found < 0 || found + piece.length > end) return null;
      captures[index - 1] = text.slice(from, found);
      from = found + piece.length;
    }
    if (from > end) return null;
    captures[count - 2] = text.slice(from, end);
    return captures;
  }
}
