import { AgentLoadError } from "../guest.ts";
import { type AgentWorld, interfaceKey, interfaceName, recogniseWorld } from "./agent_world.ts";
import { BinaryReader } from "./binary_reader.ts";
import { type ComponentLimits, STRUCTURE_MAX } from "./component_limits.ts";
import { type CanonicalOptions, type InstanceValue, Scope } from "./component_scope.ts";
import { ComponentWalk } from "./component_walk.ts";
import { withDirectLinks } from "./direct_links.ts";
import type { CoreSource, LiftedFunction, LinkPlan } from "./link_plan.ts";
import { type FoundModule, isCoreModule, LinkState } from "./link_state.ts";
import { memoryPagesEach, ModulePass } from "./module_pass.ts";

/** What the host has to know of a compiled core module to run and reset it. */
export interface ModuleFacts {
  /** Whether it has code, and so a tank. */
  readonly metered: boolean;
  readonly savedGlobals: readonly number[];
  readonly resettable: boolean;
  /** Pages that its own memory can grow to; 0 without one. */
  readonly memoryPagesMax: number;
}

/** Sizes for reports. */
export interface ComponentSizes {
  readonly componentBytes: number;
  readonly modules: readonly {
    readonly bytes: number;
    readonly confinedBytes: number;
    readonly functions: number;
  }[];
}

/** A component that is ready to be instantiated. It can be posted to another thread. */
export interface CompiledComponent {
  readonly world: AgentWorld;
  /** Type of every exported function, by names such as `request-handler#on-request-headers`. */
  readonly exports: Readonly<Record<string, string>>;
  /** Type of every imported function, by names such as `log#write`. */
  readonly imports: Readonly<Record<string, string>>;
  readonly modules: readonly WebAssembly.Module[];
  /** By index of the module. */
  readonly facts: readonly ModuleFacts[];
  readonly plan: LinkPlan;
  /** Fuel for start functions. */
  readonly fuelAtStart: number;
  readonly sizes: ComponentSizes;
}

/** A component, linked on paper and checked, but not compiled. */
export interface LinkedComponent {
  readonly state: LinkState;
  readonly exports: InstanceValue;
}

/** Reads a component's structure. Throws `AgentLoadError`. */
export function linkComponent(bytes: Uint8Array, limits: ComponentLimits): LinkedComponent {
  const reader = new BinaryReader(bytes, "component");
  if (bytes.length > limits.moduleBytesMax) {
    throw new AgentLoadError(
      `the file has ${bytes.length} bytes, at most ${limits.moduleBytesMax} are allowed`,
    );
  }
  if (isCoreModule(bytes)) {
    throw new AgentLoadError("this is a core module; an agent is a component, which wasm-tools makes of one");
  }
  const state = new LinkState(limits, reader);
  const exports = new ComponentWalk(state, reader, { scope: new Scope(), given: undefined }).run();
  return { state, exports };
}

/**
 * Makes a component ready to run: reads it, recognises its world, validates its core modules as they were sent,
 * puts the charges in and the limits on, and compiles. Throws `AgentLoadError`.
 */
export function compileComponent(bytes: Uint8Array, limits: ComponentLimits): CompiledComponent {
  const { state, exports } = linkComponent(bytes, limits);
  const world = recogniseWorld(instanceNames(exports), state.hostInstances.map((each) => each.name));
  const { functions, types, lifted } = exportedFunctions(exports);
  const plan = withDirectLinks(
    { steps: state.steps, functions, ...sharedMemory(state, lifted) },
    state.modules.map((each) => each.module),
  );
  const memories = definedMemories(state);
  const pass = {
    accounting: limits.accounting,
    memoryPagesMax: memoryPagesEach(limits.memoryBytesMax, memories),
    tableElementsMax: limits.tableElementsMax,
  };
  const confined = state.modules.map((each, index) => {
    validate(each, index);
    const refuse = (problem: string): never => {
      throw new AgentLoadError(`core module ${index}: ${problem}`);
    };
    return new ModulePass(each.module, pass, refuse).run();
  });
  if (confined.reduce((sum, each) => sum + each.merged, 0) > STRUCTURE_MAX.mergedInAll) {
    throw new AgentLoadError("its functions have too many branches for their locals and operands");
  }
  return {
    world,
    exports: types,
    imports: Object.fromEntries(state.imports),
    modules: confined.map((each, index) => compileModule(each.bytes, index)),
    facts: confined.map(({ bytes: _, merged: _merged, ...facts }) => facts),
    plan,
    fuelAtStart: limits.fuelAtStart,
    sizes: {
      componentBytes: bytes.length,
      modules: state.modules.map((each, index) => ({
        bytes: each.bytes.length,
        confinedBytes: confined[index]!.bytes.length,
        functions: each.module.bodies.length,
      })),
    },
  };
}

