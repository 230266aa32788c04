/**
 * Lists of short texts in memory that is used again for the next pattern: count, hash table or 0, mask of its slots,
 * how likely it is that a text meets one of them, then for each text its address and length, 4 bytes each. The texts are in small letters.
 */

import { borrow } from "./cache";

const ROOM_BYTES: usize = 4 * 1024 * 1024;

const HEADER_BYTES: usize = 16;

/** At the end of the memory, where what does not fit goes; nothing that is taken at once is larger. */
const WASTE_BYTES: usize = 512 * 1024;

class Room {
  static at: usize = 0;
  static top: usize = 0;
  /** Whether there was too little: then nothing that was found counts. */
  static isFull: bool = false;
}

/** Forgets all lists. */
export function resetLists(): void {
  Room.at = borrow(ROOM_BYTES);
  Room.top = Room.at;
  Room.isFull = false;
}

/** Whether the memory did not suffice. */
export function ranOut(): bool {
  return Room.isFull;
}

/** Memory for `size` bytes, in which nothing may be left over for more than the next list. */
export function takeRoom(size: usize): usize {
  const at = Room.top;
  const next = (at + size + 3) & ~3;
  if (next > Room.at + ROOM_BYTES - WASTE_BYTES) {
    if (size > WASTE_BYTES) unreachable();
    // What is written there is written over, and thrown away.
    Room.isFull = true;
    return Room.at + ROOM_BYTES - WASTE_BYTES;
  }
  Room.top = next;
  return at;
}

/** A list with room for `most` texts. */
export function newList(most: i32): usize {
  const list = takeRoom(HEADER_BYTES + 8 * <usize> most);
  store<i32>(list, 0);
  store<u32>(list, 0, 4);
  store<f32>(list, -1, 12);
  return list;
}

/** A list with room for `most` texts, in which `addText` finds those that are there quickly. */
export function newSetOf(most: i32): usize {
  const list = newList(most);
  if (most <= 8) return list;
  // A power of two, and twice the texts at least.
  const slots = 1 << (33 - clz(most));
  const table = takeRoom(2 * <usize> slots);
  if (Room.isFull) return list;
  memory.fill(table, 0, 2 * <usize> slots);
  store<u32>(list, <u32> table, 4);
  store<i32>(list, slots - 1, 8);
  return list;
}

// asc: @inline
export function sizeOf(list: usize): i32 {
  return load<i32>(list);
}

// asc: @inline
export function textAt(list: usize, index: i32): usize {
  return load<u32>(list + HEADER_BYTES + 8 * <usize> index);
}

// asc: @inline
export function textLength(list: usize, index: i32): i32 {
  return load<i32>(list + HEADER_BYTES + 4 + 8 * <usize> index);
}

/** What `noteChance` noted since a text was added last; negative: nothing. */
// asc: @inline
export function notedChance(list: usize): f32 {
  return load<f32>(list, 12);
}

/** Keeps a number with the list. */
// asc: @inline
export function noteChance(list: usize, chance: f32): void {
  store<f32>(list, chance, 12);
}

/** Appends a text unless it is there. */
export function addText(list: usize, at: usize, length: i32): void {
  if (Room.isFull) return;
  const table = <usize> load<u32>(list, 4);
  if (table != 0) return addHashed(list, table, at, length);
  const count = sizeOf(list);
  for (let index = 0; index < count; index++) {
    if (isSame(list, index, at, length)) return;
  }
  appendText(list, at, length);
}

function isSame(list: usize, index: i32, at: usize, length: i32): bool {
  if (textLength(list, index) != length) return false;
  const own = textAt(list, index);
  for (let byte: usize = 0; byte < <usize> length; byte++) {
    if (load<u8>(own + byte) != load<u8>(at + byte)) return false;
  }
  return true;
}

function addHashed(list: usize, table: usize, at: usize, length: i32): void {
  let hash: u32 = 2_166_136_261;
  for (let byte: usize = 0; byte < <usize> length; byte++) hash = (hash ^ load<u8>(at + byte)) * 16_777_619;
  const mask = load<u32>(list, 8);
  let slot = (hash ^ (hash >>> 15)) & mask;
  while (true) {
    const index = <i32> load<u16>(table + 2 * <usize> slot);
    if (index == 0) break;
    if (isSame(list, index - 1, at, length)) return;
    slot = (slot + 1) & mask;
  }
  appendText(list, at, length);
  store<u16>(table + 2 * <usize> slot, <u16> sizeOf(list));
}

/** Appends a text. */
export function appendText(list: usize, at: usize, length: i32): void {
  if (Room.isFull) return;
  const count = sizeOf(list);
  store<u32>(list + HEADER_BYTES + 8 * <usize> count, <u32> at);
  store<i32>(list + HEADER_BYTES + 4 + 8 * <usize> count, length);
  store<i32>(list, count + 1);
  store<f32>(list, -1, 12);
}

/** The list with nothing but the empty text. */
export function emptyText(): usize {
  const list = newList(1);
  appendText(list, list, 0);
  return list;
}

/** Longest text of a list. */
export function longest(list: usize): i32 {
  let most = 0;
  for (let index = 0; index < sizeOf(list); index++) most = max(most, textLength(list, index));
  return most;
}

/** Whether the empty text is in the list, or nothing at all. */
export function saysNothing(list: usize): bool {
  const count = sizeOf(list);
  for (let index = 0; index < count; index++) if (textLength(list, index) == 0) return true;
  return count == 0;
}

/** Every text of the one followed by every text of the other. */
export function product(one: usize, other: usize): usize {
  const list = newSetOf(sizeOf(one) * sizeOf(other));
  for (let left = 0; left < sizeOf(one) && !Room.isFull; left++) {
    for (let right = 0; right < sizeOf(other); right++) {
      const first = textLength(one, left);
      const second = textLength(other, right);
      const at = takeRoom(first + second);
      if (Room.isFull) break;
      memory.copy(at, textAt(one, left), first);
      memory.copy(at + first, textAt(other, right), second);
      addText(list, at, first + second);
    }
  }
  return list;
}

/** The texts' first `length` bytes. */
export function beginnings(texts: usize, length: i32): usize {
  const list = newSetOf(sizeOf(texts));
  for (let index = 0; index < sizeOf(texts); index++) {
    addText(list, textAt(texts, index), min(length, textLength(texts, index)));
  }
  return list;
}

/** The texts' last `length` bytes. */
export function endings(texts: usize, length: i32): usize {
  const list = newSetOf(sizeOf(texts));
  for (let index = 0; index < sizeOf(texts); index++) {
    const own = min(length, textLength(texts, index));
    addText(list, textAt(texts, index) + textLength(texts, index) - own, own);
  }
  return list;
}
