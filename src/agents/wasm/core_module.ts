import { BinaryReader } from "./binary_reader.ts";
import { type ComponentLimits, STRUCTURE_MAX } from "./component_limits.ts";
import type { CoreSort } from "./component_scope.ts";

/** The type of a core function or block, a letter for each value: see `VALUE_LETTERS`. */
export interface CoreType {
  readonly parameters: string;
  readonly results: string;
}

/** A table or memory as it is declared; `max` unset means none. */
export interface Limits {
  readonly min: number;
  readonly max: number | undefined;
}

/** Something that a core module imports. */
export interface CoreImport {
  readonly module: string;
  readonly name: string;
  readonly sort: CoreSort;
  /** `parameters:results` of a function. */
  readonly signature: string;
}

/** Something that a core module exports. */
export interface CoreExport {
  readonly name: string;
  readonly sort: CoreSort;
  readonly index: number;
}

/** A table that the module defines; the bytes before and after its limits are kept as they are. */
export interface CoreTable {
  readonly before: Uint8Array;
  readonly limits: Limits;
  readonly after: Uint8Array;
}

/** A global that the module defines. */
export interface CoreGlobal {
  readonly letter: string;
  readonly mutable: boolean;
  /** Type and initial value, as they are. */
  readonly bytes: Uint8Array;
}

/** A section that stays as it is, or whose place says where a rewritten one goes. */
export interface CoreSection {
  readonly id: number;
  /** Name of a custom section. */
  readonly name: string;
  readonly body: BinaryReader;
}

/** What a core module consists of. */
export interface CoreModule {
  readonly sections: readonly CoreSection[];
  readonly types: readonly CoreType[];
  readonly imports: readonly CoreImport[];
  /** Types of all functions, imported ones first. */
  readonly functionTypes: readonly number[];
  readonly importedFunctions: number;
  readonly importedMemories: number;
  readonly importedGlobals: number;
  /** Whether it has tags, without which there are no exceptions. */
  readonly throws: boolean;
  readonly tables: readonly CoreTable[];
  readonly memories: readonly Limits[];
  readonly globals: readonly CoreGlobal[];
  readonly exports: readonly CoreExport[];
  /** Tags, and segments of data and of elements, of which every instance keeps something. */
  readonly tagsAndSegments: number;
  readonly start: number | undefined;
  readonly bodies: readonly BinaryReader[];
}

/** Letters of value types by their code; `-` for those that a host cannot read from a global. */
const VALUE_LETTERS: ReadonlyMap<number, string> = new Map([
  [0x7f, "i"],
  [0x7e, "l"],
  [0x7d, "f"],
  [0x7c, "d"],
  [0x7b, "v"],
  [0x70, "r"],
  [0x6f, "e"],
  [0x69, "x"],
]);

const SORTS: readonly CoreSort[] = ["function", "table", "memory", "global", "tag"];
const ITEMS = STRUCTURE_MAX.moduleItems;

/** The order that sections come in, by their id; custom ones come anywhere. */
export const SECTION_ORDER: readonly number[] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/** The type of a value, as its letter. */
export function valueLetter(reader: BinaryReader): string {
  const start = reader.offset;
  const code = reader.byte();
  const letter = VALUE_LETTERS.get(code);
  return letter ?? reader.fail(`the value type 0x${code.toString(16)} is not supported`, start);
}

/** `parameters:results` of a core type. */
export function signatureOf(type: CoreType): string {
  return `${type.parameters}:${type.results}`;
}

/**
 * Refuses references to exceptions outside of locals and blocks: an exception that keeps another is a list without
 * end, outside of the memory's limit.
 */
function refuseExceptions(letters: string, reader: BinaryReader, start: number): void {
  if (!letters.includes("x")) return;
  reader.fail("references to exceptions are only supported in locals and blocks", start);
}

/** The type of a value that stays. */
function keptLetter(reader: BinaryReader): string {
  const start = reader.offset;
  const letter = valueLetter(reader);
  refuseExceptions(letter, reader, start);
  return letter;
}

