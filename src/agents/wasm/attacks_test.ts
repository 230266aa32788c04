import assert from "node:assert/strict";
import type { AgentTrap, TrapKind } from "../guest.ts";
import { compileComponent } from "./compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "./component_limits.ts";
import { FILL_EXPORT, TAKE_EXPORT } from "./reserved_exports.ts";
import {
  assembleComponent,
  type AssembledFunction,
  assembleModule,
  name,
  op,
  section,
  vec,
} from "../../../tests/support/wasm_assembler.ts";
import { threadMs } from "../../../tests/support/thread_time.ts";
import {
  callGuest,
  compileAgent,
  createInstance,
  LIFECYCLE,
  type TestAgent,
} from "../../../tests/support/wasm_agents.ts";

/** How long a call may hold everything up, at the default 10 000 000 units. */
const HELD_UP_MS_MAX = 20;
/** The machine that runs this has other work; the best of several is what the guest can do. */
const ATTEMPTS = 5;

const ZERO = op.i32(0);
const NULL_FUNCTION = [0xd0, 0x70];

/** Repeats some code for ever. */
function forever(code: readonly (readonly number[])[], rest: Partial<TestAgent> = {}): TestAgent {
  return { functions: [{ export: "run", locals: "i", code: [op.loop(...code, op.br(0))] }], ...rest };
}

const wide: AssembledFunction = { parameters: "i".repeat(256), code: [] };
const manyLocals: AssembledFunction = { locals: "i".repeat(10_000), code: [] };

interface Attack {
  readonly name: string;
  readonly agent: TestAgent;
  readonly want: TrapKind;
}

const ATTACKS: readonly Attack[] = [
  { name: "a loop that does nothing", agent: forever([]), want: "fuel" },
  {
    name: "a loop that divides",
    agent: forever([op.get(0), op.i32(7), [0x6d], op.set(0)]),
    want: "fuel",
  },
  { name: "recursion", agent: { functions: [{ export: "run", code: [op.call(0)] }] }, want: "stack" },
  {
    name: "recursion that branches",
    agent: {
      functions: [
        { parameters: "i", code: [op.get(0), op.if(...twice()), op.return] },
        { export: "run", code: [op.i32(60), op.call(0)] },
      ],
    },
    want: "fuel",
  },
  {
    name: "recursion by tail calls",
    agent: { functions: [{ export: "run", code: [[0x12, 0]] }] },
    want: "fuel",
  },
  {
    name: "recursion through the table",
    agent: { functions: [{ export: "run", code: [ZERO, [0x11, 0, 0]] }], table: [1], elements: [0] },
    want: "stack",
  },
  {
    name: "memory grown for ever",
    agent: forever([op.i32(1), op.memoryGrow, op.drop], { memory: [1] }),
    want: "fuel",
  },
  {
    name: "memory grown by nothing",
    agent: forever([ZERO, op.memoryGrow, op.drop], { memory: [1] }),
    want: "fuel",
  },
  {
    name: "memory grown by what is too much",
    agent: forever([op.i32(-1048576), op.memoryGrow, op.drop], { memory: [1] }),
    want: "fuel",
  },
  {
    name: "memory grown and written to",
    agent: forever([
      ...[op.i32(1), op.memoryGrow, op.i32(16), op.shl, op.tee(0), op.i32(1), op.i32(65_536), op.memoryFill],
    ], { memory: [1] }),
    want: "fuel",
  },
  {
    name: "large fills",
    agent: forever([ZERO, ZERO, op.i32(3_000_000), op.memoryFill], { memory: [64] }),
    want: "fuel",
  },
  {
    name: "large copies",
    agent: forever([ZERO, op.i32(1_000_000), op.i32(1_000_000), op.memoryCopy], { memory: [64] }),
    want: "fuel",
  },
  {
    name: "fills of nothing, whose size the compiler cannot know",
    agent: forever([op.i32(4), ZERO, ZERO, op.load(0), op.memoryFill], { memory: [1] }),
    want: "fuel",
  },
  {
    name: "a fill beyond the memory",
    agent: forever([ZERO, ZERO, op.i32(-1), op.memoryFill], { memory: [1] }),
    want: "fuel",
  },
  {
    name: "large fills of a table",
    agent: forever([ZERO, [0xd2, 0], op.i32(10_000), [0xfc, 17, 0]], { table: [10_000], elements: [0] }),
    want: "fuel",
  },
  {
    name: "copies inside of a table",
    agent: forever([ZERO, op.i32(1), op.i32(9_999), [0xfc, 14, 0, 0]], { table: [10_000] }),
    want: "fuel",
  },
  {
    name: "a table grown for ever",
    agent: forever([NULL_FUNCTION, op.i32(1), [0xfc, 15, 0], op.drop], { table: [1] }),
    want: "fuel",
  },
  {
    name: "a table grown by what would fill the tank",
    agent: forever([NULL_FUNCTION, op.i32(-2), [0xfc, 15, 0], op.drop], { table: [1] }),
    want: "fuel",
  },
  {
    name: "table entries set",
    agent: forever([ZERO, [0xd2, 0], [0x26, 0]], { table: [1], elements: [0] }),
    want: "fuel",
  },
  {
    name: "calls with many arguments",
    agent: {
      functions: [wide, {
        export: "run",
        code: [op.loop(...Array.from({ length: 256 }, () => ZERO), op.call(0), op.br(0))],
      }],
    },
    want: "fuel",
  },
  {
    name: "calls of a function with many locals",
    agent: { functions: [manyLocals, { export: "run", code: [op.loop(op.call(0), op.br(0))] }] },
    want: "fuel",
  },
];

