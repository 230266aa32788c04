import type { Random } from "../core/ports.ts";

/** Draws numbered things at random, each as often as its weight says; weights may change at any time. */
export class Sampler {
  /** Sums of weights as a binary tree: the root at 1, thing `i` at `#leaves + i`. */
  readonly #sums: Float64Array;
  readonly #leaves: number;
  readonly #random: Random;

  /** All weights begin at 0. */
  constructor(things: number, random: Random) {
    let leaves = 1;
    while (leaves < things) leaves *= 2;
    this.#leaves = leaves;
    this.#sums = new Float64Array(leaves * 2);
    this.#random = random;
  }

  get total(): number {
    return this.#sums[1]!;
  }

  weight(thing: number): number {
    return this.#sums[this.#leaves + thing]!;
  }

  /** Changes a weight, at least 0. Takes the logarithm of the number of things. */
  set(thing: number, weight: number): void {
    const sums = this.#sums;
    let at = this.#leaves + thing;
    if (sums[at] === weight) return;
    sums[at] = weight;
    // Sums are taken anew instead of being corrected, so that rounding never adds up.
    for (at >>= 1; at >= 1; at >>= 1) sums[at] = sums[at * 2]! + sums[at * 2 + 1]!;
  }

  /** A thing drawn at random, of a weight above 0; undefined when there is none. */
  draw(): number | undefined {
    const sums = this.#sums;
    if (!(sums[1]! > 0)) return undefined;
    let rest = (this.#random.u32() / 2 ** 32) * sums[1]!;
    let at = 1;
    while (at < this.#leaves) {
      at *= 2;
      const left = sums[at]!;
      // Rounding must not lead to a side that weighs nothing.
      if (left > 0 && (rest < left || sums[at + 1] === 0)) continue;
      rest -= left;
      at++;
    }
    return at - this.#leaves;
  }
}
