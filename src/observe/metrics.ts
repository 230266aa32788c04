import { assert } from "../core/assert.ts";
import type { FamilySnapshot, GaugeMerge, MetricsSnapshot, MetricType } from "./metrics_snapshot.ts";

/**
 * A registry of counters, gauges and histograms for one thread.
 *
 * Children are resolved once per label set and then cost a few nanoseconds per update. prom-client was
 * measured at 400 ns per labelled `inc` and cannot be embedded by `deno compile`, hence our own.
 */

/** Most label sets of one family; what comes after goes to one shared `__overflow__` child. */
export const SERIES_PER_FAMILY_MAX = 10_000;

/** Value of every label of the child that takes what does not fit. */
export const OVERFLOW_LABEL = "__overflow__";

/** Name, help and labels of a family. Names follow the Prometheus data model. */
export interface FamilySpec {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** A gauge says how the values of several threads become one. */
export interface GaugeSpec extends FamilySpec {
  /** `sum` (the default) for amounts each thread holds, `max` for what all threads see alike. */
  readonly merge?: GaugeMerge;
}

/** A histogram says its upper bounds, ascending, without `+Inf`. */
export interface HistogramSpec extends FamilySpec {
  readonly buckets: readonly number[];
}

/** Where a child keeps its numbers; read by snapshots only. */
interface Cells {
  readonly cells: Float64Array;
}

/** A number that only grows. */
export class Counter implements Cells {
  readonly cells = new Float64Array(1);

  /** Adds `by`; what is negative or no number is ignored, since a counter must not fall. */
  inc(by = 1): void {
    if (by >= 0) this.cells[0]! += by;
  }

  /** Takes over a count that is kept elsewhere; a smaller one than before is ignored. */
  raiseTo(total: number): void {
    if (total > this.cells[0]!) this.cells[0] = total;
  }

  get value(): number {
    return this.cells[0]!;
  }
}

/** A number that goes up and down. */
export class Gauge implements Cells {
  readonly cells = new Float64Array(1);

  set(value: number): void {
    this.cells[0] = value;
  }

  inc(by = 1): void {
    this.cells[0]! += by;
  }

  dec(by = 1): void {
    this.cells[0]! -= by;
  }

  get value(): number {
    return this.cells[0]!;
  }
}

/** Counts observations per bucket, and their sum. */
export class Histogram implements Cells {
  /** One count per bound (not cumulative), the count above all bounds, then the sum. */
  readonly cells: Float64Array;
  readonly #bounds: Float64Array;

  constructor(bounds: Float64Array) {
    this.#bounds = bounds;
    this.cells = new Float64Array(bounds.length + 2);
  }

  /** Records one value; bounds are inclusive (`le`). What is no number is ignored. */
  observe(value: number): void {
    if (Number.isNaN(value)) return;
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at++;
    this.cells[at]! += 1;
    this.cells[bounds.length + 1]! += value;
  }

  /** Observations so far. */
  get count(): number {
    let total = 0;
    for (let i = 0; i < this.cells.length - 1; i++) total += this.cells[i]!;
    return total;
  }

  get sum(): number {
    return this.cells[this.cells.length - 1]!;
  }
}

interface FamilyInit<Child> {
  readonly type: MetricType;
  readonly spec: FamilySpec;
  readonly buckets: readonly number[];
  readonly merge: GaugeMerge;
  readonly seriesMax: number;
  readonly create: () => Child;
  readonly onOverflow: (name: string) => void;
}

/** All children of one metric name. */
export class Family<Child extends { readonly cells: Float64Array }> {
  readonly name: string;
  readonly #init: FamilyInit<Child>;
  readonly #labelNames: readonly string[];
  readonly #series = new Map<string, { readonly labels: readonly string[]; readonly child: Child }>();
  #overflow: Child | undefined;

