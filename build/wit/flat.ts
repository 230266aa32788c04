/** How values are passed as numbers: parameters of exports that are lowered, parameters of imports that are lifted. */

import { resolved, type Type } from "./ast.ts";
import { enumName, enumNumber, liftList, lowerList, type Scope } from "./codec.ts";
import { flatten } from "./layout.ts";
import { camel, nameOf, unsupported } from "./plan.ts";

/** A variable of generated code and what it becomes in the call. */
interface Slot {
  readonly name: string;
  /** Its value when an option around it is empty. */
  readonly absent: string;
  readonly value: string;
  readonly passed: readonly string[];
}

/** Code that lowers a value and the core arguments that stand for it. */
export interface Lowered {
  readonly statements: readonly string[];
  readonly passed: readonly string[];
}

/** Code that lowers a parameter. `name` is free for variables, `value` is the expression of the value. */
export function lowerFlat(scope: Scope, type: Type, target: { name: string; value: string }): Lowered {
  const inner = resolved(type);
  if (inner.type === "option") {
    const slots = slotsOf(scope, inner.some, target);
    const tag = `${target.name}Tag`;
    return {
      statements: [
        `let ${tag} = 0;`,
        ...slots.map(({ name, absent }) => `let ${name} = ${absent};`),
        `if (${target.value} !== undefined) {`,
        `${tag} = 1;`,
        ...slots.map(({ name, value }) => `${name} = ${value};`),
        "}",
      ],
      passed: [tag, ...slots.flatMap(({ passed }) => passed)],
    };
  }
  if (inner.type === "named" && inner.def.shape.type === "record") {
    const lowered = inner.def.shape.fields.map((field) =>
      lowerFlat(scope, field.type, inside(target, camel(field.name)))
    );
    return {
      statements: lowered.flatMap(({ statements }) => statements),
      passed: lowered.flatMap(({ passed }) => passed),
    };
  }
  const slots = slotsOf(scope, inner, target);
  return {
    statements: slots.map(({ name, value }) => `const ${name} = ${value};`),
    passed: slots.flatMap(({ passed }) => passed),
  };
}

/** The core number for a value that is one. */
export function flatNumber(scope: Scope, type: Type, value: string): string {
  const inner = resolved(type);
  const checks = "abi/lower.ts";
  if (inner.type === "named" && inner.def.shape.type === "enum") return enumNumber(scope, inner.def, value);
  if (inner.type !== "primitive") throw unsupported(`${inner.type} as one number`);
  switch (inner.name) {
    case "bool":
      return `${value} ? 1 : 0`;
    case "u8":
      return `${scope.uses.of(checks, "inRange")}(${value}, 0xff)`;
    case "u16":
      return `${scope.uses.of(checks, "inRange")}(${value}, 0xffff)`;
    case "u32":
      return `${scope.uses.of(checks, "inRange")}(${value}, 0xffff_ffff)`;
    case "u64":
      return `${scope.uses.of(checks, "unsigned")}(${value})`;
    case "s64":
      return `${scope.uses.of(checks, "signed")}(${value})`;
    case "f32":
    case "f64":
      return value;
    default:
      throw unsupported(`${inner.name} as one number`);
  }
}

/** An expression that lifts a value from core arguments; takes as many of `names` as it needs. */
export function liftFlat(scope: Scope, type: Type, names: string[]): string {
  const inner = resolved(type);
  const next = () => names.shift()!;
  switch (inner.type) {
    case "primitive":
      return inner.name === "string" ? `lift.text(${next()}, ${next()})` : liftNumber(inner.name, next());
    case "list":
      return liftList(scope, inner, [next(), next()]);
    case "option":
      return `lift.some(${next()}) ? ${liftFlat(scope, inner.some, names)} : undefined`;
    case "borrow":
      return `${resourceName(scope, inner)}.value(${next()})`;
    case "named": {
      const { shape } = inner.def;
      if (shape.type === "enum") return enumName(scope, inner.def, next());
      if (shape.type !== "record") throw unsupported(`${shape.type} as numbers`);
      const fields = shape.fields.map((field) =>
        `${camel(field.name)}: ${liftFlat(scope, field.type, names)},`
      );
      return `{\n${fields.join("\n")}\n}`;
    }
    default:
      throw unsupported(`${inner.type} as numbers`);
  }
}

/** The member of the instance that lends values of a borrowed type. */
export function resourceName({ plan }: Scope, type: Type): string {
  if (type.type !== "borrow") throw new Error(`expected a borrow, found ${type.type}`);
  const name = nameOf(plan, type.def);
  return `${name[0]!.toLowerCase()}${name.slice(1)}s`;
}

function slotsOf(scope: Scope, type: Type, target: { name: string; value: string }): readonly Slot[] {
  const { name, value } = target;
  const inner = resolved(type);
  switch (inner.type) {
    case "primitive":
      if (inner.name !== "string") break;
      return [{
        name,
        absent: "-1",
        value: `lower.string(-1, ${value})`,
        passed: [`lower.pointer(${name})`, `lower.length(${name})`],
      }];
    case "list":
      return [
        { name, absent: "0", value: lowerList(scope, inner, value), passed: [name] },
        { name: `${name}Length`, absent: "0", value: `${value}.length`, passed: [`${name}Length`] },
      ];
    case "borrow":
      return [{ name, absent: "0", value: `${resourceName(scope, inner)}.lend(${value})`, passed: [name] }];
    case "named":
      if (inner.def.shape.type !== "record") break;
      return inner.def.shape.fields.flatMap((field) =>
        slotsOf(scope, field.type, inside(target, camel(field.name)))
      );
  }
  const isBig = flatten(inner)[0] === "i64";
  return [{ name, absent: isBig ? "0n" : "0", value: flatNumber(scope, inner, value), passed: [name] }];
}

function inside({ name, value }: { name: string; value: string }, field: string) {
  return { name: `${name}${field[0]!.toUpperCase()}${field.slice(1)}`, value: `${value}.${field}` };
}

function liftNumber(name: string, argument: string): string {
  switch (name) {
    case "bool":
      return `${argument} !== 0`;
    case "u8":
      return `${argument} & 0xff`;
    case "u16":
      return `${argument} & 0xffff`;
    case "u32":
      return `${argument} >>> 0`;
    case "u64":
      return `BigInt.asUintN(64, ${argument})`;
    case "s64":
    case "f32":
    case "f64":
      return argument;
    default:
      throw unsupported(`${name} as one number`);
  }
}
