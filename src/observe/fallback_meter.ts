import type { Families } from "./families.ts";
import type { Counter } from "./metrics.ts";

/** What is counted of one route's fallback upstreams. Its requests fail rarely, so labels are looked up then. */
export class FallbackMeter {
  readonly #families: Families;
  readonly #route: string;
  readonly #exhausted: Counter;

  constructor(families: Families, route: string) {
    this.#families = families;
    this.#route = route;
    this.#exhausted = families.fallbackExhausted.labels(route);
  }

  /** A request goes on to another upstream; `reason` is one of a few words. */
  attempt(from: string, to: string, reason: string): void {
    this.#families.fallbackAttempts.labels(this.#route, from, to, reason).inc();
  }

  /** An upstream that was gone on to has answered. */
  success(upstream: string): void {
    this.#families.fallbackSuccess.labels(this.#route, upstream).inc();
  }

  /** A request should have gone on, and there was nowhere left. */
  exhausted(): void {
    this.#exhausted.inc();
  }
}
