/**
 * The smallest agent of our world that reads something: the path and one header. `two_getters.wasm` is made of it and
 * committed for `tests/bench/agent_calls.ts`, which has no compiler at hand; run this file after a change:
 * `deno run -A --config wasm-agents/deno.json wasm-agents/tests/oracle/two_getters.ts`.
 */

import { componentEmbed, componentNew, parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { EMPTY_AT, MEMORY, postReturns } from "./guest_parts.ts";

const LIFECYCLE = "sentinel:agent/lifecycle@1.0.0#";
const HANDLER = "sentinel:agent/request-handler@1.0.0#on-request-headers";

const WORLD = `
world two-getters {
  import http;
  export lifecycle;
  export request-handler;
}
`;

/** Only the allocator's pointer is reset; what the getters brought is not looked at. */
const GUEST = `(module
  (import "sentinel:agent/http@1.0.0" "[method]request.path" (func $path (param i32 i32)))
  (import "sentinel:agent/http@1.0.0" "[method]request.header" (func $header (param i32 i32 i32 i32)))
  ${MEMORY}
  (data (i32.const 0x100) "user-agent")
  (func (export "${HANDLER}") (param $h i32) (result i32)
    (call $path (local.get $h) (i32.const 0x40))
    (call $header (local.get $h) (i32.const 0x100) (i32.const 10) (i32.const 0x60))
    (i32.const ${EMPTY_AT}))
  (func (export "${LIFECYCLE}describe") (result i32) (i32.const ${EMPTY_AT}))
  (func (export "${LIFECYCLE}configure") (param i32 i32) (result i32) (i32.const ${EMPTY_AT}))
  (func (export "${LIFECYCLE}health") (result i32) (i32.const ${EMPTY_AT}))
  (func (export "${LIFECYCLE}drain") (param i32))
  (func (export "${LIFECYCLE}shutdown") (param i32))
  ${
  postReturns([
    HANDLER,
    `${LIFECYCLE}describe`,
    `${LIFECYCLE}configure`,
    `${LIFECYCLE}health`,
  ])
}
)`;

/** Where the component is kept. */
export const TWO_GETTERS = new URL("./two_getters.wasm", import.meta.url);

/** Builds the component. */
export async function buildTwoGetters(): Promise<Uint8Array> {
  const wit = await Deno.readTextFile(
    new URL("../../wit/sentinel-agent.wit", import.meta.url),
  );
  const embedded = await componentEmbed({
    binary: await parse(GUEST),
    witSource: wit + WORLD,
    world: "two-getters",
  });
  return await componentNew(embedded, []);
}

if (import.meta.main) {
  await Deno.writeFile(TWO_GETTERS, await buildTwoGetters());
}
