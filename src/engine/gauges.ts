import type { Families } from "../observe/families.ts";
import type { PoolStats } from "../upstream/pools.ts";
import type { ListenerCertificate } from "./listeners.ts";
import { BREAKER_STATES } from "../upstream/target_breaker.ts";
import type { Snapshot } from "./snapshot.ts";

const HEALTH_VALUES = { healthy: 1, unhealthy: 0, unknown: -1 } as const;

/** What is looked up when metrics are asked for, instead of being counted all the time. */
export interface GaugeSources {
  readonly pools: readonly PoolStats[];
  readonly snapshot: Snapshot | undefined;
  readonly certificates: readonly ListenerCertificate[];
  /** Log lines lost so far, by file. */
  readonly dropped: ReadonlyMap<string, number>;
  /** Whether this thread speaks for what all threads share, which must be counted once. */
  readonly isFirst: boolean;
}

/** Fills the gauges of one thread. Series of what a reload removed go with it. */
export function recordGauges(families: Families, sources: GaugeSources): void {
  for (const [file, lines] of sources.dropped) families.logLinesDropped.labels(file).raiseTo(lines);
  recordCertificates(families, sources.certificates);
  const { snapshot } = sources;
  if (snapshot === undefined) return;
  recordPools(families, snapshot, sources.pools);
  recordHealth(families, snapshot);
  let evictions = 0;
  for (const table of new Set(Array.from(snapshot.listeners.values(), (view) => view.table))) {
    evictions += table.cacheEvictions;
  }
  families.routeCacheEvictions.labels().raiseTo(evictions);
  if (!sources.isFirst) return;
  recordRateLimits(families, snapshot);
  recordLoads(families, snapshot);
}

function recordCertificates(families: Families, certificates: readonly ListenerCertificate[]): void {
  for (const { listener, file, notAfterMs } of certificates) {
    families.tlsCertificateExpiry.labels(listener, file).set(notAfterMs / 1000);
  }
  families.tlsCertificateExpiry.retain(([listener, file]) =>
    certificates.some((each) => each.listener === listener && each.file === file)
  );
}

function recordPools(families: Families, snapshot: Snapshot, pools: readonly PoolStats[]): void {
  const sizes = new Map<string, { size: number; idle: number }>();
  for (const { id } of snapshot.upstreams) sizes.set(id, { size: 0, idle: 0 });
  for (const pool of pools) {
    const sum = sizes.get(pool.upstreamId) ?? { size: 0, idle: 0 };
    sizes.set(pool.upstreamId, { size: sum.size + pool.size, idle: sum.idle + pool.idle });
  }
  for (const [upstream, { size, idle }] of sizes) {
    families.connectionPoolSize.labels(upstream).set(size);
    families.connectionPoolIdle.labels(upstream).set(idle);
  }
  const isKept = ([upstream]: readonly string[]) => sizes.has(upstream!);
  families.connectionPoolSize.retain(isKept);
  families.connectionPoolIdle.retain(isKept);
}

function recordHealth(families: Families, snapshot: Snapshot): void {
  const known = new Set<string>();
  for (const upstream of snapshot.upstreams) {
    families.upstreamPanic.labels(upstream.id).set(upstream.isPanicking ? 1 : 0);
    for (const target of upstream.states()) {
      const { address, status, inFlight, draining, ramp, ejected, breaker } = target;
      known.add(`${upstream.id}\n${address}`);
      families.targetHealth.labels(upstream.id, address).set(HEALTH_VALUES[status]);
      // All threads count these together; of what they report the largest is taken, not the sum.
      families.targetInFlight.labels(upstream.id, address).set(inFlight);
      families.targetDraining.labels(upstream.id, address).set(draining ? 1 : 0);
      families.targetRamp.labels(upstream.id, address).set(ramp);
      families.targetEjected.labels(upstream.id, address).set(ejected ? 1 : 0);
      if (breaker === undefined) continue;
      families.breakerState.labels(upstream.id, address).set(BREAKER_STATES.indexOf(breaker));
    }
  }
  const isKept = ([upstream, target]: readonly string[]) => known.has(`${upstream}\n${target}`);
  for (
    const family of [
      families.targetHealth,
      families.targetInFlight,
      families.targetDraining,
      families.targetRamp,
      families.targetEjected,
      families.breakerState,
    ]
  ) {
    family.retain(isKept);
  }
  families.breakerTransitions.retain(isKept);
  families.targetEjections.retain(isKept);
  families.upstreamLatency.retain(isKept);
  families.upstreamPanic.retain(([upstream]) => snapshot.upstreams.some(({ id }) => id === upstream));
}

function recordLoads(families: Families, snapshot: Snapshot): void {
  for (const upstream of snapshot.upstreams) {
    const load = upstream.load();
    if (load === undefined) continue;
    families.retriesActive.labels(upstream.id).set(load.retries);
    families.upstreamAwaited.labels(upstream.id).set(load.awaited);
    families.upstreamQueued.labels(upstream.id).set(load.queued);
  }
  const isKept = ([upstream]: readonly string[]) => snapshot.upstreams.some(({ id }) => id === upstream);
  for (const family of [families.retriesActive, families.upstreamAwaited, families.upstreamQueued]) {
    family.retain(isKept);
  }
}

function recordRateLimits(families: Families, snapshot: Snapshot): void {
  const scopes = new Set<string>();
  for (const { scope, filter } of snapshot.rateLimits) {
    const { keys, evictions } = filter.stats();
    scopes.add(scope);
    families.rateLimitKeys.labels(scope).set(keys);
    families.rateLimitKeyEvictions.labels(scope).raiseTo(evictions);
  }
  families.rateLimitKeys.retain(([scope]) => scopes.has(scope!));
}
