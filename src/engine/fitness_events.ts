import type { Log } from "../core/ports.ts";
import type { Families } from "../observe/families.ts";
import type { FitnessEvents } from "../upstream/upstream_fitness.ts";

/** Counts and logs what becomes of an upstream's targets. Rare enough to look labels up every time. */
export function fitnessEvents(upstream: string, families: Families, log: Log): FitnessEvents {
  return {
    breakerChanged({ address: target }, state) {
      families.breakerTransitions.labels(upstream, target, state).inc();
      log(state === "open" ? "warn" : "info", `Circuit breaker is ${state}`, { upstream, target });
    },
    ejected({ address: target }, reason) {
      families.targetEjections.labels(upstream, target, reason).inc();
      log("warn", "Target is ejected", { upstream, target, reason });
    },
    readmitted({ address: target }) {
      log("info", "Target is back after its ejection", { upstream, target });
    },
  };
}
