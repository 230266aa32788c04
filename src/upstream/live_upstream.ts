import { findBalancer } from "../balancers/find_balancer.ts";
import { assert } from "../core/assert.ts";
import type { RequestContext } from "../core/context.ts";
import type { Clock, TlsClientOptions } from "../core/ports.ts";
import type { CheckedUpstream } from "../health/monitor.ts";
import type { SharedTotals } from "../counters/shared_totals.ts";
import type { HealthState } from "../health/states.ts";
import { LiveTarget } from "./live_target.ts";
import type { PoolLimits } from "./pool.ts";
import type { UpstreamPools } from "./pools.ts";
import type { UpstreamRecords, UpstreamVersion } from "./target_record.ts";
import { RETRIES, WAITERS, WAITING } from "./retry_budget.ts";
import type { BreakerState } from "./target_breaker.ts";
import type { UpstreamConfig } from "./upstream.ts";
import { UpstreamGate } from "./upstream_gate.ts";
import { type FitnessInit, UpstreamFitness } from "./upstream_fitness.ts";

/** How long requests wait for a place where the configuration does not say. */
const QUEUE_TIMEOUT_MS = 1000;

/** Bounds of the whole proxy on what is kept per target. */
export interface TargetBounds {
  /** Idle connections, whatever the upstream's own `max-idle`. */
  readonly idleMax: number;
  /** Requests that wait for a connection when all are busy. */
  readonly queueMax: number;
}

/** TLS towards an upstream's targets, with the files' contents in place of their paths. */
export interface UpstreamTls {
  /** Name sent and checked; absent means each target's host. */
  readonly serverName?: string;
  /** PEM certificates trusted instead of the system's; empty means the system's. */
  readonly caCerts: readonly string[];
  readonly clientCert?: { readonly cert: string; readonly key: string };
}

/** A target as status pages and metrics show it. */
export interface TargetState {
  readonly address: string;
  readonly weight: number;
  readonly status: HealthState;
  /** Takes no new requests, as an administrator wants it. */
  readonly draining: boolean;
  /** Taken out for a while by outlier detection. */
  readonly ejected: boolean;
  /** Undefined without breakers. */
  readonly breaker: BreakerState | undefined;
  /** Requests on it now, all threads together. */
  readonly inFlight: number;
}

/** Counts of one upstream, all threads together. */
export interface UpstreamLoad {
  /** Attempts under way that are not their request's first. */
  readonly retries: number;
  /** Requests that wait for an answer, where a retry policy counts them. */
  readonly awaited: number;
  /** Requests that wait for a place, where `max-requests` bounds them. */
  readonly queued: number;
}

/** What a live upstream is made of. */
export interface LiveUpstreamInit {
  readonly config: UpstreamConfig;
  /** Present exactly when the configuration has a `tls` block. */
  readonly tls: UpstreamTls | undefined;
  readonly pools: UpstreamPools;
  readonly bounds: TargetBounds;
  /** Live state of the targets, which all threads share. */
  readonly records: UpstreamRecords;
  readonly clock: Clock;
  /** Needed where targets are judged by their requests. */
  readonly watch?: Pick<FitnessInit, "deadlines" | "random" | "events">;
  /** Needed where the upstream's requests are bounded: counts that all threads share, and how many those are. */
  readonly load?: { readonly totals: SharedTotals; readonly threads: number };
}

/** An upstream of one snapshot: its targets, which of them are fit, and how one is chosen. */
export class LiveUpstream {
  readonly id: string;
  readonly loadBalancing: string;
  readonly targets: readonly LiveTarget[];
  readonly connectMs: number;
  /** From the start of the first attempt to the response head. */
  readonly requestMs: number;
  readonly readMs: number;
  readonly writeMs: number;

  /** Where requests wait when there are too many; null where they are not bounded. */
  readonly gate: UpstreamGate | null;

  readonly #pools: UpstreamPools;
  readonly #version: UpstreamVersion;
  readonly #pick: (usable: readonly LiveTarget[], context: RequestContext) => LiveTarget;
  readonly #totals: SharedTotals | undefined;
  readonly #fitness: UpstreamFitness | undefined;
  /** Share of well targets below which all are used; negative means never. */
  readonly #panicShare: number;
  #isPanicking = false;
  #usable: readonly LiveTarget[] = [];
  #usableVersion: number | undefined;

  constructor(init: LiveUpstreamInit) {
    const { config, pools } = init;
    this.id = config.id;
    this.loadBalancing = config.loadBalancing.type;
    this.connectMs = config.timeouts.connectSecs * 1000;
    this.requestMs = config.timeouts.requestSecs * 1000;
    this.readMs = config.timeouts.readSecs * 1000;
    this.writeMs = config.timeouts.writeSecs * 1000;
    this.#pools = pools;
    this.#version = init.records.version;
    const nowMs = init.clock.nowMs();
    const limits = poolLimits(config, init.bounds);
    this.targets = config.targets.map(({ address, weight }, index) => {
      const host = hostOf(address);
      const tls = init.tls === undefined ? undefined : tlsFor(init.tls, host);
      const pool = pools.acquire({ upstreamId: config.id, address, tls }, limits);
      const record = init.records.targets[index]!;
      record.riseFirst(nowMs);
      const hostHeader = address.startsWith("unix:") ? "localhost" : address;
      return new LiveTarget({ address, weight, index, pool, host: hostHeader, record });
    });
    this.#panicShare = config.allTargetsDown === "fail-open" ? (config.panicThreshold ?? 0) / 100 : -1;
    this.#totals = init.load?.totals;
    this.#fitness = fitnessOf(this.targets, init);
    this.gate = gateOf(this.targets, init);
    const kind = findBalancer(this.loadBalancing);
    assert(kind !== undefined, "balancer names are checked when the configuration is read");
    const balancer = kind.create(this.targets.filter((target) => target.weight > 0));
    this.#pick = balancer.pick.bind(balancer);
  }

