/** Looks for bytes in bytes, in linear time. */

import { allocate } from "sentinel/arena";
import { Bytes } from "sentinel/text";
import { findByte } from "../transforms/byte_search";

/** Up to this length of what is looked for it is compared at each place; beyond, a table of its own repetitions is made. */
const PLAIN_BYTES_MAX: i32 = 64;

/** Where `wanted` first stands at `from` or later; -1 when it does not. Nothing stands everywhere. */
export function findBytes(text: Bytes, wanted: Bytes, from: i32): i32 {
  if (wanted.length == 0) return from <= text.length ? from : -1;
  if (wanted.length > text.length - from) return -1;
  return wanted.length > PLAIN_BYTES_MAX ? findLong(text, wanted, from) : findShort(text, wanted, from);
}

function findShort(text: Bytes, wanted: Bytes, from: i32): i32 {
  const first = wanted.byteAt(0);
  const end = text.at + text.length - wanted.length + 1;
  for (let at = text.at + from; at < end; at++) {
    at = findByte(at, end, first);
    if (at == end) break;
    if (memory.compare(at, wanted.at, wanted.length) == 0) {
      return <i32> (at - text.at);
    }
  }
  return -1;
}

/** Knuth, Morris and Pratt: Fast Pattern Matching in Strings, 1977. */
function findLong(text: Bytes, wanted: Bytes, from: i32): i32 {
  const borders = allocate(4 * wanted.length);
  store<i32>(borders, 0);
  let border = 0;
  for (let index = 1; index < wanted.length; index++) {
    while (border > 0 && wanted.byteAt(index) != wanted.byteAt(border)) {
      border = load<i32>(borders + 4 * (border - 1));
    }
    if (wanted.byteAt(index) == wanted.byteAt(border)) border++;
    store<i32>(borders + 4 * index, border);
  }
  let met = 0;
  for (let index = from; index < text.length; index++) {
    while (met > 0 && text.byteAt(index) != wanted.byteAt(met)) {
      met = load<i32>(borders + 4 * (met - 1));
    }
    if (text.byteAt(index) == wanted.byteAt(met)) met++;
    if (met == wanted.length) return index - met + 1;
  }
  return -1;
}
