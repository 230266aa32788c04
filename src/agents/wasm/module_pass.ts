import { BinaryReader } from "./binary_reader.ts";
import { BinaryWriter } from "./binary_writer.ts";
import type { FuelAccounting } from "./component_limits.ts";
import { type CoreModule, type Limits, SECTION_ORDER } from "./core_module.ts";
import { FunctionMeter } from "./function_meter.ts";
import {
  FILL_EXPORT,
  globalExport,
  LASTING_EXPORT,
  MEMORY_EXPORT,
  RESERVED_PREFIX,
  START_EXPORT,
  TAKE_EXPORT,
} from "./reserved_exports.ts";

/** How a module is to be confined. */
export interface PassOptions {
  readonly accounting: FuelAccounting;
  readonly memoryPagesMax: number;
  readonly tableElementsMax: number;
}

/** What the host has to know of a module that went through the pass. */
export interface ConfinedModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether there is code of its own, which pays. */
  readonly metered: boolean;
  /** Indexes of the mutable globals that are exported for the host to save. */
  readonly savedGlobals: readonly number[];
  /** Whether the host can read all mutable globals; it cannot read vectors and exceptions. */
  readonly resettable: boolean;
  /** Pages that the module's own memory can grow to; 0 without one. */
  readonly memoryPagesMax: number;
  /** Locals and operands that the engine's compiler passes over, see `MERGES`. */
  readonly merged: number;
}

const I32 = 0x7f;
const FUNCTION = { type: 0x60, export: 0, memoryExport: 2, globalExport: 3 } as const;
const END = 0x0b;
const HOST_FUNCTIONS = 2;

/** Letters of types that JavaScript reads from a global and writes back unchanged. */
const READABLE = "ilfdre";

/** Bounds a table or memory. `refuse` is told when it begins larger than is allowed. */
function clamped(
  declared: Limits,
  max: number,
  refuse: () => never,
): Required<Limits> & { readonly max: number } {
  if (declared.min > max) refuse();
  return { min: declared.min, max: Math.min(declared.max ?? max, max) };
}

/**
 * Rewrites a core module so that it can be run: every function charges the tank, memory and tables have a limit,
 * and the host can reach the tank, the start function, the memory and the mutable globals. The original must have
 * been validated: a module that sets the global that comes after its last is invalid as it was sent, but would
 * refill its own tank when it has been rewritten.
 */
export class ModulePass {
  readonly #module: CoreModule;
  readonly #options: PassOptions;
  readonly #refuse: (problem: string) => never;
  readonly #globals: number;
  readonly #metered: boolean;
  readonly #savedGlobals: number[] = [];
  #resettable = true;
  #memoryPagesMax = 0;
  #merged = 0;

  constructor(module: CoreModule, options: PassOptions, refuse: (problem: string) => never) {
    this.#module = module;
    this.#options = options;
    this.#refuse = refuse;
    this.#globals = module.importedGlobals + module.globals.length;
    this.#metered = module.bodies.length > 0;
    module.globals.forEach((each, at) => {
      if (!each.mutable) return;
      if (READABLE.includes(each.letter)) this.#savedGlobals.push(module.importedGlobals + at);
      else this.#resettable = false;
    });
  }

