import assert from "node:assert/strict";
import { AgentLoadError } from "../guest.ts";
import { compileComponent } from "./compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "./component_limits.ts";
import {
  assembleComponent,
  type AssembledModule,
  assembleModule,
  COMPONENT_PREAMBLE,
  name,
  op,
  section,
  u32,
  VALUE,
  vec,
} from "../../../tests/support/wasm_assembler.ts";
import { compileAgent, LIFECYCLE } from "../../../tests/support/wasm_agents.ts";

const LIMITS = DEFAULT_COMPONENT_LIMITS;
const NOTHING: AssembledModule = { functions: [{ export: "run", code: [] }] };

function refuses(make: () => unknown, message: RegExp): void {
  assert.throws(make, (error: unknown) => {
    assert.ok(error instanceof AgentLoadError, `not an AgentLoadError: ${String(error)}`);
    assert.match(error.message, message);
    return true;
  });
}

/** A core module from its sections alone, with a function of no parameters that has this code. */
function sections(parts: readonly (readonly number[])[], code: readonly number[] = []): Uint8Array {
  const body = [0, ...code, 0x0b];
  return new Uint8Array([
    ...assembleModule({}).subarray(0, 8),
    ...parts.flat(),
    ...section(10, vec([[...u32(body.length), ...body]])),
  ]);
}

function agentOf(module: Uint8Array, tail: readonly number[] = []): Uint8Array {
  return assembleComponent({ module, exports: { [LIFECYCLE]: { run: {} } }, tail });
}

const RUN = section(7, vec([[...name("run"), 0, 0]]));
const ONE_FUNCTION = section(3, vec([[0]]));
const repeat = (count: number, code: readonly number[]): number[] => Array(count).fill(code).flat();

Deno.test("what instances are made of is counted for each instance", async (test) => {
  const again = (module: Uint8Array, times: number) =>
    agentOf(module, section(2, vec(Array.from({ length: times - 1 }, () => [0, 0, 0]))));
  const exporting = (exports: number) => {
    const names = Array.from({ length: exports }, (_, at) => [...name(`e${at}`), 0, 0]);
    return sections([
      section(1, vec([[0x60, 0, 0]])),
      ONE_FUNCTION,
      section(7, vec([[...name("run"), 0, 0], ...names])),
    ]);
  };
  const globals = (count: number, mutable: number) =>
    sections([
      section(1, vec([[0x60, 0, 0]])),
      ONE_FUNCTION,
      section(6, vec(Array.from({ length: count }, () => [0x7f, mutable, ...op.i32(0), 0x0b]))),
      RUN,
    ]);
  const tags = (count: number) =>
    sections([
      section(1, vec([[0x60, 0, 0]])),
      ONE_FUNCTION,
      section(13, vec(Array.from({ length: count }, () => [0, 0]))),
      RUN,
    ]);
  const segments = (count: number) =>
    assembleModule({ ...NOTHING, tail: section(11, vec(Array.from({ length: count }, () => [1, 0]))) });
  const table = (elements: number) => assembleModule({ ...NOTHING, table: [elements] });
  const cases: { name: string; allowed: Uint8Array; refused: Uint8Array; want: RegExp }[] = [
    {
      name: "exports",
      allowed: again(exporting(6000), 8),
      refused: again(exporting(6000), 9),
      want: /more than 50000 definitions/,
    },
    {
      name: "globals",
      allowed: again(globals(6000, 0), 8),
      refused: again(globals(6000, 0), 9),
      want: /more than 50000 definitions/,
    },
    {
      name: "tags",
      allowed: again(tags(6000), 8),
      refused: again(tags(6000), 9),
      want: /more than 50000 definitions/,
    },
    {
      name: "segments of data",
      allowed: again(segments(6000), 8),
      refused: again(segments(6000), 9),
      want: /more than 50000 definitions/,
    },
    {
      name: "mutable globals",
      allowed: again(globals(1024, 1), 4),
      refused: again(globals(1024, 1), 5),
      want: /more than 4096 mutable globals/,
    },
    {
      name: "table elements",
      allowed: again(table(10_000), 10),
      refused: again(table(10_000), 11),
      want: /more than 100000 table elements/,
    },
  ];
  for (const { name, allowed, refused, want } of cases) {
    await test.step(name, () => {
      compileComponent(allowed, LIMITS);
      refuses(() => compileComponent(refused, LIMITS), want);
    });
  }
});

Deno.test("branches times locals and operands, which is what compiling takes, are limited", async (test) => {
  const locals = "i".repeat(10_000);
  const drops = (count: number) => repeat(count, op.drop);
  const cases: { name: string; at: number; code: (count: number) => number[]; locals?: string }[] = [
    // Code, and how often it can stand there: 50 000 000 less the block's own.
    {
      name: "br_if",
      at: 4992,
      code: (count) => op.block(repeat(count, [...op.get(0), ...op.brIf(0)])),
      locals,
    },
    {
      name: "br_table",
      at: 4990,
      code: (count) => op.block(op.i32(0), [0x0e, ...vec(Array(count).fill([0])), 0]),
      locals,
    },
    { name: "if", at: 312, code: (count) => repeat(count, [...op.i32(0), ...op.if()]), locals },
    { name: "loop", at: 208, code: (count) => repeat(count, op.loop()), locals },
    { name: "call", at: 5000, code: (count) => repeat(count, op.call(0)), locals },
    {
      name: "operands below a block",
      at: 4991,
      code: (count) => [
        ...repeat(10_000, op.i32(0)),
        ...op.block(repeat(count, [...op.i32(0), ...op.brIf(0)])),
        ...drops(10_000),
      ],
    },
  ];
  for (const { name, at, code, locals = "" } of cases) {
    await test.step(name, () => {
      const agent = (count: number) => ({ functions: [{ export: "run", locals, code: [code(count)] }] });
      compileAgent(agent(at - 1));
      refuses(() => compileAgent(agent(at + 10)), /too many branches for its locals and operands/);
    });
  }
  await test.step("operands that are taken are not counted", () => {
    const code = repeat(60_000, [...op.i32(0), ...op.i32(1), ...op.add, ...op.drop, ...op.block(op.br(0))]);
    compileAgent({ functions: [{ export: "run", code: [code] }] });
  });
  await test.step("many functions below the limit", () => {
    const one = { locals, code: [op.block(repeat(4900, [...op.get(0), ...op.brIf(0)]))] };
    const agent = (count: number) => ({
      functions: [...Array(count).fill(one), { export: "run", code: [] }],
    });
    compileAgent(agent(5));
    refuses(() => compileAgent(agent(6)), /too many branches for their locals and operands/);
  });
});