  constructor(init: FamilyInit<Child>) {
    this.#init = init;
    this.name = init.spec.name;
    this.#labelNames = init.spec.labels ?? [];
    if (this.#labelNames.length === 0) this.labels();
  }

  /** How many label sets there are, the overflow child not counted. */
  get size(): number {
    return this.#series.size;
  }

  /**
   * The child for these label values, created at first use. Keep it: looking it up costs far more than
   * updating it. Beyond the bound everybody shares the overflow child.
   */
  labels(...values: readonly string[]): Child {
    assert(values.length === this.#labelNames.length, `${this.name} takes ${this.#labelNames.length} labels`);
    const key = values.length === 0 ? "" : JSON.stringify(values);
    const known = this.#series.get(key);
    if (known !== undefined) return known.child;
    if (this.#series.size >= this.#init.seriesMax) {
      this.#init.onOverflow(this.name);
      return this.#overflow ??= this.#init.create();
    }
    const child = this.#init.create();
    this.#series.set(key, { labels: [...values], child });
    return child;
  }

  /** Forgets children whose labels are no longer wanted, such as targets that a reload removed. */
  retain(keep: (labels: readonly string[]) => boolean): void {
    for (const [key, { labels }] of this.#series) if (!keep(labels)) this.#series.delete(key);
  }

  /** The family as plain data. */
  snapshot(): FamilySnapshot {
    const series = [];
    for (const { labels, child } of this.#series.values()) series.push({ labels, values: [...child.cells] });
    if (this.#overflow !== undefined) {
      series.push({ labels: this.#labelNames.map(() => OVERFLOW_LABEL), values: [...this.#overflow.cells] });
    }
    const { type, buckets, merge, spec } = this.#init;
    return { name: this.name, type, help: spec.help, labelNames: this.#labelNames, buckets, merge, series };
  }
}

/** Every family of one thread. */
export class MetricsRegistry {
  readonly #families = new Map<string, { snapshot(): FamilySnapshot }>();
  readonly #collectors = new Set<() => void>();
  readonly #seriesMax: number;
  readonly #overflows: Family<Counter>;

  constructor(options: { readonly prefix?: string; readonly seriesMax?: number } = {}) {
    this.#seriesMax = options.seriesMax ?? SERIES_PER_FAMILY_MAX;
    this.#overflows = this.counter({
      name: `${options.prefix ?? "sentinel_"}metrics_overflow_total`,
      help: "Label sets that found a metric family full and were counted under __overflow__.",
      labels: ["family"],
    });
  }

  counter(spec: FamilySpec): Family<Counter> {
    return this.#add({ type: "counter", spec, create: () => new Counter(), buckets: [], merge: "sum" });
  }

  gauge(spec: GaugeSpec): Family<Gauge> {
    const merge = spec.merge ?? "sum";
    return this.#add({ type: "gauge", spec, create: () => new Gauge(), buckets: [], merge });
  }

  histogram(spec: HistogramSpec): Family<Histogram> {
    const bounds = Float64Array.from(spec.buckets);
    for (let i = 1; i < bounds.length; i++) {
      assert(bounds[i - 1]! < bounds[i]!, `buckets of ${spec.name} ascend`);
    }
    const buckets = [...spec.buckets];
    return this.#add({ type: "histogram", spec, create: () => new Histogram(bounds), buckets, merge: "sum" });
  }

  /** Calls `run` before every snapshot, to fill in what is read rather than counted. The result stops it. */
  onCollect(run: () => void): () => void {
    this.#collectors.add(run);
    return () => this.#collectors.delete(run);
  }

  /** Everything as structured-cloneable data, to be sent to another thread or printed. */
  snapshot(): MetricsSnapshot {
    for (const collect of this.#collectors) collect();
    return { families: [...this.#families.values()].map((family) => family.snapshot()) };
  }

  #add<Child extends Cells>(init: Omit<FamilyInit<Child>, "seriesMax" | "onOverflow">): Family<Child> {
    const { name, labels } = init.spec;
    assert(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name), `${name} is a metric name`);
    assert(!this.#families.has(name), `${name} is registered once`);
    for (const label of labels ?? []) {
      assert(/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) && label !== "le", `${label} is a label name`);
    }
    const family = new Family<Child>({
      ...init,
      seriesMax: this.#seriesMax,
      // The family that counts overflows must not recurse into itself when it is full.
      onOverflow: (full) => {
        if (full !== this.#overflows.name) this.#overflows.labels(full).inc();
      },
    });
    this.#families.set(name, family);
    return family;
  }
}
