import type { Families } from "../observe/families.ts";
import type { PoolStats } from "../upstream/pools.ts";
import type { ListenerCertificate } from "./listeners.ts";
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
  if (sources.isFirst) recordRateLimits(families, snapshot);
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
    for (const { address, status, inFlight, draining, ramp } of upstream.states()) {
      known.add(`${upstream.id}\n${address}`);
      families.targetHealth.labels(upstream.id, address).set(HEALTH_VALUES[status]);
      // All threads count these together; of what they report the largest is taken, not the sum.
      families.targetInFlight.labels(upstream.id, address).set(inFlight);
      families.targetDraining.labels(upstream.id, address).set(draining ? 1 : 0);
      families.targetRamp.labels(upstream.id, address).set(ramp);
    }
  }
  const isKept = ([upstream, target]: readonly string[]) => known.has(`${upstream}\n${target}`);
  for (
    const family of [
      families.targetHealth,
      families.targetInFlight,
      families.targetDraining,
      families.targetRamp,
    ]
  ) {
    family.retain(isKept);
  }
  families.upstreamLatency.retain(isKept);
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
