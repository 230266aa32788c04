/** Puts small core modules and components together for tests, which need them valid, invalid and hostile. */

import { BinaryWriter } from "../../src/agents/wasm/binary_writer.ts";

const LETTERS: Readonly<Record<string, number>> = {
  i: 0x7f,
  l: 0x7e,
  f: 0x7d,
  d: 0x7c,
  v: 0x7b,
  r: 0x70,
  e: 0x6f,
};
const EMPTY = 0x40;

function written(write: (out: BinaryWriter) => void): number[] {
  const out = new BinaryWriter(64);
  write(out);
  return [...out.finish()];
}

/** An unsigned number. */
export function u32(value: number): number[] {
  return written((out) => out.u32(value));
}

/** A signed number. */
export function s32(value: number): number[] {
  return written((out) => out.s32(value));
}

/** A name. */
export function name(text: string): number[] {
  return written((out) => out.name(text));
}

/** A count and the items. */
export function vec(items: readonly (readonly number[])[]): number[] {
  return [...u32(items.length), ...items.flat()];
}

/** A section. */
export function section(id: number, body: readonly number[]): number[] {
  return [id, ...u32(body.length), ...body];
}

function block(code: number, body: readonly (readonly number[])[]): number[] {
  return [code, EMPTY, ...body.flat(), 0x0b];
}

/** Instructions. Blocks have neither parameters nor results. */
export const op = {
  i32: (value: number) => [0x41, ...s32(value)],
  get: (local: number) => [0x20, ...u32(local)],
  set: (local: number) => [0x21, ...u32(local)],
  tee: (local: number) => [0x22, ...u32(local)],
  globalGet: (index: number) => [0x23, ...u32(index)],
  globalSet: (index: number) => [0x24, ...u32(index)],
  call: (index: number) => [0x10, ...u32(index)],
  br: (depth: number) => [0x0c, ...u32(depth)],
  brIf: (depth: number) => [0x0d, ...u32(depth)],
  block: (...body: (readonly number[])[]) => block(0x02, body),
  loop: (...body: (readonly number[])[]) => block(0x03, body),
  if: (...body: (readonly number[])[]) => block(0x04, body),
  load8: (offset: number) => [0x2d, 0, ...u32(offset)],
  load: (offset: number) => [0x28, 2, ...u32(offset)],
  store: (offset: number) => [0x36, 2, ...u32(offset)],
  store8: (offset: number) => [0x3a, 0, ...u32(offset)],
  add: [0x6a],
  sub: [0x6b],
  mul: [0x6c],
  and: [0x71],
  xor: [0x73],
  shl: [0x74],
  eq: [0x46],
  eqz: [0x45],
  ltS: [0x48],
  ltU: [0x49],
  drop: [0x1a],
  return: [0x0f],
  unreachable: [0x00],
  memoryGrow: [0x40, 0],
  memorySize: [0x3f, 0],
  memoryFill: [0xfc, 11, 0],
  memoryCopy: [0xfc, 10, 0, 0],
} as const;

/** A function of a module; types are strings of letters: i, l, f, d. */
export interface AssembledFunction {
  readonly parameters?: string;
  readonly results?: string;
  readonly locals?: string;
  readonly code: readonly (readonly number[])[];
  readonly export?: string;
}

/** A core module. Function indexes count imports first. */
export interface AssembledModule {
  readonly imports?: readonly {
    readonly module: string;
    readonly name: string;
    readonly parameters?: string;
    readonly results?: string;
  }[];
  readonly functions?: readonly AssembledFunction[];
  /** Smallest and largest number of pages; the memory is exported as `memory`. */
  readonly memory?: readonly number[];
  /** Smallest and largest number of elements; the table is exported as `table`. */
  readonly table?: readonly number[];
  /** Functions that the table begins with. */
  readonly elements?: readonly number[];
  /** Mutable i32 globals, by their initial value. */
  readonly globals?: readonly number[];
  readonly start?: number;
  /** Put in before the code section. */
  readonly beforeCode?: readonly number[];
  /** Put in at the end. */
  readonly tail?: readonly number[];
}

function functionType(parameters = "", results = ""): number[] {
  const letters = (text: string) => vec([...text].map((each) => [LETTERS[each]!]));
  return [0x60, ...letters(parameters), ...letters(results)];
}

function limits([min, max]: readonly number[]): number[] {
  return max === undefined ? [0, ...u32(min!)] : [1, ...u32(min!), ...u32(max)];
}

function body({ locals = "", code }: AssembledFunction): number[] {
  const bytes = [...vec([...locals].map((each) => [1, LETTERS[each]!])), ...code.flat(), 0x0b];
  return [...u32(bytes.length), ...bytes];
}

function exportsOf(module: AssembledModule, imported: number): number[][] {
  const exports = (module.functions ?? []).flatMap((each, at) =>
    each.export === undefined ? [] : [[...name(each.export), 0, ...u32(imported + at)]]
  );
  if (module.memory) exports.push([...name("memory"), 2, 0]);
  if (module.table) exports.push([...name("table"), 1, 0]);
  return exports;
}

