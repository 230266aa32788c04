import process from "node:process";
import { createFamilies } from "../observe/families.ts";
import { MetricsRegistry } from "../observe/metrics.ts";
import type { MetricsSnapshot } from "../observe/metrics_snapshot.ts";
import type { ReloadResult, Supervisor } from "./supervisor.ts";

/** What only the supervisor's thread knows: the process, its workers, and what reloads came to. */
export class ProcessMetrics {
  readonly #registry = new MetricsRegistry();
  readonly #families;
  #cpuMicros = 0;
  #lookedMs = performance.now();

  constructor(version: string) {
    this.#families = createFamilies(this.#registry, { version });
    this.#families.reloads.labels("applied");
    this.#families.reloads.labels("failed");
  }

  /** Counts a reload; the start is none. */
  countReload(result: ReloadResult): void {
    if (result.trigger !== "start") this.#families.reloads.labels(result.outcome).inc();
  }

  /** Counts a change of certificate files. */
  countCertificates(outcome: ReloadResult["outcome"]): void {
    this.#families.tlsCertificateReloads.labels(outcome).inc();
  }

  snapshot(supervisor: Supervisor): MetricsSnapshot {
    const families = this.#families;
    families.workers.labels().set(supervisor.fleet.alive);
    families.configGeneration.labels().set(supervisor.generation);
    const restarts = families.workerRestarts.labels();
    restarts.inc(supervisor.fleet.restarts - restarts.value);
    families.memoryUsage.labels().set(Deno.memoryUsage().rss);
    this.#measureCpu();
    return this.#registry.snapshot();
  }

  #measureCpu(): void {
    const { user, system } = process.cpuUsage();
    const nowMs = performance.now();
    const usedMicros = user + system - this.#cpuMicros;
    const elapsedMs = nowMs - this.#lookedMs;
    if (elapsedMs > 0) this.#families.cpuUsage.labels().set(usedMicros / (elapsedMs * 10));
    this.#families.cpuSeconds.labels().inc(usedMicros / 1e6);
    this.#cpuMicros = user + system;
    this.#lookedMs = nowMs;
  }
}
