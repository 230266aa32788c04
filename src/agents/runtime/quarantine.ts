/** When an agent is taken out of service. */
export interface QuarantineOptions {
  readonly traps: number;
  readonly windowSecs: number;
  readonly retrySecs: number;
}

/** `trial`: out of service but for one call under way, which decides. */
export type QuarantineState = "in-service" | "out-of-service" | "trial";

/**
 * Takes an agent out of service that traps too often within a window of time. After a while one call is tried: a trap
 * begins the pause anew, anything else ends it.
 */
export class Quarantine {
  readonly #options: QuarantineOptions;
  readonly #changed: (state: QuarantineState) => void;
  /** Times of the last traps, as a ring; the oldest is at `#next`. */
  readonly #times: number[];
  #next = 0;
  #state: QuarantineState = "in-service";
  #untilMs = 0;

  constructor(options: QuarantineOptions, changed: (state: QuarantineState) => void) {
    this.#options = options;
    this.#changed = changed;
    this.#times = new Array<number>(options.traps).fill(-Infinity);
  }

  get state(): QuarantineState {
    return this.#state;
  }

  /** Whether a call may be made; times are `Clock.nowMs`. */
  allows(nowMs: number): boolean {
    if (this.#state === "in-service") return true;
    if (this.#state === "trial" || nowMs < this.#untilMs) return false;
    this.#enter("trial");
    return true;
  }

  /** A call did not trap. */
  passed(): void {
    if (this.#state !== "trial") return;
    this.#times.fill(-Infinity);
    this.#enter("in-service");
  }

  trapped(nowMs: number): void {
    this.#times[this.#next] = nowMs;
    this.#next = (this.#next + 1) % this.#times.length;
    if (this.#state === "out-of-service") return;
    const oldest = this.#times[this.#next]!;
    const isTooMany = nowMs - oldest <= this.#options.windowSecs * 1000;
    if (this.#state === "in-service" && !isTooMany) return;
    this.#untilMs = nowMs + this.#options.retrySecs * 1000;
    this.#enter("out-of-service");
  }

  /** The call that was let through was not made after all; the next one may be. */
  abandoned(): void {
    if (this.#state === "trial") this.#state = "out-of-service";
  }

  #enter(state: QuarantineState): void {
    this.#state = state;
    this.#changed(state);
  }
}
