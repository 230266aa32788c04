import { deepEqual, equal, throws } from "node:assert/strict";
import { exposition, expositionText } from "./exposition.ts";
import { MetricsRegistry } from "./metrics.ts";
import { mergeSnapshots, retiredSnapshot } from "./metrics_snapshot.ts";

/** Samples and comments of one family. */
function linesOf(registry: MetricsRegistry, name: string): string[] {
  return expositionText(registry.snapshot(), "prometheus").split("\n").filter((line) => line.includes(name));
}

Deno.test("Counter: only grows", () => {
  const counter = new MetricsRegistry().counter({ name: "c_total", help: "C." }).labels();
  counter.inc();
  counter.inc(2.5);
  counter.inc(-1);
  counter.inc(NaN);
  equal(counter.value, 3.5);
  counter.raiseTo(10);
  counter.raiseTo(9);
  equal(counter.value, 10);
});

Deno.test("Gauge: goes up and down", () => {
  const gauge = new MetricsRegistry().gauge({ name: "g", help: "G." }).labels();
  gauge.inc(5);
  gauge.dec();
  equal(gauge.value, 4);
  gauge.set(-2);
  equal(gauge.value, -2);
});

Deno.test("Histogram: bounds are inclusive", () => {
  const registry = new MetricsRegistry();
  const histogram = registry.histogram({ name: "hist", help: "H.", buckets: [1, 10] }).labels();
  for (const value of [0.5, 1, 1.01, 10, 10.01, NaN]) histogram.observe(value);
  equal(histogram.count, 5);
  deepEqual(linesOf(registry, "hist"), [
    "# HELP hist H.",
    "# TYPE hist histogram",
    'hist_bucket{le="1"} 2',
    'hist_bucket{le="10"} 4',
    'hist_bucket{le="+Inf"} 5',
    "hist_sum 22.52",
    "hist_count 5",
  ]);
});

Deno.test("Family: the same labels are the same child", () => {
  const family = new MetricsRegistry().counter({ name: "c_total", help: "C.", labels: ["a", "b"] });
  equal(family.labels("x", "y"), family.labels("x", "y"));
  equal(family.labels("x", "y") === family.labels("xy", ""), false);
  throws(() => family.labels("x"), /takes 2 labels/);
});

Deno.test("Family: label sets are bounded, and the overflow is counted", () => {
  const registry = new MetricsRegistry({ seriesMax: 2 });
  const family = registry.counter({ name: "c_total", help: "C.", labels: ["a"] });
  for (const value of ["1", "2", "3", "4", "1"]) family.labels(value).inc();
  equal(family.size, 2);
  deepEqual(linesOf(registry, "c_total{"), [
    'c_total{a="1"} 2',
    'c_total{a="2"} 1',
    'c_total{a="__overflow__"} 2',
  ]);
  deepEqual(linesOf(registry, "overflow_total{"), ['sentinel_metrics_overflow_total{family="c_total"} 2']);
});

Deno.test("Family: retain makes room, and a child that was let go does no harm", () => {
  const registry = new MetricsRegistry({ seriesMax: 1 });
  const family = registry.gauge({ name: "g", help: "G.", labels: ["target"] });
  const gone = family.labels("old");
  family.retain(([target]) => target !== "old");
  gone.set(7);
  family.labels("new").set(1);
  deepEqual(linesOf(registry, "g{"), ['g{target="new"} 1']);
});

Deno.test("MetricsRegistry: names and labels are checked, bounds ascend", () => {
  const registry = new MetricsRegistry();
  registry.counter({ name: "c_total", help: "" });
  throws(() => registry.counter({ name: "c_total", help: "" }), /registered once/);
  throws(() => registry.counter({ name: "1", help: "" }), /metric name/);
  throws(() => registry.counter({ name: "x", help: "", labels: ["le"] }), /label name/);
  throws(() => registry.histogram({ name: "h", help: "", buckets: [1, 1] }), /ascend/);
});

Deno.test("MetricsRegistry: collectors run before a snapshot, until stopped", () => {
  const registry = new MetricsRegistry();
  const gauge = registry.gauge({ name: "g", help: "G." }).labels();
  const stop = registry.onCollect(() => gauge.inc());
  registry.snapshot();
  stop();
  registry.snapshot();
  equal(gauge.value, 1);
});

