import type { LoadChanges } from "../balancers/balancer_kind.ts";
import { hashText } from "../balancers/hash.ts";

/** Bits per worker; targets of one bit are looked at together. */
const BITS = 1024;
const WORDS = BITS / 32;

/** Cells of the notes that so many workers leave each other. */
export function changeCells(workers: number): number {
  return WORDS * workers;
}

/**
 * Notes which targets' counts changed, for every thread to find: whoever counts sets a bit in each worker's row,
 * whose owner takes its row's bits when it looks. A count is written before its bit is set, and bits are taken
 * before counts are read, so that no change is missed. Bits go by address, as lists of targets change.
 */
export class SharedLoadChanges implements LoadChanges {
  readonly #cells: Int32Array;
  readonly #row: number;
  /** Indexes of the targets of each bit, one after the other; those of bit `b` end where those of `b + 1` begin. */
  readonly #members: Int32Array;
  readonly #starts: Int32Array;

  /** `cells` are `changeCells(workers)`, shared by all threads; the rest is this thread's. */
  constructor(
    cells: Int32Array,
    init: { readonly workerIndex: number; readonly addresses: readonly string[] },
  ) {
    this.#cells = cells;
    this.#row = WORDS * init.workerIndex;
    const bits = init.addresses.map(bitOf);
    this.#starts = new Int32Array(BITS + 1);
    for (const bit of bits) this.#starts[bit + 1]! += 1;
    for (let bit = 0; bit < BITS; bit++) this.#starts[bit + 1]! += this.#starts[bit]!;
    const ends = this.#starts.slice();
    this.#members = new Int32Array(bits.length);
    for (const [index, bit] of bits.entries()) this.#members[ends[bit]!++] = index;
  }

  /** Tells every thread that the counts of the targets of this bit changed. */
  mark(bit: number): void {
    const cells = this.#cells;
    const mask = 1 << (bit & 31);
    for (let word = bit >>> 5; word < cells.length; word += WORDS) {
      if ((Atomics.load(cells, word) & mask) === 0) Atomics.or(cells, word, mask);
    }
  }

  drain(changed: (index: number) => void): void {
    const cells = this.#cells;
    for (let word = 0; word < WORDS; word++) {
      if (Atomics.load(cells, this.#row + word) === 0) continue;
      let bits = Atomics.exchange(cells, this.#row + word, 0);
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
        const first = this.#starts[word * 32 + bit]!;
        const end = this.#starts[word * 32 + bit + 1]!;
        for (let at = first; at < end; at++) changed(this.#members[at]!);
      }
    }
  }
}

/** The bit of a target. */
export function bitOf(address: string): number {
  return hashText(address) % BITS;
}
