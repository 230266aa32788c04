/** What the agent store makes of a file: compiled code of a known world. */

import { SENTINEL_WORLD } from "../agents/contract/sentinel_world.ts";
import { ZENTINEL_WORLD } from "../agents/contract/zentinel_world.ts";
import { CAPABILITIES } from "../agents/options.ts";
import type { AgentOptions, Capability } from "../agents/options.ts";
import { compileComponent } from "../agents/wasm/compile_component.ts";
import type { CompiledComponent } from "../agents/wasm/compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "../agents/wasm/component_limits.ts";
import type { ComponentLimits } from "../agents/wasm/component_limits.ts";
import type { AgentCompiler } from "./agent_store.ts";
import { worldOf } from "./agent_store_types.ts";

/** Compiles components, and checks their types against the worlds we know. */
export const agentCompiler: AgentCompiler<CompiledComponent, ComponentLimits> = {
  compile(bytes, limits) {
    const compiled = compileComponent(bytes, limits);
    worldOf(compiled, [SENTINEL_WORLD, ZENTINEL_WORLD]);
    return compiled;
  },
  bytesMax: (limits) => limits.moduleBytesMax,
};

/** The limits that matter when an agent with these options is compiled. */
export function componentLimits(options: AgentOptions): ComponentLimits {
  return {
    ...DEFAULT_COMPONENT_LIMITS,
    moduleBytesMax: options.maxModuleBytes,
    functionBytesMax: options.maxFunctionBytes,
    memoryBytesMax: options.memory,
    // Start functions run before anybody can say what they are for: they get no more than a call.
    fuelAtStart: Math.min(
      options.configureFuel,
      Math.max(options.fuel, DEFAULT_COMPONENT_LIMITS.fuelAtStart),
    ),
    accounting: options.fuelAccounting,
  };
}

/** What a component imports that has to be granted. */
export function askedCapabilities({ imports }: Pick<CompiledComponent, "imports">): readonly Capability[] {
  const interfaces = new Set(Object.keys(imports).map((key) => key.slice(0, key.indexOf("#"))));
  return CAPABILITIES.filter((name) => interfaces.has(name));
}
