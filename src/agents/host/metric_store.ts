import type { Label } from "../contract/sentinel_types.ts";

/** Metrics an agent can have. */
export const METRIC_NAMES_MAX = 64;
/** Labels of one metric. */
export const METRIC_LABELS_MAX = 4;
/** Values of one label of one metric; all further ones are counted as `other`. */
export const METRIC_LABEL_VALUES_MAX = 64;
/** Sets of label values of one metric; all further ones are counted where every value is `other`. */
export const METRIC_SERIES_MAX = 256;
/** Longest name of a metric, in characters. */
export const METRIC_NAME_CHARS_MAX = 64;
/** Longest name of a label. */
export const METRIC_KEY_CHARS_MAX = 32;
/** Longest value of a label; a longer one is counted as `other`. */
export const METRIC_VALUE_CHARS_MAX = 128;
/** The label value that stands for all there was no room for. */
export const OTHER_VALUE = "other";

/** Upper bounds of every histogram, inclusive: agents measure milliseconds, bytes, scores and shares alike. */
export const METRIC_BOUNDS: readonly number[] = [
  0.001,
  0.005,
  0.01,
  0.05,
  0.1,
  0.5,
  1,
  5,
  10,
  50,
  100,
  500,
  1000,
  5000,
  10_000,
  100_000,
  1_000_000,
];

const NAME = /^[a-z][a-z0-9_]*$/;
/** The exposition makes these names of a histogram's own. */
const RESERVED_NAME = /_(?:bucket|sum|count)$/;
/** Labels the proxy and the exposition set themselves. */
const RESERVED_KEYS: ReadonlySet<string> = new Set(["agent", "worker", "le", "quantile"]);

/** What `add`, `set` and `observe` make. */
export type MetricKind = "counter" | "gauge" | "histogram";

/**
 * Why a change was not recorded as asked. `name`, `labels` and `value`: not allowed; `kind`: the name is used for
 * another kind; `keys`: it is used with other labels; `names`: there are too many. `other`: recorded under `other`.
 */
export type DropReason = "name" | "labels" | "value" | "kind" | "keys" | "names" | "other";

/** One line of the page. Structured-cloneable. */
export type MetricRow =
  & {
    readonly name: string;
    /** Sorted by key; the same keys for all rows of a name. */
    readonly labels: readonly Label[];
  }
  & (
    | { readonly kind: "counter" | "gauge"; readonly value: number }
    | {
      readonly kind: "histogram";
      readonly sum: number;
      readonly count: number;
      /** Observations at or below each bound of `METRIC_BOUNDS`, not cumulative, and above them all. */
      readonly buckets: readonly number[];
    }
  );

/** All that an agent recorded on this thread. */
export interface MetricRows {
  readonly rows: readonly MetricRow[];
  /** Changes not recorded as asked, by reason. */
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
}

interface Series {
  readonly labels: readonly Label[];
  /** The value; for a histogram a count per bound, the count above, then the sum. */
  readonly cells: Float64Array;
}

interface Metric {
  readonly kind: MetricKind;
  readonly keys: readonly string[];
  /** Values seen of each key. */
  readonly values: readonly Set<string>[];
  readonly series: Map<string, Series>;
}

/** The metrics of one agent on one thread. It outlives instances, and the agent's file being replaced. */
export class MetricStore {
  readonly #metrics = new Map<string, Metric>();
  readonly #dropped = new Map<DropReason, number>();

  /** Adds to a counter, sets a gauge or observes into a histogram; why not, when it was not done as asked. */
  record(
    kind: MetricKind,
    name: string,
    change: { readonly labels: readonly Label[]; readonly value: number },
  ): DropReason | undefined {
    const reason = this.#record(kind, name, change);
    if (reason !== undefined) this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
    return reason;
  }

