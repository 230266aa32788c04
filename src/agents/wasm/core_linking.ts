import { AgentLoadError, AgentTrap, type CoreFunction, type CoreImports } from "../guest.ts";
import type { CompiledComponent } from "./compile_component.ts";
import { FUEL_COSTS } from "./fuel_costs.ts";
import { FuelTanks } from "./fuel_tanks.ts";
import type { CoreSource, LinkStep } from "./link_plan.ts";
import { globalExport, LASTING_EXPORT, MEMORY_EXPORT, START_EXPORT } from "./reserved_exports.ts";

/** Mutable state of an instance that the host can save. */
export interface CoreState {
  readonly memories: {
    readonly memory: WebAssembly.Memory;
    readonly bytesMax: number;
    readonly bytesAtStart: number;
  }[];
  readonly globals: WebAssembly.Global[];
  /** Marks of changes that cannot be undone. */
  readonly lasting: WebAssembly.Global[];
}

const PAGE_BYTES = 65_536;

function deniedImport(key: string): CoreFunction {
  return () => {
    throw new AgentTrap("denied", `it called "${key}", which is not granted`);
  };
}

/** Instantiates the core modules of a component, one after the other, and joins them as its plan says. */
export class CoreLinking {
  readonly tanks = new FuelTanks();
  readonly state: CoreState = { memories: [], globals: [], lasting: [] };
  readonly #compiled: CompiledComponent;
  readonly #imports: CoreImports;
  readonly #exports: WebAssembly.Exports[] = [];
  /** Pages of memory that no tank has paid for yet. */
  #pagesOwed = 0;

  constructor(compiled: CompiledComponent, imports: CoreImports) {
    this.#compiled = compiled;
    this.#imports = imports;
  }

  /** Runs the plan. What start functions and segments throw comes out as it is. */
  run(): void {
    const { plan, facts, sizes, fuelAtStart } = this.#compiled;
    this.tanks.refill(fuelAtStart);
    const metered = plan.steps.filter(({ module }) => facts[module]?.metered);
    const main = metered.reduce<LinkStep | undefined>((largest, step) => {
      const bytesOf = (each: LinkStep) => sizes.modules[each.module]?.bytes ?? 0;
      return largest && bytesOf(largest) >= bytesOf(step) ? largest : step;
    }, undefined);
    for (const step of plan.steps) {
      const exports = this.#instantiate(step);
      this.#exports.push(exports);
      if (facts[step.module]?.metered) {
        this.tanks.add(exports, { main: step === main, others: metered.length - 1 });
      }
      this.#takeState(step, exports);
      if (this.tanks.any) this.#payPages();
      const start = exports[START_EXPORT];
      if (start) (start as CoreFunction)();
    }
  }

  #instantiate(step: LinkStep): WebAssembly.Exports {
    const given: Record<string, Record<string, WebAssembly.ImportValue>> = Object.create(null);
    for (const { module, name, source } of step.imports) {
      given[module] ??= Object.create(null) as Record<string, WebAssembly.ImportValue>;
      given[module][name] = this.get(source);
    }
    const module = this.#compiled.modules[step.module];
    if (!module) throw new AgentLoadError(`core module ${step.module} is missing`);
    try {
      return new WebAssembly.Instance(module, given).exports;
    } catch (cause) {
      if (cause instanceof WebAssembly.LinkError || cause instanceof TypeError) {
        throw new AgentLoadError(`core module ${step.module} cannot be linked: ${cause.message}`, { cause });
      }
      // The engine finds no room for a memory.
      if (cause instanceof RangeError) throw new AgentTrap("memory", cause.message, { cause });
      throw cause;
    }
  }

  #takeState(step: LinkStep, exports: WebAssembly.Exports): void {
    const facts = this.#compiled.facts[step.module];
    const memory = exports[MEMORY_EXPORT] as WebAssembly.Memory | undefined;
    if (memory) {
      this.#pagesOwed += memory.buffer.byteLength / PAGE_BYTES;
      this.state.memories.push({
        memory,
        bytesMax: (facts?.memoryPagesMax ?? 0) * PAGE_BYTES,
        bytesAtStart: memory.buffer.byteLength,
      });
    }
    for (const index of facts?.savedGlobals ?? []) {
      this.state.globals.push(exports[globalExport(index)] as WebAssembly.Global);
    }
    const lasting = exports[LASTING_EXPORT];
    if (lasting) this.state.lasting.push(lasting as WebAssembly.Global);
  }

  /** Pages that are there from the start cost as much as grown ones: touching them takes the system as long. */
  #payPages(): void {
    const pages = this.#pagesOwed;
    this.#pagesOwed = 0;
    try {
      this.tanks.charge(pages * FUEL_COSTS.memoryPage);
    } catch (cause) {
      const affordable = Math.floor(this.#compiled.fuelAtStart / FUEL_COSTS.memoryPage);
      const much = `${pages} pages of memory at its start, and its fuel pays for ${affordable} at most`;
      throw new AgentTrap("fuel", `it has ${much}`, { cause });
    }
  }

  /** What a source stands for, once the steps before are done. */
  get(source: CoreSource): WebAssembly.ImportValue {
    if (source.type === "import") return this.#imports.get(source.key) ?? deniedImport(source.key);
    const value = this.#exports[source.step]?.[source.name];
    if (value === undefined) throw new AgentLoadError(`the core export "${source.name}" is missing`);
    return value;
  }
}
