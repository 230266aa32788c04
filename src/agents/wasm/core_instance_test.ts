import assert from "node:assert/strict";
import { AgentTrap, type CoreFunction, type TrapKind } from "../guest.ts";
import { compileComponent } from "./compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "./component_limits.ts";
import { type CoreInstance, SNAPSHOT_BYTES_MAX } from "./core_instance.ts";
import {
  assembleComponent,
  assembleModule,
  name,
  op,
  section,
  VALUE,
  vec,
} from "../../../tests/support/wasm_assembler.ts";
import {
  callGuest,
  compileAgent,
  createInstance,
  LIFECYCLE,
  type TestAgent,
} from "../../../tests/support/wasm_agents.ts";

function small() {
  const bytes = Deno.readFileSync(new URL("fixtures/small.wasm", import.meta.url));
  return compileComponent(bytes, DEFAULT_COMPONENT_LIMITS);
}

/** Calls, and gives the trap that must come of it. */
function trapped(instance: CoreInstance, call: () => unknown): AgentTrap {
  try {
    call();
  } catch (cause) {
    return instance.trapOf(cause);
  }
  throw new Error("the call did not trap");
}

function text(instance: CoreInstance, at: number, length: number): string {
  return new TextDecoder().decode(new Uint8Array(instance.memory.buffer, at, length));
}

Deno.test("main, shim and fixup joined: host functions see the guest's memory, and the guest what they write", () => {
  const seen: unknown[] = [];
  const imports = new Map<string, CoreFunction>([
    ["log#write", (level, at, length) => void seen.push(level, text(instance, Number(at), Number(length)))],
    ["clock#wall-ms", () => 1.5],
    ["http#[method]request.path", (handle, result) => {
      seen.push(handle);
      const at = instance.realloc(0, 0, 1, 4);
      new TextEncoder().encodeInto("/abc", new Uint8Array(instance.memory.buffer, at, 4));
      new DataView(instance.memory.buffer).setUint32(Number(result), at, true);
      new DataView(instance.memory.buffer).setUint32(Number(result) + 4, 4, true);
    }],
    ["http#[resource-drop]request", (handle) => void seen.push("drop", handle)],
  ]);
  const instance: CoreInstance = createInstance(small(), { imports });
  const call = (key: string, ...args: number[]) => Number(instance.functions.get(key)!.call(...args));
  const view = () => new DataView(instance.memory.buffer);

  const described = call("lifecycle#describe");
  assert.equal(text(instance, view().getUint32(described, true), 5), "small");
  const config = instance.realloc(0, 0, 1, 2);
  new TextEncoder().encodeInto("{}", new Uint8Array(instance.memory.buffer, config, 2));
  assert.equal(view().getUint8(call("lifecycle#configure", config, 2)), 0);
  const outcome = call("request-handler#on-request-headers", 7);
  assert.equal(view().getUint8(outcome + 44), 1);
  assert.equal(text(instance, view().getUint32(outcome + 48, true), 4), "/abc");
  assert.equal(
    instance.functions.get("request-handler#on-request-headers")!.postReturn?.(outcome),
    undefined,
  );
  assert.equal(instance.functions.get("lifecycle#describe")!.postReturn, undefined);
  call("lifecycle#drain", 0);
  assert.deepEqual(seen, [1, "{}", 7, "drop", 7]);
  assert.ok(instance.fuelUsed > 50 && instance.fuelUsed < 500, String(instance.fuelUsed));
});

Deno.test("a capability that is not granted traps when it is called, not before", () => {
  const instance = createInstance(small());
  const trap = trapped(instance, () => instance.functions.get("lifecycle#drain")!.call(0));
  assert.equal(trap.kind, "denied");
  assert.match(trap.message, /"clock#wall-ms"/);
});

