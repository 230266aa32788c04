/** The agents' own metrics on the proxy's page: `sentinel_agent_custom_*`, the agent's id as a label. */

import type { FamilySnapshot, MetricsSnapshot, MetricType, SeriesSnapshot } from "./metrics_snapshot.ts";

const PREFIX = "sentinel_agent_custom_";

/** Stands in a family's name only while threads are summed: no metric's name can hold it. */
const MARK = "|";

/** Most label sets of one thread, all agents together. */
export const CUSTOM_ROWS_MAX = 50_000;

/** One metric of an agent with one set of labels. */
export type CustomRow =
  & {
    /** Lower-case letters, digits and `_`. */
    readonly name: string;
    /** Sorted by key. */
    readonly labels: readonly { readonly key: string; readonly value: string }[];
  }
  & (
    | { readonly kind: "counter" | "gauge"; readonly value: number }
    | {
      readonly kind: "histogram";
      readonly sum: number;
      /** Observations at or below each bound, not cumulative, and above them all. */
      readonly buckets: readonly number[];
    }
  );

/** Everything that one agent recorded in one thread. */
export interface CustomRows {
  readonly agent: string;
  readonly rows: readonly CustomRow[];
  /** Changes not recorded as asked, by reason. */
  readonly dropped: Readonly<Record<string, number | undefined>>;
}

/**
 * The families of one thread, to be added to its snapshot; `bounds` are those of all histograms. Agents may use one
 * name with different labels or for different kinds, so these families cannot be printed as they are: sum the threads
 * with `mergeSnapshots`, then call `joinCustomFamilies`.
 */
export function customFamilies(agents: readonly CustomRows[], bounds: readonly number[]): FamilySnapshot[] {
  const families = new Map<string, FamilySnapshot & { readonly series: SeriesSnapshot[] }>();
  const dropped: SeriesSnapshot[] = [];
  const leftOut: SeriesSnapshot[] = [];
  let room = CUSTOM_ROWS_MAX;
  for (const { agent, rows, dropped: reasons } of agents) {
    for (const row of rows.slice(0, room)) {
      const family = shapeOf(row, bounds);
      const known = families.get(family.name) ?? family;
      families.set(family.name, known);
      known.series.push({ labels: [agent, ...row.labels.map(({ value }) => value)], values: valuesOf(row) });
    }
    if (rows.length > room) leftOut.push({ labels: [agent], values: [rows.length - room] });
    room = Math.max(0, room - rows.length);
    for (const [reason, count] of Object.entries(reasons)) {
      dropped.push({ labels: [agent, reason], values: [count ?? 0] });
    }
  }
  return [droppedFamily(dropped), leftOutFamily(leftOut), ...families.values()];
}

/**
 * Gives the families their names for the page. Those of one name become one, where a label that an agent does not use
 * is empty. Where agents use one name for different kinds, counters keep it, and the others have their kind added.
 */
export function joinCustomFamilies(snapshot: MetricsSnapshot): MetricsSnapshot {
  const plain: FamilySnapshot[] = [];
  const custom = new Map<string, FamilySnapshot[]>();
  for (const family of snapshot.families) {
    if (!family.name.includes(MARK)) plain.push(family);
    else {
      const [base = ""] = family.name.split(MARK);
      const key = `${base}${MARK}${family.type}`;
      custom.set(key, [...custom.get(key) ?? [], family]);
    }
  }
  if (custom.size === 0) return snapshot;
  const named = pageNames([...custom.keys()]);
  const joined = [...custom].map(([key, families]) => join(named.get(key)!, families));
  return { families: [...plain, ...joined.sort((a, b) => a.name < b.name ? -1 : 1)] };
}

function shapeOf(row: CustomRow, bounds: readonly number[]): FamilySnapshot & { series: SeriesSnapshot[] } {
  const keys = row.labels.map(({ key }) => key);
  return {
    name: [PREFIX + row.name, row.kind, ...keys].join(MARK),
    type: row.kind,
    help: HELP[row.kind],
    labelNames: ["agent", ...keys],
    buckets: row.kind === "histogram" ? bounds : [],
    merge: row.kind === "gauge" ? "max" : "sum",
    series: [],
  };
}

const HELP: Readonly<Record<MetricType, string>> = {
  counter: "A count of an agent's own.",
  gauge: "A value of an agent's own, the largest of all workers.",
  histogram: "A distribution of an agent's own.",
};

function valuesOf(row: CustomRow): readonly number[] {
  return row.kind === "histogram" ? [...row.buckets, row.sum] : [row.value];
}

/** By base and kind. No two families share a name, and none is called what another one's counter is without `_total`. */
function pageNames(keys: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const used = new Set<string>();
  for (const kind of ["counter", "histogram", "gauge"]) {
    for (const key of [...keys].sort()) {
      const [base = "", keyKind] = key.split(MARK);
      if (keyKind !== kind) continue;
      // Most write the suffix, some do not.
      let name = kind === "counter" ? base.replace(/_total$/, "") : base;
      const isTaken = () => used.has(name) || used.has(name.replace(/_total$/, ""));
      while (isTaken()) name += `_${kind}`;
      used.add(name);
      names.set(key, kind === "counter" ? `${name}_total` : name);
    }
  }
  return names;
}

function join(name: string, families: readonly FamilySnapshot[]): FamilySnapshot {
  const labelNames = [...new Set(families.flatMap((family) => family.labelNames))];
  const series = families.flatMap((family) => {
    const places = labelNames.map((label) => family.labelNames.indexOf(label));
    return family.series.map(({ labels, values }) => ({
      labels: places.map((place) => place < 0 ? "" : labels[place]!),
      values,
    }));
  });
  return { ...families[0]!, name, labelNames, series };
}

function droppedFamily(series: readonly SeriesSnapshot[]): FamilySnapshot {
  return {
    name: "sentinel_agent_metrics_dropped_total",
    type: "counter",
    help: "Changes to an agent's own metrics that were not recorded as asked, by reason.",
    labelNames: ["agent", "reason"],
    buckets: [],
    merge: "sum",
    series,
  };
}

function leftOutFamily(series: readonly SeriesSnapshot[]): FamilySnapshot {
  return {
    name: "sentinel_agent_metrics_left_out",
    type: "gauge",
    help: "Label sets of an agent's own metrics that are not on this page because all agents have too many.",
    labelNames: ["agent"],
    buckets: [],
    merge: "sum",
    series,
  };
}