function coreType(reader: BinaryReader): CoreType {
  if (reader.byte() !== 0x60) {
    reader.fail("only function types are supported, no garbage-collected ones", reader.offset - 1);
  }
  const letter = () => valueLetter(reader);
  const parameters = reader.list({ max: STRUCTURE_MAX.parameters, items: "parameters" }, letter);
  const results = reader.list({ max: STRUCTURE_MAX.results, items: "results" }, letter);
  return { parameters: parameters.join(""), results: results.join("") };
}

function limits(reader: BinaryReader): Limits {
  const start = reader.offset;
  const flags = reader.byte();
  if (flags & 2) reader.fail("shared memory is not supported", start);
  if (flags & 4) reader.fail("64-bit memory and tables are not supported", start);
  if (flags > 1) reader.fail("an unknown kind of limits", start);
  const min = reader.u32();
  return { min, max: flags ? reader.u32() : undefined };
}

function referenceLetter(reader: BinaryReader): string {
  const letter = keptLetter(reader);
  return "re".includes(letter) ? letter : reader.fail("not a reference type", reader.offset - 1);
}

/** Passes over a constant expression, its end included. */
function skipConstant(reader: BinaryReader): void {
  for (;;) {
    const start = reader.offset;
    const code = reader.byte();
    if (code === 0x0b) return;
    if (code === 0x41) reader.skipLeb(5);
    else if (code === 0x42) reader.skipLeb(10);
    else if (code === 0x43) reader.skip(4);
    else if (code === 0x44) reader.skip(8);
    else if (code === 0x23 || code === 0xd2 || code === 0xd0) reader.skipLeb(5);
    else if (code === 0xfd && reader.u32() === 12) reader.skip(16);
    else if (![0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e].includes(code)) {
      reader.fail("an instruction that is not constant", start);
    }
  }
}

/** Reads the structure of a core module, without looking into function bodies. */
export class CoreModuleReader {
  readonly #limits: ComponentLimits;
  readonly #sections: CoreSection[] = [];
  readonly #imports: CoreImport[] = [];
  readonly #functionTypes: number[] = [];
  readonly #imported: Record<CoreSort, number> = { function: 0, table: 0, memory: 0, global: 0, tag: 0 };
  #types: CoreType[] = [];
  #tables: CoreTable[] = [];
  #memories: Limits[] = [];
  #globals: CoreGlobal[] = [];
  #exports: CoreExport[] = [];
  #tagsAndSegments = 0;
  #start: number | undefined;
  #bodies: BinaryReader[] = [];

  constructor(limits: ComponentLimits) {
    this.#limits = limits;
  }

  /** Reads all sections. */
  read(reader: BinaryReader): CoreModule {
    reader.skip(8);
    let place = -1;
    while (!reader.done) {
      const start = reader.offset;
      const id = reader.byte();
      const body = reader.part(reader.u32());
      if (id === 0) {
        this.#sections.push({ id, name: body.name(), body });
        continue;
      }
      const next = SECTION_ORDER.indexOf(id);
      if (next < 0) reader.fail(`unknown section ${id}`, start);
      if (next <= place) reader.fail(`section ${id} is out of order`, start);
      place = next;
      this.#sections.push({ id, name: "", body });
      this.#section(id, new BinaryReader(body.bytes, body.what, body.base));
    }
    if (this.#bodies.length !== this.#functionTypes.length - this.#imported.function) {
      reader.fail("not as many function bodies as functions");
    }
    if (this.#imported.memory + this.#memories.length > 1) {
      reader.fail("several memories in one module are not supported", 0);
    }
    return this.#found();
  }