Deno.test("WASI is denied unless it is given", () => {
  const wasi = "wasi:random/random@0.2.3";
  const module = assembleModule({
    imports: [{ module: wasi, name: "get", results: "i" }],
    functions: [{ export: "run", results: "i", code: [op.call(0)] }],
  });
  const bytes = assembleComponent({
    module,
    imports: { [wasi]: { get: { result: VALUE.u32 } } },
    exports: { [LIFECYCLE]: { run: { result: VALUE.u32 } } },
  });
  const compiled = compileComponent(bytes, DEFAULT_COMPONENT_LIMITS);
  assert.deepEqual(Object.keys(compiled.imports), ["wasi:random/random#get"]);
  const denied = createInstance(compiled);
  assert.equal(trapped(denied, () => callGuest(denied, "run")).kind, "denied");
  const given = createInstance(compiled, { imports: new Map([["wasi:random/random#get", () => 4]]) });
  assert.equal(callGuest(given, "run"), 4);
});

const CLOCK = "sentinel:agent/clock@1.0.0";

/** An agent whose `run` calls a function of the host's that takes and gives a u32. */
function calling(host: CoreFunction, code: (readonly number[])[] = [op.i32(1), op.call(0)]): CoreInstance {
  const compiled = compileAgent({
    imports: [{ module: CLOCK, name: "f", parameters: "i", results: "i" }],
    componentImports: { [CLOCK]: { f: { parameters: [["v", VALUE.u32]], result: VALUE.u32 } } },
    functions: [{ export: "run", results: "i", code }],
  });
  return createInstance(compiled, { imports: new Map([["clock#f", host]]) });
}

Deno.test("why a call ended", async (test) => {
  const agent = (code: (readonly number[])[], rest: Partial<TestAgent> = {}) =>
    createInstance(compileAgent({ functions: [{ export: "run", code }], ...rest }));
  const cases: { name: string; instance: () => CoreInstance; want: TrapKind }[] = [
    { name: "endless loop", instance: () => agent([op.loop(op.br(0))]), want: "fuel" },
    { name: "gives up", instance: () => agent([op.unreachable]), want: "unreachable" },
    {
      name: "divides by zero",
      instance: () => agent([op.i32(1), op.i32(0), [0x6e], op.drop]),
      want: "unreachable",
    },
    { name: "endless recursion", instance: () => agent([op.call(0)]), want: "stack" },
    {
      name: "reads out of bounds",
      instance: () => agent([op.i32(-4), op.load(0), op.drop], { memory: [1] }),
      want: "memory",
    },
    {
      name: "calls out of the table's bounds",
      instance: () => agent([op.i32(9), [0x11, 0, 0]], { table: [1] }),
      want: "memory",
    },
    {
      name: "gives up when it gets no more memory",
      instance: () =>
        agent([op.loop(op.i32(1), op.memoryGrow, op.i32(-1), op.eq, op.if(op.unreachable), op.br(0))], {
          memory: [1, 3],
        }),
      want: "memory",
    },
    {
      name: "an import fails",
      instance: () =>
        calling(() => {
          throw new TypeError("a bug of ours");
        }),
      want: "host",
    },
    {
      name: "an import traps",
      instance: () =>
        calling(() => {
          throw new AgentTrap("malformed", "a pointer beyond the memory");
        }),
      want: "malformed",
    },
    {
      name: "the host's work is too much",
      instance: () => {
        const instance: CoreInstance = calling(() => {
          instance.charge(10_000_000);
          return 0;
        });
        return instance;
      },
      want: "fuel",
    },
  ];
  for (const { name, instance: make, want } of cases) {
    await test.step(name, () => {
      const instance = make();
      const trap = trapped(instance, () => callGuest(instance, "run"));
      assert.equal(trap.kind, want, trap.message);
      assert.equal(instance.trapOf(trap), trap);
    });
  }
});

