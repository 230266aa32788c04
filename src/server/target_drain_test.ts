import assert from "node:assert/strict";
import { parseConfig } from "../config/load.ts";
import { allocateShared } from "../core/shared_memory.ts";
import { sharedNeeds } from "../engine/shared_needs.ts";
import { openRecords } from "../upstream/target_record.ts";
import type { Supervisor } from "./supervisor.ts";
import { drainOrder, TargetDrains } from "./target_drain.ts";

const CONFIG = parseConfig(
  `system { }
listeners { listener "main" { address "127.0.0.1:18080"; }; }
routes { route "r" { matches { path "/"; }; upstream "api"; }; }
upstreams { upstream "api" { target "a:1"; target "b:1"; target "c:1" weight=0; target "d:1" { drain #true; }; }; }`,
  "test.kdl",
);

function setUp() {
  assert.ok(CONFIG.config !== undefined, JSON.stringify(CONFIG.issues));
  const config = CONFIG.config!;
  const shared = allocateShared(sharedNeeds(config, 2), {});
  const lines: string[] = [];
  const supervisor = { config, shared } as unknown as Supervisor;
  const drains = new TargetDrains(supervisor, {
    clock: { nowMs: () => 5000, wallMs: () => 0 },
    log: (_level, message, fields) => lines.push(`${message} ${fields?.["target"]}`),
  });
  const upstream = config.upstreams[0]!;
  const [a, b] = openRecords(upstream, shared, 1).targets;
  const order = (address: string, action: "drain" | "undrain", force = false) =>
    drains.apply({ upstreamId: "api", address, action, force }).outcome;
  return { drains, order, a: a!, b: b!, lines };
}

Deno.test("drain: a target goes out of service and comes back, seen by other threads, once each", () => {
  const { order, a, lines } = setUp();
  assert.deepEqual(CONFIG.issues.filter(({ severity }) => severity === "error"), []);
  assert.equal(order("a:1", "drain"), "changed");
  assert.ok(a.draining);
  assert.equal(order("a:1", "drain"), "unchanged");
  assert.equal(order("a:1", "undrain"), "changed");
  assert.equal(a.draining, false);
  assert.equal(a.risenForMs(5000), 0, "slow start begins");
  assert.equal(order("a:1", "undrain"), "unchanged");
  assert.deepEqual(lines, [
    "An administrator told a target to drain a:1",
    "An administrator told a target to undrain a:1",
  ]);
});

Deno.test("drain: the last target in service stays, unless it is forced out", () => {
  const { order, a, b } = setUp();
  assert.equal(order("a:1", "drain"), "changed");
  assert.equal(order("b:1", "drain"), "last", "one of weight 0 and one that is drained do not count");
  assert.equal(b.draining, false);
  assert.equal(order("b:1", "drain", true), "changed");
  assert.deepEqual([a.draining, b.draining], [true, true]);
});

Deno.test("drain: what there is none of", () => {
  const { drains, order } = setUp();
  assert.equal(order("z:1", "drain"), "unknown");
  const elsewhere = { upstreamId: "other", address: "a:1", action: "drain", force: false } as const;
  assert.equal(drains.apply(elsewhere).outcome, "unknown");
});

Deno.test("drain: orders are read from the path", () => {
  const read = (path: string) => drainOrder(new URL(path, "http://localhost"));
  assert.deepEqual(read("/-/upstreams/n%3Aapi/targets/unix%3A%2Frun%2Fx/drain?force=true"), {
    upstreamId: "n:api",
    address: "unix:/run/x",
    action: "drain",
    force: true,
  });
  assert.equal(read("/-/upstreams/api/targets/[::1]:80/undrain")?.address, "[::1]:80");
  for (
    const wrong of [
      "/-/upstreams/api/targets//drain",
      "/-/upstreams/api/targets/a/halt",
      "/-/upstreams/%/targets/a/drain",
    ]
  ) {
    assert.equal(read(wrong), undefined, wrong);
  }
});
