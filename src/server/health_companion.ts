import { resolveConfig } from "../config/resolve.ts";
import type { UpstreamStates } from "../engine/dataplane.ts";
import { readUpstreamTls } from "../engine/upstream_tls.ts";
import { HealthMonitor } from "../health/monitor.ts";
import type { CheckedUpstream, MonitorPorts, TargetHealth } from "../health/monitor.ts";
import { checkedUpstream } from "../upstream/live_upstream.ts";
import { openRecords } from "../upstream/target_record.ts";
import type { Companion } from "./supervisor.ts";
import type { NextConfig } from "./thread.ts";

/** The last check of a target, for people. */
function checkView({ checks, inARow, lastError, lastRemark, lastCheckMs, lastDurationMs }: TargetHealth) {
  return {
    checks,
    inARow,
    lastError: lastError ?? null,
    lastRemark: lastRemark ?? null,
    lastCheck: lastCheckMs === undefined ? null : new Date(lastCheckMs).toISOString(),
    lastDurationMs: lastDurationMs === undefined ? null : Math.round(lastDurationMs * 100) / 100,
  };
}

/** Runs the active health checks for all threads; verdicts reach them through shared memory. */
export class HealthCompanion implements Companion {
  readonly #monitor: HealthMonitor;
  #prepared: readonly CheckedUpstream[] = [];

  constructor(ports: MonitorPorts) {
    this.#monitor = new HealthMonitor(ports);
  }

  /** The last checks of every target that is checked. */
  health(): readonly TargetHealth[] {
    return this.#monitor.health();
  }

  /** Adds to targets what their last check found. */
  describe<U extends UpstreamStates>(upstreams: readonly U[]): U[] {
    const found = new Map(
      this.health().map((each) => [JSON.stringify([each.upstreamId, each.address]), each]),
    );
    return upstreams.map((upstream) => ({
      ...upstream,
      targets: upstream.targets.map((target) => {
        const health = found.get(JSON.stringify([upstream.id, target.address]));
        return health === undefined ? target : { ...target, check: checkView(health) };
      }),
    }));
  }

  async prepare({ config, shared }: NextConfig): Promise<readonly string[]> {
    const watched = resolveConfig(config).upstreams.filter((upstream) => upstream.healthCheck !== undefined);
    const tls = await readUpstreamTls(watched, (path) => Deno.readTextFile(path));
    this.#prepared = watched.flatMap((upstream) =>
      checkedUpstream(upstream, tls.get(upstream.id), openRecords(upstream, shared, 0)) ?? []
    );
    return [];
  }

  commit(): void {
    this.#monitor.update(this.#prepared);
    this.#prepared = [];
  }

  abandon(): void {
    this.#prepared = [];
  }

  close(): Promise<void> {
    this.#monitor.stop();
    return Promise.resolve();
  }
}