/** The binary of a core module. */
export function assembleModule(module: AssembledModule): Uint8Array<ArrayBuffer> {
  const { imports = [], functions = [], memory, table, elements, globals = [], start } = module;
  const typed = [...imports, ...functions];
  const code = functions.length > 0 ? section(10, vec(functions.map(body))) : [];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vec(typed.map((each) => functionType(each.parameters, each.results)))),
    ...section(2, vec(imports.map((each, at) => [...name(each.module), ...name(each.name), 0, ...u32(at)]))),
    ...section(3, vec(functions.map((_, at) => u32(imports.length + at)))),
    ...(table ? section(4, vec([[0x70, ...limits(table)]])) : []),
    ...(memory ? section(5, vec([limits(memory)])) : []),
    ...section(6, vec(globals.map((value) => [0x7f, 1, ...op.i32(value), 0x0b]))),
    ...section(7, vec(exportsOf(module, imports.length))),
    ...(start === undefined ? [] : section(8, u32(start))),
    ...(elements ? section(9, vec([[0, ...op.i32(0), 0x0b, ...vec(elements.map(u32))]])) : []),
    ...(module.beforeCode ?? []),
    ...code,
    ...(module.tail ?? []),
  ]);
}

/** Value types of component functions that travel flat. */
export const VALUE = { u32: 0x79, s64: 0x78, f64: 0x75, bool: 0x7f, string: 0x73, char: 0x74 } as const;

/** A function of a component: named parameters and a result. */
export interface ComponentFunction {
  readonly parameters?: readonly (readonly [string, number])[];
  readonly result?: number;
}

function componentType({ parameters = [], result }: ComponentFunction): number[] {
  const labelled = vec(parameters.map(([label, type]) => [...name(label), type]));
  return [0x40, ...labelled, ...(result === undefined ? [1, 0] : [0, result])];
}

/** A component with one core module. */
export interface AssembledComponent {
  readonly module: Uint8Array;
  /** By interface and name: imports, whose functions the module imports under the same names. */
  readonly imports?: Readonly<Record<string, Readonly<Record<string, ComponentFunction>>>>;
  /** By interface and name, which is also the core export's: exports. */
  readonly exports?: Readonly<Record<string, Readonly<Record<string, ComponentFunction>>>>;
  /** Lifts with the module's `memory` and `cabi_realloc`. */
  readonly withMemory?: true;
  /** Put in at the end. */
  readonly tail?: readonly number[];
}

/** What a component binary begins with. */
export const COMPONENT_PREAMBLE: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

function importParts(imports: NonNullable<AssembledComponent["imports"]>): number[] {
  const out: number[] = [];
  let lowered = 0;
  Object.entries(imports).forEach(([interfaceName, functions], at) => {
    const members = Object.entries(functions);
    const declarations = members.flatMap(([member, type], index) => [
      [1, ...componentType(type)],
      [4, 0, ...name(member), 1, ...u32(index)],
    ]);
    out.push(...section(7, vec([[0x42, ...vec(declarations)]])));
    out.push(...section(10, vec([[0, ...name(interfaceName), 5, ...u32(at)]])));
    out.push(...section(6, vec(members.map(([member]) => [1, 0, ...u32(at), ...name(member)]))));
    out.push(...section(8, vec(members.map((_, index) => [1, 0, ...u32(lowered + index), 0]))));
    const inline = members.map(([member], index) => [...name(member), 0, ...u32(lowered + index)]);
    out.push(...section(2, vec([[1, ...vec(inline)]])));
    lowered += members.length;
  });
  return out;
}

function exportParts(component: AssembledComponent, first: { core: number; instance: number }): number[] {
  const out: number[] = [];
  let core = first.core;
  let instance = first.instance;
  // Types and functions begin after those of the imports.
  let types = first.instance;
  let functions = first.core;
  const memory = component.withMemory ? [[3, 0], [4, ...u32(core)]] : [];
  if (component.withMemory) {
    out.push(...section(6, vec([[0, 2, 1, ...u32(first.instance), ...name("memory")]])));
    out.push(...section(6, vec([[0, 0, 1, ...u32(first.instance), ...name("cabi_realloc")]])));
    core++;
  }
  for (const [interfaceName, members] of Object.entries(component.exports ?? {})) {
    const inline: number[][] = [];
    for (const [member, type] of Object.entries(members)) {
      out.push(...section(6, vec([[0, 0, 1, ...u32(first.instance), ...name(member)]])));
      out.push(...section(7, vec([componentType(type)])));
      out.push(...section(8, vec([[0, 0, ...u32(core), ...vec(memory), ...u32(types)]])));
      inline.push([0, ...name(member), 1, ...u32(functions)]);
      core++;
      types++;
      functions++;
    }
    out.push(...section(5, vec([[1, ...vec(inline)]])));
    out.push(...section(11, vec([[0, ...name(interfaceName), 5, ...u32(instance), 0]])));
    // An export is an instance of its own.
    instance += 2;
  }
  return out;
}

/** The binary of a component. */
export function assembleComponent(component: AssembledComponent): Uint8Array<ArrayBuffer> {
  const imports = component.imports ?? {};
  const interfaces = Object.keys(imports);
  const lowered = Object.values(imports).reduce((sum, each) => sum + Object.keys(each).length, 0);
  const args = interfaces.map((each, at) => [...name(each), 0x12, ...u32(at)]);
  return new Uint8Array([
    ...COMPONENT_PREAMBLE,
    ...importParts(imports),
    ...section(1, [...component.module]),
    ...section(2, vec([[0, 0, ...vec(args)]])),
    ...exportParts(component, { core: lowered, instance: interfaces.length }),
    ...(component.tail ?? []),
  ]);
}
