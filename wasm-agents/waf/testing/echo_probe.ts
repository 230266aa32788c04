/** The smallest probe: shows that bytes go in and come out, and that memory of a call goes back. */

import { allocate } from "sentinel/arena";
import { Bytes, lowered } from "sentinel/text";

/** The bytes with A to Z as a to z, in new memory. */
export function lowerCase(at: usize, length: i32): Bytes {
  const to = allocate(length);
  for (let index = 0; index < length; index++) {
    store<u8>(to + index, <u8> lowered(load<u8>(at + index)));
  }
  return new Bytes(to, length);
}

/** Ends the call. */
export function fail(): void {
  unreachable();
}
