import { type AgentWorld, recogniseWorld } from "./agent_world.ts";
import { BinaryReader } from "./binary_reader.ts";
import { linkComponent } from "./compile_component.ts";
import type { ComponentLimits } from "./component_limits.ts";
import type { InstanceValue } from "./component_scope.ts";
import type { FoundModule } from "./link_state.ts";

/** A stretch of the file. */
export interface DescribedSection {
  readonly kind: string;
  /** Where its content begins. */
  readonly offset: number;
  readonly bytes: number;
}

/** A core module as it is in the file. */
export interface DescribedModule {
  readonly offset: number;
  readonly bytes: number;
  /** Whether the engine accepts it. */
  readonly valid: boolean;
  readonly functions: number;
  readonly importedFunctions: number;
  readonly globals: number;
  readonly tables: number;
  /** Pages of 64 KiB; unset without a memory of its own. */
  readonly memory: { readonly min: number; readonly max: number | undefined } | undefined;
  readonly hasStart: boolean;
}

/** An interface and the functions in it that are imported or exported. */
export interface DescribedInterface {
  readonly name: string;
  readonly functions: readonly { readonly name: string; readonly type: string }[];
}

/** What a component consists of, for a person to read. */
export interface ComponentDescription {
  readonly bytes: number;
  readonly world: AgentWorld | undefined;
  /** Why the world is not one of an agent's. */
  readonly worldProblem: string | undefined;
  readonly sections: readonly DescribedSection[];
  readonly modules: readonly DescribedModule[];
  readonly imports: readonly DescribedInterface[];
  readonly exports: readonly DescribedInterface[];
}

const SECTION_KINDS: readonly string[] = [
  "custom",
  "core module",
  "core instances",
  "core types",
  "component",
  "instances",
  "aliases",
  "types",
  "canonical functions",
  "start",
  "imports",
  "exports",
  "values",
];

/** Takes a component apart without compiling it, even when it is no agent. Throws `AgentLoadError` when it cannot. */
export function describeComponent(bytes: Uint8Array, limits: ComponentLimits): ComponentDescription {
  const { state, exports } = linkComponent(bytes, limits);
  let world: AgentWorld | undefined;
  let worldProblem: string | undefined;
  try {
    world = recogniseWorld([...exports.keys()], state.hostInstances.map((each) => each.name));
  } catch (problem) {
    worldProblem = problem instanceof Error ? problem.message : String(problem);
  }
  return {
    bytes: bytes.length,
    world,
    worldProblem,
    sections: describeSections(bytes),
    modules: state.modules.map(describeModule),
    imports: state.hostInstances.map(({ name, value }) => describeInterface(name, value)),
    exports: [...exports].map(([name, item]) =>
      describeInterface(name, item.sort === "instance" ? item.value : new Map([[name, item]]))
    ),
  };
}

function describeSections(bytes: Uint8Array): DescribedSection[] {
  const reader = new BinaryReader(bytes, "component");
  const sections: DescribedSection[] = [];
  reader.skip(8);
  while (!reader.done) {
    const id = reader.byte();
    const body = reader.part(reader.u32());
    const kind = id === 0 ? `custom "${body.name()}"` : SECTION_KINDS[id] ?? `unknown ${id}`;
    sections.push({ kind, offset: body.base, bytes: body.end });
  }
  return sections;
}

function describeModule({ bytes, offset, module }: FoundModule): DescribedModule {
  return {
    offset,
    bytes: bytes.length,
    valid: WebAssembly.validate(bytes),
    functions: module.bodies.length,
    importedFunctions: module.importedFunctions,
    globals: module.globals.length,
    tables: module.tables.length,
    memory: module.memories[0],
    hasStart: module.start !== undefined,
  };
}

function describeInterface(name: string, value: InstanceValue): DescribedInterface {
  const functions: { name: string; type: string }[] = [];
  for (const [member, item] of value) {
    if (item.sort === "function") functions.push({ name: member, type: item.value.type.text });
  }
  return { name, functions };
}
