import assert from "node:assert/strict";
import { request } from "../../tests/support/proxy_rig.ts";
import { Snapshot } from "./snapshot.ts";

Deno.test("snapshot: retired, its upstreams judge no more, though a request keeps it", () => {
  const told: string[] = [];
  const parts = {
    upstreams: [{ retire: () => told.push("upstream") }],
    dispose: () => told.push("dispose"),
  };
  const snapshot = new Snapshot(parts as unknown as ConstructorParameters<typeof Snapshot>[0]);
  snapshot.retain();
  snapshot.retire(() => told.push("disposed"));
  assert.deepEqual(told, ["upstream"]);
  snapshot.release(request());
  assert.deepEqual(told, ["upstream", "dispose", "disposed"]);
});