Deno.test("an exception that leaves the guest is a trap", () => {
  // A tag section must come before the globals, which the assembler always writes.
  const module = assembleModule({ functions: [{ export: "run", code: [[0x08, 0]] }] });
  const empty = [6, 1, 0];
  const at = module.findIndex((_, index) => empty.every((each, offset) => module[index + offset] === each));
  const tagged = new Uint8Array([
    ...module.subarray(0, at),
    ...section(13, vec([[0, 0]])),
    ...module.subarray(at),
  ]);
  const bytes = assembleComponent({ module: tagged, exports: { [LIFECYCLE]: { run: {} } } });
  const instance = createInstance(compileComponent(bytes, DEFAULT_COMPONENT_LIMITS));
  const trap = trapped(instance, () => callGuest(instance, "run"));
  assert.equal(trap.kind, "unreachable");
  assert.match(trap.message, /threw an exception/);
});

Deno.test("fuel is counted from the last refill, and the host's charges with it", () => {
  const compiled = compileAgent({
    functions: [{
      export: "count",
      parameters: "i",
      code: [op.loop(op.get(0), op.i32(1), op.sub, op.tee(0), op.brIf(0))],
    }],
  });
  const instance = createInstance(compiled, { fuel: 1_000_000 });
  assert.equal(instance.fuelUsed, 0);
  callGuest(instance, "count", [100]);
  const once = instance.fuelUsed;
  assert.ok(once >= 500 && once <= 700, String(once));
  callGuest(instance, "count", [100]);
  assert.equal(instance.fuelUsed, 2 * once);
  instance.charge(1000);
  assert.equal(instance.fuelUsed, 2 * once + 1000);
  instance.refill(once);
  callGuest(instance, "count", [100]);
  assert.equal(instance.fuelUsed, once);
  instance.refill(once - 1);
  assert.equal(trapped(instance, () => callGuest(instance, "count", [100])).kind, "fuel");
  assert.equal(instance.fuelUsed, once - 1);
});

Deno.test("of a budget larger than a tank, the rest comes with calls of the host", () => {
  const spend = [op.i32(1000), op.call(0), op.drop];
  const compiled = compileAgent({
    imports: [{ module: CLOCK, name: "f", parameters: "i", results: "i" }],
    componentImports: { [CLOCK]: { f: { parameters: [["v", VALUE.u32]], result: VALUE.u32 } } },
    functions: [{ export: "run", results: "i", code: [...spend, ...spend, ...spend, op.i32(1)] }],
  });
  const made: { instance?: CoreInstance } = {};
  const host = () => {
    made.instance!.charge(900_000_000);
    return 1;
  };
  const instance = made.instance = createInstance(compiled, { imports: new Map([["clock#f", host]]) });
  instance.refill(2_800_000_000);
  assert.equal(callGuest(instance, "run"), 1);
  assert.ok(
    instance.fuelUsed > 2_700_000_000 && instance.fuelUsed < 2_700_001_000,
    String(instance.fuelUsed),
  );
  instance.refill(2_600_000_000);
  assert.equal(trapped(instance, () => callGuest(instance, "run")).kind, "fuel");
  instance.refill(1000);
  assert.equal(trapped(instance, () => callGuest(instance, "run")).kind, "fuel", "nothing is left over");
});

Deno.test("a charge that the tank cannot pay empties it for good", () => {
  const compiled = compileAgent({ functions: [{ export: "run", code: [] }] });
  const instance = createInstance(compiled, { fuel: 100 });
  assert.throws(() => instance.charge(101), { name: "AgentTrap", kind: "fuel" });
  for (let round = 0; round < 10; round++) {
    assert.throws(() => instance.charge(2_000_000_000), { name: "AgentTrap", kind: "fuel" });
    assert.equal(trapped(instance, () => callGuest(instance, "run")).kind, "fuel");
  }
});

