/**
 * What a text must have besides a literal so that an expression can match it: bytes of some sets, and a length. Letters
 * count in either case, so that the answer also holds for the text in small or capital letters.
 */

import { allocate } from "sentinel/arena";
import { SET_BYTES, setFold } from "../regex/byte_sets";
import { Regex } from "../regex/regex";
import { hasNeeded } from "./present_bytes";

/** A condition: id, least length, address of the sets, how many they are; 4 bytes each. */
const CONDITION_BYTES: usize = 16;

/** The conditions of a scan. */
export class Conditions {
  /** For each id its condition, for those that literals are looked for; 0: none. */
  private readonly byId: usize;
  /** Conditions of those without literals, one behind the other, those for the shortest texts first. */
  private readonly free: usize;
  private readonly freeCount: i32;

  constructor(expressions: Array<Regex>, ids: Array<i32>, lastId: i32) {
    const all = allocate(<usize> expressions.length * CONDITION_BYTES);
    this.byId = allocate(4 * <usize> (lastId + 1));
    memory.fill(this.byId, 0, 4 * <usize> (lastId + 1));
    let count = 0;
    for (let length = 0; length < i32.MAX_VALUE;) {
      let next = i32.MAX_VALUE;
      for (let index = 0; index < expressions.length; index++) {
        const expression = expressions[index];
        if (expression.literals.length > 0) continue;
        const least = expression.minLength;
        if (least > length) next = min(next, least);
        if (least != length) continue;
        write(all + <usize> count * CONDITION_BYTES, expression, ids[index]);
        count++;
      }
      length = next;
    }
    this.free = all;
    this.freeCount = count;
    for (let index = 0; index < expressions.length; index++) {
      if (expressions[index].literals.length == 0) continue;
      const at = all + <usize> count * CONDITION_BYTES;
      write(at, expressions[index], ids[index]);
      store<u32>(this.byId + (<usize> ids[index] << 2), <u32> at);
      count++;
    }
  }

  /** Takes bits away from, and gives bits to `bits`, for a text of `length` bytes of which `present` are different. */
  apply(length: i32, present: usize, bits: usize, bitBytes: i32): void {
    for (let byte: usize = 0; byte < <usize> bitBytes; byte += 8) {
      let found = load<u64>(bits + byte);
      let left = found;
      for (; found != 0; found &= found - 1) {
        const bit = ctz(found);
        const at = <usize> load<u32>(this.byId + ((byte << 3) + <usize> bit << 2));
        if (at != 0 && !isMet(at, length, present)) left ^= <u64> 1 << bit;
      }
      store<u64>(bits + byte, left);
    }
    const end = this.free + <usize> this.freeCount * CONDITION_BYTES;
    for (let at = this.free; at < end && load<i32>(at, 4) <= length; at += CONDITION_BYTES) {
      if (!hasNeeded(present, load<u32>(at, 8), load<i32>(at, 12))) continue;
      const id = load<u32>(at);
      const byte = bits + (id >> 3);
      store<u8>(byte, <u8> (<u32> load<u8>(byte) | (<u32> 1 << (id & 7))));
    }
  }
}

function write(at: usize, expression: Regex, id: i32): void {
  const bytes = <usize> expression.needsByteCount * SET_BYTES;
  const sets = allocate(bytes);
  memory.copy(sets, expression.needsByte, bytes);
  for (let set: usize = 0; set < bytes; set += SET_BYTES) setFold(sets + set);
  store<i32>(at, id);
  store<i32>(at, expression.minLength, 4);
  store<u32>(at, <u32> sets, 8);
  store<i32>(at, expression.needsByteCount, 12);
}

// asc: @inline
function isMet(at: usize, length: i32, present: usize): bool {
  return length >= load<i32>(at, 4) && hasNeeded(present, load<u32>(at, 8), load<i32>(at, 12));
}
