/** The outside world on Deno: the only implementation of `core/ports.ts` that touches the machine. */

import type { Clock, Dialer, Log, Ports, Random, Timers } from "../core/ports.ts";
import { decompress } from "./decompress.ts";
import { createListen } from "./listen.ts";

/** How far a thread's clock may seem off before a stepped wall clock is blamed rather than a slow message. */
const CLOCK_SKEW_MAX_MS = 250;

/** Random words fetched from the system at once; a call per number costs several microseconds. */
const RANDOM_BATCH = 1024;

/** A point of the supervisor's clock, carried to the other threads so that all share one time line. */
export interface TimeBase {
  /** Wall time in milliseconds at which the supervisor's clock read 0. */
  readonly originMs: number;
  /** What the supervisor's clock read when this was sent. */
  readonly sentMs: number;
}

/** The time base of this thread, to be sent to others. */
export function timeBase(): TimeBase {
  return { originMs: performance.timeOrigin, sentMs: performance.now() };
}

/**
 * A monotonic clock on the supervisor's time line: shared rate limits compare times across threads.
 * Each thread's `performance.now` starts at its own zero; `timeOrigin` relates them exactly unless the
 * wall clock was stepped between the starts, which the moment of sending gives away.
 */
export function createClock(base?: TimeBase): Clock {
  let offsetMs = 0;
  if (base !== undefined) {
    offsetMs = performance.timeOrigin - base.originMs;
    const delayMs = performance.now() + offsetMs - base.sentMs;
    if (delayMs < 0 || delayMs > CLOCK_SKEW_MAX_MS) offsetMs = base.sentMs - performance.now();
  }
  return {
    nowMs: () => performance.now() + offsetMs,
    wallMs: () => Date.now(),
  };
}

/** Cryptographic random numbers, fetched in batches. */
export function createRandom(): Random {
  const batch = new Uint32Array(RANDOM_BATCH);
  let used = RANDOM_BATCH;
  return {
    u32() {
      if (used === RANDOM_BATCH) {
        crypto.getRandomValues(batch);
        used = 0;
      }
      return batch[used++]!;
    },
  };
}

/** Timers that never keep the process alive; listeners and the supervisor do that. */
export function createTimers(): Timers {
  return {
    after(ms, run) {
      const id = setTimeout(run, ms);
      Deno.unrefTimer(id);
      return () => clearTimeout(id);
    },
    every(ms, run) {
      const id = setInterval(run, ms);
      Deno.unrefTimer(id);
      return () => clearInterval(id);
    },
  };
}

/** All ports of one thread. */
export function createPorts(init: { log: Log; clock: Clock; timers: Timers; dialer: Dialer }): Ports {
  return { ...init, random: createRandom(), listen: createListen(init.log), decompress };
}
