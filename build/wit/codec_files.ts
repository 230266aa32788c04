/** Writes the functions that lower and lift the types of a WIT file. */

import { resolved, type Type, type TypeDef } from "./ast.ts";
import { codecName, load, plus, type Scope, store, Uses } from "./codec.ts";
import { recordRoom, roomOf, variantRoom } from "./layout.ts";
import {
  camel,
  isBytes,
  liftPath,
  lowerPath,
  nameOf,
  type Plan,
  typeScript,
  typesPath,
  worldOf,
} from "./plan.ts";

/**
 * The text of `<prefix>_lower.ts`, not yet formatted: the functions named in `needed`, and those that they need in
 * turn.
 */
export function lowerFile(plan: Plan, needed: readonly string[]): string {
  const types = reachable(plan).map((type) => ({ name: lowerName(plan, type), type }));
  return codecFile(plan, { types, needed, side: "lower", write: lowerFunction });
}

/** The text of `<prefix>_lift.ts`, in the same way. */
export function liftFile(plan: Plan, needed: readonly string[]): string {
  const types = reachable(plan).map((type) => ({ name: liftName(plan, type), type }));
  return codecFile(plan, { types, needed, side: "lift", write: liftFunction });
}

interface CodecFile {
  readonly types: readonly { readonly name: string; readonly type: Type }[];
  readonly needed: readonly string[];
  readonly side: "lower" | "lift";
  readonly write: (scope: Scope, type: Type) => string;
}

function codecFile(plan: Plan, { types, needed, side, write }: CodecFile): string {
  const path = side === "lower" ? lowerPath(plan) : liftPath(plan);
  const names = new Set(needed);
  const all = new Uses();
  const functions: string[] = [];
  // Parts come before what they are part of, so backwards every function is reached after all that need it.
  for (const { name, type } of types.toReversed()) {
    if (!names.has(name)) continue;
    const uses = new Uses();
    functions.unshift(write({ plan, uses }, type));
    for (const used of uses.from(path)) names.add(used);
    all.add(uses);
  }
  all.drop(path);
  all.of(`abi/${side}.ts`, side === "lower" ? "type Lowerer" : "type Lifter");
  const what = side === "lower" ? "Puts values into memory." : "Takes values out of memory.";
  return [`/** ${what} */`, all.imports(1), ...functions].join("\n\n");
}

function lowerName(plan: Plan, type: Type): string {
  return `${isEnum(type) ? "numberOf" : "store"}${codecName(plan, type)}`;
}

function liftName(plan: Plan, type: Type): string {
  return `${isEnum(type) ? "nameOf" : "load"}${codecName(plan, type)}`;
}

function isEnum(type: Type): boolean {
  return type.type === "named" && type.def.shape.type === "enum";
}

/** Definitions and lists that the world's functions deal with, each of them once and parts first. */
function reachable(plan: Plan): readonly Type[] {
  const { imports, exports } = worldOf(plan);
  const found = new Map<string, Type>();
  const visit = (type: Type | undefined): void => {
    if (type === undefined) return;
    const inner = resolved(type);
    parts(inner).forEach(visit);
    const hasFunction = inner.type === "named" || inner.type === "list" && !isBytes(inner);
    if (hasFunction) found.set(codecName(plan, inner), inner);
  };
  for (const { params, result } of [...imports, ...exports].flatMap(({ functions }) => functions)) {
    for (const { type } of params) visit(type);
    visit(result);
  }
  return [...found.values()];
}

function parts(type: Type): readonly (Type | undefined)[] {
  switch (type.type) {
    case "list":
      return [type.element];
    case "option":
      return [type.some];
    case "tuple":
      return type.items;
    case "result":
      return [type.ok, type.error];
    case "named": {
      const { shape } = type.def;
      if (shape.type === "record") return shape.fields.map((field) => field.type);
      return shape.type === "variant" ? shape.cases.map((one) => one.type) : [];
    }
    default:
      return [];
  }
}

function lowerFunction(scope: Scope, type: Type): string {
  const name = codecName(scope.plan, type);
  if (type.type === "list") {
    const { size, align } = roomOf(type.element);
    return `/** Puts the elements of a list into memory; where to. */
      export function store${name}(lower: Lowerer, values: ${typeUsed(scope, type)}): number {
        const pointer = lower.list(values.length, ${size}, ${align});
        let at = pointer;
        for (const value of values) {
          ${store(scope, type.element, { at: "at", value: "value" })}
          at += ${size};
        }
        return pointer;
      }`;
  }
  const def = definitionOf(type);
  const { shape } = def;
  const valueType = typeUsed(scope, type);
  if (shape.type === "enum") {
    const cases = shape.cases.map((one, index) => `case "${one.name}": return ${index};`);
    return `/** The case number of a \`${def.name}\`. */
      export function numberOf${name}(value: ${valueType}): number {
        switch (value) {
          ${cases.join("\n")}
          default: return ${noSuchCase(scope)}("${def.name}", value);
        }
      }`;
  }
  return `/** Puts a \`${def.name}\` into memory. */
    export function store${name}(lower: Lowerer, at: number, value: ${valueType}): void {
      ${shape.type === "variant" ? storeVariant(scope, def) : storeRecord(scope, def)}
    }`;
}

