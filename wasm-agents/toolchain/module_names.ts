/** Reads and rewrites the names that a core module imports and exports. */

const EXPORT_SECTION = 7;
const IMPORT_SECTION = 2;
const CUSTOM_SECTION = 0;

/** Under which names each export of a module is to appear; an export without an entry is dropped. */
export type Renaming = (name: string) => readonly string[];

/** The names of the interfaces that a module imports functions from. */
export function importedModules(module: Uint8Array): Set<string> {
  const modules = new Set<string>();
  for (const { id, body } of sections(module)) {
    if (id !== IMPORT_SECTION) continue;
    const reader = new Reader(body);
    for (let left = reader.number(); left > 0; left--) {
      modules.add(reader.name());
      const field = reader.name();
      const kind = reader.byte();
      // The compiler is told to import nothing but functions.
      if (kind !== 0) throw new Error(`the module imports "${field}", which is no function`);
      reader.number();
    }
  }
  return modules;
}

/** The module with its exports renamed, and without custom sections. */
export function renameExports(module: Uint8Array, renaming: Renaming): Uint8Array<ArrayBuffer> {
  return rewritten(module, ({ id, body }) => id === EXPORT_SECTION ? renamed(body, renaming) : body);
}

/** A module or component without what its outermost custom sections say. */
export function withoutCustomSections(binary: Uint8Array): Uint8Array<ArrayBuffer> {
  return rewritten(binary, ({ body }) => body);
}

function rewritten(binary: Uint8Array, content: (section: Section) => Uint8Array): Uint8Array<ArrayBuffer> {
  const parts = [binary.subarray(0, 8)];
  for (const section of sections(binary)) {
    if (section.id === CUSTOM_SECTION) continue;
    const body = content(section);
    parts.push(new Uint8Array([section.id, ...encoded(body.length)]), body);
  }
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function renamed(body: Uint8Array, renaming: Renaming): Uint8Array {
  const reader = new Reader(body);
  const entries: number[][] = [];
  for (let left = reader.number(); left > 0; left--) {
    const name = reader.name();
    const kind = reader.byte();
    const index = reader.number();
    for (const each of renaming(name)) {
      const bytes = new TextEncoder().encode(each);
      entries.push([...encoded(bytes.length), ...bytes, kind, ...encoded(index)]);
    }
  }
  return new Uint8Array([...encoded(entries.length), ...entries.flat()]);
}

interface Section {
  readonly id: number;
  readonly body: Uint8Array;
}

function sections(module: Uint8Array): Section[] {
  const reader = new Reader(module);
  reader.at = 8;
  const found: Section[] = [];
  while (reader.at < module.length) {
    const id = reader.byte();
    const length = reader.number();
    found.push({ id, body: module.subarray(reader.at, reader.at + length) });
    reader.at += length;
  }
  return found;
}

class Reader {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new Error("the module ends too early");
    return byte;
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error("a number in the module is too long");
  }

  name(): string {
    const length = this.number();
    this.at += length;
    return new TextDecoder().decode(this.#bytes.subarray(this.at - length, this.at));
  }
}

function encoded(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value;;) {
    const low = left % 128;
    left = Math.floor(left / 128);
    bytes.push(left > 0 ? low + 128 : low);
    if (left === 0) return bytes;
  }
}