function twice(): (readonly number[])[] {
  const once = [op.get(0), op.i32(1), op.sub, op.call(0)];
  return [...once, ...once];
}

Deno.test("attacks are stopped in time", async (test) => {
  for (const accounting of ["loop", "block"] as const) {
    for (const { name, agent, want } of ATTACKS) {
      await test.step(`${name}, ${accounting} accounting`, () => {
        const compiled = compileAgent(agent, { accounting });
        let best = Infinity;
        for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
          const instance = createInstance(compiled);
          const before = threadMs();
          let trap: AgentTrap | undefined;
          try {
            callGuest(instance, "run");
          } catch (cause) {
            trap = instance.trapOf(cause);
          }
          best = Math.min(best, threadMs() - before);
          assert.equal(trap?.kind, want, trap?.message ?? "no trap");
          assert.ok(instance.memoryBytes <= 64 * 1024 * 1024);
        }
        assert.ok(best <= HELD_UP_MS_MAX, `${best.toFixed(1)} ms at best`);
      });
    }
  }
});

/** Touches every page of the system's in so many pages of memory, which the module has from its start. */
function toucher(pages: number): TestAgent {
  const next = [op.get(0), op.i32(4096), op.add, op.tee(0)];
  const isInside = [...next, op.i32(pages * 65_536), [0x49]];
  const touch = op.loop(op.get(0), op.i32(1), op.store(0), ...isInside, op.brIf(0));
  return { memory: [pages], functions: [{ export: "run", locals: "i", code: [touch] }] };
}

Deno.test("memory that is there from the start is paid for, as touching it takes the system long", () => {
  const fits = 500;
  const compiled = compileAgent(toucher(fits));
  let best = Infinity;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const instance = createInstance(compiled);
    const before = threadMs();
    callGuest(instance, "run");
    best = Math.min(best, threadMs() - before);
  }
  assert.ok(best <= HELD_UP_MS_MAX, `${best.toFixed(1)} ms at best`);
  assert.throws(() => createInstance(compileAgent(toucher(fits + 1))), {
    kind: "fuel",
    message: "it has 501 pages of memory at its start, and its fuel pays for 500 at most",
  });
});

