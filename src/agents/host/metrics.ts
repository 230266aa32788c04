import { assert } from "../../core/assert.ts";
import type { Label, Metrics } from "../contract/sentinel_types.ts";
import type { Capability, CommonDeps } from "./capability.ts";
import type { DropReason, MetricKind, MetricStore } from "./metric_store.ts";

/** What finding a series costs, and each character of its name and labels: measured, rounded up. */
const CALL_NANOSECONDS = 1000;
const CHAR_NANOSECONDS = 4;

/** What `metrics` is made from. */
export interface MetricsDeps extends CommonDeps {
  readonly metrics: MetricStore | undefined;
}

/** Numbers on the proxy's metrics page. */
export const metricsCapability = {
  name: "metrics",
  key: "metrics",
  summary: "Counters, gauges and histograms on the proxy's metrics page, with bounded names and labels.",
  create: createMetrics,
} as const satisfies Capability<"metrics", MetricsDeps>;

function createMetrics({ metrics, meter }: MetricsDeps): Metrics {
  assert(metrics !== undefined, "metrics is granted, so there is a store");
  const record = (kind: MetricKind, name: string, change: { labels: readonly Label[]; value: number }) => {
    meter.call("metrics", name.length + sizeOf(change.labels));
    meter.work("metrics", CALL_NANOSECONDS + (name.length + sizeOf(change.labels)) * CHAR_NANOSECONDS);
    const dropped: DropReason | undefined = metrics.record(kind, name, change);
    if (dropped !== undefined) meter.refused("metrics", dropped);
  };
  return {
    add: (name, labels, amount) => record("counter", name, { labels, value: amount }),
    set: (name, labels, value) => record("gauge", name, { labels, value }),
    observe: (name, labels, value) => record("histogram", name, { labels, value }),
  };
}

function sizeOf(labels: readonly Label[]): number {
  let chars = 0;
  for (const { key, value } of labels) chars += key.length + value.length;
  return chars;
}
