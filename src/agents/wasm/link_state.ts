import { BinaryReader } from "./binary_reader.ts";
import { type ComponentLimits, STRUCTURE_MAX } from "./component_limits.ts";
import type { CanonicalOptions, CoreInstanceValue, CoreItem, InstanceValue } from "./component_scope.ts";
import { TypeBuilder } from "./component_types.ts";
import { type CoreExport, type CoreModule, CoreModuleReader, signatureOf } from "./core_module.ts";
import type { LinkStep, ModuleImport } from "./link_plan.ts";
import { TypeReader } from "./type_reader.ts";

/** A core module of the component, as it is in the file. */
export interface FoundModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where it begins in the file. */
  readonly offset: number;
  readonly module: CoreModule;
  readonly exports: ReadonlyMap<string, CoreExport>;
}

/** An import of the host's that was lowered, and how. */
export interface LoweredFunction {
  readonly key: string;
  readonly options: CanonicalOptions;
}

const MODULE_MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** Whether a file begins like a core module. */
export function isCoreModule(bytes: Uint8Array): boolean {
  return MODULE_MAGIC.every((each, at) => bytes[at] === each);
}

/** What the walks over a component and the components in it share: what was found, and how much is left to find. */
export class LinkState {
  readonly limits: ComponentLimits;
  readonly types: TypeReader;
  readonly modules: FoundModule[] = [];
  readonly steps: LinkStep[] = [];
  /** Text of the type of every function that is imported. */
  readonly imports = new Map<string, string>();
  /** Instances that the host provides. */
  readonly hostInstances: { readonly name: string; readonly value: InstanceValue }[] = [];
  readonly lowered: LoweredFunction[] = [];
  /** Components that are being walked, each inside of the one before. */
  depth = 0;
  /** Where the walk is, for messages. */
  reader: BinaryReader;
  readonly #moduleAt = new Map<number, number>();
  #definitionsLeft: number = STRUCTURE_MAX.definitions;
  #savedGlobals = 0;
  #tableElements = 0;

  constructor(limits: ComponentLimits, reader: BinaryReader) {
    this.limits = limits;
    this.reader = reader;
    const refuse = (problem: string): never => this.reader.fail(problem);
    this.types = new TypeReader(new TypeBuilder(refuse), () => this.account(1));
  }

  /** Counts definitions, and refuses a component that has too many. */
  account(count: number): void {
    this.#definitionsLeft -= count;
    if (this.#definitionsLeft < 0) this.reader.fail(`more than ${STRUCTURE_MAX.definitions} definitions`);
  }

  /** Takes up a core module, once however often it is met; its index. */
  addModule(body: BinaryReader): number {
    const known = this.#moduleAt.get(body.base);
    if (known !== undefined) return known;
    const index = this.modules.length;
    if (index >= STRUCTURE_MAX.modules) body.fail(`more than ${STRUCTURE_MAX.modules} core modules`);
    if (!isCoreModule(body.bytes)) body.fail("no core module");
    const reader = new BinaryReader(body.bytes, `core module ${index}`, body.base);
    const module = new CoreModuleReader(this.limits).read(reader);
    const exports = new Map(module.exports.map((each) => [each.name, each]));
    // The engine takes no view of shared memory.
    const bytes = body.bytes as Uint8Array<ArrayBuffer>;
    this.modules.push({ bytes, offset: body.base, module, exports });
    this.#moduleAt.set(body.base, index);
    return index;
  }

  /** Adds a step that instantiates a core module, and gives what the instance exports. */
  instantiate(index: number, given: ReadonlyMap<string, CoreInstanceValue>): CoreInstanceValue {
    const { module } = this.modules[index]!;
    const step = this.steps.length;
    if (step >= STRUCTURE_MAX.instances) {
      this.reader.fail(`more than ${STRUCTURE_MAX.instances} core instances`);
    }
    // The engine keeps something of each of them, outside of the memory's limit.
    const { imports: wants, exports, globals, tagsAndSegments } = module;
    this.account(wants.length + exports.length + globals.length + tagsAndSegments);
    this.#accountState(module);
    const imports = module.imports.map((wanted): ModuleImport => {
      const called = `"${wanted.name}" of "${wanted.module}"`;
      const item = given.get(wanted.module)?.get(wanted.name);
      if (!item) this.reader.fail(`core module ${index} imports ${called}, which it is not given`);
      if (item.sort !== wanted.sort || (item.sort === "function" && item.signature !== wanted.signature)) {
        this.reader.fail(`core module ${index} is given ${called} of another type`);
      }
      return { module: wanted.module, name: wanted.name, source: item.source };
    });
    this.steps.push({ module: index, imports });
    return { get: (name) => this.#exported(index, { step, name }) };
  }

  /** Counts what the instances of a component keep beside their memory. */
  #accountState({ globals, tables }: CoreModule): void {
    for (const each of globals) if (each.mutable) this.#savedGlobals++;
    for (const { limits } of tables) this.#tableElements += limits.min;
    const { savedGlobals, tableElements } = STRUCTURE_MAX;
    if (this.#savedGlobals > savedGlobals) this.reader.fail(`more than ${savedGlobals} mutable globals`);
    if (this.#tableElements > tableElements) this.reader.fail(`more than ${tableElements} table elements`);
  }

  #exported(index: number, { step, name }: { step: number; name: string }): CoreItem | undefined {
    const { module, exports } = this.modules[index]!;
    const found = exports.get(name);
    if (!found) return undefined;
    const type = found.sort === "function"
      ? module.types[module.functionTypes[found.index] ?? -1]
      : undefined;
    return {
      sort: found.sort,
      source: { type: "export", step, name },
      signature: type ? signatureOf(type) : "",
    };
  }
}
