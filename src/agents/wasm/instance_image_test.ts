import { deepEqual, equal, match, throws } from "node:assert/strict";
import { op } from "../../../tests/support/wasm_assembler.ts";
import { callGuest, compileAgent, createInstance } from "../../../tests/support/wasm_agents.ts";
import { AgentTrap } from "../guest.ts";
import type { CoreInstance } from "./core_instance.ts";

const PAGE = 65_536;

/** Functions to grow memory, to write, and to read; the module begins with a page that has 7 at 16. */
function component(memoryBytesMax = 64 * PAGE) {
  return compileAgent({
    memory: [1],
    // A data segment.
    tail: [11, 7, 1, 0, 0x41, 16, 0x0b, 1, 7],
    functions: [
      { export: "grow", parameters: "i", results: "i", code: [op.get(0), op.memoryGrow] },
      {
        export: "put",
        parameters: "ii",
        results: "i",
        code: [op.get(0), op.get(1), op.store8(0), op.i32(0)],
      },
      { export: "at", parameters: "i", results: "i", code: [op.get(0), op.load8(0)] },
    ],
  }, { memoryBytesMax });
}

function at(instance: CoreInstance, place: number): unknown {
  return callGuest(instance, "at", [place]);
}

Deno.test("instance image: another instance goes on where the first one was, also in memory that had grown", () => {
  const compiled = component();
  const first = createInstance(compiled);
  callGuest(first, "grow", [3]);
  callGuest(first, "put", [16, 0]);
  callGuest(first, "put", [4 * PAGE - 1, 9]);
  callGuest(first, "put", [PAGE, 8]);
  const image = structuredClone(first.image());
  equal(image.memories[0]!.content.byteLength, 2 * 4096, "what is zero is not kept");
  const second = createInstance(compiled, { image });
  deepEqual([16, PAGE, PAGE + 1, 4 * PAGE - 1].map((place) => at(second, place)), [0, 8, 0, 9]);
  equal(second.memoryBytes, 4 * PAGE);
  callGuest(second, "put", [PAGE, 1]);
  equal(at(createInstance(compiled, { image }), PAGE), 8, "nobody writes to the image");
});

Deno.test("instance image: further pages are paid for, and the limit of memory holds", () => {
  const compiled = component();
  const first = createInstance(compiled);
  callGuest(first, "grow", [3]);
  const image = first.image();
  const poor = () => createInstance(compiled, { image, fuel: 59_000 });
  throws(poor, (cause: unknown) => cause instanceof AgentTrap && cause.kind === "fuel");
  equal(createInstance(compiled, { image, fuel: 60_000 }).memoryBytes, 4 * PAGE);
  const narrow = component(2 * PAGE);
  throws(
    () => createInstance(narrow, { image }),
    (cause: unknown) => cause instanceof AgentTrap && cause.kind === "memory",
  );
});

Deno.test("instance image: what has changed a table has no image", () => {
  const compiled = compileAgent({
    memory: [1],
    table: [1, 4],
    functions: [{
      export: "run",
      results: "i",
      code: [[0xd0, 0x70], op.i32(1), [0xfc, 15, 0]],
    }],
  });
  const instance = createInstance(compiled);
  instance.image();
  callGuest(instance, "run");
  throws(() => instance.image(), (cause: Error) => {
    match(cause.message, /changes tables/);
    return true;
  });
});