  /** The module, confined. */
  run(): ConfinedModule {
    const taken = this.#module.exports.find((each) => each.name.startsWith(RESERVED_PREFIX));
    if (taken) {
      this.#refuse(`it exports "${taken.name}", but names that begin with "${RESERVED_PREFIX}" are reserved`);
    }
    const rewritten = this.#rewritten();
    const sections = new Map(this.#module.sections.map((each) => [each.id, each.body.bytes]));
    let length = 8;
    for (const each of this.#module.sections) length += each.body.end + 16;
    const out = new BinaryWriter(length * 1.25);
    out.byte(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
    for (const id of SECTION_ORDER) {
      const body = rewritten.has(id) ? rewritten.get(id)?.finish() : sections.get(id);
      if (!body) continue;
      out.byte(id);
      out.sized(body);
    }
    // Names serve whoever reads a stack trace; other custom sections may hold offsets, which are wrong now.
    const names = this.#module.sections.find((each) => each.id === 0 && each.name === "name");
    if (names) {
      out.byte(0);
      out.sized(names.body.bytes);
    }
    return {
      bytes: out.finish(),
      metered: this.#metered,
      savedGlobals: this.#savedGlobals,
      resettable: this.#resettable,
      memoryPagesMax: this.#memoryPagesMax,
      merged: this.#merged,
    };
  }

  /** Sections that change, by id; undefined means that the section goes. */
  #rewritten(): Map<number, BinaryWriter | undefined> {
    const sections = new Map<number, BinaryWriter | undefined>([[8, undefined]]);
    const { tables, memories } = this.#module;
    if (tables.length > 0) sections.set(4, this.#tables());
    if (memories.length > 0) sections.set(5, this.#memories());
    sections.set(7, this.#exports());
    if (!this.#metered) return sections;
    sections.set(1, this.#types());
    sections.set(3, this.#functions());
    sections.set(6, this.#globalSection());
    sections.set(10, this.#code());
    return sections;
  }

  #section(count: number, extra = 0): BinaryWriter {
    const out = new BinaryWriter(256);
    out.u32(count + extra);
    return out;
  }

  /** The items of a section without their count, which changes. */
  #items(id: number): Uint8Array {
    const bytes = this.#module.sections.find((each) => each.id === id)?.body.bytes;
    if (!bytes) return new Uint8Array(0);
    let at = 0;
    while (bytes[at]! >= 128) at++;
    return bytes.subarray(at + 1);
  }

  #types(): BinaryWriter {
    const out = this.#section(this.#module.types.length, HOST_FUNCTIONS);
    out.raw(this.#items(1));
    out.byte(FUNCTION.type, 1, I32, 1, I32);
    out.byte(FUNCTION.type, 1, I32, 0);
    return out;
  }

  #functions(): BinaryWriter {
    const { types, bodies } = this.#module;
    const out = this.#section(bodies.length, HOST_FUNCTIONS);
    out.raw(this.#items(3));
    out.u32(types.length);
    out.u32(types.length + 1);
    return out;
  }

  #limits(out: BinaryWriter, { min, max }: { readonly min: number; readonly max: number }): void {
    out.byte(1);
    out.u32(min);
    out.u32(max);
  }

  #tables(): BinaryWriter {
    const { tables } = this.#module;
    const max = this.#options.tableElementsMax;
    const out = this.#section(tables.length);
    for (const { before, limits, after } of tables) {
      const refuse = () => this.#refuse(`a table of ${limits.min} elements, at most ${max} are allowed`);
      out.raw(before);
      this.#limits(out, clamped(limits, max, refuse));
      out.raw(after);
    }
    return out;
  }

  #memories(): BinaryWriter {
    const max = this.#options.memoryPagesMax;
    const out = this.#section(this.#module.memories.length);
    for (const each of this.#module.memories) {
      const refuse = () =>
        this.#refuse(`a memory of ${each.min} pages of 64 KiB, at most ${max} are allowed`);
      const limits = clamped(each, max, refuse);
      this.#memoryPagesMax = limits.max;
      this.#limits(out, limits);
    }
    return out;
  }

  #globalSection(): BinaryWriter {
    const out = this.#section(this.#module.globals.length, 2);
    for (const each of this.#module.globals) out.raw(each.bytes);
    // The tank, empty, and the mark of lasting changes.
    out.byte(I32, 1, 0x41, 0, END);
    out.byte(I32, 1, 0x41, 0, END);
    return out;
  }

  #exports(): BinaryWriter {
    const { exports, start, memories, importedMemories, functionTypes } = this.#module;
    const added: { name: string; kind: number; index: number }[] = [];
    if (start !== undefined) added.push({ name: START_EXPORT, kind: FUNCTION.export, index: start });
    if (memories.length > 0) {
      added.push({ name: MEMORY_EXPORT, kind: FUNCTION.memoryExport, index: importedMemories });
    }
    for (const index of this.#savedGlobals) {
      added.push({ name: globalExport(index), kind: FUNCTION.globalExport, index });
    }
    if (this.#metered) {
      added.push({ name: TAKE_EXPORT, kind: FUNCTION.export, index: functionTypes.length });
      added.push({ name: FILL_EXPORT, kind: FUNCTION.export, index: functionTypes.length + 1 });
      added.push({ name: LASTING_EXPORT, kind: FUNCTION.globalExport, index: this.#globals + 1 });
    }
    const out = this.#section(exports.length, added.length);
    out.raw(this.#items(7));
    for (const { name, kind, index } of added) {
      out.name(name);
      out.byte(kind);
      out.u32(index);
    }
    return out;
  }

  #code(): BinaryWriter {
    const { types, bodies, functionTypes, importedFunctions, sections } = this.#module;
    const tank = this.#globals;
    const meter = new FunctionMeter({
      accounting: this.#options.accounting,
      module: this.#module,
      tank,
      lasting: tank + 1,
    });
    const original = sections.find((each) => each.id === 10)?.body.end ?? 0;
    const out = new BinaryWriter(original * 1.3);
    out.u32(bodies.length + HOST_FUNCTIONS);
    bodies.forEach((body, at) => {
      const type = types[functionTypes[importedFunctions + at]!]!;
      meter.meter(new BinaryReader(body.bytes, body.what, body.base), { type, out });
    });
    this.#merged = meter.mergedInAll;
    out.sized(this.#hostFunction([0x23, 0x20, 0x6b, 0x24, 0x23]));
    out.sized(this.#hostFunction([0x20, 0x24]));
    return out;
  }

  /** A body without locals, from instructions whose operand is the first parameter or the tank. */
  #hostFunction(codes: readonly number[]): Uint8Array {
    const out = new BinaryWriter(32);
    out.byte(0);
    for (const code of codes) {
      out.byte(code);
      if (code === 0x20) out.byte(0);
      if (code === 0x23 || code === 0x24) out.u32(this.#globals);
    }
    out.byte(END);
    return out.finish();
  }
}

/** Pages of each memory when the component's memories share their bytes evenly. */
export function memoryPagesEach(bytesMax: number, memories: number): number {
  return Math.min(65_536, Math.floor(bytesMax / 65_536 / Math.max(1, memories)));
}
