import { Payer } from "../agents/runtime/payer.ts";
import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { agentFilter, PieceBody, textOf, told } from "../../tests/support/agent_rig.ts";
import { agentOptions, liveAgent } from "../../tests/support/fake_agent.ts";
import { FakeTime } from "../../tests/support/fake_socket.ts";
import { plainResponse, requestContext } from "../../tests/support/filter_fixture.ts";
import { componentFactory } from "../agents/runtime/component_factory.ts";
import { compileComponent } from "../agents/wasm/compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "../agents/wasm/component_limits.ts";
import { Chain } from "../engine/chain.ts";

/** A chain of one filter over a prebuilt component that blocks `/admin` and bodies with `attack`. */
function guarded(name: string, options: string) {
  const text = `config { prefix "/admin"; word "attack" }\n${options}`;
  const time = new FakeTime();
  const file = new URL(`../../wasm-agents/fixtures/${name}`, import.meta.url);
  const factory = componentFactory(compileComponent(readFileSync(file), DEFAULT_COMPONENT_LIMITS), {
    imports: {},
    options: agentOptions(text),
    payer: new Payer(),
    clock: time,
    random: { u32: () => 7 },
    log: () => {},
  });
  const { live, meter } = liveAgent(factory, time, { options: text });
  const filter = agentFilter([live], `agent "waf"`, { clock: time });
  return { chain: new Chain([{ id: "f", type: "agent", filter }], "closed", () => {}), live, meter };
}

for (const name of ["guard_c.wasm", "guard_rust.wasm"]) {
  for (const isolation of ["shared", "reset", "fresh"]) {
    Deno.test(`agent filter: ${name}, ${isolation}, from the request's head to its end`, async () => {
      const { chain, live } = guarded(name, `isolation "${isolation}"`);
      for (let round = 0; round < 20; round++) {
        const refused = requestContext({ target: "/admin/users", path: "/admin/users" });
        equal((await told(await chain.request(refused)))?.[0], 403);
        chain.end(refused);

        const context = requestContext({ method: "POST" });
        context.body = new PieceBody(["nothing ", "bad"]);
        equal(await chain.request(context), undefined);
        equal(context.head.headers.get("x-waf"), "clean");
        equal(await textOf(context.body), "nothing bad");
        const response = plainResponse();
        await chain.response(context, response);
        chain.end(context);
        const [note] = context.agentNotes!;
        deepEqual([note!.agent, note!.verdict], ["waf", "allow"]);
        ok(note!.fuel > 0);

        const attack = requestContext({ method: "POST" });
        attack.body = new PieceBody(["an att", "ack"]);
        equal((await told(await chain.request(attack)))?.[0], 403);
        chain.end(attack);
      }
      const { instances, calls } = live.state();
      deepEqual([instances, calls], [isolation === "fresh" ? 0 : 1, 0]);
    });
  }
}

Deno.test("agent filter: a component without enough fuel, open and closed", async () => {
  const { chain, meter } = guarded("guard_c.wasm", `fuel 1000\nfailure-mode "open"`);
  const headers = Array.from({ length: 200 }, (_, at) => [`x-${at}`, "v".repeat(100)] as const);
  equal(await chain.request(requestContext({ target: "/admin", path: "/admin", headers })), undefined);
  equal(meter.count("failed request-headers fuel"), 1);
  const closed = guarded("guard_c.wasm", `fuel 1000\nfailure-mode "closed"`);
  let code: unknown;
  try {
    await closed.chain.request(requestContext({ headers }));
  } catch (cause) {
    code = (cause as { code?: string }).code;
  }
  equal(code, "agent_failed");
});
