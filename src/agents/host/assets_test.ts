import { deepEqual, equal } from "node:assert/strict";
import { assetsCapability } from "./assets.ts";
import { hostFixture } from "../../../tests/support/host_fixture.ts";

Deno.test("assets: what is listed can be read, and nothing else", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const { deps, metered } = hostFixture({ assets: new Map([["rules", { bytes, version: "v1" }]]) });
  const assets = assetsCapability.create(deps);
  deepEqual(assets.read("rules"), bytes);
  equal(assets.version("rules"), "v1");
  for (const name of ["", "Rules", "../rules", "__proto__", "constructor"]) {
    equal(assets.read(name), undefined, name);
    equal(assets.version(name), undefined, name);
  }
  deepEqual(metered.slice(0, 3), ["call assets 5", "answer assets 3", "call assets 5"]);
});
