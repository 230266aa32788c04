import { equal } from "node:assert/strict";
import { allocateShared } from "../core/shared_memory.ts";
import { SharedTotals } from "../counters/shared_totals.ts";
import { goodConfig } from "../../tests/support/simulated_dataplane.ts";
import { clearWorker, shadowTotalsKey, sharedNeeds } from "./shared_needs.ts";

const CONFIG = `
system { worker-threads 2 }
listeners { listener "http" { address "127.0.0.1:80" } }
routes { route "r" { matches { path "/" }; upstream "a"; shadow { upstream "b" } } }
upstreams { upstream "a" { target "127.0.0.1:1" }; upstream "b" { target "127.0.0.1:2" } }`;

Deno.test("shared needs: a thread that dies gives back the places of its copies, and others keep theirs", () => {
  const shared = allocateShared(sharedNeeds(goodConfig(CONFIG), 2), {});
  const memory = shared[shadowTotalsKey("r")]!;
  const [first, second] = [0, 1].map((index) => new SharedTotals(memory, { index, count: 2 }));
  first!.acquire(0);
  second!.acquire(0);
  second!.acquire(0);
  clearWorker(shared, 1);
  equal(second!.total(0), 1);
  equal(first!.own(0), 1);
});
