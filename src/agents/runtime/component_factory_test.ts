import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { agentOptions, liveAgent } from "../../../tests/support/fake_agent.ts";
import { FakeTime } from "../../../tests/support/fake_socket.ts";
import { LIFECYCLE } from "../../../tests/support/wasm_agents.ts";
import { assembleComponent, assembleModule, op, VALUE } from "../../../tests/support/wasm_assembler.ts";
import type { FetchResponse, Header, Imports, Outcome, Result } from "../contract/sentinel_types.ts";
import { compileComponent } from "../wasm/compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "../wasm/component_limits.ts";
import { LOG_LIMITS } from "../host/log.ts";
import type { RequestView } from "./bound_agent.ts";
import { componentFactory, componentFacts } from "./component_factory.ts";
import type { CallResult } from "./live_agent.ts";
import { Payer } from "./payer.ts";
import { WARM_UP_REQUEST } from "./warm_up.ts";

const FIXTURES = new URL("../../../wasm-agents/fixtures/", import.meta.url);
const CONFIG = `config { prefix "/admin"; word "attack" }`;

function compiled(name: string) {
  return compileComponent(readFileSync(new URL(name, FIXTURES)), {
    ...DEFAULT_COMPONENT_LIMITS,
    accounting: "block",
  });
}

function factoryDeps(imports: Imports, options = "") {
  const time = new FakeTime();
  const printed: [message: string, fields: unknown][] = [];
  const deps = {
    imports,
    options: agentOptions(`${CONFIG}\n${options}`),
    payer: new Payer(),
    clock: time,
    random: { u32: () => 7 },
    log: (_level: string, message: string, fields?: unknown) => void printed.push([message, fields]),
  };
  return { time, printed, deps };
}

function rig(name: string, options = "", imports: Imports = {}) {
  const { time, printed, deps } = factoryDeps(imports, options);
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

/**
 * An agent that imports one function of `parameters` numbers. `drain` calls it for ever; a request calls it once. Before
 * each call it writes the last handle it got, as a digit, to memory at 100.
 */
function calling(module: string, name: string, args: readonly number[]) {
  const call = [...args.map((each) => op.i32(each)), op.call(0)];
  const shown = [op.i32(100), op.get(0), op.i32(48), op.add, op.store8(0)];
  const none = [op.i32(0)];
  const core = assembleModule({
    imports: [{ module, name, parameters: "i".repeat(args.length) }],
    memory: [1],
    functions: [
      { export: "describe", results: "i", code: none },
      { export: "configure", parameters: "ii", results: "i", code: none },
      { export: "health", results: "i", code: none },
      { export: "drain", parameters: "i", code: [op.loop(...call, op.br(0))] },
      { export: "shutdown", parameters: "i", code: [] },
      {
        export: "on-request-headers",
        parameters: "i",
        results: "i",
        code: [...shown, ...call, op.i32(1024)],
      },
      { export: "cabi_realloc", parameters: "iiii", results: "i", code: [op.i32(4096)] },
    ],
  });
  const u32s = (count: number) => Array.from({ length: count }, (_, at) => [`p${at}`, VALUE.u32] as const);
  const number = { result: VALUE.u32 };
  const bytes = assembleComponent({
    module: core,
    withMemory: true,
    imports: { [module]: { [name]: { parameters: u32s(args.length) } } },
    exports: {
      [LIFECYCLE]: {
        describe: number,
        configure: { parameters: u32s(2), ...number },
        health: number,
        drain: { parameters: u32s(1) },
        shutdown: { parameters: u32s(1) },
      },
      "sentinel:agent/request-handler@1.0.0": {
        "on-request-headers": { parameters: u32s(1), ...number },
      },
    },
  });
  return compileComponent(bytes, DEFAULT_COMPONENT_LIMITS);
}

const SEND = calling("sentinel:agent/fetch@1.0.0", "send", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64]);
const WRITE = calling("wasi:io/streams@0.2.3", "[method]output-stream.write", [1, 100, 1, 64]);
const LOG_HANDLE = calling("sentinel:agent/log@1.0.0", "write", [1, 100, 1, 0, 0]);

Deno.test("component: a request that is sent costs fuel before the agent waits", async () => {
  let sent = 0;
  const answer: Result<FetchResponse, string> = { type: "error", value: "busy" };
  const send = () => {
    sent++;
    return Promise.resolve(answer);
  };
  const { deps } = factoryDeps({ fetch: { send } });
  const instance = componentFactory(SEND, deps).create(1_000_000);
  instance.refill(1_000_000);
  await rejects(
    async () => await instance.agent.drain!("config-reload"),
    (cause) => instance.trapOf(cause).kind === "fuel",
  );
  ok(sent > 40 && sent < 50, `${sent} requests`);
  instance.refill(10_000);
  await rejects(async () => await instance.agent.drain!("config-reload"));
  ok(sent < 50, "what cannot be paid is not sent");
});

Deno.test("component: one that is stopped while it waits does not go on", async () => {
  const waiting: ((answer: Result<FetchResponse, string>) => void)[] = [];
  const send = () => new Promise<Result<FetchResponse, string>>((resolve) => void waiting.push(resolve));
  const { deps } = factoryDeps({ fetch: { send } });
  const instance = componentFactory(SEND, deps).create(1_000_000);
  const drained = instance.agent.drain!("config-reload");
  equal(waiting.length, 1);
  instance.stop!();
  waiting[0]!({ type: "error", value: "late" });
  await rejects(async () => await drained, (cause) => instance.trapOf(cause).kind === "fuel");
  equal(waiting.length, 1);
});

Deno.test("component: what it prints has a rate, which outlives its instances", async () => {
  const { time, deps, printed } = factoryDeps({});
  const factory = componentFactory(WRITE, deps);
  const exhaust = () => {
    const instance = factory.create(1_000_000);
    throws(() => instance.agent.drain!("config-reload"), (cause) => instance.trapOf(cause).kind === "fuel");
  };
  exhaust();
  equal(printed.length, LOG_LIMITS.linesBurst + 1);
  match(printed.at(-1)![0], /logs too fast/);
  exhaust();
  equal(printed.length, LOG_LIMITS.linesBurst + 1, "a new instance has no new allowance");
  await time.advance(1000);
  exhaust();
  const next = printed[LOG_LIMITS.linesBurst + 1]!;
  equal(next[0], `Agent "${deps.options.id}" printed`);
  ok((next[1] as { lines_left_out: number }).lines_left_out > 500);
  equal(printed.length, LOG_LIMITS.linesBurst + 1 + LOG_LIMITS.linesPerSecond + 1);
});

Deno.test("component: an instance that was set back cannot tell from its handles how many calls it had", () => {
  const handles: string[] = [];
  const { deps } = factoryDeps({ log: { write: (_level, message) => void handles.push(message) } });
  const instance = componentFactory(LOG_HANDLE, deps).create(1_000_000);
  const call = () => void instance.agent.onRequestHeaders!(WARM_UP_REQUEST);
  call();
  instance.snapshot();
  call();
  call();
  equal(instance.reset(), true);
  call();
  deepEqual(handles, ["1", "2", "3", "2"]);
});
