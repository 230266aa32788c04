import type { Config } from "../config/document.ts";
import type { ResolvedConfig, ResolvedRoute } from "../config/resolve.ts";
import type { RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import type { SharedNeed } from "../core/shared_memory.ts";
import type { SharedTotals } from "../counters/shared_totals.ts";
import type { Filter } from "../filters/filter.ts";
import { plainRateLimit, type RateLimit, rateLimitBytes } from "../filters/rate_limit.ts";

/** A rate limit that comes from `limits`, `rate-limits` or a route's policies. */
export interface PlannedLimit {
  /** Where it comes from; for logs, explanations and the identity of its counts. */
  readonly id: string;
  readonly limit: RateLimit;
}

/** The rate limits of a route beside its filters, in the order they are asked: widest first. */
export function plannedLimits(
  config: Config,
  route: ResolvedRoute,
  resolved: ResolvedConfig,
): PlannedLimit[] {
  const { limits, rateLimits } = config;
  const planned: PlannedLimit[] = [];
  const plan = (id: string, given: Parameters<typeof plainRateLimit>[0]) =>
    planned.push({ id, limit: plainRateLimit(given) });
  if (limits.maxRequestsPerSecondGlobal !== undefined) {
    plan("limits:global", { maxRps: limits.maxRequestsPerSecondGlobal, key: "all" });
  }
  if (limits.maxRequestsPerSecondPerClient !== undefined) {
    plan("limits:per-client", { maxRps: limits.maxRequestsPerSecondPerClient, key: "client-ip" });
  }
  if (rateLimits?.global !== undefined) plan("rate-limits:global", rateLimits.global);
  const ownLimit = route.policies.rateLimit;
  const { maxRequestsPerSecond } = route.limits;
  if (maxRequestsPerSecond !== undefined) {
    plan(`limits:per-route:${route.id}`, { maxRps: maxRequestsPerSecond, key: "all" });
  }
  if (ownLimit !== undefined) {
    const { requestsPerSecond, burst, key } = ownLimit;
    plan(`policies:${route.id}`, { maxRps: requestsPerSecond, burst, key });
  } else if (rateLimits?.defaultRps !== undefined && !hasRateLimitFilter(route, resolved)) {
    const { defaultRps, defaultBurst, key } = rateLimits;
    plan("rate-limits:default", { maxRps: defaultRps, burst: defaultBurst, key });
  }
  return planned;
}

/** The memory a limit counts in, by its identity. */
export function limitNeed({ id, limit }: PlannedLimit): SharedNeed {
  const bytes = rateLimitBytes(limit);
  return { key: `limit:${id}:${bytes}`, bytes };
}

function hasRateLimitFilter(route: ResolvedRoute, resolved: ResolvedConfig): boolean {
  return route.filters.some((id) =>
    resolved.filters.find((filter) => filter.id === id)?.type === "rate-limit"
  );
}

/** Bounds requests in flight: in all threads together, and in this one. */
export class InFlightFilter implements Filter {
  readonly #totals: SharedTotals;
  readonly #number: number;
  readonly #max: number;
  readonly #ownMax: number;

  constructor(
    totals: SharedTotals,
    number: number,
    bounds: { readonly max: number; readonly ownMax: number },
  ) {
    this.#totals = totals;
    this.#number = number;
    this.#max = bounds.max;
    this.#ownMax = bounds.ownMax;
  }

  /** Counts first and asks then: whatever comes of the request, `onEnd` takes it back. */
  onRequest(_context: RequestContext): undefined {
    this.#totals.acquire(this.#number);
    if (this.#totals.total(this.#number) > this.#max) {
      throw new ProxyError("overloaded", `more than ${this.#max} requests in flight`);
    }
    if (this.#totals.own(this.#number) > this.#ownMax) {
      throw new ProxyError("overloaded", `more than ${this.#ownMax} requests in flight in this thread`);
    }
  }

  onEnd(_context: RequestContext): void {
    this.#totals.release(this.#number);
  }
}