function noSuchCase({ uses }: Scope): string {
  return uses.of("abi/lower.ts", "noSuchCase");
}

function storeRecord(scope: Scope, { shape }: TypeDef): string {
  if (shape.type !== "record") throw new Error("expected a record");
  const { offsets } = recordRoom(shape.fields.map(({ type }) => type));
  return shape.fields.map((field, index) =>
    store(scope, field.type, { at: plus("at", offsets[index]!), value: `value.${camel(field.name)}` })
  ).join("\n");
}

function storeVariant(scope: Scope, { name, shape }: TypeDef): string {
  if (shape.type !== "variant") throw new Error("expected a variant");
  const { payloadOffset } = variantRoom(shape.cases.map(({ type }) => type));
  const cases = shape.cases.map((one, index) => {
    const payload = one.type === undefined
      ? ""
      : store(scope, one.type, { at: plus("at", payloadOffset), value: "value.value" });
    return `case "${one.name}":\nlower.u8(at, ${index});\n${payload}\nbreak;`;
  });
  return `switch (value.type) {\n${cases.join("\n")}\n` +
    `default: ${noSuchCase(scope)}("${name}", (value as { type: string }).type);\n}`;
}

function liftFunction(scope: Scope, type: Type): string {
  const name = codecName(scope.plan, type);
  const valueType = typeUsed(scope, type);
  if (type.type === "list") {
    const { size, align } = roomOf(type.element);
    const elementType = typeScript(scope.plan, type.element);
    const array = elementType.includes(" ") ? `(${elementType})[]` : `${elementType}[]`;
    return `/** Takes a list out of memory. */
      export function load${name}(lift: Lifter, pointer: number, count: number): ${valueType} {
        const start = lift.list(pointer, count, { size: ${size}, align: ${align} });
        const end = start + (count >>> 0) * ${size};
        const values: ${array} = [];
        for (let at = start; at < end; at += ${size}) values.push(${load(scope, type.element, "at")});
        return values;
      }`;
  }
  const def = definitionOf(type);
  const { shape } = def;
  if (shape.type === "enum") {
    const cases = shape.cases.map((one, index) => `case ${index}: return "${one.name}";`);
    return `/** The \`${def.name}\` with a case number. */
      export function nameOf${name}(lift: Lifter, tag: number): ${valueType} {
        switch (tag) {
          ${cases.join("\n")}
          default: return lift.noSuchCase("${def.name}", tag);
        }
      }`;
  }
  return `/** Takes a \`${def.name}\` out of memory. */
    export function load${name}(lift: Lifter, at: number): ${valueType} {
      ${shape.type === "variant" ? loadVariant(scope, def) : loadRecord(scope, def)}
    }`;
}

function loadRecord(scope: Scope, { shape }: TypeDef): string {
  if (shape.type !== "record") throw new Error("expected a record");
  const { offsets } = recordRoom(shape.fields.map(({ type }) => type));
  const fields = shape.fields.map((field, index) =>
    `${camel(field.name)}: ${load(scope, field.type, plus("at", offsets[index]!))},`
  );
  return `return {\n${fields.join("\n")}\n};`;
}

function loadVariant(scope: Scope, { name, shape }: TypeDef): string {
  if (shape.type !== "variant") throw new Error("expected a variant");
  const { payloadOffset } = variantRoom(shape.cases.map(({ type }) => type));
  const cases = shape.cases.map((one, index) => {
    const value = one.type === undefined
      ? ""
      : `, value: ${load(scope, one.type, plus("at", payloadOffset))}`;
    return `case ${index}: return { type: "${one.name}"${value} };`;
  });
  return `const tag = lift.u8(at);
    switch (tag) {
      ${cases.join("\n")}
      default: return lift.noSuchCase("${name}", tag);
    }`;
}

/** The type as TypeScript, with what it names imported. */
export function typeUsed({ plan, uses }: Scope, type: Type): string {
  const visit = (type: Type | undefined): void => {
    if (type === undefined) return;
    const inner = resolved(type);
    if (inner.type === "named" || inner.type === "borrow") {
      uses.of(typesPath(plan), `type ${nameOf(plan, inner.def)}`);
    } else {
      if (inner.type === "result") uses.of(typesPath(plan), "type Result");
      parts(inner).forEach(visit);
    }
  };
  visit(type);
  return typeScript(plan, type);
}

function definitionOf(type: Type): TypeDef {
  if (type.type !== "named") throw new Error(`expected a definition, found ${type.type}`);
  return type.def;
}
