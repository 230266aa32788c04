/** What a transformation gives back. */

import { allocate } from "sentinel/arena";
import { Bytes } from "sentinel/text";

/** Room for the output: a copy of the input up to `from`, and `more` bytes behind the input's length. */
export function begun(input: Bytes, from: usize, more: i32): usize {
  const at = allocate(input.length + more);
  memory.copy(at, input.at, from - input.at);
  return at;
}

/** The output from `at` to `end`, or the input itself when they are the same bytes. */
export function finished(input: Bytes, at: usize, end: usize): Bytes {
  const length = <i32> (end - at);
  if (length == input.length && memory.compare(at, input.at, length) == 0) {
    return input;
  }
  return new Bytes(at, length);
}

/** Part of the input, or the input itself when that is all of it. */
export function cut(input: Bytes, from: usize, end: usize): Bytes {
  return <i32> (end - from) == input.length ? input : new Bytes(from, <i32> (end - from));
}