Deno.test("handlers of exceptions are not nested too deep", () => {
  const nested = (depth: number) => repeat(depth, [0x1f, 0x40, 0]).concat(repeat(depth, [0x0b]));
  const agent = (code: number[]) =>
    agentOf(sections([section(1, vec([[0x60, 0, 0]])), ONE_FUNCTION, RUN], code));
  compileComponent(agent([...nested(16), ...nested(16)]), LIMITS);
  refuses(() => compileComponent(agent(nested(17)), LIMITS), /handlers are nested too deep/);
});

Deno.test("references to exceptions stay in locals and blocks", async (test) => {
  const types = section(1, vec([[0x60, 0, 0], [0x60, 1, 0x69, 0], [0x60, 0, 2, 0x7f, 0x69]]));
  const nothing = [0xd0, 0x69, 0x1a];
  const tag = section(13, vec([[0, 0]]));
  // A block that gives a number and an exception, and one that gives an exception alone.
  const blocks = [0x02, 2, 0x41, 0, 0xd0, 0x69, 0x0b, 0x1a, 0x1a, 0x02, 0x69, 0xd0, 0x69, 0x0b, 0x1a];
  compileComponent(agentOf(sections([types, ONE_FUNCTION, tag, RUN], [...nothing, ...blocks])), LIMITS);
  const cases: { name: string; parts: number[][] }[] = [
    { name: "a tag", parts: [ONE_FUNCTION, section(13, vec([[0, 1]])), RUN] },
    { name: "an imported tag", parts: [section(2, vec([[0, 0, 4, 0, 1]])), ONE_FUNCTION, RUN] },
    { name: "a table", parts: [ONE_FUNCTION, section(4, vec([[0x69, 0, 1]])), RUN] },
    { name: "an imported table", parts: [section(2, vec([[0, 0, 1, 0x69, 0, 1]])), ONE_FUNCTION, RUN] },
    { name: "a global", parts: [ONE_FUNCTION, section(6, vec([[0x69, 1, 0xd0, 0x69, 0x0b]])), RUN] },
    { name: "an imported global", parts: [section(2, vec([[0, 0, 3, 0x69, 1]])), ONE_FUNCTION, RUN] },
    { name: "a function", parts: [section(3, vec([[1]])), RUN] },
    { name: "an imported function", parts: [section(2, vec([[0, 0, 0, 1]])), ONE_FUNCTION] },
  ];
  for (const { name, parts } of cases) {
    await test.step(name, () => {
      const bytes = agentOf(sections([types, ...parts]));
      refuses(() => compileComponent(bytes, LIMITS), /references to exceptions are only supported in locals/);
    });
  }
});

Deno.test("an interface that is imported twice is of one type", async (test) => {
  const instance = (result: number) => [0x42, 2, 1, 0x40, 0, 0, result, 4, 0, ...name("f"), 1, 0];
  const imported = (of: string, type: number) => [0, ...name(of), 5, type];
  const component = (imports: number[][]) => {
    const inline = [[0, ...name("run"), 1, 0]];
    return new Uint8Array([
      ...COMPONENT_PREAMBLE,
      ...section(7, vec([instance(VALUE.u32), instance(VALUE.f64), [0x40, 0, 1, 0]])),
      ...section(10, vec(imports)),
      ...section(1, [...assembleModule(NOTHING)]),
      ...section(2, vec([[0, 0, 0]])),
      ...section(6, vec([[0, 0, 1, 0, ...name("run")]])),
      ...section(8, vec([[0, 0, 0, 0, 2]])),
      ...section(5, vec([[1, ...vec(inline)]])),
      ...section(11, vec([[0, ...name(LIFECYCLE), 5, ...u32(imports.length), 0]])),
    ]);
  };
  const one = "wasi:random/random@0.2.3";
  const other = "wasi:random/random@0.2.4";
  await test.step("two versions of one type", () => {
    const compiled = compileComponent(component([imported(one, 0), imported(other, 0)]), LIMITS);
    assert.deepEqual(compiled.imports, { "wasi:random/random#f": "()->u32" });
  });
  await test.step("two versions of two types", () =>
    refuses(
      () => compileComponent(component([imported(one, 0), imported(other, 1)]), LIMITS),
      /"wasi:random\/random#f" is imported with two types/,
    ));
  await test.step("one version twice", () =>
    refuses(
      () => compileComponent(component([imported(one, 0), imported(one, 0)]), LIMITS),
      /"wasi:random\/random@0.2.3" is imported twice/,
    ));
});
