/** Finds which phrase of a list stands in a text, once it is known that one does; for rules that want to show it. */

import { Bytes, lowered } from "sentinel";
import { allocate } from "sentinel/arena";
import { isSameRun } from "../seclang/words";

/** Phrases by their first byte, in little memory: the search for literals has done the work. */
export class PhraseList {
  foundAt: i32 = 0;
  foundLength: i32 = 0;

  private constructor(
    /** For each first byte, in small letters, where its phrases begin; one more at the end. */
    private readonly starts: usize,
    private readonly phrases: StaticArray<Bytes>,
  ) {}

  static of(phrases: Bytes[]): PhraseList {
    const starts = allocate(4 * 257);
    memory.fill(starts, 0, 4 * 257);
    for (let index = 0; index < phrases.length; index++) {
      const place = starts + 4 * (lowered(phrases[index].byteAt(0)) + 1);
      store<i32>(place, load<i32>(place) + 1);
    }
    for (let first = 0; first < 256; first++) {
      const place = starts + 4 * first;
      store<i32>(place, load<i32>(place) + load<i32>(place, 4), 4);
    }
    const sorted = new StaticArray<Bytes>(phrases.length);
    const taken = new StaticArray<i32>(256);
    for (let index = 0; index < phrases.length; index++) {
      const first = lowered(phrases[index].byteAt(0));
      sorted[load<i32>(starts + 4 * first) + taken[first]] = phrases[index];
      taken[first]++;
    }
    return new PhraseList(starts, sorted);
  }

  /** Whether a phrase stands in a text in any letter case; `foundAt` and `foundLength` say where. */
  find(at: usize, length: i32): bool {
    for (let index = 0; index < length; index++) {
      const first = lowered(load<u8>(at + index));
      const end = load<i32>(this.starts + 4 * first, 4);
      for (let each = load<i32>(this.starts + 4 * first); each < end; each++) {
        const phrase = unchecked(this.phrases[each]);
        if (phrase.length > length - index || !isSameRun(phrase.at, at + index, phrase.length)) continue;
        this.foundAt = index;
        this.foundLength = phrase.length;
        return true;
      }
    }
    return false;
  }
}
