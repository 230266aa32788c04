import { mergeSnapshots, retiredSnapshot } from "../observe/metrics_snapshot.ts";
import type { MetricsSnapshot } from "../observe/metrics_snapshot.ts";
import type { FleetThread } from "./fleet.ts";

/** How often threads are asked without a scrape, so that little is lost when one dies. */
export const COLLECT_INTERVAL_MS = 5_000;

/**
 * The metrics of all threads as one. A thread that does not answer counts with what it said last, and
 * the counters of one that died stay in the sums: counters must not fall.
 */
export class MetricsCollector {
  readonly #threads: () => readonly FleetThread[];
  readonly #last = new Map<FleetThread, MetricsSnapshot>();
  #retired: MetricsSnapshot = { families: [] };

  constructor(threads: () => readonly FleetThread[]) {
    this.#threads = threads;
  }

  /** Sums over all threads, present and past. Takes as long as the slowest call's time limit at most. */
  async collect(): Promise<MetricsSnapshot> {
    const threads = this.#threads();
    await Promise.all(threads.map(async (thread) => {
      try {
        this.#last.set(thread, await thread.metrics());
      } catch {
        // The thread is busy or dead; what it said last is used.
      }
    }));
    this.#retireMissing();
    return mergeSnapshots([...this.#last.values(), this.#retired]);
  }

  #retireMissing(): void {
    const present = new Set(this.#threads());
    for (const [thread, snapshot] of this.#last) {
      if (present.has(thread)) continue;
      this.#last.delete(thread);
      this.#retired = mergeSnapshots([this.#retired, retiredSnapshot(snapshot)]);
    }
  }
}
