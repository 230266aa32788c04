import assert from "node:assert/strict";
import { BinaryReader } from "./binary_reader.ts";
import { DEFAULT_COMPONENT_LIMITS, type FuelAccounting } from "./component_limits.ts";
import { CoreModuleReader } from "./core_module.ts";
import { type ConfinedModule, ModulePass } from "./module_pass.ts";
import { FILL_EXPORT, globalExport, TAKE_EXPORT } from "./reserved_exports.ts";
import { assembleModule, op } from "../../../tests/support/wasm_assembler.ts";
import { randomArguments, randomModule, SeededNumbers } from "../../../tests/support/random_wasm.ts";

const MODULES = 300;
const CALLS = 6;

function confine(bytes: Uint8Array, accounting: FuelAccounting): ConfinedModule {
  const module = new CoreModuleReader(DEFAULT_COMPONENT_LIMITS).read(new BinaryReader(bytes, "module"));
  const refuse = (problem: string): never => {
    throw new Error(problem);
  };
  return new ModulePass(module, { accounting, memoryPagesMax: 4, tableElementsMax: 100 }, refuse).run();
}

interface Running {
  readonly exports: Record<string, CallableFunction> & { memory: WebAssembly.Memory };
}

function instantiate(bytes: Uint8Array<ArrayBuffer>): Running {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)) as unknown as Running;
}

/** What a call came to, as text: a result, or the trap's message. */
function outcome({ exports }: Running, name: string, args: readonly (number | bigint)[]): string {
  try {
    return String(exports[name]!(...args));
  } catch (trap) {
    return String(trap);
  }
}

function checksum({ exports: { memory } }: Running): number {
  let sum = 0x811c9dc5;
  for (const word of new Uint32Array(memory.buffer)) sum = Math.imul(sum ^ word, 0x01000193);
  return sum;
}

Deno.test("a confined module does what the original does, and block accounting charges less", () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]! % 1_000_000;
  let charged = 0;
  let trapped = 0;
  for (let at = 0; at < MODULES; at++) {
    const where = `seed ${seed + at}`;
    const bytes = randomModule(seed + at);
    assert.ok(WebAssembly.validate(bytes), `the generator made an invalid module, ${where}`);
    const plain = instantiate(bytes);
    const confined = (["loop", "block"] as const).map((each) => confine(bytes, each));
    const metered = confined.map((each) => instantiate(each.bytes));
    const numbers = new SeededNumbers(seed + at);
    for (let call = 0; call < CALLS; call++) {
      const name = `f${call}`;
      const args = randomArguments(numbers, call);
      const want = outcome(plain, name, args);
      if (want.includes("Error")) trapped++;
      const used = metered.map((each) => {
        each.exports[FILL_EXPORT]!(2_000_000_000);
        assert.equal(outcome(each, name, args), want, `${name}(${args}), ${where}`);
        assert.equal(checksum(each), checksum(plain), `memory after ${name}, ${where}`);
        return 2_000_000_000 - Number(each.exports[TAKE_EXPORT]!(0));
      });
      assert.ok(used[1]! > 0 && used[1]! <= used[0]!, `charges ${used} for ${name}, ${where}`);
      charged += used[0]!;
    }
    const globals = metered.map(({ exports }) =>
      [0, 1, 2].map((index) => (exports[globalExport(index)] as unknown as WebAssembly.Global).value)
    );
    assert.deepEqual(globals[0], globals[1], where);
  }
  // The comparison is worth nothing when nothing runs, or everything traps.
  assert.ok(charged > MODULES * CALLS * 50, `only ${charged} units of work, seed ${seed}`);
  assert.ok(trapped < MODULES * CALLS / 2, `${trapped} of ${MODULES * CALLS} calls trap, seed ${seed}`);
});

Deno.test("a run is stopped wherever its fuel ends, and never charged beyond it by more than one charge", () => {
  const bytes = assembleModule({
    functions: [{
      export: "run",
      parameters: "i",
      results: "i",
      locals: "i",
      code: [
        op.loop(op.get(1), op.get(0), op.add, op.set(1), op.get(0), op.i32(1), op.sub, op.tee(0), op.brIf(0)),
        op.get(1),
      ],
    }],
  });
  for (const accounting of ["loop", "block"] as const) {
    const running = instantiate(confine(bytes, accounting).bytes);
    const call = (fuel: number) => {
      running.exports[FILL_EXPORT]!(fuel);
      return outcome(running, "run", [50]);
    };
    assert.equal(call(100_000), "1275");
    const needed = 100_000 - Number(running.exports[TAKE_EXPORT]!(0));
    for (let fuel = 0; fuel < needed; fuel++) {
      const result = call(fuel);
      const left = Number(running.exports[TAKE_EXPORT]!(0));
      // The last charges of block accounting are not checked until the next function or loop.
      if (fuel < needed - 5) assert.match(result, /unreachable/, `${accounting}, fuel ${fuel} of ${needed}`);
      assert.ok(left > -30, `${accounting}: ${left}`);
    }
    assert.equal(call(needed), "1275");
  }
});

Deno.test("the custom sections that hold offsets go, the names stay", () => {
  const custom = (name: string) => {
    const text = [...new TextEncoder().encode(name)];
    return [0, text.length + 2, text.length, ...text, 0];
  };
  const bytes = assembleModule({
    functions: [{ export: "run", code: [] }],
    beforeCode: custom("metadata.code.branch_hint"),
    tail: [...custom("name"), ...custom("producers"), ...custom("metadata.code.trace_inst")],
  });
  const compiled = new WebAssembly.Module(confine(bytes, "loop").bytes);
  const count = (name: string) => WebAssembly.Module.customSections(compiled, name).length;
  assert.deepEqual(
    ["name", "producers", "metadata.code.branch_hint", "metadata.code.trace_inst"].map(count),
    [
      1,
      0,
      0,
      0,
    ],
  );
});
