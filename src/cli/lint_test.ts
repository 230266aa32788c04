import { deepEqual } from "node:assert/strict";
import { goodConfig } from "../../tests/support/simulated_dataplane.ts";
import { lint } from "./lint.ts";

Deno.test("lint: a route with a traffic split answers, and is one that can take for ever", () => {
  const config = goodConfig(`
system { worker-threads 1 }
listeners { listener "http" { address "127.0.0.1:80" } }
routes { route "r" { matches { path "/" }; traffic-split { upstream "a" } } }
upstreams { upstream "a" { target "127.0.0.1:1" } }`);
  const advice = lint(config).filter((line) => line.startsWith('Route "r"'));
  deepEqual(advice.map((line) => line.split(";")[0]), ['Route "r" has no policies { timeout-secs }']);
});
