import type { ErrorCode } from "../core/errors.ts";
import type { Families } from "./families.ts";
import type { Counter, Gauge, Histogram } from "./metrics.ts";

/** What is counted of the copies that one route sends to one upstream. Build one per route and snapshot. */
export class ShadowMeter {
  readonly #families: Families;
  readonly #labels: readonly [route: string, upstream: string];
  readonly #inFlight: Gauge;
  readonly #latency: Histogram;
  readonly #results = new Map<string, Counter>();
  readonly #failures = new Map<ErrorCode, Counter>();
  #comparison: Comparison | undefined;

  constructor(families: Families, at: { readonly route: string; readonly upstream: string }) {
    this.#families = families;
    this.#labels = [at.route, at.upstream];
    this.#inFlight = families.shadowInFlight.labels(...this.#labels);
    this.#latency = families.shadowLatency.labels(...this.#labels);
  }

  /** A copy is under way; every call is followed by one of `ended`. */
  begun(): void {
    this.#inFlight.inc();
  }

  ended(result: string): void {
    this.#inFlight.dec();
    this.skipped(result);
  }

  /** A copy came to nothing; `result` is one of a few fixed words. */
  skipped(result: string): void {
    let counter = this.#results.get(result);
    if (counter === undefined) {
      counter = this.#families.shadowRequests.labels(...this.#labels, result);
      this.#results.set(result, counter);
    }
    counter.inc();
  }

  failure(code: ErrorCode): void {
    let counter = this.#failures.get(code);
    if (counter === undefined) {
      counter = this.#families.shadowErrors.labels(...this.#labels, code);
      this.#failures.set(code, counter);
    }
    counter.inc();
  }

  /** The head of an answer came `ms` after the copy began. */
  latency(ms: number): void {
    this.#latency.observe(ms / 1000);
  }

  /** An answer was held against the real one, which came `lateMs` sooner; negative when it came later. */
  compared(result: "same" | "different", lateMs: number): void {
    const comparison = this.#comparison ??= this.#compare();
    comparison[result].inc();
    (lateMs >= 0 ? comparison.slower : comparison.faster).observe(Math.abs(lateMs) / 1000);
  }

  #compare(): Comparison {
    const { shadowCompared, shadowLatencyDifference } = this.#families;
    return {
      same: shadowCompared.labels(...this.#labels, "same"),
      different: shadowCompared.labels(...this.#labels, "different"),
      slower: shadowLatencyDifference.labels(...this.#labels, "slower"),
      faster: shadowLatencyDifference.labels(...this.#labels, "faster"),
    };
  }
}

interface Comparison {
  readonly same: Counter;
  readonly different: Counter;
  readonly slower: Histogram;
  readonly faster: Histogram;
}
