/**
 * `deno run tests/bench/agent_fuel.ts`: what metering costs a guest. The same module as it was sent and confined,
 * with both ways to account, in one process and in turn; times are the shortest of many, ratios are what counts.
 */

import { BinaryReader } from "../../src/agents/wasm/binary_reader.ts";
import { DEFAULT_COMPONENT_LIMITS } from "../../src/agents/wasm/component_limits.ts";
import { CoreModuleReader } from "../../src/agents/wasm/core_module.ts";
import { ModulePass } from "../../src/agents/wasm/module_pass.ts";
import { FILL_EXPORT } from "../../src/agents/wasm/reserved_exports.ts";
import { type AssembledFunction, assembleModule, op } from "../support/wasm_assembler.ts";

const ROUNDS = 40;
const BYTES = 60_000;
const TABLE_AT = 65_536;

interface Workload {
  readonly name: string;
  readonly function: AssembledFunction;
  readonly argument: number;
  /** The most that loop accounting may cost, as a factor. */
  readonly goal: number;
}

/** Locals of a loop over bytes: 0 is the number of bytes, 1 the offset, 2 the state. */
function overBytes(step: readonly (readonly number[])[], start = 0): AssembledFunction {
  const next = [op.get(1), op.i32(1), op.add, op.tee(1), op.get(0), op.ltU, op.brIf(0)];
  return {
    parameters: "i",
    results: "i",
    locals: "ii",
    code: [op.i32(start), op.set(2), op.loop(...step, ...next), op.get(2)],
  };
}

const WORKLOADS: readonly Workload[] = [
  {
    name: "FNV hash",
    function: overBytes(
      [op.get(2), op.get(1), op.load8(0), op.xor, op.i32(0x01000193), op.mul, op.set(2)],
      0x811c9dc5 | 0,
    ),
    argument: BYTES,
    goal: 1.05,
  },
  {
    name: "DFA table walk",
    function: overBytes(
      [op.get(2), op.i32(8), op.shl, op.get(1), op.load8(0), op.add, op.load8(TABLE_AT), op.set(2)],
    ),
    argument: BYTES,
    goal: 1.05,
  },
  {
    name: "byte scan",
    function: overBytes([op.get(2), op.get(1), op.load8(0), op.i32(47), op.eq, op.add, op.set(2)]),
    argument: BYTES,
    goal: 1.25,
  },
  {
    name: "recursion",
    function: {
      parameters: "i",
      results: "i",
      code: [
        ...[op.get(0), op.i32(2), op.ltS, op.if(op.get(0), op.return)],
        ...[op.get(0), op.i32(1), op.sub, op.call(0), op.get(0), op.i32(2), op.sub, op.call(0), op.add],
      ],
    },
    argument: 22,
    goal: 2.7,
  },
];

type Run = (argument: number) => number;

interface Contender {
  readonly name: string;
  readonly run: Run;
  readonly fill: (units: number) => void;
  best: number;
}

function contender(name: string, bytes: Uint8Array<ArrayBuffer>): Contender {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const exports = instance.exports as unknown as
    & { run: Run; memory: WebAssembly.Memory }
    & Record<string, Contender["fill"]>;
  const memory = new Uint8Array(exports.memory.buffer);
  for (let at = 0; at < memory.length; at++) memory[at] = Math.imul(at, 2654435761) >>> 24;
  return { name, run: exports.run, fill: exports[FILL_EXPORT] ?? (() => {}), best: Infinity };
}

function contenders(workload: Workload): Contender[] {
  const bytes = assembleModule({ memory: [4, 4], functions: [{ ...workload.function, export: "run" }] });
  const module = new CoreModuleReader(DEFAULT_COMPONENT_LIMITS).read(new BinaryReader(bytes, workload.name));
  const refuse = (problem: string): never => {
    throw new Error(problem);
  };
  const confined = (["loop", "block"] as const).map((accounting) => {
    const pass = new ModulePass(module, { accounting, memoryPagesMax: 4, tableElementsMax: 0 }, refuse);
    return contender(accounting, pass.run().bytes);
  });
  return [contender("plain", bytes), ...confined];
}

function measure(workload: Workload): Contender[] {
  const all = contenders(workload);
  const results = new Set<number>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const each of all) {
      each.fill(2_000_000_000);
      const before = performance.now();
      results.add(each.run(workload.argument));
      results.add(each.run(workload.argument));
      each.best = Math.min(each.best, (performance.now() - before) / 2);
    }
  }
  if (results.size !== 1) throw new Error(`${workload.name}: the results differ`);
  return all;
}

const rows = WORKLOADS.map((workload) => {
  const [plain, loop, block] = measure(workload);
  const factor = loop!.best / plain!.best;
  return {
    workload: workload.name,
    "plain, µs": Number((plain!.best * 1000).toFixed(0)),
    loop: `${factor.toFixed(2)} ×`,
    block: `${(block!.best / plain!.best).toFixed(2)} ×`,
    goal: `${workload.goal.toFixed(2)} ×`,
    reached: factor <= workload.goal ? "yes" : "no",
  };
});
console.table(rows);
