/**
 * Values of WIT types, driven by the parsed WIT and so independent of the generated glue: random ones, their bytes in
 * memory, and jco's way of writing them.
 */

import fc from "../../../tests/support/seeded_check.ts";
import { type Case, resolved, type Type } from "../../../build/wit/ast.ts";
import { casesOf, recordRoom, roomOf, variantRoom } from "../../../build/wit/layout.ts";
import { camel, isBytes } from "../../../build/wit/plan.ts";

/**
 * Text of all kinds: ASCII, ISO 8859-1, anything in Unicode. Sometimes a surrogate stands alone. Only a byte order mark
 * at the beginning is left out, because jco loses it.
 */
const TEXT: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 60 }) },
  { weight: 3, arbitrary: latin1() },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 30 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("\ud800", "a\udc00b", "mark\ufeff", "\0"),
  },
).filter((text) => !text.startsWith("\ufeff"));

function latin1(): fc.Arbitrary<string> {
  return fc.array(fc.integer({ min: 0x20, max: 0xff }), { maxLength: 60 })
    .map((codes) => String.fromCharCode(...codes));
}

/** Random values of a type in our TypeScript shapes. */
export function arbitrary(type: Type | undefined): fc.Arbitrary<unknown> {
  if (type === undefined) return fc.constant(undefined);
  const inner = resolved(type);
  switch (inner.type) {
    case "primitive":
      return primitive(inner.name);
    case "list":
      if (isBytes(inner)) return fc.uint8Array({ maxLength: 60 });
      return fc.array(arbitrary(inner.element), { maxLength: 6 });
    case "option":
      return fc.option(arbitrary(inner.some), { nil: undefined });
    case "tuple":
      return fc.tuple(...inner.items.map(arbitrary));
    case "result":
      return fc.oneof(cased("ok", inner.ok), cased("error", inner.error));
    case "own":
    case "borrow":
      return fc.constant(inner.def.name);
    case "named":
      break;
  }
  const { shape, name } = inner.def;
  switch (shape.type) {
    case "record":
      return fc.record(
        Object.fromEntries(
          shape.fields.map((
            field,
          ) => [camel(field.name), arbitrary(field.type)]),
        ),
      );
    case "variant":
      return fc.oneof(...shape.cases.map((one) => variantCase(one)));
    case "enum":
      return fc.constantFrom(...shape.cases.map((one) => one.name));
    default:
      throw new Error(`no values of ${shape.type} "${name}"`);
  }
}

function cased(name: string, type: Type | undefined): fc.Arbitrary<unknown> {
  return arbitrary(type).map((value) => ({ type: name, value }));
}

function variantCase({ name, type }: Case): fc.Arbitrary<unknown> {
  return type === undefined ? fc.constant({ type: name }) : cased(name, type);
}

function primitive(name: string): fc.Arbitrary<unknown> {
  switch (name) {
    case "bool":
      return fc.boolean();
    case "u8":
      return fc.integer({ min: 0, max: 0xff });
    case "u16":
      return fc.integer({ min: 0, max: 0xffff });
    case "u32":
      return fc.integer({ min: 0, max: 0xffff_fffe });
    case "u64":
      return fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
    case "s64":
      return fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
    case "f32":
      return fc.float();
    case "f64":
      return fc.double();
    case "string":
      return TEXT;
    default:
      throw new Error(`no values of ${name}`);
  }
}

/** A value in our shapes as jco has it. */
export function toJco(type: Type | undefined, value: unknown): unknown {
  return convert(type, value, (name, payload) => ({
    tag: name === "error" ? "err" : name,
    val: payload?.value,
  }));
}

/** A value in jco's shapes as we have it. */
export function fromJco(type: Type | undefined, value: unknown): unknown {
  return convert(type, value, (name, payload) => {
    const ours = name === "err" ? "error" : name;
    return payload === undefined ? { type: ours } : { type: ours, value: payload.value };
  });
}

/** Makes a variant or result of the name of its case and its payload; there is none when the case has none. */
type Rewrite = (
  name: string,
  payload: { readonly value: unknown } | undefined,
) => unknown;

/** Walks a value in either's shapes and rewrites its variants and results. */
function convert(
  type: Type | undefined,
  value: unknown,
  rewrite: Rewrite,
): unknown {
  if (type === undefined || value === undefined) return undefined;
  const inner = resolved(type);
  switch (inner.type) {
    case "list":
      return isBytes(inner) ? value : (value as unknown[]).map((one) => convert(inner.element, one, rewrite));
    case "option":
      return convert(inner.some, value, rewrite);
    case "tuple":
      return inner.items.map((item, index) => convert(item, (value as unknown[])[index], rewrite));
    case "result": {
      const { name, payload } = caseOf(value);
      return rewrite(name, {
        value: convert(
          name === "ok" ? inner.ok : inner.error,
          payload,
          rewrite,
        ),
      });
    }
    case "primitive":
    case "own":
    case "borrow":
      return value;
    case "named":
      break;
  }
  const { shape } = inner.def;
  if (shape.type === "record") {
    const record = value as Record<string, unknown>;
    return Object.fromEntries(shape.fields.map((field) => {
      const name = camel(field.name);
      return [name, convert(field.type, record[name], rewrite)];
    }));
  }
  if (shape.type !== "variant") return value;
  const { name, payload } = caseOf(value);
  const found = shape.cases.find((one) => one.name === name);
  if (found === undefined) {
    throw new Error(`${inner.def.name} has no case "${name}"`);
  }
  if (found.type === undefined) return rewrite(name, undefined);
  return rewrite(name, { value: convert(found.type, payload, rewrite) });
}

