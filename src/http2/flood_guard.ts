import type { Clock } from "../core/ports.ts";
import { ConnectionFault, H2_ERROR } from "./frames.ts";

/** Frames that cost the peer little and us something; a label of metrics. */
export type FloodKind = CheapKind | "continuation";
type CheapKind = "ping" | "settings" | "reset" | "empty" | "priority" | "window" | "unknown" | "closed";

/** What one frame of a kind costs of the budget below. A reset undoes a request that was already begun. */
const COSTS: Readonly<Record<CheapKind, number>> = {
  ping: 2,
  settings: 10,
  reset: 10,
  empty: 4,
  priority: 1,
  window: 1,
  unknown: 4,
  closed: 1,
};

/** The budget at first and at most, and what is added to it: per second, and with every request or answer. */
const BUDGET_MAX = 4000;
const REFILL_PER_SECOND = 400;
const REFILL_PER_MESSAGE = 8;
/** With every piece of a body: peers that measure the way send a PING for each. */
const REFILL_PER_DATA = 2;

/**
 * Bounds the frames of one connection that bring nothing (RFC 9113 §10.5): a budget that time and real
 * messages fill up and such frames use. A peer that empties it is told to calm down, and cut off.
 */
export class FloodGuard {
  readonly #clock: Clock;
  readonly #onFlood: (kind: FloodKind) => void;
  #budget = BUDGET_MAX;
  #filledMs: number;

  constructor(clock: Clock, onFlood: (kind: FloodKind) => void) {
    this.#clock = clock;
    this.#onFlood = onFlood;
    this.#filledMs = clock.nowMs();
  }

  /** A whole message was exchanged. */
  message(): void {
    this.#budget = Math.min(BUDGET_MAX, this.#budget + REFILL_PER_MESSAGE);
  }

  /** A piece of a body came. */
  data(): void {
    this.#budget = Math.min(BUDGET_MAX, this.#budget + REFILL_PER_DATA);
  }

  /** A frame came that brings nothing. Throws `ConnectionFault` once there were too many. */
  spend(kind: CheapKind): void {
    this.#budget -= COSTS[kind];
    if (this.#budget >= 0) return;
    const now = this.#clock.nowMs();
    this.#budget += (now - this.#filledMs) * REFILL_PER_SECOND / 1000;
    this.#filledMs = now;
    this.#budget = Math.min(BUDGET_MAX, this.#budget);
    if (this.#budget >= 0) return;
    this.#onFlood(kind);
    throw new ConnectionFault(H2_ERROR.enhanceYourCalm, `too many frames that bring nothing (${kind})`);
  }
}
