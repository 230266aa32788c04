import type { Families } from "../observe/families.ts";
import type { PoolStats } from "../upstream/pools.ts";
import type { Snapshot } from "./snapshot.ts";

const HEALTH_VALUES = { healthy: 1, unhealthy: 0, unknown: -1 } as const;

/** What is looked up when metrics are asked for, instead of being counted all the time. */
export interface GaugeSources {
  readonly pools: readonly PoolStats[];
  readonly snapshot: Snapshot | undefined;
  /** Log lines lost so far, by file. */
  readonly dropped: ReadonlyMap<string, number>;
}

/** Fills the gauges of one thread. */
export function recordGauges(families: Families, sources: GaugeSources): void {
  const sizes = new Map<string, { size: number; idle: number }>();
  for (const { id } of sources.snapshot?.upstreams ?? []) sizes.set(id, { size: 0, idle: 0 });
  for (const pool of sources.pools) {
    const sum = sizes.get(pool.upstreamId) ?? { size: 0, idle: 0 };
    sizes.set(pool.upstreamId, { size: sum.size + pool.size, idle: sum.idle + pool.idle });
  }
  for (const [upstream, { size, idle }] of sizes) {
    families.connectionPoolSize.labels(upstream).set(size);
    families.connectionPoolIdle.labels(upstream).set(idle);
  }
  for (const upstream of sources.snapshot?.upstreams ?? []) {
    for (const { address, status } of upstream.states()) {
      families.targetHealth.labels(upstream.id, address).set(HEALTH_VALUES[status]);
    }
  }
  for (const [file, lines] of sources.dropped) {
    const counter = families.logLinesDropped.labels(file);
    counter.inc(lines - counter.value);
  }
}
