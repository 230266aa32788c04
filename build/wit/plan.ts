/** What is to be generated for one WIT file, and how its things are called in TypeScript. */

import {
  type Func,
  type Interface,
  type Package,
  type PrimitiveName,
  resolved,
  type Type,
  type TypeDef,
} from "./ast.ts";

/** A WIT file and the choices that WIT itself does not make. */
export interface Plan {
  /** Begins the names of files and exports: `sentinel`. */
  readonly prefix: string;
  /** Path of the WIT file from the root, for the first line of what is generated. */
  readonly source: string;
  readonly package: Package;
  /** TypeScript names of definitions whose own name says too little, by `interface.name`. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Imports whose host function answers with a promise, by `interface#name`. */
  readonly suspending: ReadonlySet<string>;
}

/** Where types are, below `src/agents`. */
export function typesPath({ prefix }: Plan): string {
  return `contract/${prefix}_types.ts`;
}

/** Where the functions are that put values into memory. */
export function lowerPath({ prefix }: Plan): string {
  return `contract/${prefix}_lower.ts`;
}

/** Where the functions are that take values out of memory. */
export function liftPath({ prefix }: Plan): string {
  return `contract/${prefix}_lift.ts`;
}

/** `on-request-headers` as `onRequestHeaders`. */
export function camel(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `on-request-headers` as `OnRequestHeaders`. */
export function pascal(name: string): string {
  const joined = camel(name);
  return joined[0]!.toUpperCase() + joined.slice(1);
}

/** The TypeScript name of a definition. */
export function nameOf(plan: Plan, def: TypeDef): string {
  return plan.renamed.get(`${def.owner}.${def.name}`) ?? pascal(def.name);
}

/** The key of a function: `http#[method]request.path`. */
export function keyOf(owner: Interface, func: Func): string {
  return `${owner.name}#${func.name}`;
}

/** The world that an agent is built for; each of our files has just one. */
export function worldOf(plan: Plan) {
  const [world, ...others] = plan.package.worlds;
  if (world === undefined || others.length > 0) throw new Error(`${plan.source}: expected one world`);
  return world;
}

/** Interfaces that bring functions of their own, and so become objects on the host's side. */
export function withFunctions(interfaces: readonly Interface[]): readonly Interface[] {
  return interfaces.filter(({ functions }) => functions.some(({ resource }) => resource === undefined));
}

/** The interface's functions without methods of resources. */
export function ownFunctions({ functions }: Interface): readonly Func[] {
  return functions.filter(({ resource }) => resource === undefined);
}

/** The resources that the host lends to the guest. */
export function resourcesOf(plan: Plan): readonly TypeDef[] {
  return worldOf(plan).imports.flatMap(({ types }) => types).filter(({ shape }) => shape.type === "resource");
}

/** A type as TypeScript. */
export function typeScript(plan: Plan, type: Type | undefined): string {
  if (type === undefined) return "undefined";
  const inner = resolved(type);
  switch (inner.type) {
    case "primitive":
      return primitiveTypeScript(inner.name);
    case "list": {
      if (isBytes(inner)) return "Uint8Array";
      const element = typeScript(plan, inner.element);
      return element.includes(" ") ? `readonly (${element})[]` : `readonly ${element}[]`;
    }
    case "option":
      return `${typeScript(plan, inner.some)} | undefined`;
    case "tuple":
      return `readonly [${inner.items.map((item) => typeScript(plan, item)).join(", ")}]`;
    case "result":
      return `Result<${typeScript(plan, inner.ok)}, ${typeScript(plan, inner.error)}>`;
    case "borrow":
    case "named":
      return nameOf(plan, inner.def);
    case "own":
      throw unsupported("a resource that is given away");
  }
}

function primitiveTypeScript(name: PrimitiveName): string {
  switch (name) {
    case "bool":
      return "boolean";
    case "string":
    case "char":
      return "string";
    case "u64":
    case "s64":
      return "bigint";
    default:
      return "number";
  }
}

/** Whether a type is `list<u8>`, which is bytes rather than numbers. */
export function isBytes(type: Type): boolean {
  if (type.type !== "list") return false;
  const element = resolved(type.element);
  return element.type === "primitive" && element.name === "u8";
}

/** What neither our interfaces use nor the generator can do. */
export function unsupported(what: string): Error {
  return new Error(`the generator does not support ${what}`);
}
