import assert from "node:assert/strict";
import { AgentLoadError } from "../guest.ts";
import { compileComponent } from "./compile_component.ts";
import { type ComponentLimits, DEFAULT_COMPONENT_LIMITS } from "./component_limits.ts";
import { describeComponent } from "./describe_component.ts";
import { FUEL_COSTS } from "./fuel_costs.ts";
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
import {
  callGuest,
  compileAgent,
  createInstance,
  LIFECYCLE,
  testComponent,
} from "../../../tests/support/wasm_agents.ts";

const LIMITS = DEFAULT_COMPONENT_LIMITS;
const NOTHING: AssembledModule = { functions: [{ export: "run", code: [] }] };

/** A component that wasm-tools made. */
function fixture(file: string): Uint8Array {
  return Deno.readFileSync(new URL(`fixtures/${file}`, import.meta.url));
}

function refuses(make: () => unknown, pattern: RegExp): void {
  assert.throws(make, (error: unknown) => {
    assert.ok(error instanceof AgentLoadError, `not an AgentLoadError: ${String(error)}`);
    assert.match(error.message, pattern);
    return true;
  });
}

Deno.test("a component of the reference's world: every function with its type", () => {
  const compiled = compileComponent(fixture("zentinel.wasm"), LIMITS);
  assert.deepEqual(compiled.world, { package: "zentinel:agent", version: "2.0.0" });
  assert.deepEqual(compiled.imports, {});
  assert.deepEqual(Object.keys(compiled.exports), [
    "handler#get-info",
    "handler#configure",
    "handler#on-request-headers",
    "handler#on-request-body",
    "handler#on-response-headers",
    "handler#on-response-body",
    "lifecycle#health-check",
    "lifecycle#shutdown",
  ]);
  assert.equal(compiled.exports["lifecycle#shutdown"], "()->_");
  assert.equal(compiled.exports["handler#configure"], "(config:string)->result<_,string>");
  assert.equal(
    compiled.exports["handler#get-info"],
    "()->record{agent-id:string,name:string,version:string,supported-events:list<string>," +
      "max-body-size:u64,supports-streaming:bool}",
  );
});

