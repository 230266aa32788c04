import { deepEqual, equal } from "node:assert/strict";
import {
  METRIC_BOUNDS,
  METRIC_KEY_CHARS_MAX,
  METRIC_LABEL_VALUES_MAX,
  METRIC_NAME_CHARS_MAX,
  METRIC_NAMES_MAX,
  METRIC_SERIES_MAX,
  METRIC_VALUE_CHARS_MAX,
  MetricStore,
} from "./metric_store.ts";

const label = (key: string, value = "v") => ({ key, value });

Deno.test("MetricStore: counters add up, gauges take the last value", () => {
  const store = new MetricStore();
  for (const value of [1, 0, 2.5]) equal(store.record("counter", "hits", { labels: [], value }), undefined);
  for (const value of [1, -3]) equal(store.record("gauge", "level", { labels: [], value }), undefined);
  deepEqual(store.snapshot(), {
    rows: [
      { name: "hits", kind: "counter", labels: [], value: 3.5 },
      { name: "level", kind: "gauge", labels: [], value: -3 },
    ],
    dropped: {},
  });
});

Deno.test("MetricStore: histograms count into inclusive bounds", () => {
  const store = new MetricStore();
  for (const value of [-1, 0.001, 0.0011, 5, 2e6]) store.record("histogram", "size", { labels: [], value });
  const [row] = store.snapshot().rows;
  const buckets = METRIC_BOUNDS.map(() => 0).concat(0);
  buckets[0] = 2;
  buckets[1] = 1;
  buckets[METRIC_BOUNDS.indexOf(5)] = 1;
  buckets[METRIC_BOUNDS.length] = 1;
  const sum = -1 + 0.001 + 0.0011 + 5 + 2e6;
  deepEqual(row, { name: "size", kind: "histogram", labels: [], sum, count: 5, buckets });
});

Deno.test("MetricStore: the order of labels makes no difference", () => {
  const store = new MetricStore();
  store.record("counter", "hits", { labels: [label("b", "2"), label("a", "1")], value: 1 });
  store.record("counter", "hits", { labels: [label("a", "1"), label("b", "2")], value: 1 });
  store.record("counter", "hits", { labels: [label("a", "2"), label("b", "1")], value: 1 });
  deepEqual(store.snapshot().rows, [
    { name: "hits", kind: "counter", labels: [label("a", "1"), label("b", "2")], value: 2 },
    { name: "hits", kind: "counter", labels: [label("a", "2"), label("b", "1")], value: 1 },
  ]);
});

Deno.test("MetricStore: values that read alike when joined are told apart", () => {
  const store = new MetricStore();
  const texts: readonly (readonly [string, string])[] = [["1:a", ""], ["", "1:a"], ["a1:", "b"], [
    "a",
    "1:b",
  ]];
  for (const [a, b] of texts) {
    store.record("counter", "hits", { labels: [label("a", a), label("b", b)], value: 1 });
  }
  equal(store.snapshot().rows.length, texts.length);
});

Deno.test("MetricStore: names and keys, allowed and not", () => {
  const names = {
    a: undefined,
    hits_total: undefined,
    ["n".repeat(METRIC_NAME_CHARS_MAX)]: undefined,
    ["n".repeat(METRIC_NAME_CHARS_MAX + 1)]: "name",
    "": "name",
    Hits: "name",
    "1st": "name",
    _x: "name",
    "a-b": "name",
    'a{x="': "name",
    "a\n": "name",
    size_bucket: "name",
    size_sum: "name",
    size_count: "name",
  };
  for (const [name, want] of Object.entries(names)) {
    equal(new MetricStore().record("counter", name, { labels: [], value: 1 }), want, name);
  }
  const keys = {
    rule: undefined,
    ["k".repeat(METRIC_KEY_CHARS_MAX)]: undefined,
    ["k".repeat(METRIC_KEY_CHARS_MAX + 1)]: "labels",
    "": "labels",
    Rule: "labels",
    le: "labels",
    agent: "labels",
    worker: "labels",
    quantile: "labels",
    __name__: "labels",
  };
  for (const [key, want] of Object.entries(keys)) {
    equal(new MetricStore().record("counter", "hits", { labels: [label(key)], value: 1 }), want, key);
  }
});

