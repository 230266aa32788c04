import type { Clock, Timers } from "./ports.ts";

/** How often due watches are looked for; the precision of every time limit on a connection. */
export const SWEEP_INTERVAL_MS = 100;

/** A time limit that can be moved by a plain store, so that the request path never creates a timer. */
export interface Watch {
  /** Clock time (`Clock.nowMs`) past which `expire` is called once; Infinity switches it off. */
  dueMs: number;
  /** Called by the sweep after `dueMs` was set back to Infinity. */
  expire(): void;
}

/** All watches of one thread, swept by one interval timer. */
export class Deadlines {
  readonly #watches = new Set<Watch>();
  readonly #clock: Clock;
  readonly #stop: () => void;
  /** Clock time of the last sweep: good enough to set time limits from, and free. */
  coarseMs: number;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.coarseMs = clock.nowMs();
    this.#stop = timers.every(SWEEP_INTERVAL_MS, () => this.sweep());
  }

  get size(): number {
    return this.#watches.size;
  }

  add(watch: Watch): void {
    this.#watches.add(watch);
  }

  remove(watch: Watch): void {
    this.#watches.delete(watch);
  }

  /** Fires what is due. A watch may add or remove watches while it expires. */
  sweep(): void {
    const now = this.coarseMs = this.#clock.nowMs();
    for (const watch of this.#watches) {
      if (watch.dueMs > now) continue;
      watch.dueMs = Infinity;
      watch.expire();
    }
  }

  dispose(): void {
    this.#stop();
    this.#watches.clear();
  }
}
