/** Code that takes values of WIT types out of a guest's memory and puts them into it. */

import { resolved, type Type, type TypeDef } from "./ast.ts";
import { type BindingFile, className, fileOf, isPlain, typeName } from "./assemblyscript_names.ts";
import { casesOf, recordRoom, roomOf, variantRoom } from "./layout.ts";
import { camel, isBytes, pascal, unsupported } from "./plan.ts";

/** A place in memory: an expression for an address, and a distance from it. */
export interface Spot {
  readonly base: string;
  readonly offset: number;
}

/** The address of a place. */
export function addressOf({ base, offset }: Spot): string {
  return offset === 0 ? base : `${base} + ${offset}`;
}

function moved({ base, offset }: Spot, by: number): Spot {
  return { base, offset: offset + by };
}

function access({ base, offset }: Spot): string {
  return offset === 0 ? base : `${base}, ${offset}`;
}

function storing({ base, offset }: Spot, type: string, value: string): string {
  return `store<${type}>(${base}, ${value}${offset === 0 ? "" : `, ${offset}`});`;
}

/** An expression for the value of a type that lies in memory. */
export function loaded(file: BindingFile, type: Type, spot: Spot): string {
  const inner = resolved(type);
  switch (inner.type) {
    case "primitive":
      if (inner.name === "bool") return `load<u8>(${access(spot)}) != 0`;
      if (inner.name === "string") return `${file.use("../text", "loadText")}(${addressOf(spot)})`;
      return `load<${typeName(file, inner)}>(${access(spot)})`;
    case "list":
      if (isBytes(inner)) return `${file.use("../text", "loadBytes")}(${addressOf(spot)})`;
      return `${listLoader(file, inner.element)}(load<usize>(${access(spot)}), load<i32>(${
        access(moved(spot, 4))
      }))`;
    case "option": {
      const { payloadOffset } = variantRoom(casesOf(inner)!);
      const some = loaded(file, inner.some, moved(spot, payloadOffset));
      const value = isPlain(inner.some)
        ? `new ${file.use("../values", "Some")}<${typeName(file, inner.some)}>(${some})`
        : some;
      return `load<u8>(${access(spot)}) == 0 ? null : ${value}`;
    }
    case "tuple": {
      const { offsets } = recordRoom(inner.items);
      const items = inner.items.map((item, at) => loaded(file, item, moved(spot, offsets[at]!)));
      return `new ${typeName(file, inner)}(${items.join(", ")})`;
    }
    case "result": {
      const { payloadOffset } = variantRoom(casesOf(inner)!);
      const payload = moved(spot, payloadOffset);
      if (!inner.ok || !inner.error) {
        throw unsupported("a result that comes from the host without both of its types");
      }
      const types = `<${typeName(file, inner.ok)}, ${typeName(file, inner.error)}>`;
      const ok = `${file.use("../values", "succeeded")}${types}(${loaded(file, inner.ok, payload)})`;
      const error = `${file.use("../values", "failed")}${types}(${loaded(file, inner.error, payload)})`;
      return `load<u8>(${access(spot)}) == 0 ? ${ok} : ${error}`;
    }
    case "borrow":
    case "own":
      throw unsupported("a resource in memory");
    case "named":
      if (isPlain(inner)) return `load<u8>(${access(spot)})`;
      return `${file.use(`./${fileOf(inner.def.owner)}`, `load${pascal(inner.def.name)}`)}(${
        addressOf(spot)
      })`;
  }
}

/** Statements that put `value`, a variable or a chain of members, into memory. */
export function stored(file: BindingFile, type: Type, at: { spot: Spot; value: string }): string {
  const { spot, value } = at;
  const inner = resolved(type);
  switch (inner.type) {
    case "primitive":
      if (inner.name === "bool") return storing(spot, "u8", `<u8>${value}`);
      if (inner.name === "string") {
        return `${file.use("../text", "storeText")}(${addressOf(spot)}, ${value});`;
      }
      return storing(spot, typeName(file, inner), value);
    case "list":
      if (isBytes(inner)) return `${file.use("../text", "storeText")}(${addressOf(spot)}, ${value});`;
      return `${storing(spot, "usize", `${listStorer(file, inner.element)}(${value})`)}
        ${storing(moved(spot, 4), "i32", `${file.use("../values", "countOf")}(${value})`)}`;
    case "option": {
      const { payloadOffset } = variantRoom(casesOf(inner)!);
      const name = `some${spot.offset}`;
      const payload = isPlain(inner.some) ? `${name}.value` : name;
      return `const ${name} = ${value};
        ${storing(spot, "u8", `<u8> (${name} !== null)`)}
        if (${name} !== null) {
          ${stored(file, inner.some, { spot: moved(spot, payloadOffset), value: payload })}
        }`;
    }
    case "tuple": {
      const { offsets } = recordRoom(inner.items);
      return inner.items.map((item, index) =>
        stored(file, item, {
          spot: moved(spot, offsets[index]!),
          value: `${value}.${index === 0 ? "first" : "second"}`,
        })
      ).join("\n");
    }
    case "result":
      return storedResult(file, inner, at);
    case "borrow":
    case "own":
      throw unsupported("a resource in memory");
    case "named":
      if (isPlain(inner)) return storing(spot, "u8", value);
      return `${file.use(`./${fileOf(inner.def.owner)}`, `store${pascal(inner.def.name)}`)}(${
        addressOf(spot)
      }, ${value});`;
  }
}

