/** A probe whose guest code pays for what it does, as it does in the proxy. */

import { BinaryReader } from "../../../src/agents/wasm/binary_reader.ts";
import { DEFAULT_COMPONENT_LIMITS } from "../../../src/agents/wasm/component_limits.ts";
import { CoreModuleReader } from "../../../src/agents/wasm/core_module.ts";
import { ModulePass } from "../../../src/agents/wasm/module_pass.ts";
import { FILL_EXPORT, START_EXPORT, TAKE_EXPORT } from "../../../src/agents/wasm/reserved_exports.ts";
import { compileModule, Probe, type ProbeArgument } from "./compile_probe.ts";

const TANK = 1 << 30;

/** A probe that says what each call takes, in the proxy's units of fuel. */
export class MeteredProbe extends Probe {
  /** Units of the last call. A call that takes more than 2^30 traps. */
  fuelUsed = 0;

  override call(name: string, ...args: readonly ProbeArgument[]): number {
    const placed = args.flatMap((arg) => {
      if (typeof arg === "number") return [arg];
      const { at, length } = this.put(arg);
      return [at, length];
    });
    this.exports[FILL_EXPORT]!(TANK);
    const result = super.call(name, ...placed);
    this.fuelUsed = TANK - this.exports[TAKE_EXPORT]!(0);
    this.exports[FILL_EXPORT]!(TANK);
    return result;
  }
}

/** As `compileProbe`, with the pass that agents go through. */
export async function meteredProbe(path: string): Promise<MeteredProbe> {
  const code = await compileModule(path);
  const module = new CoreModuleReader(DEFAULT_COMPONENT_LIMITS).read(new BinaryReader(code, path));
  const refuse = (problem: string): never => {
    throw new Error(problem);
  };
  const options = { accounting: "loop", memoryPagesMax: 4096, tableElementsMax: 1024 } as const;
  return new MeteredProbe(new ModulePass(module, options, refuse).run().bytes, {}, (exports) => {
    exports[FILL_EXPORT]!(TANK);
    exports[START_EXPORT]?.();
  });
}
