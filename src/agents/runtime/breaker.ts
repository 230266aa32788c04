/** Whether a breaker lets calls through: all, none, or some to try. */
export type BreakerState = "closed" | "open" | "half-open";

/** When a breaker opens and closes. */
export interface BreakerOptions {
  readonly failureThreshold: number;
  readonly successThreshold: number;
  readonly timeoutSecs: number;
  readonly halfOpenMaxRequests: number;
}

/**
 * A circuit breaker. Closed, it counts failures in a row; too many open it, and nothing passes for a while; then some
 * calls are tried (half-open), whose success closes it and whose failure opens it again. Every call that was let
 * through ends in one of `succeeded`, `failed` and `abandoned`.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  readonly #changed: (state: BreakerState) => void;
  #state: BreakerState = "closed";
  /** Failures in a row while closed, successes while half-open. */
  #count = 0;
  #trials = 0;
  #untilMs = 0;

  constructor(options: BreakerOptions, changed: (state: BreakerState) => void) {
    this.#options = options;
    this.#changed = changed;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Whether a call may be made; times are `Clock.nowMs`. */
  allows(nowMs: number): boolean {
    if (this.#state === "closed") return true;
    if (this.#state === "open") {
      if (nowMs < this.#untilMs) return false;
      this.#enter("half-open");
    }
    if (this.#trials >= this.#options.halfOpenMaxRequests) return false;
    this.#trials++;
    return true;
  }

  succeeded(): void {
    if (this.#state === "closed") this.#count = 0;
    else if (this.#state === "half-open") {
      this.#endTrial();
      if (++this.#count >= this.#options.successThreshold) this.#enter("closed");
    }
  }

  failed(nowMs: number): void {
    // Calls that began before it opened say nothing new.
    if (this.#state === "open") return;
    this.#endTrial();
    if (this.#state === "closed" && ++this.#count < this.#options.failureThreshold) return;
    this.#untilMs = nowMs + this.#options.timeoutSecs * 1000;
    this.#enter("open");
  }

  /** The call ended without saying anything about the agent. */
  abandoned(): void {
    this.#endTrial();
  }

  #endTrial(): void {
    if (this.#trials > 0) this.#trials--;
  }

  #enter(state: BreakerState): void {
    this.#state = state;
    this.#count = 0;
    this.#trials = 0;
    this.#changed(state);
  }
}
