import type { AgentSet } from "../agents/runtime/live_agents.ts";
import type { Lease, RequestContext } from "../core/context.ts";
import type { Config } from "../config/document.ts";
import type { RateLimitFilter } from "../filters/rate_limit.ts";
import type { RouteMeter } from "../observe/request_meters.ts";
import type { LiveUpstream } from "../upstream/live_upstream.ts";
import type { ErrorPage, ListenerView } from "./engine.ts";
import type { LiveRoute } from "./live_route.ts";
import type { RequestLog } from "./request_log.ts";
import type { RequestNames } from "./request_names.ts";

/** A rate limit and the scope it is known by in metrics. */
export interface NamedRateLimit {
  readonly scope: string;
  readonly filter: RateLimitFilter;
}

/** What a snapshot consists of; `build_snapshot.ts` makes it. */
export interface SnapshotParts {
  readonly config: Config;
  readonly generation: number;
  readonly listeners: ReadonlyMap<string, ListenerView>;
  readonly routes: readonly LiveRoute[];
  readonly upstreams: readonly LiveUpstream[];
  readonly rateLimits: readonly NamedRateLimit[];
  readonly unroutedMeter: RouteMeter;
  readonly errorPage: ErrorPage;
  readonly requestLog: RequestLog;
  readonly names: RequestNames;
  readonly agents: AgentSet;
  /** Gives back what the parts hold: filters, pools. */
  dispose(): void;
}

/**
 * Everything a configuration means, built once and never changed. Requests hold on to the snapshot they
 * began with; it is disposed when it has been retired and the last of them is over.
 */
export class Snapshot implements Lease {
  readonly config: Config;
  readonly generation: number;
  readonly listeners: ReadonlyMap<string, ListenerView>;
  readonly routes: readonly LiveRoute[];
  readonly upstreams: readonly LiveUpstream[];
  readonly rateLimits: readonly NamedRateLimit[];
  readonly unroutedMeter: RouteMeter;
  readonly errorPage: ErrorPage;
  readonly requestLog: RequestLog;
  readonly names: RequestNames;
  readonly agents: AgentSet;
  readonly #dispose: () => void;
  #requests = 0;
  #onDisposed: (() => void) | null = null;
  #disposed = false;

  constructor(parts: SnapshotParts) {
    this.config = parts.config;
    this.generation = parts.generation;
    this.listeners = parts.listeners;
    this.routes = parts.routes;
    this.upstreams = parts.upstreams;
    this.rateLimits = parts.rateLimits;
    this.unroutedMeter = parts.unroutedMeter;
    this.errorPage = parts.errorPage;
    this.requestLog = parts.requestLog;
    this.names = parts.names;
    this.agents = parts.agents;
    this.#dispose = parts.dispose;
  }

  /** Requests that go by this snapshot now. */
  get requests(): number {
    return this.#requests;
  }

  retain(): void {
    this.#requests++;
  }

  release(_context: RequestContext): void {
    if (--this.#requests === 0 && this.#onDisposed !== null) this.#finish();
  }

  /** No new request will come; `onDisposed` is called when the last one is over, maybe at once. */
  retire(onDisposed: () => void): void {
    this.#onDisposed = onDisposed;
    for (const upstream of this.upstreams) upstream.retire();
    if (this.#requests === 0) this.#finish();
  }

  #finish(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#dispose();
    this.#onDisposed?.();
  }
}