Deno.test("MetricStore: labels below, at and above their number; none twice", () => {
  const store = new MetricStore();
  const labels = (count: number) => Array.from({ length: count }, (_, index) => label(`k${index}`));
  for (const count of [0, 3, 4]) {
    equal(store.record("counter", `hits${count}`, { labels: labels(count), value: 1 }), undefined);
  }
  equal(store.record("counter", "hits5", { labels: labels(5), value: 1 }), "labels");
  equal(store.record("counter", "hits2", { labels: [label("a"), label("a")], value: 1 }), "labels");
});

Deno.test("MetricStore: a name keeps its kind and its labels", () => {
  const store = new MetricStore();
  store.record("counter", "hits", { labels: [label("a")], value: 1 });
  equal(store.record("gauge", "hits", { labels: [label("a")], value: 1 }), "kind");
  equal(store.record("counter", "hits", { labels: [], value: 1 }), "keys");
  equal(store.record("counter", "hits", { labels: [label("b")], value: 1 }), "keys");
  deepEqual(store.snapshot().dropped, { kind: 1, keys: 2 });
});

Deno.test("MetricStore: only values that a metric can have", () => {
  const store = new MetricStore();
  for (const value of [NaN, Infinity, -Infinity]) {
    for (const kind of ["counter", "gauge", "histogram"] as const) {
      equal(store.record(kind, kind, { labels: [], value }), "value");
    }
  }
  equal(store.record("counter", "hits", { labels: [], value: -1 }), "value");
  deepEqual(store.snapshot(), { rows: [], dropped: { value: 10 } });
});

Deno.test("MetricStore: names below, at and above their number", () => {
  const store = new MetricStore();
  for (let i = 0; i < METRIC_NAMES_MAX; i++) {
    equal(store.record("counter", `n${i}`, { labels: [], value: 1 }), undefined);
  }
  equal(store.record("counter", "one_more", { labels: [], value: 1 }), "names");
  equal(store.record("counter", "n0", { labels: [], value: 1 }), undefined, "known names go on");
  equal(store.snapshot().rows.length, METRIC_NAMES_MAX);
});

Deno.test("MetricStore: values of a label below, at and above their number; other labels stay", () => {
  const store = new MetricStore();
  const record = (ip: string) =>
    store.record("counter", "hits", { labels: [label("ip", ip), label("verdict", "deny")], value: 1 });
  for (let i = 0; i < METRIC_LABEL_VALUES_MAX; i++) equal(record(`ip ${i}`), undefined);
  equal(record("one more"), "other");
  equal(record("and another"), "other");
  equal(record("ip 3"), undefined);
  equal(record("other"), undefined, "the agent's own word for it is no loss");
  const { rows, dropped } = store.snapshot();
  equal(rows.length, METRIC_LABEL_VALUES_MAX + 1);
  deepEqual(rows.at(-1), {
    name: "hits",
    kind: "counter",
    labels: [label("ip", "other"), label("verdict", "deny")],
    value: 3,
  });
  deepEqual(dropped, { other: 2 });
});

Deno.test("MetricStore: a label value at and above its length", () => {
  const store = new MetricStore();
  const record = (value: string) =>
    store.record("counter", "hits", { labels: [label("k", value)], value: 1 });
  equal(record("v".repeat(METRIC_VALUE_CHARS_MAX)), undefined);
  equal(record("v".repeat(METRIC_VALUE_CHARS_MAX + 1)), "other");
});

Deno.test("MetricStore: sets of values below, at and above their number", () => {
  const store = new MetricStore();
  const record = (number: number) => {
    const labels = [label("a", `a${number % 60}`), label("b", `b${Math.floor(number / 60)}`)];
    return store.record("counter", "hits", { labels, value: 1 });
  };
  for (let i = 0; i < METRIC_SERIES_MAX; i++) equal(record(i), undefined);
  equal(record(METRIC_SERIES_MAX), "other");
  equal(record(METRIC_SERIES_MAX + 1), "other");
  const { rows } = store.snapshot();
  equal(rows.length, METRIC_SERIES_MAX + 1);
  deepEqual(rows.at(-1), {
    name: "hits",
    kind: "counter",
    labels: [label("a", "other"), label("b", "other")],
    value: 2,
  });
});
