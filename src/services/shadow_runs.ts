import type { Timers } from "../core/ports.ts";

/** Copies begun in one turn of the event loop, so that a crowd of them cannot hold real requests up. */
const BEGUN_PER_TURN_MAX = 8;

/** A copy of a request, waiting to be sent or under way. */
export interface ShadowRun {
  begin(): void;
  /** Gives it up; called at most once, and not after it has ended. */
  cancel(): void;
}

/**
 * The copies of requests in one thread, whatever the snapshot they belong to. They begin behind the real
 * requests, a few per turn, and end with the thread: once the real requests have been drained nobody waits for
 * them. Bounded by `max-concurrent` of the routes.
 */
export class ShadowRuns {
  readonly #timers: Timers;
  /** In the order they came: those waiting are at the end. */
  readonly #live = new Set<ShadowRun>();
  readonly #waiting: ShadowRun[] = [];
  #cancelled = false;
  #scheduled = false;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Copies waiting or under way. */
  get size(): number {
    return this.#live.size;
  }

  /** Begins a copy after what is at hand now has been dealt with; false when the thread takes no more. */
  add(run: ShadowRun): boolean {
    if (this.#cancelled) return false;
    this.#live.add(run);
    this.#waiting.push(run);
    this.#schedule();
    return true;
  }

  /** A copy is over. */
  ended(run: ShadowRun): void {
    this.#live.delete(run);
  }

  /** Gives up every copy, and takes no further ones. */
  cancelAll(): void {
    this.#cancelled = true;
    this.#waiting.length = 0;
    for (const run of this.#live) {
      this.#live.delete(run);
      run.cancel();
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return;
    this.#scheduled = true;
    this.#timers.after(0, () => {
      this.#scheduled = false;
      for (const run of this.#waiting.splice(0, BEGUN_PER_TURN_MAX)) run.begin();
      this.#schedule();
    });
  }
}
