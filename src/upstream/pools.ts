import { type Endpoint, parseEndpoint } from "../core/address.ts";
import { assert } from "../core/assert.ts";
import { BufferPool } from "../core/buffer_pool.ts";
import type { Deadlines } from "../core/deadlines.ts";
import type { Clock, Dialer, TlsClientOptions } from "../core/ports.ts";
import { READ_BYTES_HUGE, READ_BYTES_INITIAL, READ_BYTES_LARGE, WRITE_BYTES_INITIAL } from "./connection.ts";
import {
  type PoolDeps,
  type PoolLimits,
  type PoolTarget,
  TargetPool,
  type UpstreamProtocol,
} from "./pool.ts";

/** Large buffers kept for reuse: 4 MB. */
const LARGE_BUFFERS_KEPT = 64;
/** Huge ones: 4 MB. */
const HUGE_BUFFERS_KEPT = 4;
/** Read buffers of connections that became tunnels, kept for the next ones: 1 MB. */
const OWN_BUFFERS_KEPT = 64;

/** Outside world that pools need. */
export interface UpstreamPoolsInit {
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** Buffers of 64 KB, when they are to be shared with others. */
  readonly largeBuffers?: BufferPool;
}

/** What makes a pool the same one after a reload. */
export interface PoolIdentity {
  readonly upstreamId: string;
  /** `host:port`, `[v6]:port` or `unix:/path`, checked by the configuration. */
  readonly address: string;
  readonly tls: TlsClientOptions | undefined;
  /** HTTP/1.1 when left out. */
  readonly protocol?: UpstreamProtocol;
}

/** What one upstream's pools hold at the moment, summed over its targets. */
export interface PoolStats {
  readonly upstreamId: string;
  readonly address: string;
  /** Connections open or being opened. */
  readonly size: number;
  readonly idle: number;
  readonly busy: number;
  readonly waiting: number;
  /** Connections lent so far. */
  readonly acquired: number;
}

interface Entry {
  readonly pool: TargetPool;
  uses: number;
}

/**
 * The pools of one thread, by identity: they outlive the snapshots that use them, so a reload that
 * leaves a target as it was keeps its warm connections. A pool that nobody uses any more is closed,
 * busy connections at the end of their requests.
 */
export class UpstreamPools {
  readonly #entries = new Map<string, Entry>();
  readonly #deps: PoolDeps;

  constructor(init: UpstreamPoolsInit) {
    this.#deps = {
      dialer: init.dialer,
      clock: init.clock,
      deadlines: init.deadlines,
      largeBuffers: init.largeBuffers ?? new BufferPool(READ_BYTES_LARGE, LARGE_BUFFERS_KEPT),
      ownBuffers: new BufferPool(READ_BYTES_INITIAL, OWN_BUFFERS_KEPT),
      outputBuffers: new BufferPool(WRITE_BYTES_INITIAL, OWN_BUFFERS_KEPT),
      hugeBuffers: new BufferPool(READ_BYTES_HUGE, HUGE_BUFFERS_KEPT),
    };
    assert(
      this.#deps.largeBuffers.size === READ_BYTES_LARGE,
      "large buffers have the size bodies are read in",
    );
  }

  /** The pool of a target, made at first use; its limits become these. Every call needs one `release`. */
  acquire(identity: PoolIdentity, limits: PoolLimits): TargetPool {
    const key = keyOf(identity);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const endpoint = parseEndpoint(identity.address);
      assert(typeof endpoint !== "string", "target addresses are checked when the configuration is read");
      entry = { pool: new TargetPool(targetOf(identity, endpoint), limits, this.#deps), uses: 0 };
      this.#entries.set(key, entry);
    } else {
      entry.pool.configure(limits);
    }
    entry.uses++;
    return entry.pool;
  }

  release(pool: TargetPool): void {
    const key = keyOf(pool.target);
    const entry = this.#entries.get(key);
    assert(entry?.pool === pool, "a pool is released as often as it was acquired");
    if (--entry.uses > 0) return;
    this.#entries.delete(key);
    pool.retire();
  }

  /** Every pool in use, for metrics and the status page. */
  stats(): PoolStats[] {
    return Array.from(this.#entries.values(), ({ pool }) => ({
      upstreamId: pool.target.upstreamId,
      address: pool.target.address,
      size: pool.size + (pool.http2?.size ?? 0),
      idle: pool.idle + (pool.http2?.idle ?? 0),
      busy: pool.busy + (pool.http2?.busy ?? 0),
      waiting: pool.waiting + (pool.http2?.waiting ?? 0),
      acquired: pool.acquired + (pool.http2?.acquired ?? 0),
    }));
  }

  /** Closes all idle connections: the thread is ending. */
  dispose(): void {
    for (const { pool } of this.#entries.values()) pool.retire();
    this.#entries.clear();
  }
}

function targetOf(
  { upstreamId, address, tls, protocol = "http1" }: PoolIdentity,
  endpoint: Endpoint,
): PoolTarget {
  return { upstreamId, address, tls, protocol, endpoint };
}

function keyOf({ upstreamId, address, tls, protocol = "http1" }: PoolIdentity): string {
  return JSON.stringify([upstreamId, address, tls ?? null, protocol]);
}