/** A variant's or result's case and payload, whoever's shape it has. */
function caseOf(
  value: unknown,
): { readonly name: string; readonly payload: unknown } {
  const { type, tag, value: ours, val } = value as Record<string, unknown>;
  return { name: String(type ?? tag), payload: ours ?? val };
}

/** Bytes that hold a value, as they have to lie at `base`; the value itself comes first. */
export function encode(
  type: Type,
  value: unknown,
  base: number,
): Uint8Array<ArrayBuffer> {
  return new Image(base).encode(type, value);
}

const ENCODER = new TextEncoder();

class Image {
  readonly #base: number;
  #bytes = new Uint8Array(1 << 18);
  #view = new DataView(this.#bytes.buffer);
  #used = 0;

  constructor(base: number) {
    this.#base = base;
  }

  encode(type: Type, value: unknown): Uint8Array<ArrayBuffer> {
    const { size, align } = roomOf(type);
    this.#put(type, value, this.#room(size, align));
    return this.#bytes.slice(0, this.#used);
  }

  #room(size: number, align: number): number {
    const at = Math.ceil(this.#used / align) * align;
    this.#used = at + size;
    return at;
  }

  #put(type: Type, value: unknown, at: number): void {
    const inner = resolved(type);
    const cases = casesOf(inner);
    if (cases !== undefined) return this.#putCase(inner, value, at);
    switch (inner.type) {
      case "primitive":
        return this.#putPrimitive(inner.name, value, at);
      case "list":
        return this.#putList(inner.element, value as ArrayLike<unknown>, at);
      case "tuple": {
        const { offsets } = recordRoom(inner.items);
        inner.items.forEach((item, index) =>
          this.#put(item, (value as unknown[])[index], at + offsets[index]!)
        );
        return;
      }
      case "named": {
        const { shape } = inner.def;
        if (shape.type !== "record") break;
        const { offsets } = recordRoom(shape.fields.map((field) => field.type));
        shape.fields.forEach((field, index) =>
          this.#put(
            field.type,
            (value as Record<string, unknown>)[camel(field.name)],
            at + offsets[index]!,
          )
        );
        return;
      }
    }
    throw new Error(`no bytes of ${inner.type}`);
  }

  #putCase(type: Type, value: unknown, at: number): void {
    const cases = casesOf(type)!;
    const { payloadOffset } = variantRoom(cases);
    let index: number;
    let payload: unknown;
    if (type.type === "option") {
      index = value === undefined ? 0 : 1;
      payload = value;
    } else if (type.type === "result") {
      const result = value as { type: string; value: unknown };
      index = result.type === "ok" ? 0 : 1;
      payload = result.value;
    } else {
      if (type.type !== "named") throw new Error("expected cases");
      const { shape } = type.def;
      if (shape.type !== "variant" && shape.type !== "enum") {
        throw new Error("expected cases");
      }
      const name = shape.type === "enum" ? value : (value as { type: string }).type;
      index = shape.cases.findIndex((one) => one.name === name);
      payload = shape.type === "enum" ? undefined : (value as { value?: unknown }).value;
    }
    this.#bytes[at] = index;
    const payloadType = cases[index];
    if (payloadType !== undefined) {
      this.#put(payloadType, payload, at + payloadOffset);
    }
  }

  #putPrimitive(name: string, value: unknown, at: number): void {
    switch (name) {
      case "string":
        return this.#putBytes(ENCODER.encode(value as string), at);
      case "bool":
        this.#bytes[at] = value ? 1 : 0;
        return;
      case "u16":
        return this.#view.setUint16(at, value as number, true);
      case "u32":
        return this.#view.setUint32(at, value as number, true);
      case "u64":
        return this.#view.setBigUint64(at, value as bigint, true);
      case "f32":
        return this.#view.setFloat32(at, value as number, true);
      case "f64":
        return this.#view.setFloat64(at, value as number, true);
      default:
        throw new Error(`no bytes of ${name}`);
    }
  }

  #putList(element: Type, values: ArrayLike<unknown>, at: number): void {
    if (values instanceof Uint8Array) return this.#putBytes(values, at);
    const { size, align } = roomOf(element);
    const start = this.#room(size * values.length, align);
    for (let index = 0; index < values.length; index++) {
      this.#put(element, values[index], start + index * size);
    }
    this.#putPair(start, values.length, at);
  }

  #putBytes(bytes: Uint8Array, at: number): void {
    const start = this.#room(bytes.length, 1);
    this.#bytes.set(bytes, start);
    this.#putPair(start, bytes.length, at);
  }

  #putPair(start: number, length: number, at: number): void {
    this.#view.setUint32(at, this.#base + start, true);
    this.#view.setUint32(at + 4, length, true);
  }
}
