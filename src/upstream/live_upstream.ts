import type { Balancer } from "../balancers/balancer.ts";
import { findBalancer } from "../balancers/find_balancer.ts";
import { assert } from "../core/assert.ts";
import type { RequestContext } from "../core/context.ts";
import type { Response } from "../core/message.ts";
import type { Clock, Random, TlsClientOptions } from "../core/ports.ts";
import type { CheckedUpstream } from "../health/monitor.ts";
import type { SharedTotals } from "../counters/shared_totals.ts";
import type { HealthState } from "../health/states.ts";
import { LiveTarget } from "./live_target.ts";
import type { PoolLimits, UpstreamProtocol } from "./pool.ts";
import type { UpstreamPools } from "./pools.ts";
import { SlowStart } from "./slow_start.ts";
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
  /** Any certificate is taken, for any name. */
  readonly skipVerify?: boolean;
}

/** A target as status pages and metrics show it. */
export interface TargetState {
  readonly address: string;
  readonly weight: number;
  readonly status: HealthState;
  /** Takes no new requests, as its configuration or an administrator wants it. */
  readonly draining: boolean;
  /** Taken out for a while by outlier detection. */
  readonly ejected: boolean;
  /** Undefined without breakers. */
  readonly breaker: BreakerState | undefined;
  /** How far slow start has brought it, above 0 and up to 1. */
  readonly ramp: number;
  readonly zone?: string;
  readonly priority: number;
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
  readonly random: Random;
  /** Name of this machine, the same in all threads and after a restart. */
  readonly instance: string;
}

