import process from "node:process";
import type { CertificateState, RenewalOutcome } from "../acme/managed_certificate.ts";
import type { DiscoveryState, RefreshOutcome } from "../discovery/follower.ts";
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

  /** Counts what a source of targets said. */
  countRefresh(upstreamId: string, type: string, outcome: RefreshOutcome): void {
    this.#families.discoveryRefreshes.labels(upstreamId, type, outcome).inc();
  }

  /** Counts an attempt to serve targets that were found. */
  countUpdate(result: "applied" | "failed"): void {
    this.#families.discoveryUpdates.labels(result).inc();
  }

  /** Counts an active check of a target. */
  countCheck(
    { upstreamId, address, isGood }: { upstreamId: string; address: string; isGood: boolean },
  ): void {
    this.#families.healthChecks.labels(upstreamId, address, isGood ? "good" : "bad").inc();
  }

  /** Drops the counts of targets that are checked no more. */
  recordHealth(targets: readonly { readonly upstreamId: string; readonly address: string }[]): void {
    const known = new Set(targets.map(({ upstreamId, address }) => `${upstreamId}\n${address}`));
    this.#families.healthChecks.retain(([upstream, target]) => known.has(`${upstream}\n${target}`));
  }

  /** Takes over how the sources of targets are doing. */
  recordDiscovery(states: readonly DiscoveryState[]): void {
    const { discoveryTargets, discoveryRejected, discoveryAge, discoveryFailing } = this.#families;
    const known = new Set(states.map(({ upstreamId, type }) => `${upstreamId}\n${type}`));
    const isKept = ([upstream, type]: readonly string[]) => known.has(`${upstream}\n${type}`);
    for (const family of [discoveryTargets, discoveryRejected, discoveryAge, discoveryFailing]) {
      family.retain(isKept);
    }
    for (const { upstreamId, type, ...state } of states) {
      if (state.targets !== undefined) discoveryTargets.labels(upstreamId, type).set(state.targets);
      if (state.ageMs !== undefined) discoveryAge.labels(upstreamId, type).set(state.ageMs / 1000);
      discoveryRejected.labels(upstreamId, type).set(state.rejected);
      const isFailing = state.failuresInARow > 0 || state.keepsOld;
      discoveryFailing.labels(upstreamId, type).set(isFailing ? 1 : 0);
    }
  }

  /** Counts an attempt at a certificate; that another process was at it is no failure. */
  countCertificate(name: string, outcome: RenewalOutcome): void {
    if (outcome.type === "issued") this.#families.acmeIssued.labels(name).inc();
    else if (outcome.type === "failed" && outcome.reason !== "locked") {
      this.#families.acmeFailures.labels(name, outcome.reason).inc();
    }
  }

  /** Takes over how certificates are doing. */
  recordCertificates(states: readonly CertificateState[]): void {
    const { acmeExpiry, acmeNextAttempt, acmeLastSuccess, acmeStandIn } = this.#families;
    const known = new Set(states.map(({ name }) => name));
    const isKept = ([name]: readonly string[]) => known.has(name!);
    for (const family of [acmeExpiry, acmeNextAttempt, acmeLastSuccess, acmeStandIn]) family.retain(isKept);
    for (const { name, notAfterMs, nextAttemptMs, lastSuccessMs, isStandIn } of states) {
      acmeExpiry.labels(name).set(notAfterMs / 1000);
      acmeNextAttempt.labels(name).set(nextAttemptMs / 1000);
      if (lastSuccessMs !== undefined) acmeLastSuccess.labels(name).set(lastSuccessMs / 1000);
      acmeStandIn.labels(name).set(isStandIn ? 1 : 0);
    }
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