/** Counts its calls in a global and in memory, grows, and changes its table. */
const KEEPING: TestAgent = {
  memory: [1, 4],
  table: [2, 2],
  elements: [0],
  globals: [10],
  functions: [
    {
      export: "count",
      results: "i",
      code: [
        ...[op.globalGet(0), op.i32(1), op.add, op.globalSet(0)],
        ...[op.i32(64), op.i32(64), op.load(0), op.i32(1), op.add, op.store(0)],
        ...[op.globalGet(0), op.i32(100), op.mul, op.i32(64), op.load(0), op.add],
      ],
    },
    { export: "grow", results: "i", code: [op.i32(1), op.memoryGrow] },
    { export: "swap", code: [op.i32(1), [0xd2, 0], [0x26, 0]] },
    { export: "peek", results: "i", code: [op.i32(1), [0x25, 0], [0xd1]] },
  ],
};

Deno.test("reset brings back memory and globals", () => {
  const instance = createInstance(compileAgent(KEEPING));
  assert.equal(instance.reset(), false, "without a snapshot there is nothing to go back to");
  assert.equal(callGuest(instance, "count"), 1101);
  instance.snapshot();
  for (let round = 0; round < 3; round++) {
    assert.equal(callGuest(instance, "count"), 1202);
    assert.equal(callGuest(instance, "count"), 1303);
    assert.equal(instance.reset(), true);
  }
});

Deno.test("what cannot be brought back is reported", async (test) => {
  await test.step("memory that grew", () => {
    const instance = createInstance(compileAgent(KEEPING));
    assert.equal(instance.memoryBytes, 65_536);
    instance.snapshot();
    assert.equal(instance.memoryBytes, 131_072, "the snapshot counts");
    assert.equal(callGuest(instance, "grow"), 1);
    assert.equal(instance.memoryBytes, 196_608);
    assert.equal(instance.reset(), false);
  });
  await test.step("a table that changed", () => {
    const instance = createInstance(compileAgent(KEEPING));
    callGuest(instance, "swap");
    instance.snapshot();
    assert.equal(callGuest(instance, "peek"), 0, "changes before the snapshot are part of it");
    assert.equal(instance.reset(), true);
    callGuest(instance, "swap");
    assert.equal(instance.reset(), false);
  });
});

Deno.test("a snapshot is taken of memory below and at the limit, not above", () => {
  const pagesMax = SNAPSHOT_BYTES_MAX / 65_536;
  for (const pages of [pagesMax - 1, pagesMax, pagesMax + 1]) {
    const instance = createInstance(
      compileAgent({ memory: [pages], functions: [{ export: "run", code: [] }] }),
    );
    instance.snapshot();
    const isTaken = pages <= pagesMax;
    assert.equal(instance.reset(), isTaken, `${pages} pages`);
    assert.equal(instance.memoryBytes, pages * 65_536 * (isTaken ? 2 : 1), `${pages} pages`);
  }
});

Deno.test("memory stops at the limit, and several memories share it", () => {
  const grow = {
    functions: [{ export: "grow", parameters: "i", results: "i", code: [op.get(0), op.memoryGrow] }],
  };
  const one = createInstance(compileAgent({ ...grow, memory: [1] }, { memoryBytesMax: 10 * 65_536 }));
  assert.equal(callGuest(one, "grow", [10]), -1);
  assert.equal(callGuest(one, "grow", [9]), 1);
  assert.equal(one.memoryBytes, 10 * 65_536);

  const declared = createInstance(compileAgent({ ...grow, memory: [1, 2] }, { memoryBytesMax: 10 * 65_536 }));
  assert.equal(callGuest(declared, "grow", [2]), -1);
  assert.equal(callGuest(declared, "grow", [1]), 1);

  const module = assembleModule({ ...grow, memory: [1] });
  const bytes = assembleComponent({
    module,
    exports: { [LIFECYCLE]: { grow: { parameters: [["v", VALUE.u32]], result: VALUE.u32 } } },
    // The same module once more, with a memory of its own.
    tail: section(2, vec([[0, 0, 0]])),
  });
  const two = createInstance(
    compileComponent(bytes, { ...DEFAULT_COMPONENT_LIMITS, memoryBytesMax: 10 * 65_536 }),
  );
  assert.equal(callGuest(two, "grow", [5]), -1);
  assert.equal(callGuest(two, "grow", [4]), 1);
  assert.equal(two.memoryBytes, 6 * 65_536);
});