  /** A target for this request, none of `tried`; undefined when no fit one is left. */
  pick(context: RequestContext, tried: readonly LiveTarget[] | null): LiveTarget | undefined {
    let usable = this.#usableNow();
    if (tried !== null) usable = usable.filter((target) => !tried.includes(target));
    return usable.length === 0 ? undefined : this.#pick(usable, context);
  }

  /**
   * As `pick`, and the request is counted in flight on the target: `LiveTarget.ended` has to follow. Targets
   * that were full are added to the tried ones.
   */
  take(context: RequestContext, course: { tried: LiveTarget[] | null }): LiveTarget | undefined {
    while (true) {
      const target = this.pick(context, course.tried);
      if (target === undefined || target.begin(context)) return target;
      (course.tried ??= []).push(target);
    }
  }

  states(): TargetState[] {
    return this.targets.map(({ address, weight, record, index }) => ({
      address,
      weight,
      status: record.health,
      draining: record.draining,
      ejected: this.#fitness?.isEjected(index) === true,
      breaker: this.#fitness?.breakerOf(index),
      inFlight: record.inFlight,
    }));
  }

  /** What is under way and waits, all threads together; undefined where nothing counts it. */
  load(): UpstreamLoad | undefined {
    const totals = this.#totals;
    if (totals === undefined) return undefined;
    return { retries: totals.total(RETRIES), awaited: totals.total(WAITING), queued: totals.total(WAITERS) };
  }

  /** So few targets are well that all are used. */
  get isPanicking(): boolean {
    this.#usableNow();
    return this.#isPanicking;
  }

  /** Lets the pools go; those that no other snapshot uses are closed. */
  dispose(): void {
    this.#fitness?.dispose();
    this.gate?.dispose();
    for (const target of this.targets) this.#pools.release(target.pool);
  }

  #usableNow(): readonly LiveTarget[] {
    const version = this.#version.current;
    if (version !== this.#usableVersion) {
      this.#usableVersion = version;
      this.#usable = this.#findUsable();
    }
    return this.#usable;
  }

  #findUsable(): readonly LiveTarget[] {
    const fitness = this.#fitness;
    const inService = this.targets.filter(({ weight, record }) => weight > 0 && !record.draining);
    const well = inService.filter(({ record, index }) =>
      record.health !== "unhealthy" && fitness?.isEjected(index) !== true
    );
    const share = inService.length === 0 ? 1 : well.length / inService.length;
    this.#isPanicking = share < this.#panicShare || (share === 0 && this.#panicShare >= 0);
    const used = this.#isPanicking ? inService : well;
    return fitness === undefined ? used : used.filter(({ index }) => !fitness.isOpen(index));
  }
}

function fitnessOf(targets: readonly LiveTarget[], init: LiveUpstreamInit): UpstreamFitness | undefined {
  const { config, watch, records, clock } = init;
  if (config.circuitBreaker === undefined && config.outlierDetection === undefined) return undefined;
  assert(watch !== undefined, "an upstream that judges its targets can watch the clock");
  return new UpstreamFitness({ config, targets, version: records.version, clock, ...watch });
}

function gateOf(targets: readonly LiveTarget[], init: LiveUpstreamInit): UpstreamGate | null {
  const { config: { id, maxRequests, queue }, bounds, watch, load } = init;
  if (maxRequests === undefined) return null;
  assert(watch !== undefined && load !== undefined, "an upstream with bounded requests can count them");
  const gate = new UpstreamGate({
    upstreamId: id,
    requestsMax: maxRequests,
    queueMax: queue?.maxSize ?? bounds.queueMax,
    queueTimeoutMs: queue?.timeoutMs ?? QUEUE_TIMEOUT_MS,
    deadlines: watch.deadlines,
    ...load,
  });
  for (const target of targets) target.observe(gate);
  return gate;
}

function poolLimits({ connectionPool, queue }: UpstreamConfig, bounds: TargetBounds): PoolLimits {
  return {
    connectionsMax: connectionPool.maxConnections,
    idleMax: Math.min(connectionPool.maxIdle, bounds.idleMax),
    idleTimeoutMs: connectionPool.idleTimeoutSecs * 1000,
    lifetimeMs: (connectionPool.maxLifetimeSecs ?? Infinity) * 1000,
    queueMax: queue?.maxSize ?? bounds.queueMax,
    queueTimeoutMs: queue?.timeoutMs ?? Infinity,
  };
}

/** The host of a target, without port and brackets; Unix sockets are on this machine. */
function hostOf(address: string): string {
  if (address.startsWith("unix:")) return "localhost";
  const host = address.slice(0, address.lastIndexOf(":"));
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

function tlsFor(tls: UpstreamTls, host: string): TlsClientOptions {
  const options = { serverName: tls.serverName ?? host, caCerts: tls.caCerts };
  return tls.clientCert === undefined ? options : { ...options, clientCert: tls.clientCert };
}

/** The upstream as the health monitor wants it; undefined when it has no checks. */
export function checkedUpstream(
  config: UpstreamConfig,
  tls: UpstreamTls | undefined,
  records: UpstreamRecords,
): CheckedUpstream | undefined {
  if (config.healthCheck === undefined) return undefined;
  const targets = config.targets.map(({ address }, index) => ({
    address,
    tls: tls === undefined ? undefined : tlsFor(tls, hostOf(address)),
    cell: records.targets[index]!,
  }));
  return { id: config.id, targets, options: config.healthCheck };
}
