/** An agent that waits for `fetch` in the middle of a call: JavaScript promise integration through our glue. */

import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { componentEmbed, componentNew } from "@bytecodealliance/jco-transpile/wasm-tools";
import { bindSentinel, bindSentinelAsync } from "../../../src/agents/contract/sentinel_exports.ts";
import { lowerSentinelImports } from "../../../src/agents/contract/sentinel_imports.ts";
import { SentinelInstance } from "../../../src/agents/contract/sentinel_instance.ts";
import type { Fetch, FetchRequest, Request } from "../../../src/agents/contract/sentinel_types.ts";
import { AgentTrap } from "../../../src/agents/guest.ts";
import { compileComponent } from "../../../src/agents/wasm/compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "../../../src/agents/wasm/component_limits.ts";
import { CoreInstance } from "../../../src/agents/wasm/core_instance.ts";
import { BUDGET } from "./both_sides.ts";
import { MEMORY, postReturns } from "./guest_parts.ts";

const WORLD = `
world waiting {
  import http;
  import fetch;
  export request-handler;
}
`;

const HANDLER = "sentinel:agent/request-handler@1.0.0#on-request-headers";

/**
 * Posts the request's target to a fixed place, then asks for the path, which needs the handle after the suspension.
 * Answers with the text of the response or error as the metadata's one value, and the path as its name.
 */
const GUEST = `(module
  (import "sentinel:agent/http@1.0.0" "[method]request.target" (func $target (param i32 i32)))
  (import "sentinel:agent/http@1.0.0" "[method]request.path" (func $path (param i32 i32)))
  (import "sentinel:agent/fetch@1.0.0" "send"
    (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  ${MEMORY}
  (data (i32.const 0x100) "POSThttp://a/")
  (func (export "${HANDLER}") (param $h i32) (result i32)
    (call $target (local.get $h) (i32.const 0x40))
    (call $send (i32.const 0x100) (i32.const 4) (i32.const 0x104) (i32.const 9) (i32.const 4) (i32.const 0)
      (i32.const 1) (i32.load (i32.const 0x40)) (i32.load (i32.const 0x44)) (i32.const 250) (i32.const 0x60))
    (call $path (local.get $h) (i32.const 0x200))
    ;; Of a response the body, of an error its text.
    (if (i32.load8_u (i32.const 0x60))
      (then (i64.store (i32.const 0x208) (i64.load (i32.const 0x64))))
      (else (i64.store (i32.const 0x208) (i64.load (i32.const 0x70)))))
    (i32.store (i32.const 0x844) (i32.const 0x200))
    (i32.store (i32.const 0x848) (i32.const 1))
    (i32.const 0x800))
  ${postReturns([HANDLER])}
)`;

async function build() {
  const wit = await Deno.readTextFile(
    new URL("../../wit/sentinel-agent.wit", import.meta.url),
  );
  const binary = await componentEmbed({
    binary: await parse(GUEST),
    witSource: wit + WORLD,
    world: "waiting",
  });
  return compileComponent(
    await componentNew(binary, []),
    DEFAULT_COMPONENT_LIMITS,
  );
}

const COMPILED = await build();
const REQUEST = {
  target: () => "/a?caf\u00e9",
  path: () => "/a",
} as unknown as Request;

interface Waiting {
  readonly request: FetchRequest;
  readonly settle: PromiseWithResolvers<Awaited<ReturnType<Fetch["send"]>>>;
}

function started(promising: boolean) {
  const waiting: Waiting[] = [];
  const asked = Promise.withResolvers<void>();
  const fetch: Fetch = {
    send: (request) => {
      const settle = Promise.withResolvers<
        Awaited<ReturnType<Fetch["send"]>>
      >();
      waiting.push({ request, settle });
      asked.resolve();
      return settle.promise;
    },
  };
  const instance = new SentinelInstance(BUDGET);
  const imports = lowerSentinelImports({ fetch }, instance);
  const core = CoreInstance.create(COMPILED, {
    imports,
    fuel: 1_000_000,
    promising,
  });
  return { core, instance, waiting, asked: asked.promise };
}

Deno.test("suspending: a call goes on when the answer is there", async () => {
  const { core, instance, waiting, asked } = started(true);
  const { requestHandler } = bindSentinelAsync(core, instance);
  const outcome = requestHandler!.onRequestHeaders(REQUEST);
  await asked;
  deepEqual(waiting[0]!.request, {
    method: "POST",
    url: "http://a/",
    headers: [],
    body: new TextEncoder().encode("/a?caf\u00e9"),
    timeoutMs: 250,
  });
  const body = new TextEncoder().encode("answer \u00e9");
  const headers = [{ name: "a", value: "b" }];
  waiting[0]!.settle.resolve({
    type: "ok",
    value: { status: 200, headers, body },
  });
  deepEqual((await outcome).metadata, [{ name: "/a", value: "answer \u00e9" }]);
});

Deno.test("suspending: an error that the contract knows is a value", async () => {
  const { core, instance, waiting, asked } = started(true);
  const { requestHandler } = bindSentinelAsync(core, instance);
  const outcome = requestHandler!.onRequestHeaders(REQUEST);
  await asked;
  waiting[0]!.settle.resolve({ type: "error", value: "no such host" });
  deepEqual((await outcome).metadata, [{ name: "/a", value: "no such host" }]);
});

Deno.test("suspending: a rejected promise is the host's fault", async () => {
  const { core, instance, waiting, asked } = started(true);
  const { requestHandler } = bindSentinelAsync(core, instance);
  const outcome = requestHandler!.onRequestHeaders(REQUEST);
  await asked;
  waiting[0]!.settle.reject(new TypeError("boom"));
  await rejects(
    outcome,
    (error: unknown) => error instanceof AgentTrap && error.kind === "host",
  );
});

Deno.test("suspending: nobody enters an instance that waits, and it works on afterwards", async () => {
  const { core, instance, waiting, asked } = started(true);
  const { requestHandler } = bindSentinelAsync(core, instance);
  const first = requestHandler!.onRequestHeaders(REQUEST);
  await asked;
  await rejects(
    requestHandler!.onRequestHeaders(REQUEST),
    (error: unknown) => error instanceof AgentTrap && /entered twice/.test(error.message),
  );
  waiting[0]!.settle.resolve({ type: "error", value: "late" });
  deepEqual((await first).metadata, [{ name: "/a", value: "late" }]);
  equal(waiting.length, 1);
});

Deno.test("suspending: a call that cannot wait is refused", () => {
  const { core, instance } = started(false);
  const { requestHandler } = bindSentinel(core, instance);
  throws(
    () => requestHandler!.onRequestHeaders(REQUEST),
    (error: unknown) => error instanceof AgentTrap && error.kind === "host",
  );
});