Deno.test("exposition: text is escaped", () => {
  const registry = new MetricsRegistry();
  registry.gauge({ name: "g", help: 'back\\slash\nand "quotes"', labels: ["l"] }).labels('a"b\\c\nd').set(
    Infinity,
  );
  deepEqual(linesOf(registry, "g").slice(-3), [
    '# HELP g back\\\\slash\\nand "quotes"',
    "# TYPE g gauge",
    'g{l="a\\"b\\\\c\\nd"} +Inf',
  ]);
});

Deno.test("exposition: OpenMetrics", () => {
  const registry = new MetricsRegistry({ prefix: "x_" });
  registry.counter({ name: "c_total", help: 'A "C".' }).labels().inc();
  registry.histogram({ name: "h", help: "H.", buckets: [1, 2.5] }).labels().observe(2);
  equal(
    expositionText(registry.snapshot(), "openmetrics"),
    [
      "# HELP x_metrics_overflow Label sets that found a metric family full and were counted under __overflow__.",
      "# TYPE x_metrics_overflow counter",
      '# HELP c A \\"C\\".',
      "# TYPE c counter",
      "c_total 1",
      "# HELP h H.",
      "# TYPE h histogram",
      'h_bucket{le="1.0"} 0',
      'h_bucket{le="2.5"} 1',
      'h_bucket{le="+Inf"} 1',
      "h_sum 2",
      "h_count 1",
      "# EOF",
      "",
    ].join("\n"),
  );
});

Deno.test("exposition: Accept decides on the format", () => {
  const openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  const plain = "text/plain; version=0.0.4; charset=utf-8";
  const tests = [
    { name: "nothing", accept: "", want: plain },
    { name: "a browser", accept: "text/html,*/*;q=0.8", want: plain },
    {
      name: "Prometheus 2",
      accept: "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      want: openmetrics,
    },
    { name: "plain preferred", accept: "application/openmetrics-text;q=0.5,text/plain", want: plain },
    { name: "refused", accept: "application/openmetrics-text;q=0", want: plain },
    { name: "nonsense", accept: "application/openmetrics-text;q=x", want: plain },
    { name: "letter case", accept: "Application/OpenMetrics-Text", want: openmetrics },
  ];
  for (const { name, accept, want } of tests) {
    equal(exposition(new MetricsRegistry().snapshot(), accept).contentType, want, name);
  }
});

function worker(requests: number, generation: number) {
  const registry = new MetricsRegistry();
  registry.counter({ name: "c_total", help: "C.", labels: ["l"] }).labels("x").inc(requests);
  registry.gauge({ name: "held", help: "G." }).labels().set(requests);
  registry.gauge({ name: "seen", help: "G.", merge: "max" }).labels().set(generation);
  registry.histogram({ name: "h", help: "H.", buckets: [1] }).labels().observe(requests);
  return registry.snapshot();
}

function values(
  snapshot: { families: readonly { name: string; series: readonly { values: readonly number[] }[] }[] },
) {
  const pairs = snapshot.families.filter((family) => family.series.length > 0);
  return Object.fromEntries(
    pairs.map((family) => [family.name, family.series.flatMap((each) => each.values)]),
  );
}

Deno.test("mergeSnapshots: sums and maxima, across structured clones", () => {
  const merged = mergeSnapshots([structuredClone(worker(1, 7)), structuredClone(worker(5, 4))]);
  deepEqual(values(merged), { c_total: [6], held: [6], seen: [7], h: [1, 1, 6] });
  deepEqual(values(mergeSnapshots([])), {});
});

Deno.test("mergeSnapshots: leaves its inputs alone and other shapes out", () => {
  const first = worker(1, 1);
  const other = new MetricsRegistry();
  other.histogram({ name: "h", help: "H.", buckets: [2] }).labels().observe(1);
  mergeSnapshots([first, first]);
  deepEqual(values(mergeSnapshots([first, other.snapshot()])), {
    c_total: [1],
    held: [1],
    seen: [1],
    h: [1, 0, 1],
  });
});

Deno.test("retiredSnapshot: what was counted stays, what was held is gone", () => {
  deepEqual(values(retiredSnapshot(worker(3, 1))), { c_total: [3], h: [0, 1, 3] });
});
