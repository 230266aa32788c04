import assert from "node:assert/strict";
import { MetricsRegistry } from "../observe/metrics.ts";
import type { MetricsSnapshot } from "../observe/metrics_snapshot.ts";
import type { FleetThread } from "./fleet.ts";
import { MetricsCollector } from "./metrics_collector.ts";

/** A thread with one counter and one gauge, which can fall silent. */
class CountingThread {
  readonly #registry = new MetricsRegistry();
  readonly requests = this.#registry.counter({ name: "requests_total", help: "." }).labels();
  readonly open = this.#registry.gauge({ name: "open", help: "." }).labels();
  silent = false;

  metrics(): Promise<MetricsSnapshot> {
    return this.silent ? Promise.reject(new Error("busy")) : Promise.resolve(this.#registry.snapshot());
  }
}

async function read(collector: MetricsCollector): Promise<Record<string, number>> {
  const { families } = await collector.collect();
  const pairs = families.filter(({ name }) => name === "requests_total" || name === "open");
  return Object.fromEntries(pairs.map(({ name, series }) => [name, series[0]!.values[0]!]));
}

Deno.test("metrics collector: silent threads count as before, dead ones keep their counters alone", async () => {
  const [one, two] = [new CountingThread(), new CountingThread()];
  let threads = [one, two];
  const collector = new MetricsCollector(() => threads as unknown as FleetThread[]);
  one.requests.inc(3);
  one.open.set(1);
  two.requests.inc(4);
  two.open.set(2);
  assert.deepEqual(await read(collector), { requests_total: 7, open: 3 });

  two.silent = true;
  two.requests.inc(100);
  one.requests.inc(1);
  assert.deepEqual(await read(collector), { requests_total: 8, open: 3 });

  const replacement = new CountingThread();
  replacement.requests.inc(10);
  threads = [one, replacement];
  assert.deepEqual(await read(collector), { requests_total: 18, open: 1 });
  assert.deepEqual(await read(collector), { requests_total: 18, open: 1 }, "the dead one is counted once");
});
