/**
 * Finds where a match and its groups lie, by following all ways through a program in step, in the order in which a
 * backtracking matcher would try them (Pike's method, with the threads' priorities as their order).
 */

import { allocate } from "sentinel/arena";
import { isWordByte, SET_BYTES, setHas, setsAt } from "./byte_sets";
import { GROUPS_REPORTED, PROGRAM_SIZE_MAX } from "./limits";
import { argumentOf, INSTRUCTION_BYTES, Op, opOf, otherOf, outOf, Program } from "./program";
import { END_OF_TEXT, holdsAt, LAST_BREAK, newSet, Place, placeBefore, Work } from "./states";

/** Threads of one place: how many, their instructions, and their slots. */
class Threads {
  count: i32 = 0;
  pcs: usize = 0;
  slots: usize = 0;
}

/** How far the last search has read. */
export let capturesEnd: i32 = 0;

let current: Threads = new Threads();
let following: Threads = new Threads();

/** Memory for the slots of the threads, twice; as large as the largest expression that was compiled needs. */
class Room {
  static bytes: usize = 0;
  static at: usize = 0;
  static pcs: usize = 0;
  /** Slots of the thread that is being followed, and of the best match. */
  static own: usize = 0;
  /** What is still to be tried: instruction and -1, or slot and its former value. */
  static stack: usize = 0;
}

/** Takes the memory that a program needs. */
export function prepareCaptures(program: Program): void {
  if (Room.pcs == 0) {
    Room.pcs = allocate(2 * 2 * PROGRAM_SIZE_MAX);
    Room.own = allocate(2 * 4 * 2 * GROUPS_REPORTED);
    Room.stack = allocate(8 * 2 * PROGRAM_SIZE_MAX);
  }
  const bytes = <usize> program.threads * (<usize> program.slots << 2);
  if (bytes <= Room.bytes) return;
  Room.bytes = max(bytes, 2 * Room.bytes);
  Room.at = allocate(2 * Room.bytes);
}

/** Fills `groups` with the first match that begins at `from` or later, up to `to`. */
export function captureGroups(
  program: Program,
  text: usize,
  length: i32,
  from: i32,
  to: i32,
  groups: StaticArray<i32>,
): bool {
  const slots = program.slots;
  const own = Room.own;
  const best = own + 4 * 2 * GROUPS_REPORTED;
  let isFound = false;
  current.count = 0;
  current.pcs = Room.pcs;
  current.slots = Room.at;
  following.pcs = Room.pcs + 2 * PROGRAM_SIZE_MAX;
  following.slots = Room.at + Room.bytes;
  newSet();
  let at = from;
  for (; at <= length; at++) {
    Work.steps += 2 * current.count + 1;
    if (Work.steps > Work.stepsMax) return false;
    const place = placeAt(program, text, length, at);
    const byte = at < length ? <i32> load<u8>(text + at) : END_OF_TEXT;
    // What comes later in the order than a match comes too late.
    for (let index = 0; index < current.count; index++) {
      copySlots(own, current.slots + <usize> index * (<usize> slots << 2), slots);
      const pc = <i32> load<u16>(current.pcs + (<usize> index << 1));
      if (!follow(program, pc, place, at, byte)) continue;
      copySlots(best, own, slots);
      isFound = true;
      break;
    }
    const first = program.firstBytes;
    if (!isFound && at <= to && (first == 0 || (byte >= 0 && setHas(first, byte)))) {
      for (let slot = 0; slot < slots; slot += 2) store<i64>(own + (<usize> slot << 2), -1);
      if (follow(program, program.start, place, at, byte)) {
        copySlots(best, own, slots);
        isFound = true;
      }
    }
    const swapped = current;
    current = following;
    following = swapped;
    following.count = 0;
    newSet();
    if (current.count == 0 && (isFound || at >= to)) break;
  }
  capturesEnd = min(at, length);
  if (!isFound) return false;
  const reported = 2 * GROUPS_REPORTED;
  for (let slot = 0; slot < reported; slot++) {
    unchecked(groups[slot] = slot < slots ? load<i32>(best + (<usize> slot << 2)) : -1);
  }
  return true;
}

/** Slots are two for each group. */
// asc: @inline
function copySlots(to: usize, from: usize, count: i32): void {
  const end = from + (<usize> count << 2);
  for (; from < end; from += 8) {
    store<u64>(to, load<u64>(from));
    to += 8;
  }
}

/** All that is known of a place. */
function placeAt(program: Program, text: usize, length: i32, at: i32): u32 {
  let before: u32 = at == 0 ? Place.AT_START : 0;
  if (!program.hasEnds) return before | Place.NEXT_KNOWN;
  if (at > 0) {
    const byte = load<u8>(text + at - 1);
    before = (isWordByte(byte) ? Place.AFTER_WORD : 0) |
      (byte == 10 ? Place.AFTER_BREAK : 0);
  }
  if (at >= length) return placeBefore(before, END_OF_TEXT);
  const byte = <i32> load<u8>(text + at);
  return placeBefore(before, byte == 10 && at + 1 == length ? LAST_BREAK : byte);
}

/**
 * Adds what is reached from `pc` without a byte, and takes the byte that is next, to the threads that follow, in
 * order, with the slots in `Room.own`. Gives whether the match was reached: then its slots are in `Room.own`, and
 * what would come after it was left out.
 */
function follow(program: Program, pc: i32, place: u32, at: i32, byte: i32): bool {
  const own = Room.own;
  const slots = program.slots;
  const bottom = Room.stack;
  const sets = setsAt() + (<usize> byte >> 3);
  const bit = byte < 0 ? 0 : <u32> 1 << (byte & 7);
  let top = bottom;
  while (true) {
    const mark = Work.stamps + (<usize> pc << 2);
    if (load<u32>(mark) != Work.stamp) {
      store<u32>(mark, Work.stamp);
      const instruction = program.at + <usize> pc * INSTRUCTION_BYTES;
      const op = opOf(instruction);
      if (op == Op.SET) {
        if (bit != 0 && (load<u8>(sets + <usize> argumentOf(instruction) * SET_BYTES) & bit) != 0) {
          store<u16>(following.pcs + (<usize> following.count << 1), <u16> outOf(instruction));
          copySlots(following.slots + <usize> following.count * (<usize> slots << 2), own, slots);
          following.count++;
        }
      } else if (op == Op.SPLIT) {
        store<i32>(top, otherOf(instruction));
        store<i32>(top, -1, 4);
        top += 8;
        pc = outOf(instruction);
        continue;
      } else if (op == Op.SAVE) {
        const slot = argumentOf(instruction);
        const slotAt = own + (<usize> slot << 2);
        store<i32>(top, load<i32>(slotAt));
        store<i32>(top, slot, 4);
        top += 8;
        store<i32>(slotAt, at);
        pc = outOf(instruction);
        continue;
      } else if (op == Op.MATCH) {
        return true;
      } else if (holdsAt(argumentOf(instruction), place)) {
        pc = outOf(instruction);
        continue;
      }
    }
    let isMore = false;
    while (top > bottom && !isMore) {
      top -= 8;
      const slot = load<i32>(top, 4);
      if (slot >= 0) {
        store<i32>(own + (<usize> slot << 2), load<i32>(top));
      } else {
        pc = load<i32>(top);
        isMore = true;
      }
    }
    if (!isMore) return false;
  }
}
