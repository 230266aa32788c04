/** Tries before the thread is put to sleep: critical sections last well under a microsecond. */
const SPINS_MAX = 1000;

/** Sleep between later tries. */
const NAP_MS = 0.2;

/** Naps with an unchanged owner after which it counts as dead: some 200 ms, when a section takes 1 µs. */
const NAPS_BEFORE_STEALING = 1000;

/**
 * Locks in shared memory, one word each: 0 is free, anything else names one taking of the lock.
 *
 * A thread can be ended anywhere, also inside a critical section, so a lock whose word has not changed for
 * far longer than any section lasts is taken over. What the dead one left half written must then still make
 * sense: sections write each value by a single store, and order them accordingly.
 */
export class SharedLocks {
  readonly #words: Int32Array;
  /** Names this thread's takings; starts at random so that two threads hardly ever use the same name. */
  #name: number;

  /** `seed` is a random number, different for every thread. */
  constructor(words: Int32Array, seed: number) {
    this.#words = words;
    this.#name = seed | 0;
  }

  /** Takes lock `index`, waiting when needed; the result is what `unlock` wants back. */
  lock(index: number): number {
    const name = this.#nextName();
    if (Atomics.compareExchange(this.#words, index, 0, name) !== 0) this.#wait(index, name);
    return name;
  }

  /** Lets the lock go, unless somebody took it over in the meantime. */
  unlock(index: number, name: number): void {
    Atomics.compareExchange(this.#words, index, name, 0);
  }

  #nextName(): number {
    this.#name = (this.#name + 1) | 0;
    return this.#name === 0 ? this.#name = 1 : this.#name;
  }

  #wait(index: number, name: number): void {
    const words = this.#words;
    for (let spins = 0; spins < SPINS_MAX; spins++) {
      if (Atomics.load(words, index) === 0 && Atomics.compareExchange(words, index, 0, name) === 0) return;
    }
    let owner = 0;
    for (let naps = 0;;) {
      const now = Atomics.compareExchange(words, index, 0, name);
      if (now === 0) return;
      naps = now === owner ? naps + 1 : 0;
      owner = now;
      if (naps >= NAPS_BEFORE_STEALING && Atomics.compareExchange(words, index, owner, name) === owner) {
        return;
      }
      Atomics.wait(words, index, now, NAP_MS);
    }
  }
}