Deno.test("a component of our world, with resources, host functions and three core modules", () => {
  const compiled = compileComponent(fixture("small.wasm"), LIMITS);
  assert.deepEqual(compiled.world, { package: "sentinel:agent", version: "1.0.0" });
  assert.deepEqual(compiled.imports, {
    "http#[method]request.path": "(self:borrow<request>)->string",
    "log#write":
      "(level:enum{debug,info,warn,error},message:string,fields:list<record{key:string,value:string}>)->_",
    "clock#wall-ms": "()->f64",
  });
  assert.match(
    compiled.exports["request-handler#on-request-headers"] ?? "",
    /^\(request:borrow<request>\)->record\{decision:variant\{allow,block\(record\{status:u16,body:option<string>,/,
  );
  assert.equal(compiled.modules.length, 3);
});

Deno.test("a compiled component crosses to another thread", async () => {
  const compiled = compileAgent({ functions: [{ export: "seven", results: "i", code: [op.i32(7)] }] });
  const { port1, port2 } = new MessageChannel();
  const arrived = new Promise<unknown>((resolve) => port2.onmessage = ({ data }) => resolve(data));
  port1.postMessage(compiled);
  const copy = await arrived as typeof compiled;
  port1.close();
  port2.close();
  assert.deepEqual(copy.plan, compiled.plan);
  assert.equal(callGuest(createInstance(copy), "seven"), 7);
});

/** A component whose only function takes a value of the type that the last of `types` defines. */
function componentWithType(types: readonly (readonly number[])[], core: { parameters: string }): Uint8Array {
  const module = assembleModule({
    memory: [1],
    functions: [
      { export: "cabi_realloc", parameters: "iiii", results: "i", code: [op.i32(8)] },
      { export: "f", parameters: core.parameters, code: [] },
    ],
  });
  return new Uint8Array([
    ...COMPONENT_PREAMBLE,
    ...section(1, [...module]),
    ...section(2, vec([[0, 0, 0]])),
    ...section(6, vec([[0, 0, 1, 0, ...name("f")], [0, 0, 1, 0, ...name("cabi_realloc")]])),
    ...section(6, vec([[0, 2, 1, 0, ...name("memory")]])),
    ...section(7, vec([...types, [0x40, 1, ...name("v"), ...u32(types.length - 1), 1, 0]])),
    ...section(8, vec([[0, 0, 0, ...vec([[0], [3, 0], [4, 1]]), ...u32(types.length)]])),
    ...section(5, vec([[1, 1, 0, ...name("f"), 1, 0]])),
    ...section(11, vec([[0, ...name(LIFECYCLE), 5, 0, 0]])),
  ]);
}

Deno.test("types as text, and the core types they become", async (test) => {
  const label = (text: string, type: number) => [...name(text), type];
  const cases: { types: number[][]; core: string; want: string }[] = [
    { types: [[0x7f]], core: "i", want: "bool" },
    { types: [[0x7e]], core: "i", want: "s8" },
    { types: [[0x78]], core: "l", want: "s64" },
    { types: [[0x76]], core: "f", want: "f32" },
    { types: [[0x75]], core: "d", want: "f64" },
    { types: [[0x74]], core: "i", want: "char" },
    { types: [[0x73]], core: "ii", want: "string" },
    { types: [[0x70, 0x7d]], core: "ii", want: "list<u8>" },
    { types: [[0x6b, 0x78]], core: "il", want: "option<s64>" },
    { types: [[0x6f, 2, 0x79, 0x73]], core: "iii", want: "tuple<u32,string>" },
    { types: [[0x6a, 0, 0]], core: "i", want: "result<_,_>" },
    { types: [[0x6a, 1, 0x76, 1, 0x79]], core: "ii", want: "result<f32,u32>" },
    { types: [[0x6a, 1, 0x76, 1, 0x77]], core: "il", want: "result<f32,u64>" },
    { types: [[0x6d, 2, ...name("a-b"), ...name("c")]], core: "i", want: "enum{a-b,c}" },
    { types: [[0x6e, 1, ...name("a")]], core: "i", want: "flags{a}" },
    {
      types: [[0x72, 2, ...label("a", 0x79), ...label("b-c", 0x73)]],
      core: "iii",
      want: "record{a:u32,b-c:string}",
    },
    {
      types: [[0x71, 2, ...name("none"), 0, 0, ...name("some"), 1, 0x73, 0]],
      core: "iii",
      want: "variant{none,some(string)}",
    },
    { types: [[0x70, 0x73], [0x6b, 0]], core: "iii", want: "option<list<string>>" },
    {
      types: [[0x6f, 8, ...Array(8).fill(0x73)]],
      core: "i".repeat(16),
      want: `tuple<${Array(8).fill("string")}>`,
    },
    { types: [[0x6f, 9, ...Array(9).fill(0x73)]], core: "i", want: `tuple<${Array(9).fill("string")}>` },
  ];
  for (const { types, core, want } of cases) {
    await test.step(want, () => {
      const compiled = compileComponent(componentWithType(types, { parameters: core }), LIMITS);
      assert.equal(compiled.exports["lifecycle#f"], `(v:${want})->_`);
      refuses(
        () => compileComponent(componentWithType(types, { parameters: `${core}i` }), LIMITS),
        /is lifted to \(v:/,
      );
    });
  }
});

Deno.test("types that double at every level are refused, and soon", () => {
  const types: number[][] = [[0x6f, 1, 0x79]];
  for (let level = 0; level < 100; level++) types.push([0x6f, 2, ...u32(level), ...u32(level)]);
  refuses(
    () => compileComponent(componentWithType(types, { parameters: "i" }), LIMITS),
    /types? (is|are) too large/,
  );
});

Deno.test("what cannot be an agent", async (test) => {
  const module = assembleModule(NOTHING);
  const run = { run: {} };
  const agent = testComponent(NOTHING);
  const tail = (bytes: number[]) => assembleComponent({ module, exports: { [LIFECYCLE]: run }, tail: bytes });
  const cases: { name: string; bytes: Uint8Array; want: RegExp }[] = [
    { name: "nothing", bytes: new Uint8Array(0), want: /no component/ },
    { name: "text", bytes: new TextEncoder().encode("#!/bin/sh\n"), want: /no component/ },
    { name: "a core module", bytes: module, want: /core module; an agent is a component/ },
    {
      name: "half a file",
      bytes: agent.subarray(0, agent.length >> 1),
      want: /ends too early at offset \d+/,
    },
    { name: "no exports", bytes: assembleComponent({ module }), want: /exports no interface/ },
    {
      name: "another package",
      bytes: assembleComponent({ module, exports: { "foo:bar/baz@1.0.0": run } }),
      want: /exports "foo:bar\/baz@1.0.0", but an agent has/,
    },
    {
      name: "another major version",
      bytes: assembleComponent({ module, exports: { "sentinel:agent/lifecycle@2.0.0": run } }),
      want: /sentinel:agent\/\*@1.x or zentinel:agent\/\*@2.x/,
    },
    {
      name: "two worlds",
      bytes: assembleComponent({
        module,
        exports: { [LIFECYCLE]: run, "zentinel:agent/lifecycle@2.0.0": run },
      }),
      want: /next to interfaces of sentinel:agent@1.0.0/,
    },
    {
      name: "another import",
      bytes: assembleComponent({ module, exports: { [LIFECYCLE]: run }, imports: { "foo:bar/baz": run } }),
      want: /imports "foo:bar\/baz"/,
    },
    { name: "an unknown section", bytes: tail(section(13, [])), want: /unknown section 13 at offset \d+/ },
    { name: "a start function", bytes: tail(section(9, [0, 0, 0])), want: /start functions of components/ },
    { name: "values", bytes: tail(section(12, [0])), want: /values of components/ },
    { name: "a type of components", bytes: tail(section(7, vec([[0x41, 0]]))), want: /types of components/ },
    { name: "async functions", bytes: tail(section(7, vec([[0x43, 0, 1, 0]]))), want: /async functions/ },
    {
      name: "streams",
      bytes: tail(section(7, vec([[0x66, 0]]))),
      want: /kind of type 0x66 is not supported/,
    },
    { name: "a lift in UTF-16", bytes: tail(section(8, vec([[0, 0, 0, 1, 1, 0]]))), want: /UTF-8/ },
    { name: "an async lift", bytes: tail(section(8, vec([[0, 0, 0, 1, 6, 0]]))), want: /canonical option 6/ },
    { name: "bytes left over", bytes: tail(section(7, [0, 0])), want: /left over/ },
    {
      name: "an import out of order",
      bytes: tail(section(10, vec([[0, ...name("x"), 5, 9]]))),
      want: /not the type/,
    },
    {
      name: "a component that instantiates itself",
      bytes: tail([
        ...section(4, [
          ...COMPONENT_PREAMBLE,
          ...section(6, vec([[4, 2, 1, 0]])),
          ...section(5, vec([[0, 0, 0]])),
        ]),
        ...section(5, vec([[0, 0, 0]])),
      ]),
      want: /nested too deep/,
    },
  ];
  for (const { name, bytes, want } of cases) {
    await test.step(name, () => refuses(() => compileComponent(bytes, LIMITS), want));
  }
});

Deno.test("a component inside of a component is linked when it is instantiated", () => {
  const inner = [
    ...COMPONENT_PREAMBLE,
    ...section(7, vec([[0x40, 0, 0, VALUE.u32]])),
    ...section(10, vec([[0, ...name("in"), 1, 0]])),
    ...section(11, vec([[0, ...name("seven"), 1, 0, 0]])),
  ];
  const module = assembleModule({ functions: [{ export: "seven", results: "i", code: [op.i32(7)] }] });
  const bytes = new Uint8Array([
    ...COMPONENT_PREAMBLE,
    ...section(1, [...module]),
    ...section(2, vec([[0, 0, 0]])),
    ...section(6, vec([[0, 0, 1, 0, ...name("seven")]])),
    ...section(7, vec([[0x40, 0, 0, VALUE.u32]])),
    ...section(8, vec([[0, 0, 0, 0, 0]])),
    ...section(4, inner),
    ...section(5, vec([[0, 0, ...vec([[...name("in"), 1, 0]])]])),
    ...section(11, vec([[0, ...name(LIFECYCLE), 5, 0, 0]])),
  ]);
  const instance = createInstance(compileComponent(bytes, LIMITS));
  assert.equal(callGuest(instance, "seven"), 7);
});

Deno.test("a call between the components of a file traps when it is made, not before", () => {
  const provider = assembleModule({ functions: [{ export: "seven", results: "i", code: [op.i32(7)] }] });
  const caller = assembleModule({
    imports: [{ module: "m", name: "seven", results: "i" }],
    functions: [{ export: "run", results: "i", code: [op.call(0)] }, {
      export: "safe",
      results: "i",
      code: [op.i32(1)],
    }],
  });
  const type = [0x40, 0, 0, VALUE.u32];
  const bytes = new Uint8Array([
    ...COMPONENT_PREAMBLE,
    ...section(1, [...provider]),
    ...section(1, [...caller]),
    ...section(2, vec([[0, 0, 0]])),
    ...section(6, vec([[0, 0, 1, 0, ...name("seven")]])),
    ...section(7, vec([type])),
    // Lifts the provider's function and lowers it again, as if it were another component's.
    ...section(8, vec([[0, 0, 0, 0, 0], [1, 0, 0, 0]])),
    ...section(2, vec([[1, ...vec([[...name("seven"), 0, 1]])], [0, 1, ...vec([[...name("m"), 0x12, 1]])]])),
    ...section(6, vec([[0, 0, 1, 2, ...name("run")], [0, 0, 1, 2, ...name("safe")]])),
    ...section(8, vec([[0, 0, 2, 0, 0], [0, 0, 3, 0, 0]])),
    ...section(5, vec([[1, ...vec([[0, ...name("run"), 1, 1], [0, ...name("safe"), 1, 2]])]])),
    ...section(11, vec([[0, ...name(LIFECYCLE), 5, 0, 0]])),
  ]);
  const instance = createInstance(compileComponent(bytes, LIMITS));
  assert.equal(callGuest(instance, "safe"), 1);
  assert.throws(() => callGuest(instance, "run"), { name: "AgentTrap", kind: "denied" });
});

Deno.test("core modules that are refused", async (test) => {
  const simple = (code: (readonly number[])[], rest: Partial<AssembledModule> = {}): AssembledModule => ({
    functions: [{ export: "run", code }],
    ...rest,
  });
  const cases: { name: string; module: AssembledModule; limits?: Partial<ComponentLimits>; want: RegExp }[] =
    [
      { name: "not valid", module: simple([op.add]), want: /module 0 is not valid/ },
      {
        name: "refills its own tank",
        module: simple([op.i32(1000), op.globalSet(1)], { globals: [0] }),
        want: /not valid/,
      },
      {
        name: "refills its own tank, the only global",
        module: simple([op.i32(1000), op.globalSet(0)]),
        want: /not valid/,
      },
      {
        name: "takes a reserved name",
        module: {
          functions: [{ export: "sentinel.fill", parameters: "i", code: [] }, { export: "run", code: [] }],
        },
        want: /"sentinel.fill", but names that begin with/,
      },
      {
        name: "too much memory",
        module: simple([], { memory: [1025] }),
        want: /1025 pages of 64 KiB, at most 1024/,
      },
      {
        name: "too large a table",
        module: simple([], { table: [10_001] }),
        want: /10001 elements, at most 10000/,
      },
      {
        name: "too many locals",
        module: { functions: [{ export: "run", locals: "i".repeat(10_001), code: [] }] },
        want: /10001 groups of locals|more than 10000 locals/,
      },
      {
        name: "a function of more than 1 MiB",
        module: simple([new Array<number>(1_048_576).fill(1)]),
        want: /function 0 has 1048578 bytes, at most 1048576/,
      },
      {
        name: "too large a file",
        module: simple([]),
        limits: { moduleBytesMax: 100 },
        want: /at most 100 are allowed/,
      },
      {
        name: "a function above the limit",
        module: simple([[1], [1]]),
        limits: { functionBytesMax: 3 },
        want: /at most 3/,
      },
      {
        name: "the old form of exceptions",
        module: simple([[0x06, 0x40, 0x0b]]),
        want: /old form/,
      },
      { name: "atomics", module: simple([[0xfe, 0x03, 0x00]]), want: /not valid|atomic/ },
      {
        name: "a catch of everything",
        module: simple([[0x1f, 0x40, 1, 2, 0, 0x0b]]),
        want: /catches every exception/,
      },
      {
        name: "a garbage-collected type",
        module: simple([[0xd0, 0x6e, 0xfb, 0x1c, 0x1a]]),
        want: /not valid|garbage|value type/,
      },
      {
        name: "an import that is not given",
        module: { imports: [{ module: "x", name: "y" }], functions: [{ export: "run", code: [] }] },
        want: /imports "y" of "x", which it is not given/,
      },
    ];
  for (const { name, module, limits, want } of cases) {
    await test.step(name, () => {
      // A module takes exports that a component's function cannot have, so only `run` is lifted.
      const bytes = assembleComponent({
        module: assembleModule(module),
        exports: { [LIFECYCLE]: { run: {} } },
      });
      refuses(() => compileComponent(bytes, { ...LIMITS, ...limits }), want);
    });
  }
});

Deno.test("limits at their bound are allowed", async (test) => {
  const cases: { name: string; module: AssembledModule; limits?: Partial<ComponentLimits> }[] = [
    {
      name: "memory",
      module: { ...NOTHING, memory: [1024] },
      limits: { fuelAtStart: 1024 * FUEL_COSTS.memoryPage },
    },
    { name: "table", module: { ...NOTHING, table: [10_000] } },
    { name: "locals", module: { functions: [{ export: "run", locals: "i".repeat(10_000), code: [] }] } },
    { name: "function", module: NOTHING, limits: { functionBytesMax: 2 } },
    { name: "file", module: NOTHING, limits: { moduleBytesMax: testComponent(NOTHING).length } },
  ];
  for (const { name, module, limits } of cases) {
    await test.step(name, () => void createInstance(compileAgent(module, limits)));
  }
});

Deno.test("a host function of another type than its interface says is refused", () => {
  const module = assembleModule({
    imports: [{ module: "sentinel:agent/clock@1.0.0", name: "wall-ms", results: "i" }],
    functions: [{ export: "run", code: [op.call(0), op.drop] }],
  });
  const bytes = assembleComponent({
    module,
    imports: { "sentinel:agent/clock@1.0.0": { "wall-ms": { result: VALUE.f64 } } },
    exports: { [LIFECYCLE]: { run: {} } },
  });
  refuses(
    () => compileComponent(bytes, LIMITS),
    /"wall-ms" of "sentinel:agent\/clock@1.0.0" of another type/,
  );
});

Deno.test("a component described for a person", () => {
  const described = describeComponent(fixture("small.wasm"), LIMITS);
  assert.deepEqual(described.world, { package: "sentinel:agent", version: "1.0.0" });
  assert.equal(described.modules.length, 3);
  assert.deepEqual(described.modules.map((each) => each.valid), [true, true, true]);
  assert.deepEqual(described.modules[0]?.memory, { min: 1, max: undefined });
  const clock = described.imports.find((each) => each.name === "sentinel:agent/clock@1.0.0");
  assert.deepEqual(clock?.functions, [{ name: "wall-ms", type: "()->f64" }]);
  assert.deepEqual(described.exports.map((each) => each.name), [
    "sentinel:agent/lifecycle@1.0.0",
    "sentinel:agent/request-handler@1.0.0",
  ]);
  const inSections = described.sections.reduce((sum, each) => sum + each.bytes, 0);
  assert.ok(inSections > described.bytes * 0.9 && inSections < described.bytes);
  const stranger = describeComponent(assembleComponent({ module: assembleModule(NOTHING) }), LIMITS);
  assert.equal(stranger.world, undefined);
  assert.match(stranger.worldProblem ?? "", /exports no interface/);
});
