import assert from "node:assert/strict";
import { AgentLoadError, AgentTrap } from "../guest.ts";
import { BinaryReader } from "./binary_reader.ts";
import { compileComponent } from "./compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "./component_limits.ts";
import type { CoreInstance } from "./core_instance.ts";
import { CoreModuleReader } from "./core_module.ts";
import { describeComponent } from "./describe_component.ts";
import { ModulePass } from "./module_pass.ts";
import { assembleComponent, COMPONENT_PREAMBLE, op } from "../../../tests/support/wasm_assembler.ts";
import { createInstance, LIFECYCLE, testComponent } from "../../../tests/support/wasm_agents.ts";
import { randomModule, SeededNumbers } from "../../../tests/support/random_wasm.ts";

const COMPONENT_ROUNDS = 2000;
const MODULE_ROUNDS = 2000;
/** The longest that one file may take: it has a few kilobytes. */
const FILE_MS_MAX = 1000;

function seedOfRun(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! % 1_000_000_000;
}

/** Changes a file in one to four places: bits, bytes, numbers that lie, pieces lost, doubled or moved. */
function mutated(bytes: Uint8Array, numbers: SeededNumbers): Uint8Array<ArrayBuffer> {
  let found = [...bytes];
  for (let left = 1 + numbers.below(4); left > 0; left--) {
    const at = numbers.below(found.length);
    const length = 1 + numbers.below(24);
    switch (numbers.below(8)) {
      case 0:
        found[at] = found[at]! ^ (1 << numbers.below(8));
        break;
      case 1:
        found[at] = numbers.below(256);
        break;
      case 2:
        found[at] = numbers.pick([0, 1, 0x7f, 0x80, 0xff]);
        break;
      case 3:
        found.splice(at, 0, 0xff, 0xff, 0xff, 0xff, numbers.pick([0x0f, 0x7f]));
        break;
      case 4:
        found.splice(at, length);
        break;
      case 5:
        found.splice(at, 0, ...found.slice(at, at + length));
        break;
      case 6:
        found.splice(numbers.below(found.length), 0, ...found.slice(at, at + length));
        break;
      default:
        found = found.slice(0, numbers.below(8) === 0 ? at + 1 : found.length);
    }
    if (found.length === 0) found = [0];
  }
  return new Uint8Array(found);
}

/** Calls every function with whatever fits; each ends, by itself or by a trap. */
function callAll(instance: CoreInstance): void {
  for (const { call } of instance.functions.values()) {
    try {
      call(16, 16, 16, 16, 16, 16);
    } catch (cause) {
      assert.ok(instance.trapOf(cause) instanceof AgentTrap);
    }
  }
}

Deno.test("a component that was tampered with is refused or works, and soon", () => {
  const read = (file: string) => Deno.readFileSync(new URL(`fixtures/${file}`, import.meta.url));
  const originals = [
    read("small.wasm"),
    read("zentinel.wasm"),
    testComponent({
      memory: [1],
      table: [1],
      elements: [0],
      globals: [1],
      functions: [{ export: "run", code: [op.loop(op.i32(1), op.memoryGrow, op.brIf(0))] }],
    }),
  ];
  const seed = seedOfRun();
  const numbers = new SeededNumbers(seed);
  const outcomes = { loaded: 0, refused: 0, trapped: 0 };
  for (let round = 0; round < COMPONENT_ROUNDS; round++) {
    const bytes = mutated(numbers.pick(originals), numbers);
    const where = `round ${round}, seed ${seed}`;
    const before = performance.now();
    try {
      callAll(createInstance(compileComponent(bytes, DEFAULT_COMPONENT_LIMITS), { fuel: 100_000 }));
      outcomes.loaded++;
    } catch (error) {
      if (error instanceof AgentTrap) outcomes.trapped++;
      else if (error instanceof AgentLoadError) outcomes.refused++;
      else assert.fail(`${String(error)}, ${where}`);
    }
    try {
      describeComponent(bytes, DEFAULT_COMPONENT_LIMITS);
    } catch (error) {
      assert.ok(error instanceof AgentLoadError, `${String(error)}, ${where}`);
    }
    assert.ok(performance.now() - before < FILE_MS_MAX, `slow, ${where}`);
  }
  // Both ways must have been taken, or the test says little.
  assert.ok(
    outcomes.loaded > 10 && outcomes.refused > COMPONENT_ROUNDS / 10,
    JSON.stringify({ outcomes, seed }),
  );
});

Deno.test("garbage behind a component's first bytes is refused", () => {
  const seed = seedOfRun();
  const numbers = new SeededNumbers(seed);
  for (let round = 0; round < 2000; round++) {
    const bytes = [...COMPONENT_PREAMBLE];
    for (let sections = 1 + numbers.below(4); sections > 0; sections--) {
      const length = numbers.below(40);
      bytes.push(
        numbers.below(14),
        length,
        ...Array.from({ length }, () => numbers.below(numbers.pick([4, 128, 256]))),
      );
    }
    assert.throws(
      () => compileComponent(new Uint8Array(bytes), DEFAULT_COMPONENT_LIMITS),
      AgentLoadError,
      `round ${round}, seed ${seed}`,
    );
  }
});

Deno.test("a module that is valid stays valid when it is confined, whatever it is", () => {
  const seed = seedOfRun();
  const numbers = new SeededNumbers(seed);
  let valid = 0;
  for (let round = 0; round < MODULE_ROUNDS; round++) {
    // Most changes break a module; an original or two in between keeps the others in company.
    const original = randomModule(seed + (round >> 6));
    const bytes = mutated(original, numbers);
    const where = `round ${round}, seed ${seed}`;
    const refuse = (problem: string): never => {
      throw new AgentLoadError(problem);
    };
    try {
      const module = new CoreModuleReader(DEFAULT_COMPONENT_LIMITS).read(new BinaryReader(bytes, "module"));
      if (!WebAssembly.validate(bytes)) continue;
      for (const accounting of ["loop", "block"] as const) {
        const pass = new ModulePass(
          module,
          { accounting, memoryPagesMax: 16, tableElementsMax: 100 },
          refuse,
        );
        const confined = pass.run().bytes;
        assert.ok(WebAssembly.validate(confined), `it became invalid, ${where}`);
      }
      valid++;
    } catch (error) {
      assert.ok(error instanceof AgentLoadError, `${String(error)}, ${where}`);
    }
  }
  assert.ok(valid > MODULE_ROUNDS / 50, `only ${valid} modules were valid, seed ${seed}`);
});

Deno.test("a file that promises more than it has makes nobody reserve room for it", () => {
  const many = [0xff, 0xff, 0xff, 0xff, 0x0f];
  const module = new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 1, 6, ...many, 0x60]);
  for (const id of [2, 4, 5, 6, 7, 8, 10, 11]) {
    const bytes = new Uint8Array([...COMPONENT_PREAMBLE, id, 5, ...many]);
    assert.throws(() => compileComponent(bytes, DEFAULT_COMPONENT_LIMITS), AgentLoadError);
  }
  const component = assembleComponent({ module, exports: { [LIFECYCLE]: { run: {} } } });
  assert.throws(() => compileComponent(component, DEFAULT_COMPONENT_LIMITS), /types/);
});
