import type { Target } from "../balancers/balancer.ts";
import { findBalancer } from "../balancers/find_balancer.ts";
import { assert } from "../core/assert.ts";
import type { RequestContext } from "../core/context.ts";
import type { TlsClientOptions } from "../core/ports.ts";
import type { SharedMemory, SharedNeed } from "../core/shared_memory.ts";
import type { CheckedUpstream } from "../health/monitor.ts";
import { type HealthState, HealthStates } from "../health/states.ts";
import type { PoolLimits, TargetPool } from "./pool.ts";
import type { UpstreamPools } from "./pools.ts";
import type { UpstreamConfig } from "./upstream.ts";

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

/** One target of a live upstream. */
export interface LiveTarget extends Target {
  /** Place in the configuration, counted from 0: its cell in the health states. */
  readonly index: number;
  readonly pool: TargetPool;
  /** Host header for requests that came without one. */
  readonly host: string;
}

/** A target as status pages and metrics show it. */
export interface TargetState {
  readonly address: string;
  readonly weight: number;
  readonly status: HealthState;
  /** Requests this thread has on it now. */
  readonly inFlight: number;
}

/** What a live upstream is made of. */
export interface LiveUpstreamInit {
  readonly config: UpstreamConfig;
  /** Present exactly when the configuration has a `tls` block. */
  readonly tls: UpstreamTls | undefined;
  readonly pools: UpstreamPools;
  readonly bounds: TargetBounds;
  /** Verdicts of active checks; undefined when the upstream has none. */
  readonly health: HealthStates | undefined;
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

  readonly #pools: UpstreamPools;
  readonly #health: HealthStates | undefined;
  readonly #pick: (usable: readonly LiveTarget[], context: RequestContext) => LiveTarget;
  #usable: readonly LiveTarget[];
  #usableVersion = -1;

  constructor(init: LiveUpstreamInit) {
    const { config, pools } = init;
    this.id = config.id;
    this.loadBalancing = config.loadBalancing.type;
    this.connectMs = config.timeouts.connectSecs * 1000;
    this.requestMs = config.timeouts.requestSecs * 1000;
    this.readMs = config.timeouts.readSecs * 1000;
    this.writeMs = config.timeouts.writeSecs * 1000;
    this.#pools = pools;
    this.#health = init.health;
    const limits = poolLimits(config, init.bounds);
    this.targets = config.targets.map(({ address, weight }, index) => {
      const host = hostOf(address);
      const tls = init.tls === undefined ? undefined : tlsFor(init.tls, host);
      const pool = pools.acquire({ upstreamId: config.id, address, tls }, limits);
      return { address, weight, index, pool, host: address.startsWith("unix:") ? "localhost" : address };
    });
    this.#usable = this.targets.filter((target) => target.weight > 0);
    const kind = findBalancer(this.loadBalancing);
    assert(kind !== undefined, "balancer names are checked when the configuration is read");
    const balancer = kind.create(this.#usable);
    this.#pick = balancer.pick.bind(balancer);
  }

  /** Whether any target takes requests now. */
  get isAvailable(): boolean {
    return this.#usableNow().length > 0;
  }

  /** A target for this request, none of `tried`; undefined when no fit one is left. */
  pick(context: RequestContext, tried: readonly LiveTarget[] | null): LiveTarget | undefined {
    let usable = this.#usableNow();
    if (tried !== null) usable = usable.filter((target) => !tried.includes(target));
    return usable.length === 0 ? undefined : this.#pick(usable, context);
  }

  states(): TargetState[] {
    return this.targets.map(({ address, weight, index, pool }) => ({
      address,
      weight,
      status: this.#health?.get(index) ?? "unknown",
      inFlight: pool.busy,
    }));
  }

  /** Lets the pools go; those that no other snapshot uses are closed. */
  dispose(): void {
    for (const target of this.targets) this.#pools.release(target.pool);
  }

  #usableNow(): readonly LiveTarget[] {
    const health = this.#health;
    if (health === undefined) return this.#usable;
    const version = health.version;
    if (version !== this.#usableVersion) {
      this.#usableVersion = version;
      this.#usable = this.targets.filter((target) =>
        target.weight > 0 && health.get(target.index) !== "unhealthy"
      );
    }
    return this.#usable;
  }
}

/** The shared memory for an upstream's health states; undefined when it has no checks. */
export function healthNeed(config: UpstreamConfig): SharedNeed | undefined {
  if (config.healthCheck === undefined) return undefined;
  const addresses = config.targets.map((target) => target.address);
  return {
    key: `health:${JSON.stringify([config.id, config.healthCheck.type, addresses])}`,
    bytes: HealthStates.bytes(addresses.length),
  };
}

/** The health states of an upstream in the memory that `healthNeed` asked for. */
export function healthStates(config: UpstreamConfig, shared: SharedMemory): HealthStates | undefined {
  const need = healthNeed(config);
  if (need === undefined) return undefined;
  const memory = shared[need.key];
  assert(memory !== undefined, `shared memory "${need.key}" was allocated`);
  return new HealthStates(memory, config.targets.length);
}

function poolLimits({ connectionPool }: UpstreamConfig, bounds: TargetBounds): PoolLimits {
  return {
    connectionsMax: connectionPool.maxConnections,
    idleMax: Math.min(connectionPool.maxIdle, bounds.idleMax),
    idleTimeoutMs: connectionPool.idleTimeoutSecs * 1000,
    lifetimeMs: (connectionPool.maxLifetimeSecs ?? Infinity) * 1000,
    queueMax: bounds.queueMax,
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
  shared: SharedMemory,
): CheckedUpstream | undefined {
  const states = healthStates(config, shared);
  if (config.healthCheck === undefined || states === undefined) return undefined;
  const targets = config.targets.map(({ address }) => ({
    address,
    tls: tls === undefined ? undefined : tlsFor(tls, hostOf(address)),
  }));
  return { id: config.id, targets, options: config.healthCheck, states };
}
