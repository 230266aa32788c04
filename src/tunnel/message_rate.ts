import type { Clock } from "../core/ports.ts";

/** How many frames one peer may send per second: a bucket that holds `burst` and fills evenly. */
export class MessageRate {
  readonly perSecond: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledMs: number;

  constructor(perSecond: number, burst: number, clock: Clock) {
    this.perSecond = perSecond;
    this.#burst = burst;
    this.#clock = clock;
    this.#tokens = burst;
    this.#filledMs = clock.nowMs();
  }

  /** Takes one; false when there is none. */
  take(): boolean {
    if (this.#tokens < 1) {
      const now = this.#clock.nowMs();
      this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledMs) * this.perSecond / 1000);
      this.#filledMs = now;
      if (this.#tokens < 1) return false;
    }
    this.#tokens--;
    return true;
  }
}
