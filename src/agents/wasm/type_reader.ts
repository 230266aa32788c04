import type { BinaryReader } from "./binary_reader.ts";
import { STRUCTURE_MAX } from "./component_limits.ts";
import { Scope } from "./component_scope.ts";
import {
  type AnyType,
  type DeclaredExport,
  type FunctionType,
  type InstanceType,
  type Labelled,
  PRIMITIVES,
  type ResourceType,
  type TypeBuilder,
  type ValueType,
} from "./component_types.ts";

const LABELS = { max: STRUCTURE_MAX.definitions, items: "names in a type" };

/** What an import, or an export that says its type, is described as. */
export type ExternType =
  | { readonly sort: "function"; readonly type: FunctionType }
  | { readonly sort: "type"; readonly type: AnyType | "resource" }
  | { readonly sort: "instance"; readonly type: InstanceType };

/** Reads component types, each from those before it. Scopes are index spaces that the types go into. */
export class TypeReader {
  readonly #build: TypeBuilder;
  readonly #account: () => void;

  /** `account` is called for every definition and throws when there are too many. */
  constructor(build: TypeBuilder, account: () => void) {
    this.#build = build;
    this.#account = account;
  }

  /** A type definition, appended to the scope's types. */
  define(reader: BinaryReader, scope: Scope): void {
    this.#account();
    const start = reader.offset;
    const code = reader.byte();
    if (code === 0x40) scope.types.push(this.#function(reader, scope));
    else if (code === 0x42) scope.types.push(this.#instance(reader, scope));
    else if (code === 0x3f) scope.types.push(this.#resource(reader));
    else if (code === 0x41) reader.fail("types of components are not supported", start);
    else if (code === 0x43) reader.fail("async functions are not supported", start);
    else scope.types.push(this.#defined(reader, { scope, code }));
  }

  #resource(reader: BinaryReader): ResourceType {
    if (reader.byte() !== 0x7f) reader.fail("only resources of 32 bits are supported", reader.offset - 1);
    if (reader.byte() !== 0) reader.u32();
    return { type: "resource", name: "resource", owner: undefined };
  }

  #defined(reader: BinaryReader, { scope, code }: { scope: Scope; code: number }): ValueType {
    const build = this.#build;
    const primitive = PRIMITIVES.get(code);
    if (primitive) return primitive;
    switch (code) {
      case 0x72:
        return build.record(this.#labelled(reader, scope));
      case 0x71:
        return build.variant(this.#cases(reader, scope));
      case 0x70:
        return build.list(this.#value(reader, scope));
      case 0x6f:
        return build.tuple(reader.list(LABELS, () => this.#value(reader, scope)));
      case 0x6e: {
        const labels = reader.list(LABELS, () => reader.name());
        if (labels.length > 32) reader.fail("flags of more than 32 names are not supported");
        return build.labels("flags", labels);
      }
      case 0x6d:
        return build.labels("enum", reader.list(LABELS, () => reader.name()));
      case 0x6b:
        return build.option(this.#value(reader, scope));
      case 0x6a: {
        const ok = this.#optional(reader, scope);
        return build.result(ok, this.#optional(reader, scope));
      }
      case 0x69:
        return build.handle("own", this.#resourceAt(reader, scope));
      case 0x68:
        return build.handle("borrow", this.#resourceAt(reader, scope));
      default:
        return reader.fail(`the kind of type 0x${code.toString(16)} is not supported`, reader.offset - 1);
    }
  }

  #value(reader: BinaryReader, scope: Scope): ValueType {
    const start = reader.offset;
    const number = reader.s33();
    if (number < 0) {
      const primitive = PRIMITIVES.get(number + 128);
      return primitive ?? reader.fail("an unknown primitive type", start);
    }
    const type = scope.types[number];
    if (type?.type !== "value") reader.fail(`type ${number} is not the type of a value`, start);
    return type;
  }

  #optional(reader: BinaryReader, scope: Scope): ValueType | undefined {
    const present = reader.byte();
    if (present > 1) reader.fail("neither present nor absent", reader.offset - 1);
    return present ? this.#value(reader, scope) : undefined;
  }

  #labelled(reader: BinaryReader, scope: Scope): Labelled[] {
    return reader.list(LABELS, () => ({ label: reader.name(), type: this.#value(reader, scope) }));
  }

  #cases(reader: BinaryReader, scope: Scope): Labelled[] {
    return reader.list(LABELS, () => {
      const label = reader.name();
      const type = this.#optional(reader, scope);
      if (reader.byte() !== 0) reader.fail("cases that refine others are not supported", reader.offset - 1);
      return { label, type };
    });
  }

  #resourceAt(reader: BinaryReader, scope: Scope): ResourceType {
    const start = reader.offset;
    const type = scope.types[reader.u32()];
    return type?.type === "resource" ? type : reader.fail("a handle of what is no resource", start);
  }

  #function(reader: BinaryReader, scope: Scope): FunctionType {
    const parameters = this.#labelled(reader, scope);
    const start = reader.offset;
    const form = reader.byte();
    if (form === 0) return this.#build.function(parameters, this.#value(reader, scope));
    if (form === 1 && reader.byte() === 0) return this.#build.function(parameters, undefined);
    return reader.fail("named results are not supported", start);
  }

  #instance(reader: BinaryReader, scope: Scope): InstanceType {
    const inner = new Scope(scope);
    if (inner.depth > STRUCTURE_MAX.depth) reader.fail("types are nested too deep");
    const exports = new Map<string, DeclaredExport>();
    const declarations = { max: STRUCTURE_MAX.definitions, items: "declarations" };
    for (let left = reader.count(declarations.max, declarations.items); left > 0; left--) {
      const start = reader.offset;
      const code = reader.byte();
      if (code === 1) this.define(reader, inner);
      else if (code === 2) this.#alias(reader, inner);
      else if (code === 4) this.#declare(reader, { scope: inner, exports });
      else reader.fail(`the kind of declaration ${code} is not supported`, start);
    }
    return { type: "instance", exports };
  }

  #alias(reader: BinaryReader, scope: Scope): void {
    this.#account();
    const start = reader.offset;
    if (reader.byte() !== 3 || reader.byte() !== 2) {
      reader.fail("an instance type may only alias types further out", start);
    }
    scope.types.push(outerType(reader, scope));
  }

  #declare(
    reader: BinaryReader,
    { scope, exports }: { scope: Scope; exports: Map<string, DeclaredExport> },
  ): void {
    this.#account();
    const start = reader.offset;
    const name = externName(reader);
    if (exports.has(name)) reader.fail(`"${name}" is exported twice`, start);
    const extern = this.extern(reader, scope);
    if (extern.sort === "type") {
      const type: AnyType = extern.type === "resource"
        ? { type: "resource", name, owner: undefined }
        : extern.type;
      scope.types.push(type);
      exports.set(name, { sort: "type", type });
      return;
    }
    if (extern.sort === "instance") {
      reader.fail("instances inside of instance types are not supported", start);
    }
    exports.set(name, extern);
  }

  /** The description of an import or export. */
  extern(reader: BinaryReader, scope: Scope): ExternType {
    const start = reader.offset;
    const code = reader.byte();
    if (code === 1 || code === 5) {
      const type = scope.types[reader.u32()];
      const wanted = code === 1 ? "function" : "instance";
      if (type?.type !== wanted) {
        reader.fail(`not the type of ${code === 1 ? "a function" : "an instance"}`, start);
      }
      return { sort: wanted, type } as ExternType;
    }
    if (code === 3) {
      const bound = reader.byte();
      if (bound === 1) return { sort: "type", type: "resource" };
      if (bound !== 0) reader.fail("an unknown bound of a type", start);
      const type = scope.types[reader.u32()];
      return { sort: "type", type: type ?? reader.fail("a type that does not exist", start) };
    }
    return reader.fail(`the kind of import or export ${code} is not supported`, start);
  }
}

/** The name of an import or export of a component. */
export function externName(reader: BinaryReader): string {
  const start = reader.offset;
  if (reader.byte() > 1) reader.fail("names with attributes are not supported", start);
  return reader.name();
}

/** The rest of an alias of a type further out: levels and index. */
export function outerType(reader: BinaryReader, scope: Scope): AnyType {
  const start = reader.offset;
  const type = scope.outer(reader.u32())?.types[reader.u32()];
  return type ?? reader.fail("an alias of a type that does not exist", start);
}
