/**
 * Lists of short texts in memory that is used again for the next pattern: 4 bytes count, then for each text its
 * address and length. The texts are in small letters.
 */

import { borrow } from "./cache";

const ROOM_BYTES: usize = 4 * 1024 * 1024;

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
  if (next > Room.at + ROOM_BYTES) {
    // What is written over from now on is thrown away.
    Room.isFull = true;
    return Room.at;
  }
  Room.top = next;
  return at;
}

/** A list with room for `most` texts. */
export function newList(most: i32): usize {
  const list = takeRoom(4 + 8 * <usize> most);
  store<i32>(list, 0);
  return list;
}

// asc: @inline
export function sizeOf(list: usize): i32 {
  return load<i32>(list);
}

// asc: @inline
export function textAt(list: usize, index: i32): usize {
  return load<u32>(list + 4 + 8 * <usize> index);
}

// asc: @inline
export function textLength(list: usize, index: i32): i32 {
  return load<i32>(list + 8 + 8 * <usize> index);
}

/** Appends a text unless it is there. */
export function addText(list: usize, at: usize, length: i32): void {
  if (Room.isFull) return;
  const count = sizeOf(list);
  for (let index = 0; index < count; index++) {
    if (textLength(list, index) == length && memory.compare(textAt(list, index), at, length) == 0) return;
  }
  appendText(list, at, length);
}

/** Appends a text. */
export function appendText(list: usize, at: usize, length: i32): void {
  if (Room.isFull) return;
  const count = sizeOf(list);
  store<u32>(list + 4 + 8 * <usize> count, <u32> at);
  store<i32>(list + 8 + 8 * <usize> count, length);
  store<i32>(list, count + 1);
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
  const list = newList(sizeOf(one) * sizeOf(other));
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
  const list = newList(sizeOf(texts));
  for (let index = 0; index < sizeOf(texts); index++) {
    addText(list, textAt(texts, index), min(length, textLength(texts, index)));
  }
  return list;
}

/** The texts' last `length` bytes. */
export function endings(texts: usize, length: i32): usize {
  const list = newList(sizeOf(texts));
  for (let index = 0; index < sizeOf(texts); index++) {
    const own = min(length, textLength(texts, index));
    addText(list, textAt(texts, index) + textLength(texts, index) - own, own);
  }
  return list;
}