function instanceNames(exports: InstanceValue): string[] {
  return Array.from(exports).flatMap(([name, item]) => item.sort === "instance" ? [name] : []);
}

function validate({ bytes }: FoundModule, index: number): void {
  if (!WebAssembly.validate(bytes)) throw new AgentLoadError(`core module ${index} is not valid WebAssembly`);
}

function compileModule(bytes: Uint8Array<ArrayBuffer>, index: number): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw new AgentLoadError(`core module ${index} does not compile with its limits: ${String(cause)}`, {
      cause,
    });
  }
}

/** Memories that an instance of the component has; more than a few are refused. */
function definedMemories(state: LinkState): number {
  let memories = 0;
  let tables = 0;
  for (const { module } of state.steps) {
    const found = state.modules[module]!.module;
    memories += found.memories.length;
    tables += found.tables.length;
  }
  const max = STRUCTURE_MAX;
  if (memories > max.memories) {
    throw new AgentLoadError(`${memories} memories, at most ${max.memories} are allowed`);
  }
  if (tables > max.tables) throw new AgentLoadError(`${tables} tables, at most ${max.tables} are allowed`);
  return memories;
}

interface ExportedFunctions {
  readonly functions: readonly LiftedFunction[];
  readonly types: Readonly<Record<string, string>>;
  readonly lifted: readonly CanonicalOptions[];
}

function exportedFunctions(exports: InstanceValue): ExportedFunctions {
  const functions: LiftedFunction[] = [];
  const types: Record<string, string> = {};
  const lifted: CanonicalOptions[] = [];
  for (const [name, item] of exports) {
    // Functions beside the interfaces are the toolchain's own; nobody calls them.
    if (item.sort === "function") continue;
    const parts = interfaceName(name);
    if (!parts || item.sort !== "instance") {
      throw new AgentLoadError(`the component exports ${item.sort} "${name}"`);
    }
    for (const [member, inner] of item.value) {
      if (inner.sort === "type") continue;
      const key = `${interfaceKey(parts)}#${member}`;
      if (inner.sort !== "function" || inner.value.origin !== "lift") {
        throw new AgentLoadError(`the component exports "${key}", which is no function of its own`);
      }
      const { call, options, type } = inner.value;
      functions.push({ key, call, postReturn: options.postReturn });
      types[key] = type.text;
      lifted.push(options);
    }
  }
  return { functions, types, lifted };
}

function same(left: CoreSource, right: CoreSource): boolean {
  return left.type === "export" && right.type === "export" && left.step === right.step &&
    left.name === right.name;
}

/** The one memory and the one allocator that all functions of the agent's world use. */
function sharedMemory(
  state: LinkState,
  lifted: readonly CanonicalOptions[],
): Pick<LinkPlan, "memory" | "realloc"> {
  // The host's own glue never runs for WASI, where functions may work on other memory.
  const lowered = state.lowered.filter((each) => !each.key.startsWith("wasi:")).map((each) => each.options);
  const one = (name: "memory" | "realloc"): CoreSource | undefined => {
    let found: CoreSource | undefined;
    for (const { [name]: each } of [...lifted, ...lowered]) {
      if (each && found && !same(each, found)) {
        throw new AgentLoadError(`the functions of the component do not all use the same ${name}`);
      }
      found ??= each;
    }
    return found;
  };
  return { memory: one("memory"), realloc: one("realloc") };
}
