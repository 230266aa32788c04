/** What a WIT file says, with every name resolved to its definition. */

/** Where something stands; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The types that WIT itself brings, by their WIT names. */
export type PrimitiveName =
  | "bool"
  | "u8"
  | "u16"
  | "u32"
  | "u64"
  | "s8"
  | "s16"
  | "s32"
  | "s64"
  | "f32"
  | "f64"
  | "char"
  | "string";

/** A type where it is used. `named` leads to its definition; a resource named without `borrow` is owned. */
export type Type =
  | { readonly type: "primitive"; readonly name: PrimitiveName }
  | { readonly type: "list"; readonly element: Type }
  | { readonly type: "option"; readonly some: Type }
  | { readonly type: "tuple"; readonly items: readonly Type[] }
  | { readonly type: "result"; readonly ok: Type | undefined; readonly error: Type | undefined }
  | { readonly type: "own" | "borrow" | "named"; readonly def: TypeDef };

/** A field of a record, or a parameter of a function. */
export interface Field {
  readonly name: string;
  readonly docs: string;
  readonly type: Type;
}

/** A case of a variant; without `type` it has no payload. */
export interface Case {
  readonly name: string;
  readonly docs: string;
  readonly type: Type | undefined;
}

/** A case of an enum, or one of several flags. */
export interface Label {
  readonly name: string;
  readonly docs: string;
}

/** What a name stands for. */
export type Shape =
  | { readonly type: "record"; readonly fields: readonly Field[] }
  | { readonly type: "variant"; readonly cases: readonly Case[] }
  | { readonly type: "enum"; readonly cases: readonly Label[] }
  | { readonly type: "flags"; readonly flags: readonly Label[] }
  | { readonly type: "alias"; readonly target: Type }
  | { readonly type: "resource"; readonly methods: readonly Func[] };

/** A definition; `owner` is the interface that holds it. */
export interface TypeDef {
  readonly name: string;
  readonly owner: string;
  readonly docs: string;
  readonly place: Place;
  readonly shape: Shape;
}

/**
 * A function. `name` is the one that components use after `#`, such as `[method]request.path`; `method` is `path`
 * then, `resource` is the definition of `request`, and the first parameter is `self`, a borrow of it.
 */
export interface Func {
  readonly name: string;
  readonly docs: string;
  readonly params: readonly Field[];
  readonly result: Type | undefined;
  readonly resource: TypeDef | undefined;
  readonly method: string | undefined;
}

/** An interface; `types` in the order of the file, without those taken over by `use`. */
export interface Interface {
  readonly name: string;
  readonly docs: string;
  readonly types: readonly TypeDef[];
  /** Functions of the interface itself, then the methods of its resources. */
  readonly functions: readonly Func[];
  /** Every name that a type in this interface can be written as, `use` included. */
  readonly scope: ReadonlyMap<string, TypeDef>;
}

/** A world, as the interfaces it imports and exports. */
export interface World {
  readonly name: string;
  readonly docs: string;
  readonly imports: readonly Interface[];
  readonly exports: readonly Interface[];
}

/** One file: `sentinel:agent@1.0.0` has namespace `sentinel`, name `agent`, version `1.0.0`. */
export interface Package {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly interfaces: readonly Interface[];
  readonly worlds: readonly World[];
}

/** A file that cannot be read; the message begins with `file:line:column`. */
export class WitError extends Error {
  override readonly name = "WitError";
  readonly place: Place;

  constructor(file: string, place: Place, message: string) {
    super(`${file}:${place.line}:${place.column}: ${message}`);
    this.place = place;
  }
}

/** The type behind names and aliases; a resource named alone becomes `own`. */
export function resolved(type: Type): Type {
  let current = type;
  while (current.type === "named") {
    const { shape } = current.def;
    if (shape.type === "resource") return { type: "own", def: current.def };
    if (shape.type !== "alias") return current;
    current = shape.target;
  }
  return current;
}