function storedResult(
  file: BindingFile,
  type: Type & { type: "result" },
  { spot, value }: { spot: Spot; value: string },
): string {
  const { payloadOffset } = variantRoom(casesOf(type)!);
  const payload = moved(spot, payloadOffset);
  if (!type.error) throw unsupported("a result without error");
  if (!type.ok) {
    return `${storing(spot, "u8", `<u8> (${value} !== null)`)}
      if (${value} !== null) {
        ${stored(file, type.error, { spot: payload, value })}
      }`;
  }
  return `${storing(spot, "u8", `<u8> ${value}.isError`)}
    if (${value}.isError) {
      ${stored(file, type.error, { spot: payload, value: `${value}.error` })}
    } else {
      ${stored(file, type.ok, { spot: payload, value: `${value}.value` })}
    }`;
}

/** The name of a function that reads a list from its address and count. */
export function listLoader(file: BindingFile, element: Type): string {
  if (isText(element)) return file.use("../text", "loadTexts");
  const { size } = roomOf(element);
  return file.helper(
    `load${elementName(element)}List`,
    () =>
      `function load${elementName(element)}List(at: usize, count: i32): ${typeName(file, element)}[] {
      const list = new Array<${typeName(file, element)}>(count);
      for (let index = 0; index < count; index++) {
        list[index] = ${loaded(file, element, { base: `at + ${size} * index`, offset: 0 })};
      }
      return list;
    }`,
  );
}

/** The name of a function that writes a list, null being an empty one, and returns its address. */
export function listStorer(file: BindingFile, element: Type): string {
  if (isText(element)) return file.use("../text", "storeTexts");
  const { size } = roomOf(element);
  const allocate = file.use("../arena", "allocate");
  return file.helper(
    `store${elementName(element)}List`,
    () =>
      `function store${elementName(element)}List(list: ${typeName(file, element)}[] | null): usize {
      if (list === null || list.length == 0) return 0;
      const start = ${allocate}(${size} * list.length);
      for (let index = 0; index < list.length; index++) {
        const at = start + ${size} * index;
        const each = list[index];
        ${stored(file, element, { spot: { base: "at", offset: 0 }, value: "each" })}
      }
      return start;
    }`,
  );
}

function isText(type: Type): boolean {
  const inner = resolved(type);
  return inner.type === "primitive" && inner.name === "string";
}

function elementName(type: Type): string {
  const inner = resolved(type);
  if (inner.type === "named") return pascal(inner.def.name);
  throw unsupported(`a list of ${inner.type}`);
}

/** The functions `loadX` and `storeX` of a record or variant. */
export function codecOf(file: BindingFile, def: TypeDef): string {
  const { shape } = def;
  if (shape.type !== "record" && shape.type !== "variant") return "";
  const name = className(file, def);
  const parts: string[] = [];
  if (file.received.has(def)) {
    parts.push(`/** Takes ${name} out of memory. */
      export function load${name}(at: usize): ${name} {
        const value = new ${name}(${shape.type === "variant" ? "load<u8>(at)" : ""});
        ${shape.type === "record" ? recordReads(file, shape.fields) : variantReads(file, shape.cases, name)}
        return value;
      }`);
  }
  if (file.sent.has(def)) {
    parts.push(`/** Puts ${name} into memory; null is all zero. */
      export function store${name}(at: usize, value: ${name} | null): void {
        if (value === null) {
          memory.fill(at, 0, ${roomOf({ type: "named", def }).size});
          return;
        }
        ${shape.type === "record" ? recordWrites(file, shape.fields) : variantWrites(file, shape.cases, name)}
      }`);
  }
  return parts.join("\n\n");
}

type Parts = readonly { readonly name: string; readonly type: Type }[];

function recordReads(file: BindingFile, fields: Parts): string {
  const { offsets } = recordRoom(fields.map(({ type }) => type));
  return fields.map(({ name, type }, index) =>
    `value.${camel(name)} = ${loaded(file, type, { base: "at", offset: offsets[index]! })};`
  ).join("\n");
}

function recordWrites(file: BindingFile, fields: Parts): string {
  const { offsets } = recordRoom(fields.map(({ type }) => type));
  return fields.map(({ name, type }, index) =>
    stored(file, type, { spot: { base: "at", offset: offsets[index]! }, value: `value.${camel(name)}` })
  ).join("\n");
}

type Cases = readonly { readonly name: string; readonly type: Type | undefined }[];

function variantReads(file: BindingFile, cases: Cases, name: string): string {
  const { payloadOffset } = variantRoom(cases.map(({ type }) => type));
  return cases.map((one) =>
    one.type === undefined ? "" : `if (value.tag == ${name}.${constant(one.name)}) {
      value.${camel(one.name)} = ${loaded(file, one.type, { base: "at", offset: payloadOffset })};
    }`
  ).filter(Boolean).join("\n");
}

function variantWrites(file: BindingFile, cases: Cases, name: string): string {
  const { payloadOffset, tagSize } = variantRoom(cases.map(({ type }) => type));
  if (tagSize !== 1) throw unsupported("a variant of more than 256 cases");
  const spot = { base: "at", offset: payloadOffset };
  const branches = cases.map((one) => {
    if (one.type === undefined) return "";
    if (isPlain(one.type)) throw unsupported("a case that holds a number");
    return `if (value.tag == ${name}.${constant(one.name)}) {
      ${stored(file, one.type, { spot, value: `value.${camel(one.name)}!` })}
    }`;
  });
  return ["store<u8>(at, value.tag);", ...branches].filter(Boolean).join("\n");
}

/** `rate-limit` as `RATE_LIMIT`. */
export function constant(name: string): string {
  return name.replaceAll("-", "_").toUpperCase();
}
