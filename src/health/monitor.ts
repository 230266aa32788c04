import { parseEndpoint } from "../core/address.ts";
import { assert } from "../core/assert.ts";
import type { Clock, Dialer, Log, Random, Timers, TlsClientOptions } from "../core/ports.ts";
import { type HealthCheckKind, type Probe, runProbe } from "./check.ts";
import { findHealthCheck } from "./find_health_check.ts";
import type { HealthCheckConfig } from "./options.ts";
import type { HealthCell, HealthState } from "./states.ts";

/** Intervals vary by this share each way, so that checks do not fall into step. */
const JITTER = 0.1;
/**
 * A target that comes back is confirmed within this share of an interval, so that even with the longest first
 * pause it has its verdict before two intervals are over.
 */
const CONFIRM_SHARE = 0.5;
/** The first checks of a configuration are spread over this time, or one interval if that is shorter. */
const FIRST_CHECKS_MS = 500;

/** An upstream to be checked. */
export interface CheckedUpstream {
  readonly id: string;
  readonly targets: readonly CheckedTarget[];
  readonly options: HealthCheckConfig;
}

export interface CheckedTarget {
  readonly address: string;
  readonly tls?: TlsClientOptions | undefined;
  /** Where the verdict goes. */
  readonly cell: HealthCell;
}

/** Outside world that the monitor needs. */
export interface MonitorPorts {
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  /** Told of every check. Must not throw. */
  checked?(check: { readonly upstreamId: string; readonly address: string; readonly isGood: boolean }): void;
}

/** What is known of one target, for people. */
export interface TargetHealth {
  readonly upstreamId: string;
  readonly address: string;
  readonly status: HealthState;
  /** Checks run so far. */
  readonly checks: number;
  /** Checks of the same outcome in a row. */
  readonly inARow: number;
  /** Why the last check failed; undefined when it did not. */
  readonly lastError: string | undefined;
  /** What the last check found remarkable although it was good. */
  readonly lastRemark: string | undefined;
  /** Unix time of the last check in milliseconds; undefined before the first. */
  readonly lastCheckMs: number | undefined;
  /** How long the last check took. */
  readonly lastDurationMs: number | undefined;
}

/**
 * Runs the active checks of all upstreams, once per process: each target in its own rhythm, never two
 * checks of one target at a time. The first good check of an unknown target is enough to call it healthy.
 */
export class HealthMonitor {
  readonly #ports: MonitorPorts;
  #watched = new Map<string, TargetWatch>();

  constructor(ports: MonitorPorts) {
    this.#ports = ports;
  }