/** Full targets that are met before the first with room is taken instead of the next best. */
const FULL_PICKS_MAX = 8;

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
  readonly #clock: Clock;
  readonly #balancer: Balancer<LiveTarget>;
  readonly #slowStart: SlowStart<LiveTarget> | null;
  readonly #totals: SharedTotals | undefined;
  readonly #fitness: UpstreamFitness | undefined;
  /** Share of well targets below which all are used; negative means never. */
  readonly #panicShare: number;
  #isPanicking = false;
  #usable: readonly LiveTarget[] = [];
  #usableVersion: number | undefined;

  constructor(init: LiveUpstreamInit) {
    const { config, pools, clock } = init;
    this.id = config.id;
    this.loadBalancing = config.loadBalancing.type;
    this.connectMs = config.timeouts.connectSecs * 1000;
    this.requestMs = config.timeouts.requestSecs * 1000;
    this.readMs = config.timeouts.readSecs * 1000;
    this.writeMs = config.timeouts.writeSecs * 1000;
    this.#pools = pools;
    this.#version = init.records.version;
    this.#clock = clock;
    this.#slowStart = config.slowStartSecs > 0 ? new SlowStart(config.slowStartSecs * 1000) : null;
    this.targets = liveTargets(init);
    this.#panicShare = config.allTargetsDown === "fail-open" ? (config.panicThreshold ?? 0) / 100 : -1;
    this.#totals = init.load?.totals;
    this.#fitness = fitnessOf(this.targets, init);
    this.gate = gateOf(this.targets, init);
    this.#balancer = this.#createBalancer(init);
  }

  #createBalancer({ config, records, clock, random, instance }: LiveUpstreamInit): Balancer<LiveTarget> {
    const kind = findBalancer(config.loadBalancing.type);
    assert(kind !== undefined, "balancer names are checked when the configuration is read");
    const balancer = kind.create(config.loadBalancing.options, {
      targets: this.targets,
      upstreamId: config.id,
      clock,
      random,
      instance,
      changes: records.changes,
    });
    for (const target of this.targets) {
      if (balancer.observer !== undefined) target.observe(balancer.observer);
      if (balancer.watchesLoad) target.tellChanges(records.changes);
    }
    return balancer;
  }

  /** Whether any target takes requests now. */
  get isAvailable(): boolean {
    return this.#usableNow().length > 0;
  }

  /** A target for this request, none of `tried`; undefined when no fit one is left. */
  pick(context: RequestContext, tried: readonly LiveTarget[] | null): LiveTarget | undefined {
    const usable = this.#usableNow();
    return usable.length === 0 ? undefined : this.#balancer.pick(usable, context, tried);
  }

  /**
   * As `pick`, and the request is counted in flight on the target: `LiveTarget.ended` has to follow. Targets
   * that were full are added to the tried ones.
   */
  take(context: RequestContext, course: { tried: LiveTarget[] | null }): LiveTarget | undefined {
    for (let full = 0; full < FULL_PICKS_MAX; full++) {
      const target = this.pick(context, course.tried);
      if (target === undefined || target.begin(context)) return target;
      context.trace?.note({ step: "upstream", subject: target.address, outcome: "full" });
      (course.tried ??= []).push(target);
    }
    // So many were full that going through the rest in order would cost more than the order is worth.
    const { tried } = course;
    return this.#usableNow().find((target) =>
      !tried!.includes(target) && !target.isFull && target.begin(context)
    );
  }

  /** Adds to a target's response what brings the client to the same target again, where the balancer wants that. */
  mark(target: LiveTarget, context: RequestContext, response: Response): void {
    if (this.#balancer.mark !== undefined) this.#balancer.mark(target, context, response);
  }

  states(): TargetState[] {
    this.#usableNow();
    return this.targets.map(({ address, weight, record, draining, ramp, zone, priority, index }) => ({
      address,
      weight,
      status: record.health,
      draining,
      ejected: this.#fitness?.isEjected(index) === true,
      breaker: this.#fitness?.breakerOf(index),
      ramp,
      ...(zone === undefined ? {} : { zone }),
      priority,
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

  /**
   * No new request will come. What time does to breakers and ejections is the successor's from now on: a tunnel
   * may keep this one for days, and its rules are not in force any more.
   */
  retire(): void {
    this.#fitness?.dispose();
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
      this.#slowStart?.adopt(this.#usable, this.#clock.nowMs());
    } else if (this.#slowStart?.isRamping && this.#slowStart.step(this.#usable, this.#clock.nowMs())) {
      // Another list tells the balancer that shares are not what they were.
      this.#usable = [...this.#usable];
    }
    return this.#usable;
  }

  #findUsable(): readonly LiveTarget[] {
    const fitness = this.#fitness;
    const inService = this.targets.filter(({ weight, draining }) => weight > 0 && !draining);
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

/** The targets of a configuration, each with its pool, which is given back by `dispose`. */
function liveTargets({ config, tls, pools, bounds, records, clock }: LiveUpstreamInit): LiveTarget[] {
  const nowMs = clock.nowMs();
  const limits = poolLimits(config, bounds);
  return config.targets.map((target, index) => {
    const { address, weight, drain, maxRequests = Infinity } = target;
    const host = hostOf(address);
    const identity = {
      upstreamId: config.id,
      address,
      tls: tls === undefined ? undefined : tlsFor(tls, host),
      protocol: protocolOf(config),
    };
    const record = records.targets[index]!;
    record.riseFirst(nowMs);
    return new LiveTarget({
      address,
      weight,
      ...place(target),
      requestsMax: maxRequests,
      isDrained: drain,
      index,
      pool: pools.acquire(identity, limits),
      host: address.startsWith("unix:") ? "localhost" : address,
      record,
    });
  });
}

/** Where a target stands, by its options or its labels. */
function place({ zone, priority, metadata }: UpstreamConfig["targets"][number]) {
  const label = (name: string) => metadata.find(([each]) => each === name)?.[1];
  return { zone: zone ?? label("zone"), priority: priority || Number(label("priority") ?? 0) };
}

/** Without TLS nobody can choose, so HTTP/2 is spoken only where HTTP/1.1 is ruled out. */
function protocolOf({ httpVersion, tls }: UpstreamConfig): UpstreamProtocol {
  if (httpVersion.maxVersion < 2) return "http1";
  if (httpVersion.minVersion >= 2) return "h2";
  return tls === undefined ? "http1" : "auto";
}

function poolLimits(config: UpstreamConfig, bounds: TargetBounds): PoolLimits {
  const { connectionPool, httpVersion, timeouts, queue } = config;
  const pingSeconds = httpVersion.h2PingInterval;
  return {
    connectionsMax: connectionPool.maxConnections,
    idleMax: Math.min(connectionPool.maxIdle, bounds.idleMax),
    idleTimeoutMs: connectionPool.idleTimeoutSecs * 1000,
    lifetimeMs: (connectionPool.maxLifetimeSecs ?? Infinity) * 1000,
    queueMax: queue?.maxSize ?? bounds.queueMax,
    queueTimeoutMs: queue?.timeoutMs ?? Infinity,
    http2: {
      streamsMax: httpVersion.maxH2Streams,
      pingIntervalMs: pingSeconds === 0 ? Infinity : pingSeconds * 1000,
      writeTimeoutMs: timeouts.writeSecs * 1000,
    },
  };
}

/** The host of a target, without port and brackets; Unix sockets are on this machine. */
function hostOf(address: string): string {
  if (address.startsWith("unix:")) return "localhost";
  const host = address.slice(0, address.lastIndexOf(":"));
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

function tlsFor(tls: UpstreamTls, host: string): TlsClientOptions {
  const options = {
    serverName: tls.serverName ?? host,
    caCerts: tls.caCerts,
    ...(tls.skipVerify === true ? { skipVerify: true } : {}),
  };
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