  #found(): CoreModule {
    return {
      sections: this.#sections,
      types: this.#types,
      imports: this.#imports,
      functionTypes: this.#functionTypes,
      importedFunctions: this.#imported.function,
      importedMemories: this.#imported.memory,
      importedGlobals: this.#imported.global,
      throws: this.#imported.tag > 0 || this.#sections.some((each) => each.id === 13),
      tables: this.#tables,
      memories: this.#memories,
      globals: this.#globals,
      exports: this.#exports,
      tagsAndSegments: this.#tagsAndSegments,
      start: this.#start,
      bodies: this.#bodies,
    };
  }

  #section(id: number, reader: BinaryReader): void {
    switch (id) {
      case 1:
        this.#types = reader.list({ max: ITEMS, items: "types" }, () => coreType(reader));
        break;
      case 2:
        for (let left = reader.count(ITEMS, "imports"); left > 0; left--) this.#import(reader);
        break;
      case 3:
        this.#functions(reader);
        break;
      case 4:
        this.#tables = reader.list({ max: STRUCTURE_MAX.tables, items: "tables" }, () => this.#table(reader));
        break;
      case 5:
        this.#memories = reader.list({ max: 1, items: "memories" }, () => limits(reader));
        break;
      case 6:
        this.#globals = reader.list(
          { max: STRUCTURE_MAX.globals, items: "globals" },
          () => this.#global(reader),
        );
        break;
      case 7:
        this.#exports = reader.list({ max: ITEMS, items: "exports" }, () => this.#export(reader));
        break;
      case 8:
        this.#start = reader.u32();
        break;
      case 13:
        for (let left = reader.count(ITEMS, "tags"); left > 0; left--) this.#tag(reader);
        break;
      case 9:
      case 11:
        this.#tagsAndSegments += reader.count(ITEMS, "segments");
        return;
      case 10:
        this.#bodies = reader.list(
          { max: STRUCTURE_MAX.functions, items: "functions" },
          () => this.#body(reader),
        );
        break;
      default:
        return;
    }
    reader.finish();
  }

  /** The index of the type of a function or tag. */
  #typeIndex(reader: BinaryReader): number {
    const start = reader.offset;
    const index = reader.u32();
    const type = this.#types[index] ?? reader.fail("a type that does not exist", start);
    refuseExceptions(signatureOf(type), reader, start);
    return index;
  }

  #tag(reader: BinaryReader): void {
    if (reader.byte() !== 0) reader.fail("an unknown kind of tag", reader.offset - 1);
    this.#tagsAndSegments++;
    this.#typeIndex(reader);
  }

  #import(reader: BinaryReader): void {
    const module = reader.name();
    const name = reader.name();
    const start = reader.offset;
    const sort = SORTS[reader.byte()] ?? reader.fail("an unknown kind of import", start);
    let signature = "";
    this.#imported[sort]++;
    if (sort === "function") {
      const index = this.#typeIndex(reader);
      this.#functionTypes.push(index);
      signature = signatureOf(this.#types[index]!);
    } else if (sort === "table") {
      referenceLetter(reader);
      limits(reader);
    } else if (sort === "memory") {
      limits(reader);
    } else {
      if (sort === "global") keptLetter(reader);
      if (sort === "tag") this.#tag(reader);
      else reader.byte();
    }
    this.#imports.push({ module, name, sort, signature });
  }

  #functions(reader: BinaryReader): void {
    const max = STRUCTURE_MAX.functions - this.#functionTypes.length;
    for (let left = reader.count(max, "functions"); left > 0; left--) {
      this.#functionTypes.push(this.#typeIndex(reader));
    }
  }

  #table(reader: BinaryReader): CoreTable {
    const start = reader.offset;
    const initialised = reader.peek() === 0x40;
    if (initialised) {
      reader.byte();
      if (reader.byte() !== 0) reader.fail("an unknown kind of table", start);
    }
    referenceLetter(reader);
    const before = reader.bytes.subarray(start, reader.offset);
    const declared = limits(reader);
    const valueStart = reader.offset;
    if (initialised) skipConstant(reader);
    return { before, limits: declared, after: reader.bytes.subarray(valueStart, reader.offset) };
  }

  #global(reader: BinaryReader): CoreGlobal {
    const start = reader.offset;
    const letter = keptLetter(reader);
    const mutable = reader.byte();
    if (mutable > 1) reader.fail("shared globals are not supported", reader.offset - 1);
    skipConstant(reader);
    return { letter, mutable: mutable === 1, bytes: reader.bytes.subarray(start, reader.offset) };
  }

  #export(reader: BinaryReader): CoreExport {
    const name = reader.name();
    const sort = SORTS[reader.byte()] ?? reader.fail("an unknown kind of export", reader.offset - 1);
    return { name, sort, index: reader.u32() };
  }

  #body(reader: BinaryReader): BinaryReader {
    const start = reader.offset;
    const bytes = reader.u32();
    const max = this.#limits.functionBytesMax;
    if (bytes > max) {
      reader.fail(`function ${this.#bodies.length} has ${bytes} bytes, at most ${max} are allowed`, start);
    }
    return reader.part(bytes);
  }
}
