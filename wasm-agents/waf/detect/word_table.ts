/** A set of known words, each with a kind: made once in `onConfigure`, asked for bytes in any letter case. */

import { allocate, keepCall } from "sentinel/arena";
import { lowered } from "sentinel/text";

/** Longer words are not known. */
const WORD_BYTES_MAX: i32 = 32;
const FREE_SHARE: i32 = 3;

/** Hashed with open addressing; a slot is the address of the word, and its length with the kind above 24 bits. */
export class WordTable {
  private slots: usize = 0;
  private mask: u32 = 0;

  /** `lists`: a kind (one character), then its words in small letters with spaces between, and so on. */
  constructor(lists: string[]) {
    let count: i32 = 0;
    for (let list = 1; list < lists.length; list += 2) count += lists[list].split(" ").length;
    let size: i32 = 16;
    while (size < FREE_SHARE * count) size *= 2;
    this.mask = size - 1;
    this.slots = allocate(8 * size);
    memory.fill(this.slots, 0, 8 * size);
    for (let list = 0; list < lists.length; list += 2) {
      const words = lists[list + 1].split(" ");
      for (let index = 0; index < words.length; index++) this.put(words[index], lists[list].charCodeAt(0));
    }
    keepCall();
  }

  /** The kind of a word; 0 when it is not known. */
  kindOf(at: usize, length: i32): u32 {
    if (length > WORD_BYTES_MAX || length == 0) return 0;
    let slot = hashOf(at, length) & this.mask;
    while (true) {
      const word = <usize> load<u32>(this.slots + 8 * slot);
      if (word == 0) return 0;
      const facts = load<u32>(this.slots + 8 * slot, 4);
      if (<i32> (facts & 0xffffff) == length && isSame(word, at, length)) return facts >> 24;
      slot = (slot + 1) & this.mask;
    }
  }

  /** The first list that names a word decides. */
  private put(word: string, kind: u32): void {
    const at = allocate(word.length);
    for (let index = 0; index < word.length; index++) store<u8>(at + index, <u8> word.charCodeAt(index));
    if (this.kindOf(at, word.length) != 0) return;
    let slot = hashOf(at, word.length) & this.mask;
    while (load<u32>(this.slots + 8 * slot) != 0) slot = (slot + 1) & this.mask;
    store<u32>(this.slots + 8 * slot, <u32> at);
    store<u32>(this.slots + 8 * slot, <u32> word.length | (kind << 24), 4);
  }
}

function isSame(word: usize, at: usize, length: i32): bool {
  for (let index = 0; index < length; index++) {
    if (load<u8>(word + index) != <u8> lowered(load<u8>(at + index))) return false;
  }
  return true;
}

function hashOf(at: usize, length: i32): u32 {
  let hash: u32 = 2166136261;
  for (let index = 0; index < length; index++) hash = (hash ^ lowered(load<u8>(at + index))) * 16777619;
  return hash ^ (hash >> 15);
}
