import type { Families } from "./families.ts";
import type { Counter } from "./metrics.ts";

/** Counts which branch of a route's traffic split requests took, and why. Build one per route and snapshot. */
export class SplitMeter {
  readonly #families: Families;
  readonly #route: string;
  readonly #upstreams: readonly string[];
  /** Per branch, by reason. */
  readonly #chosen: readonly Map<string, Counter>[];

  constructor(families: Families, at: { readonly route: string; readonly upstreams: readonly string[] }) {
    this.#families = families;
    this.#route = at.route;
    this.#upstreams = at.upstreams;
    this.#chosen = at.upstreams.map(() => new Map());
  }

  /** `branch` counts from 0; `reason` is one of a few fixed words. */
  chosen(branch: number, reason: string): void {
    const counters = this.#chosen[branch]!;
    let counter = counters.get(reason);
    if (counter === undefined) {
      counter = this.#families.splitRequests.labels(this.#route, this.#upstreams[branch]!, reason);
      counters.set(reason, counter);
    }
    counter.inc();
  }
}
