/** Reads what stands between brackets. */

import { isWordByte, setAdd, setAddRange, setClear, setFold, setInvert, setUnite } from "./byte_sets";
import { problem } from "./errors";
import { Escape, octal, readEscape } from "./escapes";

const NO_END = "the [ has no ]; write \\[ for the bracket itself";

/** Set while one is put together; statically, for no more than one pattern is read at a time. */
const parts: StaticArray<u8> = new StaticArray<u8>(32);

/** Whether the last thing that was read may be the end of a range, and which byte it is. */
class Last {
  static isByte: bool = false;
  static byte: u32 = 0;
  static next: usize = 0;
}

/** Reads from behind the [ at `at - 1`, fills `set`, gives where reading goes on; 0 after a problem. */
export function readBrackets(at: usize, end: usize, start: usize, set: usize, isFolded: bool): usize {
  const open = <i32> (at - start) - 1;
  setClear(set);
  let isInverted = false;
  if (at < end && load<u8>(at) == 94) {
    isInverted = true;
    at++;
  }
  let isFirst = true;
  let isQuoted = false;
  while (true) {
    if (at >= end) {
      problem(open, NO_END);
      return 0;
    }
    const byte = <u32> load<u8>(at);
    if (byte == 92 && at + 1 < end && load<u8>(at + 1) == (isQuoted ? 69 : 81)) {
      isQuoted = !isQuoted; // \Q and \E
      at += 2;
      continue;
    }
    if (byte == 92 && at + 1 < end && load<u8>(at + 1) == 69 && !isQuoted) {
      at += 2;
      continue;
    }
    if (byte == 93 && !isFirst && !isQuoted) break;
    isFirst = false;
    if (!readMember(at, end, start, set, isQuoted)) return 0;
    at = Last.next;
    if (!Last.isByte || isQuoted || at + 1 >= end || load<u8>(at) != 45 || load<u8>(at + 1) == 93) continue;
    const low = Last.byte;
    const dash = at;
    if (!readMember(at + 1, end, start, set, false)) return 0;
    at = Last.next;
    if (!Last.isByte) {
      setAdd(set, 45);
      continue;
    }
    if (Last.byte < low) {
      problem(<i32> (dash - start), "the range is the wrong way round");
      return 0;
    }
    setAddRange(set, low, Last.byte);
  }
  if (isFolded) setFold(set);
  if (isInverted) setInvert(set);
  return at + 1;
}

/** Reads a byte, an escape or a class with a name, and puts it into `set`. */
function readMember(at: usize, end: usize, start: usize, set: usize, isQuoted: bool): bool {
  const byte = <u32> load<u8>(at);
  Last.isByte = true;
  Last.byte = byte;
  Last.next = at + 1;
  if (byte == 92 && !isQuoted) return readEscaped(at + 1, end, start, set);
  if (byte == 91 && !isQuoted && at + 1 < end) {
    const kind = load<u8>(at + 1);
    if (kind == 58 && closingOf(at + 2, end) != 0) {
      return readNamed(at, closingOf(at + 2, end), start, set);
    }
    if ((kind == 46 || kind == 61) && isCollating(at + 2, end, kind)) {
      problem(<i32> (at - start), "[. and [= (collating elements) are not supported; name the bytes");
      return false;
    }
  }
  setAdd(set, byte);
  return true;
}

function readEscaped(at: usize, end: usize, start: usize, set: usize): bool {
  const own = changetype<usize>(parts);
  const kind = readEscape(at, end, start, own);
  if (kind == Escape.PROBLEM) return false;
  Last.next = Escape.next;
  if (kind == Escape.SET) {
    if (load<u8>(at) == 78) {
      problem(<i32> (at - start) - 1, "\\N has no meaning between brackets; write [^\\n]");
      return false;
    }
    setUnite(set, own);
    Last.isByte = false;
    return true;
  }
  Last.byte = Escape.value;
  if (kind == Escape.NUMBER) {
    const digit = <u32> load<u8>(at);
    if (digit >= 56) {
      Escape.next = at + 1;
      Last.byte = digit;
    } else {
      octal(at, end);
      Last.byte = Escape.value;
    }
    Last.next = Escape.next;
  } else if (kind == Escape.LETTER) {
    if (Escape.value != 98) {
      problem(
        <i32> (at - start) - 1,
        "this escape has no meaning between brackets; without the backslash it is the letter",
      );
      return false;
    }
    Last.byte = 8; // \b
  }
  setAdd(set, Last.byte);
  return true;
}

/** Where `:]` stands behind letters; 0 when it does not. */
function closingOf(at: usize, end: usize): usize {
  while (at < end && ((<u32> load<u8>(at) | 32) - 97 < 26 || load<u8>(at) == 94)) at++;
  return at + 1 < end && load<u8>(at) == 58 && load<u8>(at + 1) == 93 ? at : 0;
}

function isCollating(at: usize, end: usize, kind: u32): bool {
  while (at + 1 < end && load<u8>(at) != 93) {
    if (load<u8>(at) == kind && load<u8>(at + 1) == 93) return true;
    at++;
  }
  return false;
}

/** `[:name:]` from `at` on, whose `:]` is at `close`. */
function readNamed(at: usize, close: usize, start: usize, set: usize): bool {
  const own = changetype<usize>(parts);
  let name = at + 2;
  const isInverted = load<u8>(name) == 94;
  if (isInverted) name++;
  setClear(own);
  if (!fillNamed(String.UTF8.decodeUnsafe(name, close - name), own)) {
    problem(
      <i32> (at - start),
      "no such class; there are alpha, digit, alnum, upper, lower, space, blank, punct, print, graph, cntrl, xdigit, word and ascii",
    );
    return false;
  }
  if (isInverted) setInvert(own);
  setUnite(set, own);
  Last.isByte = false;
  Last.next = close + 2;
  return true;
}

function fillNamed(name: string, set: usize): bool {
  const isAlpha = name == "alpha" || name == "alnum";
  if (isAlpha || name == "upper") setAddRange(set, 65, 90);
  if (isAlpha || name == "lower") setAddRange(set, 97, 122);
  if (name == "digit" || name == "alnum" || name == "xdigit") {
    setAddRange(set, 48, 57);
  }
  if (name == "space") setAddRange(set, 9, 13);
  if (name == "space" || name == "blank") setAdd(set, 32);
  if (name == "blank") setAdd(set, 9);
  if (name == "print") setAddRange(set, 32, 126);
  if (name == "graph") setAddRange(set, 33, 126);
  if (name == "ascii") setAddRange(set, 0, 127);
  if (name == "cntrl") {
    setAddRange(set, 0, 31);
    setAdd(set, 127);
  }
  if (name == "xdigit") {
    setAddRange(set, 65, 70);
    setAddRange(set, 97, 102);
  }
  for (let byte: u32 = 33; byte < 127; byte++) {
    if (name == "word" && isWordByte(byte)) setAdd(set, byte);
    if (name == "punct" && (byte == 95 || !isWordByte(byte))) setAdd(set, byte);
  }
  for (let byte: usize = 0; byte < 32; byte++) {
    if (load<u8>(set + byte) != 0) return true;
  }
  return false;
}
