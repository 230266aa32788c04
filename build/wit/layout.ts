/** Sizes, offsets and core signatures of the canonical ABI, with 32-bit pointers and no async. */

import { type Func, resolved, type Type } from "./ast.ts";

/** A WebAssembly number type. */
export type CoreType = "i32" | "i64" | "f32" | "f64";

/** How much room something takes in memory, in bytes. */
export interface Room {
  readonly size: number;
  readonly align: number;
}

/** A record or tuple in memory: the offset of each part, in order. */
export interface RecordRoom extends Room {
  readonly offsets: readonly number[];
}

/** A variant in memory: the case number at offset 0 in `tagSize` bytes, then the payload. */
export interface VariantRoom extends Room {
  readonly tagSize: 1 | 2 | 4;
  readonly payloadOffset: number;
}

/** A case as the ABI sees it: the payload or nothing. Options, results and enums are variants too. */
export type Cases = readonly (Type | undefined)[];

/** A function as WebAssembly sees it. */
export interface FunctionLayout {
  readonly params: readonly CoreType[];
  readonly results: readonly CoreType[];
  /** When there are too many parameters: they lie in memory, and the one core parameter points to them. */
  readonly spilled: RecordRoom | undefined;
  /** When the result is more than one number: it lies in memory with this room. */
  readonly returned: Room | undefined;
}

const FLAT_PARAMS_MAX = 16;
const FLAT_RESULTS_MAX = 1;

const PRIMITIVE_SIZES = {
  bool: 1,
  u8: 1,
  s8: 1,
  u16: 2,
  s16: 2,
  u32: 4,
  s32: 4,
  f32: 4,
  char: 4,
  u64: 8,
  s64: 8,
  f64: 8,
} as const;

/** The room of a type. */
export function roomOf(type: Type): Room {
  const inner = resolved(type);
  switch (inner.type) {
    case "primitive": {
      if (inner.name === "string") return { size: 8, align: 4 };
      const size = PRIMITIVE_SIZES[inner.name];
      return { size, align: size };
    }
    case "list":
      return { size: 8, align: 4 };
    case "tuple":
      return recordRoom(inner.items);
    case "option":
    case "result":
      return variantRoom(casesOf(inner)!);
    case "own":
    case "borrow":
      return { size: 4, align: 4 };
    case "named":
      break;
  }
  const { shape, name } = inner.def;
  switch (shape.type) {
    case "record":
      return recordRoom(shape.fields.map(({ type }) => type));
    case "variant":
    case "enum":
      return variantRoom(casesOf(inner)!);
    case "flags":
      return flagsRoom(name, shape.flags.length);
    case "alias":
    case "resource":
      throw new Error(`"${name}" was not resolved`);
  }
}

/** The cases of a variant, enum, option or result; undefined for every other type. */
export function casesOf(type: Type): Cases | undefined {
  const inner = resolved(type);
  if (inner.type === "option") return [undefined, inner.some];
  if (inner.type === "result") return [inner.ok, inner.error];
  if (inner.type !== "named") return undefined;
  const { shape } = inner.def;
  if (shape.type === "variant") return shape.cases.map(({ type }) => type);
  if (shape.type === "enum") return shape.cases.map(() => undefined);
  return undefined;
}

/** Where the parts of a record, tuple or spilled parameter list lie. */
export function recordRoom(parts: readonly Type[]): RecordRoom {
  let size = 0;
  let align = 1;
  const offsets = parts.map((part) => {
    const room = roomOf(part);
    const offset = alignUp(size, room.align);
    size = offset + room.size;
    align = Math.max(align, room.align);
    return offset;
  });
  return { size: alignUp(size, align), align, offsets };
}

/** Where the case number and the payload of a variant lie. */
export function variantRoom(cases: Cases): VariantRoom {
  const tagSize = cases.length <= 0x100 ? 1 : cases.length <= 0x10000 ? 2 : 4;
  const rooms = cases.map((one) => one === undefined ? { size: 0, align: 1 } : roomOf(one));
  const payloadAlign = Math.max(...rooms.map(({ align }) => align));
  const payloadOffset = alignUp(tagSize, payloadAlign);
  const align = Math.max(tagSize, payloadAlign);
  const size = alignUp(payloadOffset + Math.max(...rooms.map(({ size }) => size)), align);
  return { size, align, tagSize, payloadOffset };
}

/** The core values that a type becomes when it is not in memory. */
export function flatten(type: Type): readonly CoreType[] {
  const inner = resolved(type);
  switch (inner.type) {
    case "primitive":
      if (inner.name === "string") return ["i32", "i32"];
      if (inner.name === "u64" || inner.name === "s64") return ["i64"];
      return inner.name === "f32" || inner.name === "f64" ? [inner.name] : ["i32"];
    case "list":
      return ["i32", "i32"];
    case "tuple":
      return inner.items.flatMap(flatten);
    case "own":
    case "borrow":
      return ["i32"];
    case "option":
    case "result":
    case "named":
      break;
  }
  const cases = casesOf(inner);
  if (cases !== undefined) return ["i32", ...joinedPayload(cases)];
  if (inner.type !== "named" || inner.def.shape.type !== "record") return ["i32"];
  return inner.def.shape.fields.flatMap(({ type }) => flatten(type));
}

/** The core values that hold any payload of a variant, after the case number. */
export function joinedPayload(cases: Cases): readonly CoreType[] {
  const joined: CoreType[] = [];
  for (const one of cases) {
    if (one === undefined) continue;
    flatten(one).forEach((core, at) => {
      const other = joined[at];
      joined[at] = other === undefined || other === core ? core : join(core, other);
    });
  }
  return joined;
}

/**
 * The core signature of a function: `lift` for one that the guest exports, `lower` for one that it imports. A result
 * of several numbers comes back as a pointer in the first case, and goes where an added parameter points in the
 * second.
 */
export function functionLayout(func: Func, side: "lift" | "lower"): FunctionLayout {
  const types = func.params.map(({ type }) => type);
  const flat = types.flatMap(flatten);
  const flatResult = func.result === undefined ? [] : flatten(func.result);
  const spilled = flat.length > FLAT_PARAMS_MAX ? recordRoom(types) : undefined;
  const inMemory = flatResult.length > FLAT_RESULTS_MAX;
  const params: CoreType[] = spilled === undefined ? [...flat] : ["i32"];
  if (inMemory && side === "lower") params.push("i32");
  return {
    params,
    results: !inMemory ? flatResult : side === "lift" ? ["i32"] : [],
    spilled,
    returned: inMemory ? roomOf(func.result!) : undefined,
  };
}

/** The next multiple of `align` at or above `offset`. */
export function alignUp(offset: number, align: number): number {
  return Math.ceil(offset / align) * align;
}

function flagsRoom(name: string, count: number): Room {
  if (count > 32) throw new Error(`flags "${name}" has ${count} names; more than 32 are not supported`);
  const size = count <= 8 ? 1 : count <= 16 ? 2 : 4;
  return { size, align: size };
}

function join(a: CoreType, b: CoreType): CoreType {
  const small = (core: CoreType) => core === "i32" || core === "f32";
  return small(a) && small(b) ? "i32" : "i64";
}
