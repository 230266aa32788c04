import type { RequestContext } from "../core/context.ts";

/** One place an upstream's requests can go to. */
export interface Target {
  /** `host:port` or `unix:/path`, as configured: the identity in metrics, logs and live state. */
  readonly address: string;
  /** Share of traffic relative to the other targets; 0 means none. */
  readonly weight: number;
}

/** Offers targets best first. Health, breakers, retries and "tried already" are the caller's business. */
export interface Balancer<T extends Target = Target> {
  /**
   * The target for this request among `usable` (never empty, a subset of the upstream's targets in
   * configured order, weights above 0). Must not keep the array.
   */
  pick(usable: readonly T[], context: RequestContext): T;
}
