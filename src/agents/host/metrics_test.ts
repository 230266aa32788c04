import { deepEqual } from "node:assert/strict";
import { hostFixture } from "../../../tests/support/host_fixture.ts";
import { MetricStore } from "./metric_store.ts";
import { metricsCapability } from "./metrics.ts";

Deno.test("metrics: add, set and observe reach the store; what is dropped reaches the meter", () => {
  const store = new MetricStore();
  const { deps, metered } = hostFixture({ metrics: store });
  const metrics = metricsCapability.create(deps);
  metrics.add("hits", [{ key: "rule", value: "a" }], 2);
  metrics.set("level", [], -1.5);
  metrics.observe("size", [], 7);
  metrics.add("level", [], 1);
  deepEqual(store.snapshot().rows.map((row) => [row.name, row.kind]), [
    ["hits", "counter"],
    ["level", "gauge"],
    ["size", "histogram"],
  ]);
  deepEqual(metered, [
    ...["call metrics 9", "work metrics 1036"],
    ...["call metrics 5", "work metrics 1020"],
    ...["call metrics 4", "work metrics 1016"],
    ...["call metrics 5", "work metrics 1020"],
    "refused metrics kind",
  ]);
});
