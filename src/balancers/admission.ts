import { fraction, rehash } from "./hash.ts";
import type { Target } from "./balancer.ts";

/** Tells the hash that decides about slow start from those that decide about places. */
const RAMP_SALT = 0x51a7;

/** Which targets may take a key that a table over all targets gives them: kept by index, made anew with the list. */
export class Admission<T extends Target> {
  readonly #isUsable: Uint8Array;
  /** Share of a target's keys it takes already: 1 unless it is in slow start. */
  readonly #ramps: Float64Array;
  #usable: readonly T[] | undefined;
  #isRamping = false;

  constructor(targetCount: number) {
    this.#isUsable = new Uint8Array(targetCount);
    this.#ramps = new Float64Array(targetCount);
  }

  /** Takes over what is usable now. */
  adopt(usable: readonly T[]): void {
    if (usable === this.#usable) return;
    this.#usable = usable;
    this.#isUsable.fill(0);
    this.#isRamping = false;
    for (const { index, ramp } of usable) {
      this.#isUsable[index] = 1;
      this.#ramps[index] = ramp;
      if (ramp < 1) this.#isRamping = true;
    }
  }

  isUsable(index: number): boolean {
    return this.#isUsable[index] === 1;
  }

  /** Whether a target takes this key. In slow start it takes more and more of its keys, and never gives one back. */
  admits(index: number, key: number): boolean {
    if (this.#isUsable[index] === 0) return false;
    return !this.#isRamping || fraction(rehash(key, RAMP_SALT)) < this.#ramps[index]!;
  }
}
