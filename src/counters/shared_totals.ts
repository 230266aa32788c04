import { assert } from "../core/assert.ts";
import type { WorkerSeat } from "./shared_gauges.ts";

/** Bytes of shared memory for this many numbers, counted by this many threads. */
export function totalBytes(numbers: number, workers: number): number {
  return numbers * workers * 4;
}

/**
 * A few numbers that all threads count together, such as connections or requests in flight. Without locks,
 * for the request path: each thread counts in cells of its own, and the total is their sum, so nothing is
 * left behind by a thread that dies.
 */
export class SharedTotals {
  readonly #cells: Int32Array;
  readonly #seat: WorkerSeat;

  /** `memory` has `totalBytes(numbers, seat.count)` bytes and was zeroed when it was allocated. */
  constructor(memory: SharedArrayBuffer, seat: WorkerSeat) {
    assert(memory.byteLength % (seat.count * 4) === 0, "memory fits the threads");
    assert(seat.index >= 0 && seat.index < seat.count, "the thread has a seat");
    this.#cells = new Int32Array(memory);
    this.#seat = seat;
  }

  /**
   * Counts one more unless that would exceed `limit`. Adds first and looks then, so of threads that race for
   * the last place at most one gets it (now and then none, and the next request does).
   */
  tryAcquire(number: number, limit: number): boolean {
    const cell = this.#cellOf(number);
    Atomics.add(this.#cells, cell, 1);
    if (this.total(number) <= limit) return true;
    Atomics.sub(this.#cells, cell, 1);
    return false;
  }

  /** Counts one more, whatever the total. */
  acquire(number: number): void {
    Atomics.add(this.#cells, this.#cellOf(number), 1);
  }

  /** Counts one less. */
  release(number: number): void {
    Atomics.sub(this.#cells, this.#cellOf(number), 1);
  }

  /** What this thread counts. */
  own(number: number): number {
    return Atomics.load(this.#cells, this.#cellOf(number));
  }

  /** What all threads count together. */
  total(number: number): number {
    let sum = 0;
    const start = number * this.#seat.count;
    for (let cell = start; cell < start + this.#seat.count; cell++) sum += Atomics.load(this.#cells, cell);
    return sum;
  }

  /** Takes back all that a thread which ended had counted. */
  clearWorker(index: number): void {
    for (let cell = index; cell < this.#cells.length; cell += this.#seat.count) {
      Atomics.store(this.#cells, cell, 0);
    }
  }

  #cellOf(number: number): number {
    return number * this.#seat.count + this.#seat.index;
  }
}