Deno.test("instructions that take longer cost more", async (test) => {
  const vector = [0xfd, 12, ...Array(16).fill(0)];
  const f32 = [0x43, 0, 0, 0, 0];
  const f64 = [0x44, 0, 0, 0, 0, 0, 0, 0, 0];
  // Units of the instruction alone, without its operands and the drop after it.
  const cases: { name: string; operands: number[][]; code: number[]; drops: number; want: number }[] = [
    { name: "f32.add", operands: [f32, f32], code: [0x92], drops: 1, want: 1 },
    { name: "f32.sqrt", operands: [f32], code: [0x91], drops: 1, want: 4 },
    { name: "f32.div", operands: [f32, f32], code: [0x95], drops: 1, want: 4 },
    { name: "f64.sqrt", operands: [f64], code: [0x9f], drops: 1, want: 4 },
    { name: "f64.div", operands: [f64, f64], code: [0xa3], drops: 1, want: 4 },
    { name: "f32x4.sqrt", operands: [vector], code: [0xfd, 0xe3, 0x01], drops: 1, want: 5 },
    { name: "f32x4.div", operands: [vector, vector], code: [0xfd, 0xe7, 0x01], drops: 1, want: 5 },
    { name: "f64x2.sqrt", operands: [vector], code: [0xfd, 0xef, 0x01], drops: 1, want: 5 },
    { name: "f64x2.div", operands: [vector, vector], code: [0xfd, 0xf3, 0x01], drops: 1, want: 5 },
    { name: "data.drop", operands: [], code: [0xfc, 9, 0], drops: 0, want: 4 },
    { name: "elem.drop", operands: [], code: [0xfc, 13, 0], drops: 0, want: 4 },
    // With its end.
    { name: "try_table", operands: [], code: [0x1f, 0x40, 0, 0x0b], drops: 0, want: 501 },
  ];
  const used = (code: (readonly number[])[]): number => {
    const instance = createInstance(compileAgent({
      table: [1],
      elements: [],
      functions: [{ export: "run", code }],
      beforeCode: section(12, [1]),
      tail: section(11, vec([[1, ...vec([[0]])]])),
    }));
    callGuest(instance, "run");
    return instance.fuelUsed;
  };
  const nothing = used([]);
  for (const { name, operands, code, drops, want } of cases) {
    await test.step(name, () => {
      const all = used([...operands, code, ...Array.from({ length: drops }, () => op.drop)]);
      assert.equal(all - nothing - operands.length - drops, want);
    });
  }
});

Deno.test("a module as it was sent cannot name the tank", () => {
  // The tank comes after the last global; a module that uses its index is invalid until it has been rewritten.
  for (const globals of [[], [1], [1, 2]]) {
    const module = assembleModule({
      globals,
      functions: [{ export: "run", code: [op.i32(2_000_000_000), op.globalSet(globals.length)] }],
    });
    assert.equal(WebAssembly.validate(module), false);
    const agent: TestAgent = {
      globals,
      functions: [{ export: "run", code: [op.i32(2_000_000_000), op.globalSet(globals.length)] }],
    };
    assert.throws(() => compileAgent(agent), /not valid WebAssembly/);
  }
});

Deno.test("what the pass exports cannot be linked to from inside the component", () => {
  const module = assembleModule({ functions: [{ export: "run", code: [] }] });
  const exports = { [LIFECYCLE]: { run: {} } };
  const compiled = compileComponent(assembleComponent({ module, exports }), DEFAULT_COMPONENT_LIMITS);
  const names = WebAssembly.Module.exports(compiled.modules[0]!).map((each) => each.name);
  for (const reserved of [FILL_EXPORT, TAKE_EXPORT]) {
    assert.ok(names.includes(reserved));
    const tail = section(6, vec([[0, 0, 1, 0, ...name(reserved)]]));
    assert.throws(
      () => compileComponent(assembleComponent({ module, exports, tail }), DEFAULT_COMPONENT_LIMITS),
      /the core function "sentinel.*" does not exist/,
    );
  }
});
