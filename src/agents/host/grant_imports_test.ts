import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { grantImports, type HostDeps } from "./grant_imports.ts";
import { hostFixture } from "../../../tests/support/host_fixture.ts";
import type { KvStore } from "./kv.ts";
import { CAPABILITIES } from "./registry.ts";

const kv: KvStore = {
  get: () => undefined,
  set: () => true,
  delete: () => false,
  incr: () => 0n,
  compareAndSet: () => false,
  take: () => 0,
};
const fetch: HostDeps["fetch"] = {
  policy: { origins: [] },
  transport: () => Promise.resolve({ type: "error", value: { reason: "failed", message: "" } }),
};

Deno.test("grantImports: nothing is granted unless it is named", () => {
  deepEqual(grantImports(new Set(), hostFixture().deps), {});
});

Deno.test("grantImports: each by its name, and no other", () => {
  for (const { name, key } of CAPABILITIES) {
    deepEqual(Object.keys(grantImports(new Set([name]), hostFixture({ kv, fetch }).deps)), [key]);
  }
  const all = grantImports(new Set(CAPABILITIES.map((row) => row.name)), hostFixture({ kv, fetch }).deps);
  deepEqual(Object.keys(all).sort(), CAPABILITIES.map((row) => row.key).sort());
});

Deno.test("CAPABILITIES: names as in WIT, each once, with a summary of one line", () => {
  const wit = Deno.readTextFileSync(new URL("../../../wasm-agents/wit/sentinel-agent.wit", import.meta.url));
  const world = wit.slice(wit.indexOf("world agent"));
  const imported = [...world.matchAll(/import ([a-z-]+);/g)].map((found) => found[1]!).filter((name) =>
    name !== "http"
  );
  deepEqual(CAPABILITIES.map((row) => row.name).sort(), imported.sort());
  for (const { summary } of CAPABILITIES) {
    ok(summary.endsWith(".") && !summary.includes("\n") && summary.length < 110);
  }
});

Deno.test("grantImports: an unknown name is refused with a hint", () => {
  throws(() => grantImports(new Set(["con-info"]), hostFixture().deps), {
    name: "AgentLoadError",
    message: 'Cannot grant "con-info" to agent "waf": there is no such import; did you mean "conn-info"?',
  });
  throws(() => grantImports(new Set(["filesystem"]), hostFixture().deps), {
    message: /there are log, clock, random, metrics, assets, kv, crypto, fetch, conn-info$/,
  });
});

Deno.test("grantImports: what is granted must have been made", () => {
  for (const name of ["kv", "fetch"]) {
    throws(
      () => grantImports(new Set([name]), hostFixture().deps),
      new RegExp(`Assertion failed: ${name} is granted`),
    );
  }
});

Deno.test("grantImports: a meter that throws stops a call before anything is done", () => {
  const { deps } = hostFixture({ kv: { ...kv, set: () => equal(1, 2, "must not be reached") ?? true } });
  const stop = new Error("out of fuel");
  const meter = {
    ...deps.meter,
    call: () => {
      throw stop;
    },
  };
  const imports = grantImports(new Set(CAPABILITIES.map((row) => row.name)), { ...deps, fetch, meter });
  throws(() => imports.kv!.set("a", new Uint8Array(1), 0), stop);
  throws(() => imports.log!.write("info", "m", []), stop);
  throws(() => imports.metrics!.add("n", [], 1), stop);
  throws(() => imports.random!.word(), stop);
  deepEqual(deps.metrics!.snapshot().rows, []);
});
