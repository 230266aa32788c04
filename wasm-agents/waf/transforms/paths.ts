/** normalizePath, normalizePathWin: without empty segments, `.` and `..`, in ModSecurity's manner. */

import { Bytes } from "sentinel/text";
import { begun, finished } from "./output";

const SLASH: u32 = 0x2f;
const DOT: u32 = 0x2e;

export function normalizePath(input: Bytes): Bytes {
  return isNormal(input) ? input : normalized(input, begun(input, input.at + input.length, 0));
}

/** Takes backslashes for slashes, and writes slashes, also where ModSecurity overlooks the last backslash of several. */
export function normalizePathWin(input: Bytes): Bytes {
  const backslash = input.indexOfByte(0x5c);
  if (backslash < 0) return normalizePath(input);
  const at = begun(input, input.at + input.length, 0);
  for (let from = at + backslash; from < at + input.length; from++) {
    if (load<u8>(from) == 0x5c) store<u8>(from, SLASH);
  }
  return normalized(input, at);
}

/** Whether there is no `//`, and no dot at the end of a segment, so that nothing can change. */
function isNormal(input: Bytes): bool {
  const end = input.at + input.length;
  let last: u32 = 0;
  for (let at = input.at; at < end; at++) {
    const byte = <u32> load<u8>(at);
    if (byte == SLASH && (last == SLASH || last == DOT)) return false;
    last = byte;
  }
  return last != DOT;
}

/**
 * Works on the copy of `input` at `start`. A path that is relative keeps those `..` that have nothing before them; the
 * output of what is behind a byte never overtakes it. A segment that only ends in `..` counts as `..`, as in ModSecurity.
 */
function normalized(input: Bytes, start: usize): Bytes {
  const last = start + input.length - 1;
  const isRelative = load<u8>(start) != SLASH;
  const hasTail = load<u8>(last) == SLASH;
  let from = start;
  let to = start;
  let isAtRoot = false;
  let isDone = false;
  while (!isDone && from <= last && to <= last) {
    isDone = from == last;
    if (load<u8>(from) == DOT && (isDone || load<u8>(from, 1) == SLASH)) {
      if (to > start && load<u8>(to - 1) == DOT) {
        if (isRelative && (isAtRoot || to - 2 <= start)) isAtRoot = true;
        else {
          // Back over the two dots written so far (the second is at `from`) and the slash, to the slash before that.
          to = to - 3 > start ? to - 3 : start;
          while (to > start && load<u8>(to) != SLASH) to--;
          if (to == start) {
            isAtRoot = true;
            if (!isRelative && isDone) to++;
          }
          if (isDone) break;
          from++;
        }
      } else if (to == start) {
        if (isDone) break;
        from++;
      } else if (load<u8>(to - 1) == SLASH) {
        if (isDone) break;
        to--;
        from++;
      }
    } else if (
      (isDone || load<u8>(from, 1) == SLASH) && load<u8>(from) != SLASH &&
      to > start
    ) isAtRoot = false;
    if (load<u8>(from) == SLASH) {
      while (from < last && load<u8>(from, 1) == SLASH) from++;
      if (isRelative && to == start) {
        from++;
        continue;
      }
    }
    store<u8>(to++, load<u8>(from++));
  }
  if (!hasTail && to > start && load<u8>(to - 1) == SLASH) to--;
  return finished(input, start, to);
}
