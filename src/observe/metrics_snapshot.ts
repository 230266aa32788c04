/** Metrics as plain data: what workers send to the supervisor, and how that is put together. */

export type MetricType = "counter" | "gauge" | "histogram";

/** How a gauge of several threads becomes one number. */
export type GaugeMerge = "sum" | "max";

/** One label set and its numbers. */
export interface SeriesSnapshot {
  /** Label values in the order of the family's `labelNames`. */
  readonly labels: readonly string[];
  /** One number; for histograms one count per bucket (not cumulative), the count above, and the sum. */
  readonly values: readonly number[];
}

/** One metric name with all its label sets. */
export interface FamilySnapshot {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Upper bounds of histograms; empty otherwise. */
  readonly buckets: readonly number[];
  readonly merge: GaugeMerge;
  readonly series: readonly SeriesSnapshot[];
}

/** Everything one thread counted, or several together. */
export interface MetricsSnapshot {
  readonly families: readonly FamilySnapshot[];
}

/**
 * Adds snapshots of several threads: counters and histograms are summed, gauges summed or maximised as
 * declared. Families keep the order in which they are first met. Families of one name whose shape differs
 * (threads of two versions) do not mix: the first one's shape wins and the others are left out.
 */
export function mergeSnapshots(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  const merged = new Map<string, { family: FamilySnapshot; series: Map<string, MergedSeries> }>();
  for (const snapshot of snapshots) {
    for (const family of snapshot.families) {
      let entry = merged.get(family.name);
      if (entry === undefined) merged.set(family.name, entry = { family, series: new Map() });
      if (sameShape(entry.family, family)) addSeries(entry.series, family);
    }
  }
  const families = [];
  for (const { family, series } of merged.values()) {
    families.push({ ...family, series: [...series.values()] });
  }
  return { families };
}

/**
 * What stays of a thread that ended: its counters and histograms, so that sums never fall. Its gauges
 * described what it held, and it holds nothing any more.
 */
export function retiredSnapshot(snapshot: MetricsSnapshot): MetricsSnapshot {
  return { families: snapshot.families.filter((family) => family.type !== "gauge") };
}

interface MergedSeries {
  readonly labels: readonly string[];
  readonly values: number[];
}

function addSeries(into: Map<string, MergedSeries>, family: FamilySnapshot): void {
  const maximum = family.type === "gauge" && family.merge === "max";
  for (const { labels, values } of family.series) {
    const key = JSON.stringify(labels);
    const known = into.get(key);
    if (known === undefined) {
      into.set(key, { labels, values: [...values] });
      continue;
    }
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      known.values[i] = maximum ? Math.max(known.values[i]!, value) : known.values[i]! + value;
    }
  }
}

function sameShape(a: FamilySnapshot, b: FamilySnapshot): boolean {
  return a.type === b.type && sameItems(a.labelNames, b.labelNames) && sameItems(a.buckets, b.buckets);
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