  /** Everything as plain data. */
  snapshot(): MetricRows {
    const rows: MetricRow[] = [];
    for (const [name, { kind, series }] of this.#metrics) {
      for (const { labels, cells } of series.values()) rows.push(rowOf({ name, labels }, kind, cells));
    }
    return { rows, dropped: Object.fromEntries(this.#dropped) };
  }

  #record(
    kind: MetricKind,
    name: string,
    { labels, value }: { readonly labels: readonly Label[]; readonly value: number },
  ): DropReason | undefined {
    if (!Number.isFinite(value) || (kind === "counter" && value < 0)) return "value";
    const sorted = sortedLabels(labels);
    if (sorted === undefined) return "labels";
    const metric = this.#metricOf(kind, name, sorted);
    if (typeof metric === "string") return metric;
    const { series, isOther } = seriesOf(metric, sorted);
    update(kind, series.cells, value);
    return isOther ? "other" : undefined;
  }

  #metricOf(kind: MetricKind, name: string, labels: readonly Label[]): Metric | DropReason {
    const known = this.#metrics.get(name);
    if (known !== undefined) {
      if (known.kind !== kind) return "kind";
      const isAlike = known.keys.length === labels.length &&
        labels.every((label, index) => label.key === known.keys[index]);
      return isAlike ? known : "keys";
    }
    if (name.length > METRIC_NAME_CHARS_MAX || !NAME.test(name) || RESERVED_NAME.test(name)) return "name";
    if (this.#metrics.size >= METRIC_NAMES_MAX) return "names";
    const keys = labels.map((label) => label.key);
    const metric: Metric = { kind, keys, values: keys.map(() => new Set<string>()), series: new Map() };
    this.#metrics.set(name, metric);
    return metric;
  }
}

/** In the order of their keys, or undefined when there are too many or one of the keys cannot be. */
function sortedLabels(labels: readonly Label[]): readonly Label[] | undefined {
  if (labels.length === 0) return labels;
  if (labels.length > METRIC_LABELS_MAX) return undefined;
  const sorted = [...labels].sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  for (let i = 0; i < sorted.length; i++) {
    const { key } = sorted[i]!;
    if (key.length > METRIC_KEY_CHARS_MAX || !NAME.test(key) || RESERVED_KEYS.has(key)) return undefined;
    if (i > 0 && sorted[i - 1]!.key === key) return undefined;
  }
  return sorted;
}

function seriesOf(metric: Metric, labels: readonly Label[]): { series: Series; isOther: boolean } {
  let isOther = false;
  let texts = labels.map(({ value }, index) => {
    if (hasRoom(metric.values[index]!, value)) return value;
    isOther = true;
    return OTHER_VALUE;
  });
  let id = idOf(texts);
  const known = metric.series.get(id);
  if (known !== undefined) return { series: known, isOther };
  if (metric.series.size >= METRIC_SERIES_MAX) {
    isOther = true;
    texts = labels.map(() => OTHER_VALUE);
    id = idOf(texts);
    const overflow = metric.series.get(id);
    if (overflow !== undefined) return { series: overflow, isOther };
  }
  const series: Series = {
    labels: labels.map(({ key }, index) => ({ key, value: texts[index]! })),
    cells: new Float64Array(metric.kind === "histogram" ? METRIC_BOUNDS.length + 2 : 1),
  };
  metric.series.set(id, series);
  return { series, isOther };
}

/** Whether the value is or becomes one of those that are told apart. */
function hasRoom(values: Set<string>, value: string): boolean {
  if (values.has(value) || value === OTHER_VALUE) return true;
  if (value.length > METRIC_VALUE_CHARS_MAX || values.size >= METRIC_LABEL_VALUES_MAX) return false;
  values.add(value);
  return true;
}

/** Lengths come first, so that no two lists of values read alike. */
function idOf(values: readonly string[]): string {
  let id = "";
  for (const value of values) id += `${value.length}:${value}`;
  return id;
}

function update(kind: MetricKind, cells: Float64Array, value: number): void {
  if (kind === "counter") {
    cells[0]! += value;
  } else if (kind === "gauge") {
    cells[0] = value;
  } else {
    let at = 0;
    while (at < METRIC_BOUNDS.length && value > METRIC_BOUNDS[at]!) at++;
    cells[at]! += 1;
    cells[cells.length - 1]! += value;
  }
}

function rowOf(
  head: { readonly name: string; readonly labels: readonly Label[] },
  kind: MetricKind,
  cells: Float64Array,
): MetricRow {
  if (kind !== "histogram") return { ...head, kind, value: cells[0]! };
  const buckets = [...cells.subarray(0, -1)];
  const count = buckets.reduce((sum, each) => sum + each, 0);
  return { ...head, kind, sum: cells[cells.length - 1]!, count, buckets };
}
