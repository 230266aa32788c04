import assert from "node:assert/strict";
import {
  type AssembledFunction,
  type AssembledModule,
  assembleModule,
  name,
  op,
  section,
  u32,
  vec,
} from "../../../tests/support/wasm_assembler.ts";
import { BinaryReader } from "./binary_reader.ts";
import { compileComponent } from "./compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "./component_limits.ts";
import { type CoreModule, CoreModuleReader } from "./core_module.ts";
import { withDirectLinks } from "./direct_links.ts";
import type { CoreSource, LinkPlan, LinkStep } from "./link_plan.ts";

function read(bytes: Uint8Array): CoreModule {
  return new CoreModuleReader(DEFAULT_COMPONENT_LIMITS).read(new BinaryReader(bytes, "module"));
}

const callSlot = (slot: number, type: number) => [0x11, ...u32(type), ...u32(slot)];

/** Calls what is in a slot with its two parameters; every function has a type of its own in these modules. */
function trampoline(slot: number, at = slot): AssembledFunction {
  return {
    parameters: "ii",
    export: String(at),
    code: [op.get(0), op.get(1), op.i32(slot), callSlot(0, at)],
  };
}

function trampolines(functions: readonly AssembledFunction[], rest: AssembledModule = {}): CoreModule {
  return read(assembleModule({ functions, table: [2, 2], ...rest }));
}

interface FillerWish {
  /** Parameters of the two functions that it is given. */
  readonly parameters?: number[];
  readonly offset?: number;
  readonly indices?: readonly number[];
  /** A section. */
  readonly exports?: readonly number[];
}

/** Puts two functions that it imports into a table that it imports. */
function filler(
  { parameters = [0x7f, 0x7f], offset = 0, indices = [0, 1], exports = [] }: FillerWish = {},
): CoreModule {
  const type = [0x60, ...u32(parameters.length), ...parameters, 0];
  const imports = [
    [...name(""), ...name("0"), 0, 0],
    [...name(""), ...name("1"), 0, 0],
    [...name(""), ...name("table"), 1, 0x70, 1, 2, 2],
  ];
  return read(
    new Uint8Array([
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      ...section(1, vec([type])),
      ...section(2, vec(imports)),
      ...exports,
      ...section(9, vec([[0, ...op.i32(offset), 0x0b, ...vec(indices.map((each) => u32(each)))]])),
    ]),
  );
}

const of = (step: number, called: string): CoreSource => ({ type: "export", step, name: called });
const host = (key: string): CoreSource => ({ type: "import", key });
const given = (called: string, source: CoreSource) => ({ module: "", name: called, source });

const MAIN = read(assembleModule({
  imports: [{ module: "", name: "0", parameters: "ii" }, { module: "", name: "1", parameters: "ii" }],
  functions: [{ export: "run", code: [] }],
}));

const FILL: LinkStep = {
  module: 2,
  imports: [given("0", host("a#b")), given("1", host("c#d")), given("table", of(0, "table"))],
};

/** What component tools make of a module that imports two functions of the host. */
const PLAN: LinkPlan = {
  steps: [
    { module: 0, imports: [] },
    { module: 1, imports: [given("0", of(0, "0")), given("1", of(0, "1"))] },
    FILL,
  ],
  functions: [{ key: "x#run", call: of(1, "run"), postReturn: undefined }],
  memory: of(1, "memory"),
  realloc: of(1, "realloc"),
};

const BOTH = trampolines([trampoline(0), trampoline(1)]);

Deno.test("direct links: a module of trampolines and the one that fills its table are left out", () => {
  const { steps, functions, memory, realloc } = withDirectLinks(PLAN, [BOTH, MAIN, filler()]);
  assert.deepEqual(steps, [
    { module: 1, imports: [given("0", host("a#b")), given("1", host("c#d"))] },
  ]);
  assert.deepEqual(functions, [{ key: "x#run", call: of(0, "run"), postReturn: undefined }]);
  assert.deepEqual([memory, realloc], [of(0, "memory"), of(0, "realloc")]);
});