Deno.test("a start function has a budget of its own", () => {
  const started = createInstance(compileAgent({
    globals: [0],
    start: 0,
    functions: [{ code: [op.i32(5), op.globalSet(0)] }, {
      export: "get",
      results: "i",
      code: [op.globalGet(0)],
    }],
  }));
  assert.equal(callGuest(started, "get"), 5);

  const endless: TestAgent = {
    start: 0,
    functions: [{ code: [op.loop(op.br(0))] }, { export: "run", code: [] }],
  };
  assert.throws(() => createInstance(compileAgent(endless)), { name: "AgentTrap", kind: "fuel" });
  const failing: TestAgent = {
    start: 0,
    functions: [{ code: [op.unreachable] }, { export: "run", code: [] }],
  };
  assert.throws(() => createInstance(compileAgent(failing)), { name: "AgentTrap", kind: "unreachable" });
});

Deno.test("segments out of bounds are a trap, not a crash", () => {
  const agent: TestAgent = { table: [1], elements: [0, 0], functions: [{ export: "run", code: [] }] };
  assert.throws(() => createInstance(compileAgent(agent)), { name: "AgentTrap", kind: "memory" });
});

/** The part of JavaScript Promise Integration that the caller of a machine uses. */
type Suspending = new (call: (...args: number[]) => Promise<number>) => CoreFunction;

Deno.test("an import that suspends, under exports that return promises", async () => {
  const { Suspending } = WebAssembly as unknown as { Suspending: Suspending };
  const compiled = compileAgent({
    imports: [{ module: CLOCK, name: "f", parameters: "i", results: "i" }],
    componentImports: { [CLOCK]: { f: { parameters: [["v", VALUE.u32]], result: VALUE.u32 } } },
    functions: [
      { export: "run", results: "i", code: [op.i32(20), op.call(0), op.i32(1), op.add] },
      { export: "spin", code: [op.loop(op.br(0))] },
    ],
  });
  const imports = new Map([["clock#f", new Suspending(async (value) => value * 2)]]);
  const instance = createInstance(compiled, { imports, promising: true });
  assert.equal(await callGuest(instance, "run"), 41);
  await assert.rejects(
    async () => callGuest(instance, "spin"),
    (cause) => instance.trapOf(cause).kind === "fuel",
  );
});

Deno.test("ten thousand instances come and go", () => {
  const compiled = compileAgent(KEEPING);
  for (let round = 0; round < 10_000; round++) {
    assert.equal(callGuest(createInstance(compiled), "count"), 1101);
  }
});

Deno.test("a name like __proto__ links like any other", () => {
  const module = assembleModule({
    imports: [{ module: "__proto__", name: "__proto__", results: "i" }],
    functions: [{ export: "run", results: "i", code: [op.call(0)] }],
  });
  const provider = assembleModule({ functions: [{ export: "__proto__", results: "i", code: [op.i32(3)] }] });
  const bytes = new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00],
    ...section(1, [...provider]),
    ...section(1, [...module]),
    ...section(2, vec([[0, 0, 0], [0, 1, ...vec([[...name("__proto__"), 0x12, 0]])]])),
    ...section(6, vec([[0, 0, 1, 1, ...name("run")]])),
    ...section(7, vec([[0x40, 0, 0, VALUE.u32]])),
    ...section(8, vec([[0, 0, 0, 0, 0]])),
    ...section(5, vec([[1, ...vec([[0, ...name("run"), 1, 0]])]])),
    ...section(11, vec([[0, ...name(LIFECYCLE), 5, 0, 0]])),
  ]);
  assert.equal(callGuest(createInstance(compileComponent(bytes, DEFAULT_COMPONENT_LIMITS)), "run"), 3);
});
