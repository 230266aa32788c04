/** Agents for tests. */

import { compileComponent, type CompiledComponent } from "../../src/agents/wasm/compile_component.ts";
import { type ComponentLimits, DEFAULT_COMPONENT_LIMITS } from "../../src/agents/wasm/component_limits.ts";
import { CoreInstance, type CoreInstanceOptions } from "../../src/agents/wasm/core_instance.ts";
import {
  assembleComponent,
  type AssembledComponent,
  type AssembledModule,
  assembleModule,
  type ComponentFunction,
  VALUE,
} from "./wasm_assembler.ts";

/** The interface that test agents export. */
export const LIFECYCLE = "sentinel:agent/lifecycle@1.0.0";

/** An agent of one core module, whose exported functions take u32s and give a u32, or nothing. */
export interface TestAgent extends AssembledModule {
  readonly componentImports?: AssembledComponent["imports"];
}

/** The component of a test agent: it exports every function that its module exports, under the same name. */
export function testComponent(agent: TestAgent): Uint8Array<ArrayBuffer> {
  const functions: Record<string, ComponentFunction> = {};
  for (const each of agent.functions ?? []) {
    if (each.export === undefined) continue;
    const parameters = [...each.parameters ?? ""].map((_, at) => [`p${at}`, VALUE.u32] as const);
    functions[each.export] = { parameters, ...(each.results ? { result: VALUE.u32 } : {}) };
  }
  return assembleComponent({
    module: assembleModule(agent),
    imports: agent.componentImports ?? {},
    exports: { [LIFECYCLE]: functions },
  });
}

/** Compiles a test agent. */
export function compileAgent(agent: TestAgent, limits: Partial<ComponentLimits> = {}): CompiledComponent {
  return compileComponent(testComponent(agent), { ...DEFAULT_COMPONENT_LIMITS, ...limits });
}

/** An instance with `fuel` 10 000 000 unless said otherwise. */
export function createInstance(
  compiled: CompiledComponent,
  options: Partial<CoreInstanceOptions> = {},
): CoreInstance {
  return CoreInstance.create(compiled, {
    imports: new Map(),
    fuel: 10_000_000,
    promising: false,
    ...options,
  });
}

/** Calls a function by its bare name. */
export function callGuest(instance: CoreInstance, name: string, args: readonly number[] = []): unknown {
  const found = instance.functions.get(`lifecycle#${name}`);
  if (!found) throw new Error(`no function ${name}`);
  return found.call(...args);
}