Deno.test("direct links: slots decide what stands for what, not the order of names", () => {
  const crossed = trampolines([{ ...trampoline(1, 0), export: "0" }, { ...trampoline(0, 1), export: "1" }]);
  const { steps } = withDirectLinks(PLAN, [crossed, MAIN, filler()]);
  assert.deepEqual(steps[0]!.imports.map((each) => each.source), [host("c#d"), host("a#b")]);
  const swapped = withDirectLinks(PLAN, [BOTH, MAIN, filler({ indices: [1, 0] })]);
  assert.deepEqual(swapped.steps[0]!.imports.map((each) => each.source), [host("c#d"), host("a#b")]);
});

Deno.test("direct links: two pairs in one component", () => {
  const later = (step: LinkStep): LinkStep => ({
    module: step.module,
    imports: step.imports.map((each) => ({
      ...each,
      source: each.source.type === "export" ? { ...each.source, step: each.source.step + 3 } : each.source,
    })),
  });
  const plan = { ...PLAN, steps: [...PLAN.steps, ...PLAN.steps.map(later)] };
  const { steps } = withDirectLinks(plan, [BOTH, MAIN, filler()]);
  assert.deepEqual(steps.map(({ module }) => module), [1, 1]);
});

Deno.test("direct links: what does anything else stays as it is", async (test) => {
  const odd = (code: AssembledFunction["code"]) => trampolines([{ ...trampoline(0), code }, trampoline(1)]);
  const used = (step: LinkStep): LinkPlan => ({ ...PLAN, steps: [...PLAN.steps, step] });
  const cases: { name: string; modules?: readonly CoreModule[]; plan?: LinkPlan }[] = [
    {
      name: "a parameter twice",
      modules: [odd([op.get(0), op.get(0), op.i32(0), callSlot(0, 0)]), MAIN, filler()],
    },
    {
      name: "another number",
      modules: [odd([op.i32(7), op.get(1), op.i32(0), callSlot(0, 0)]), MAIN, filler()],
    },
    {
      name: "something after the call",
      modules: [odd([op.get(0), op.get(1), op.i32(0), callSlot(0, 0), [0x01]]), MAIN, filler()],
    },
    {
      name: "a local",
      modules: [trampolines([{ ...trampoline(0), locals: "i" }, trampoline(1)]), MAIN, filler()],
    },
    {
      name: "a start function",
      modules: [trampolines([trampoline(0), trampoline(1)], { start: 0 }), MAIN, filler()],
    },
    {
      name: "a memory",
      modules: [trampolines([trampoline(0), trampoline(1)], { memory: [1] }), MAIN, filler()],
    },
    {
      name: "its own elements",
      modules: [trampolines([trampoline(0), trampoline(1)], { elements: [0] }), MAIN, filler()],
    },
    { name: "a slot that stays empty", modules: [BOTH, MAIN, filler({ indices: [0] })] },
    { name: "slots further on", modules: [BOTH, MAIN, filler({ offset: 1 })] },
    { name: "functions of another type", modules: [BOTH, MAIN, filler({ parameters: [0x7f, 0x7e] })] },
    {
      name: "an export of the module that fills",
      modules: [BOTH, MAIN, filler({ exports: section(7, vec([[...name("x"), 0, 0]])) })],
    },
    {
      name: "a function of another module",
      plan: {
        ...PLAN,
        steps: [...PLAN.steps.slice(0, 2), {
          ...FILL,
          imports: [given("0", of(1, "run")), ...FILL.imports.slice(1)],
        }],
      },
    },
    { name: "the table is used once more", plan: used({ ...FILL, imports: [given("t", of(0, "table"))] }) },
    {
      name: "a trampoline is what the host calls",
      plan: { ...PLAN, functions: [{ key: "x#run", call: of(0, "0"), postReturn: undefined }] },
    },
  ];
  for (const { name: called, plan = PLAN, modules = [BOTH, MAIN, filler()] } of cases) {
    await test.step(called, () => assert.equal(withDirectLinks(plan, modules), plan));
  }
});

Deno.test("direct links: an agent that tools have made is one instance", () => {
  const path = new URL("../../../wasm-agents/tests/oracle/two_getters.wasm", import.meta.url);
  const { plan } = compileComponent(Deno.readFileSync(path), DEFAULT_COMPONENT_LIMITS);
  assert.equal(plan.steps.length, 1);
  assert.deepEqual(plan.steps[0]!.imports.map((each) => each.source), [
    host("http#[method]request.path"),
    host("http#[method]request.header"),
  ]);
});
