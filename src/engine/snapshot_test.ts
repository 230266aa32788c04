import assert from "node:assert/strict";
import { request } from "../../tests/support/proxy_rig.ts";
import { Engine } from "./engine.ts";
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

Deno.test("snapshot: let go of by a request whose log line could not be written", () => {
  const told: string[] = [];
  const parts = {
    upstreams: [],
    unroutedMeter: { finish: () => {} },
    requestLog: {
      write: () => {
        throw new Error("no line");
      },
    },
    dispose: () => told.push("dispose"),
  };
  const snapshot = new Snapshot(parts as unknown as ConstructorParameters<typeof Snapshot>[0]);
  const engine = new Engine(snapshot, { nowMs: () => 0, wallMs: () => 0 });
  const context = request();
  context.lease = snapshot;
  context.afterwards = { requestEnded: () => told.push("afterwards") };
  snapshot.retain();
  snapshot.retire(() => told.push("disposed"));
  assert.throws(() => engine.finish(context), /no line/);
  assert.deepEqual(told, ["afterwards", "dispose", "disposed"]);
});
