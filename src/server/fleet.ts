import type { Log } from "../core/ports.ts";
import type { NextConfig, Thread } from "./thread.ts";

/** Wait before the first replacement of a dead worker; doubles with every death in a row. */
const RESTART_DELAY_MS = 100;
const RESTART_DELAY_MAX_MS = 10_000;

/** A worker that lived this long was healthy, so the waits start small again. */
const HEALTHY_AFTER_MS = 60_000;

/** A thread the fleet can end at once. */
export interface FleetThread extends Thread {
  terminate(): void;
}

/** What a fleet needs from its supervisor. */
export interface FleetInit {
  readonly count: number;
  readonly log: Log;
  /** Starts thread `index`; `died` is called if it ends by itself. */
  spawn(index: number, died: (cause: string) => void): Promise<FleetThread>;
  /** What a replacement has to serve; undefined before the first commit. */
  current(): NextConfig | undefined;
  /** Runs the task while no reload is under way. */
  exclusively(task: () => Promise<void>): Promise<void>;
  /** Proofs that a replacement has to give to authorities. */
  challenges?(): ReadonlyMap<string, string>;
  /** Called at once when a thread died, so that shared counts it held can be given back. */
  onDeath(index: number): void;
}

interface Slot {
  readonly index: number;
  thread: FleetThread | undefined;
  bornMs: number;
  deathsInARow: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** All threads that answer requests: kept alive, and changed only together. */
export class Fleet {
  readonly #init: FleetInit;
  readonly #slots: readonly Slot[];
  #restarts = 0;
  #stopping = false;

  constructor(init: FleetInit) {
    this.#init = init;
    this.#slots = Array.from({ length: init.count }, (_, index) => ({
      index,
      thread: undefined,
      bornMs: 0,
      deathsInARow: 0,
      timer: undefined,
    }));
  }

  /** Threads there should be. */
  get size(): number {
    return this.#slots.length;
  }

  /** Threads that are up. */
  get alive(): number {
    return this.threads.length;
  }

  /** Replacements since the start. */
  get restarts(): number {
    return this.#restarts;
  }

  get threads(): readonly FleetThread[] {
    return this.#slots.flatMap((slot) => slot.thread ?? []);
  }

  /** Starts every thread; rejects when one cannot start. */
  async start(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => this.#spawn(slot)));
  }

  /** First phase: every thread builds the next configuration. Resolves with what is wrong, without repeats. */
  async prepare(next: NextConfig): Promise<string[]> {
    const outcomes = await Promise.allSettled(this.threads.map((thread) => thread.prepare(next)));
    const problems = new Set<string>();
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") problems.add(messageOf(outcome.reason));
      else for (const problem of outcome.value) problems.add(problem);
    }
    return [...problems];
  }

  /** Second phase. A thread that fails now is replaced by one that serves the new configuration. */
  async commit(generation: number): Promise<void> {
    await Promise.all(this.#slots.map(async (slot) => {
      const { thread } = slot;
      await thread?.commit(generation).catch((cause) => this.#bury(slot, thread, messageOf(cause)));
    }));
  }

  /**
   * Lets every thread give these proofs to authorities. Rejects when one that is up does not; one that died in
   * the meantime is told when it is replaced.
   */
  async showChallenges(answers: ReadonlyMap<string, string>): Promise<void> {
    const asked = this.threads;
    const outcomes = await Promise.allSettled(asked.map((thread) => thread.showChallenges(answers)));
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === "rejected" && this.threads.includes(asked[index]!)) throw outcome.reason;
    }
  }

  /** Takes the first phase back. */
  async abandon(generation: number): Promise<void> {
    await Promise.allSettled(this.threads.map((thread) => thread.abandon(generation)));
  }

  /** Ends service in all threads; resolves with the number of requests that were cut off. */
  async drain(timeoutMs: number): Promise<number> {
    this.#stopping = true;
    for (const slot of this.#slots) clearTimeout(slot.timer);
    const cut = await Promise.all(this.threads.map(async (thread) => {
      try {
        return await thread.drain(timeoutMs);
      } catch (cause) {
        this.#init.log("error", "A worker did not finish in time", { error: messageOf(cause) });
        return 0;
      }
    }));
    return cut.reduce((sum, count) => sum + count, 0);
  }

  /** Flushes logs and ends all threads. */
  async close(): Promise<void> {
    this.#stopping = true;
    await Promise.allSettled(this.threads.map((thread) => thread.close()));
    for (const slot of this.#slots) {
      clearTimeout(slot.timer);
      slot.thread?.terminate();
      slot.thread = undefined;
    }
  }

  async #spawn(slot: Slot): Promise<FleetThread> {
    // The death of a thread is told after its start only, so `thread` is set by then.
    const thread: FleetThread = await this.#init.spawn(
      slot.index,
      (cause) => this.#bury(slot, thread, cause),
    );
    slot.thread = thread;
    slot.bornMs = performance.now();
    return thread;
  }

  #bury(slot: Slot, thread: FleetThread, cause: string): void {
    thread.terminate();
    if (slot.thread !== thread) return;
    slot.thread = undefined;
    this.#init.onDeath(slot.index);
    if (performance.now() - slot.bornMs > HEALTHY_AFTER_MS) slot.deathsInARow = 0;
    this.#scheduleReplacement(slot, cause);
  }

  #scheduleReplacement(slot: Slot, cause: string): void {
    if (this.#stopping) return;
    const delayMs = Math.min(RESTART_DELAY_MS * 2 ** slot.deathsInARow, RESTART_DELAY_MAX_MS);
    slot.deathsInARow++;
    this.#init.log("error", "Worker died and is being replaced", { worker: slot.index, cause, delayMs });
    clearTimeout(slot.timer);
    slot.timer = setTimeout(() => void this.#replace(slot), delayMs);
  }

  async #replace(slot: Slot): Promise<void> {
    try {
      await this.#init.exclusively(() => this.#revive(slot));
    } catch (cause) {
      this.#scheduleReplacement(slot, messageOf(cause));
    }
  }

  /** No reload is under way while this runs, so nobody meets the half-made thread. */
  async #revive(slot: Slot): Promise<void> {
    const current = this.#init.current();
    if (this.#stopping || current === undefined || slot.thread !== undefined) return;
    const thread = await this.#spawn(slot);
    const problems = await thread.prepare(current).catch((cause: unknown) => [messageOf(cause)]);
    if (problems.length > 0) {
      this.#bury(slot, thread, problems.join("; "));
      return;
    }
    try {
      await thread.commit(current.generation);
      const challenges = this.#init.challenges?.();
      if (challenges !== undefined && challenges.size > 0) await thread.showChallenges(challenges);
    } catch (cause) {
      this.#bury(slot, thread, messageOf(cause));
      return;
    }
    this.#restarts++;
    this.#init.log("info", "Worker replaced", { worker: slot.index, restarts: this.#restarts });
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
