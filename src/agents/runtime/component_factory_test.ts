import { Payer } from "./payer.ts";
import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { agentOptions, liveAgent } from "../../../tests/support/fake_agent.ts";
import { FakeTime } from "../../../tests/support/fake_socket.ts";
import type { Header, Imports, Outcome } from "../contract/sentinel_types.ts";
import { compileComponent } from "../wasm/compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "../wasm/component_limits.ts";
import type { RequestView } from "./bound_agent.ts";
import { componentFactory, componentFacts } from "./component_factory.ts";
import type { CallResult } from "./live_agent.ts";
import { WARM_UP_REQUEST } from "./warm_up.ts";

const FIXTURES = new URL("../../../wasm-agents/fixtures/", import.meta.url);
const CONFIG = `config { prefix "/admin"; word "attack" }`;

function compiled(name: string) {
  return compileComponent(readFileSync(new URL(name, FIXTURES)), {
    ...DEFAULT_COMPONENT_LIMITS,
    accounting: "block",
  });
}

function rig(name: string, options = "", imports: Imports = {}) {
  const time = new FakeTime();
  const printed: unknown[] = [];
  const deps = {
    imports,
    options: agentOptions(`${CONFIG}\n${options}`),
    payer: new Payer(),
    clock: time,
    random: { u32: () => 7 },
    log: (_level: string, message: string, fields?: unknown) => void printed.push([message, fields]),
  };
  const component = compiled(name);
  const factory = componentFactory(component, deps);
  return {
    ...liveAgent(factory, time, { options: `${CONFIG}\n${options}` }),
    component,
    deps,
    factory,
    printed,
  };
}

function request(path: string, headers: readonly Header[] = []): RequestView {
  return {
    ...WARM_UP_REQUEST,
    id: () => "r1",
    path: () => path,
    target: () => path,
    headers: () => headers,
  };
}

function settled(result: unknown): { readonly value: Outcome; readonly fuel: number } {
  ok(!(result instanceof Promise));
  const call = result as CallResult<Outcome>;
  if (call.failed !== undefined) throw new Error(`${call.failed}: ${call.message}`);
  return call;
}

for (const name of ["guard_c.wasm", "guard_rust.wasm", "guard_js.wasm"]) {
  Deno.test(`component: ${name} runs unchanged, with every isolation`, () => {
    for (const isolation of ["shared", "reset", "fresh"]) {
      const { live, budget } = rig(name, `isolation "${isolation}"`);
      for (let round = 0; round < 5; round++) {
        const visit = live.visit();
        const { value, fuel } = settled(visit.onRequestHeaders(request("/admin/users")));
        equal(value.decision.type, "block");
        ok(fuel > 0 && fuel < 10_000_000, `fuel ${fuel}`);
        visit.end();
        const other = live.visit();
        deepEqual(settled(other.onRequestHeaders(request("/"))).value.requestHeaders, [
          { type: "set", value: { name: "x-waf", value: "clean" } },
        ]);
        const body = other.onRequestBody(request("/"), {
          data: new TextEncoder().encode("an attack"),
          index: 0,
          last: true,
        });
        equal(
          (settled(body) as unknown as { value: { outcome: Outcome } }).value.outcome.decision.type,
          "block",
        );
        other.end();
      }
      equal(budget.taken, isolation === "fresh" ? 0 : 1);
      equal(live.state().memoryBytes > 0, isolation !== "fresh");
      equal((live.health() as { type: string }).type, "ok");
    }
  });

  Deno.test(`component: ${name} says what it is`, async () => {
    const { component, deps, factory } = rig(name);
    const { description, handles } = await componentFacts(component, deps);
    match(description.id, /guard/);
    deepEqual(handles, factory.handles);
    ok(handles.has("request-headers"));
  });
}

Deno.test("component: too little fuel is a trap, and the next call goes on", () => {
  const { live, meter } = rig("guard_c.wasm", `fuel 1000\nconfigure-fuel 1000000`);
  const many = Array.from({ length: 500 }, (_, at) => ({ name: `x-${at}`, value: "v".repeat(50) }));
  const starved = live.visit().onRequestHeaders(request("/admin", many)) as CallResult<Outcome>;
  equal(starved.failed, "fuel");
  deepEqual([meter.count("discarded trap"), live.pool.live], [1, 0]);
});

Deno.test("component: what it does not handle cannot be asked for", () => {
  const { factory } = rig("guard_c.wasm");
  ok(!factory.handles.has("request-complete"));
  throws(
    () => liveAgent(factory, new FakeTime(), { options: `events "request-complete"` }),
    /does not handle/,
  );
});