  /**
   * Checks exactly these from now on. What is checked in the same way already goes on undisturbed; a target
   * that is checked in another way keeps its verdict, one that is checked no more loses it.
   */
  update(upstreams: readonly CheckedUpstream[]): void {
    const next = new Map<string, TargetWatch>();
    const judged = new Set<string>();
    for (const upstream of upstreams) {
      for (const target of upstream.targets) {
        const { address, tls } = target;
        judged.add(JSON.stringify([upstream.id, address]));
        const key = JSON.stringify([upstream.id, address, tls, upstream.options]);
        const running = this.#watched.get(key);
        if (running === undefined) next.set(key, new TargetWatch(upstream, target, this.#ports));
        else {
          running.cell = target.cell;
          next.set(key, running);
        }
      }
    }
    for (const [key, watch] of this.#watched) {
      if (next.get(key) === watch) continue;
      watch.stop();
      if (!judged.has(watch.identity)) watch.forget();
    }
    for (const [key, watch] of next) if (this.#watched.get(key) !== watch) watch.start();
    this.#watched = next;
  }

  health(): TargetHealth[] {
    return Array.from(this.#watched.values(), (watch) => watch.health());
  }

  /** Ends all checks; those under way are not waited for. */
  stop(): void {
    for (const watch of this.#watched.values()) watch.stop();
    this.#watched.clear();
  }
}

/** The checks of one target. */
class TargetWatch {
  /** Where the verdict goes; a reload finds the same memory through another object. */
  cell: HealthCell;
  readonly #upstreamId: string;
  readonly #probe: Probe;
  readonly #kind: HealthCheckKind;
  readonly #ports: MonitorPorts;
  #cancel: (() => void) | null = null;
  #stopped = false;
  #checks = 0;
  #good = 0;
  #bad = 0;
  #lastError: string | undefined;
  #lastRemark: string | undefined;
  #lastCheckMs: number | undefined;
  #lastDurationMs: number | undefined;

  constructor(upstream: CheckedUpstream, target: CheckedTarget, ports: MonitorPorts) {
    const { address, tls } = target;
    const endpoint = parseEndpoint(address);
    const kind = findHealthCheck(upstream.options.type);
    assert(
      typeof endpoint !== "string" && kind !== undefined,
      "health checks are checked with the configuration",
    );
    this.cell = target.cell;
    this.#upstreamId = upstream.id;
    this.#probe = { address, endpoint, tls, options: upstream.options };
    this.#kind = kind;
    this.#ports = ports;
  }

  start(): void {
    this.#schedule(this.#fraction() * Math.min(FIRST_CHECKS_MS, this.#probe.options.intervalSecs * 1000));
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** What tells it from other targets, however it is checked. */
  get identity(): string {
    return JSON.stringify([this.#upstreamId, this.#probe.address]);
  }

  /** Nobody will judge the target from now on. */
  forget(): void {
    this.cell.setHealth("unknown", this.#ports.clock.nowMs());
  }

  health(): TargetHealth {
    return {
      upstreamId: this.#upstreamId,
      address: this.#probe.address,
      status: this.cell.health,
      checks: this.#checks,
      inARow: Math.max(this.#good, this.#bad),
      lastError: this.#lastError,
      lastRemark: this.#lastRemark,
      lastCheckMs: this.#lastCheckMs,
      lastDurationMs: this.#lastDurationMs,
    };
  }

  /** A random number in [0, 1). */
  #fraction(): number {
    return this.#ports.random.u32() / 2 ** 32;
  }

  #schedule(ms: number): void {
    this.#cancel = this.#ports.timers.after(ms, () => void this.#check());
  }

  async #check(): Promise<void> {
    const startedMs = this.#ports.clock.nowMs();
    let error: string | undefined;
    let remark: string | undefined;
    try {
      remark = await runProbe(this.#kind, this.#probe, this.#ports);
    } catch (cause) {
      error = cause instanceof Error ? cause.message : String(cause);
    }
    if (this.#stopped) return;
    const tookMs = this.#ports.clock.nowMs() - startedMs;
    this.#checks++;
    this.#lastError = error;
    this.#lastRemark = remark;
    this.#lastCheckMs = this.#ports.clock.wallMs();
    this.#lastDurationMs = tookMs;
    const { address } = this.#probe;
    this.#ports.checked?.({ upstreamId: this.#upstreamId, address, isGood: error === undefined });
    this.#judge(error);
    this.#schedule(Math.max(0, this.#pauseMs() - tookMs));
  }

  /** Time from the start of one check to the next. */
  #pauseMs(): number {
    const { intervalSecs, healthyThreshold } = this.#probe.options;
    const isComingBack = this.#good > 0 && this.cell.health === "unhealthy" && healthyThreshold > 1;
    const share = isComingBack ? CONFIRM_SHARE / (healthyThreshold - 1) : 1;
    const jitter = isComingBack ? 1 : 1 - JITTER + 2 * JITTER * this.#fraction();
    return intervalSecs * 1000 * Math.min(1, share) * jitter;
  }

  #judge(error: string | undefined): void {
    const { healthyThreshold, unhealthyThreshold } = this.#probe.options;
    const before = this.cell.health;
    this.#good = error === undefined ? this.#good + 1 : 0;
    this.#bad = error === undefined ? 0 : this.#bad + 1;
    if (error === undefined) this.cell.foundWell(this.#ports.clock.nowMs());
    let after = before;
    if (this.#good >= (before === "unknown" ? 1 : healthyThreshold)) after = "healthy";
    else if (this.#bad >= unhealthyThreshold) after = "unhealthy";
    if (after === before) return;
    this.cell.setHealth(after, this.#ports.clock.nowMs());
    this.#ports.log(after === "healthy" ? "info" : "warn", `Target is ${after}`, {
      upstream: this.#upstreamId,
      target: this.#probe.address,
      check: this.#kind.type,
      ...(error === undefined ? {} : { error }),
    });
  }
}
