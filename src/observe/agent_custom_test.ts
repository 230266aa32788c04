import { deepEqual, equal } from "node:assert/strict";
import { METRIC_BOUNDS, MetricStore } from "../agents/host/metric_store.ts";
import { CUSTOM_ROWS_MAX, customFamilies, joinCustomFamilies } from "./agent_custom.ts";
import type { CustomRow, CustomRows } from "./agent_custom.ts";
import { expositionText } from "./exposition.ts";
import type { ExpositionFormat } from "./exposition.ts";
import { mergeSnapshots } from "./metrics_snapshot.ts";

/** The page that several threads make, without the prefix and without what tells nothing. */
function page(
  threads: readonly (readonly CustomRows[])[],
  format: ExpositionFormat = "prometheus",
): string[] {
  const snapshots = threads.map((agents) => ({ families: customFamilies(agents, METRIC_BOUNDS) }));
  return expositionText(joinCustomFamilies(mergeSnapshots(snapshots)), format).split("\n")
    .filter((line) => line.startsWith("sentinel_") || line.startsWith("# TYPE sentinel_agent_custom"))
    .map((line) => line.replace("sentinel_agent_custom_", ""));
}

function counter(name: string, labels: Record<string, string>, value: number): CustomRow {
  const pairs = Object.entries(labels).map(([key, value]) => ({ key, value }));
  return { name, kind: "counter", labels: pairs, value };
}

function rows(agent: string, ...all: CustomRow[]): CustomRows {
  return { agent, rows: all, dropped: {} };
}

Deno.test("custom metrics: what an agent's store holds, summed over threads; of gauges the largest", () => {
  const store = (seen: number) => {
    const metrics = new MetricStore();
    metrics.record("counter", "hits", { labels: [{ key: "rule", value: "a" }], value: 2 });
    metrics.record("gauge", "entries", { labels: [], value: seen });
    metrics.record("histogram", "score", { labels: [], value: seen });
    metrics.record("gauge", "Not a name", { labels: [], value: 1 });
    return [{ agent: "waf", ...metrics.snapshot() }];
  };
  const lines = page([store(4), store(7)]).filter((line) => !line.startsWith("score_bucket"));
  deepEqual(lines, [
    'sentinel_agent_metrics_dropped_total{agent="waf",reason="name"} 2',
    "# TYPE entries gauge",
    'entries{agent="waf"} 7',
    "# TYPE hits_total counter",
    'hits_total{agent="waf",rule="a"} 4',
    "# TYPE score histogram",
    'score_sum{agent="waf"} 11',
    'score_count{agent="waf"} 2',
  ]);
  const buckets = page([store(4), store(7)]).filter((line) => line.startsWith("score_bucket"));
  deepEqual(buckets.filter((line) => / [1]$/.test(line)), ['score_bucket{agent="waf",le="5"} 1']);
});

Deno.test("custom metrics: one name with different labels is one family, whichever thread saw what", () => {
  const lines = page([
    [rows("a", counter("hits", { rule: "x" }, 1))],
    [rows("b", counter("hits", { path: "/" }, 2)), rows("a", counter("hits", { rule: "x" }, 3))],
  ]);
  deepEqual(lines, [
    "# TYPE hits_total counter",
    'hits_total{agent="a",rule="x",path=""} 4',
    'hits_total{agent="b",rule="",path="/"} 2',
  ]);
});

Deno.test("custom metrics: no agent can break the page by what it calls its metrics", () => {
  const gauge = (name: string): CustomRow => ({ name, kind: "gauge", labels: [], value: 1 });
  const histogram: CustomRow = { name: "x", kind: "histogram", labels: [], sum: 0, buckets: [] };
  const hostile = rows(
    "a",
    counter("x", {}, 1),
    counter("x_total", {}, 1),
    gauge("x_total"),
    gauge("x_gauge"),
    gauge("x_total_gauge"),
  );
  const lines = page([[hostile, rows("b", gauge("x"), histogram, counter("x_total", {}, 1))]], "openmetrics");
  const types = lines.filter((line) => line.startsWith("# TYPE"));
  equal(new Set(types.map((line) => line.split(" ")[2])).size, types.length, lines.join("\n"));
  // Those that write the suffix themselves come first.
  deepEqual(lines.filter((line) => /^x_(total|counter_total)\{/.test(line)), [
    'x_counter_total{agent="a"} 1',
    'x_total{agent="a"} 1',
    'x_total{agent="b"} 1',
  ]);
  const samples = lines.filter((line) => !line.startsWith("#"));
  equal(new Set(samples.map((line) => line.replace(/ \S+$/, ""))).size, samples.length, lines.join("\n"));
  equal(samples.filter((line) => line.endsWith(" 1")).length, 7);
  deepEqual(
    page([[rows("a", counter("y_total", {}, 1))], [rows("b", counter("z", {}, 1))]]).filter((line) =>
      !line.startsWith("#")
    ),
    ['y_total{agent="a"} 1', 'z_total{agent="b"} 1'],
  );
});

Deno.test("custom metrics: beyond so many label sets the rest is left out, and that is said", () => {
  const many = (agent: string, count: number) =>
    rows(agent, ...Array.from({ length: count }, (_, index) => counter("n", { i: String(index) }, 1)));
  const families = customFamilies([many("a", CUSTOM_ROWS_MAX - 1), many("b", 3)], METRIC_BOUNDS);
  equal(
    families.find(({ name }) => name.startsWith("sentinel_agent_custom"))!.series.length,
    CUSTOM_ROWS_MAX,
  );
  const leftOut = families.find(({ name }) => name === "sentinel_agent_metrics_left_out")!;
  deepEqual(leftOut.series, [{ labels: ["b"], values: [2] }]);
});

Deno.test("custom metrics: a page without any is left as it is", () => {
  const snapshot = mergeSnapshots([{ families: customFamilies([], METRIC_BOUNDS) }]);
  equal(joinCustomFamilies(snapshot), snapshot);
});
