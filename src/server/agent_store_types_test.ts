import assert from "node:assert/strict";
import { SENTINEL_WORLD } from "../agents/contract/sentinel_world.ts";
import { ZENTINEL_WORLD } from "../agents/contract/zentinel_world.ts";
import { AgentLoadError } from "../agents/guest.ts";
import { whereTheyPart, worldOf } from "./agent_store_types.ts";
import type { ComponentTypes } from "./agent_store_types.ts";

const WORLDS = [SENTINEL_WORLD, ZENTINEL_WORLD];

/** A component with the interfaces named, all as the world has them, then changed. */
function component(interfaces: string, change: Record<string, string | undefined> = {}): ComponentTypes {
  const wanted = new Set(interfaces.split(" "));
  const types: Record<"imports" | "exports", Record<string, string>> = { imports: {}, exports: {} };
  for (const side of ["imports", "exports"] as const) {
    for (const [key, type] of SENTINEL_WORLD[side]) {
      if (wanted.has(key.split("#")[0]!)) types[side][key] = type;
    }
  }
  for (const [place, type] of Object.entries(change)) {
    const [side, key] = place.split(" ") as ["imports" | "exports", string];
    if (type === undefined) delete types[side][key];
    else types[side][key] = type;
  }
  return { world: { package: "sentinel:agent", version: "1.0.0" }, ...types };
}

Deno.test("worldOf: a component with some of the world's interfaces, whatever of WASI it imports", () => {
  assert.equal(worldOf(component("lifecycle request-handler http log"), WORLDS), SENTINEL_WORLD);
  const withWasi = component("lifecycle", { "imports wasi:io/streams#drop": "()->_" });
  assert.equal(worldOf(withWasi, WORLDS), SENTINEL_WORLD);
  const zentinel = {
    world: { package: "zentinel:agent", version: "2.0.0" },
    imports: {},
    exports: Object.fromEntries(ZENTINEL_WORLD.exports),
  };
  assert.equal(worldOf(zentinel, WORLDS), ZENTINEL_WORLD);
});

Deno.test("worldOf: names the function that differs, and how", () => {
  const has = "sentinel:agent@1.0.0";
  const cases: { name: string; types: ComponentTypes; want: string }[] = [
    {
      name: "result",
      types: component("lifecycle", { "exports lifecycle#health": "()->result<u32,string>" }),
      want:
        `it exports lifecycle#health with ()->result<u32,string>, where ${has} has ()->result<string,string>`,
    },
    {
      name: "deep inside",
      types: component("lifecycle", {
        "exports lifecycle#describe": "()->record{id:string,version:string,summary:option<string>}",
      }),
      want: "it exports lifecycle#describe with …id:string,version:string,summary:option<string>}, where " +
        `${has} has …id:string,version:string,summary:string}`,
    },
    {
      name: "an import of its own",
      types: component("lifecycle", { "imports sockets#open": "()->_" }),
      want: `it imports sockets#open, which ${has} does not have`,
    },
    {
      name: "an import with another type",
      types: component("lifecycle", { "imports clock#wall-ms": "()->u64" }),
      want: `it imports clock#wall-ms with ()->u64, where ${has} has ()->f64`,
    },
    {
      name: "an interface in part",
      types: component("lifecycle websocket-handler", { "exports websocket-handler#ws-frame": undefined }),
      want: "it does not export websocket-handler#ws-frame",
    },
    {
      name: "no life cycle",
      types: component("request-handler"),
      want: "it does not export lifecycle#describe; it does not export lifecycle#configure; " +
        "it does not export lifecycle#health; and 2 more",
    },
    {
      name: "another world",
      types: { ...component("lifecycle"), world: { package: "sentinel:agent", version: "2.0.0" } },
      want: `it is built for sentinel:agent@2.0.0; known are ${has} and zentinel:agent@2.0.0`,
    },
  ];
  for (const { name, types, want } of cases) {
    assert.throws(() => worldOf(types, WORLDS), (cause) => {
      assert.ok(cause instanceof AgentLoadError);
      assert.equal(cause.message, want, name);
      return true;
    });
  }
});

Deno.test("whereTheyPart: long types are cut around the difference", () => {
  const [a, b] = whereTheyPart(
    `${"x,".repeat(100)}status:u16${",y".repeat(100)}`,
    `${"x,".repeat(100)}status:u32`,
  );
  assert.match(a, /^….*status:u16.*…$/);
  assert.match(b, /^….*status:u32$/);
  assert.ok(a.length < 70);
  assert.deepEqual(whereTheyPart("()->_", "()->_,"), ["()->_", "()->_,"]);
});
