/** How things of a WIT file are called in AssemblyScript, and which file has them. */

import { type Func, type Interface, type Package, resolved, type Type, type TypeDef } from "./ast.ts";
import { camel, isBytes, pascal, unsupported } from "./plan.ts";

/** Words that cannot be names of functions. */
const RESERVED = new Set(["delete", "in", "new", "switch", "default"]);

/** Which way definitions go. */
export interface Traffic {
  readonly sent: ReadonlySet<TypeDef>;
  readonly received: ReadonlySet<TypeDef>;
}

/** One file of bindings while it is written: what it has to import is noted as it is named. */
export class BindingFile {
  readonly package: Package;
  readonly interface: string;
  /** Definitions that the guest hands to the host; what is left out of them is zero. */
  readonly sent: ReadonlySet<TypeDef>;
  /** Definitions that the host hands to the guest. */
  readonly received: ReadonlySet<TypeDef>;
  readonly #imports = new Map<string, Set<string>>();
  readonly #constants = new Map<string, string>();
  /** Functions that other functions of the file need, by name. */
  readonly #helpers = new Map<string, string>();

  constructor(owner: Interface, options: Traffic & { package: Package }) {
    this.interface = owner.name;
    this.package = options.package;
    this.sent = options.sent;
    this.received = options.received;
  }

  /** Refers to an export of another file. */
  use(file: string, name: string): string {
    if (file === `./${fileOf(this.interface)}`) return name;
    const names = this.#imports.get(file);
    if (names) names.add(name);
    else this.#imports.set(file, new Set([name]));
    return name;
  }

  /** Refers to a function of this file, which is written when it is first needed. */
  helper(name: string, write: () => string): string {
    if (!this.#helpers.has(name)) {
      this.#helpers.set(name, "");
      this.#helpers.set(name, write());
    }
    return name;
  }

  /** Refers to a constant of this file. */
  constant(name: string, declaration: string): string {
    this.#constants.set(name, declaration);
    return name;
  }

  /** The file's text around its body. */
  text(docs: string, body: string): string {
    const files = [...this.#imports].sort(([a], [b]) => a < b ? -1 : 1);
    const imports = files.map(([file, names]) =>
      `import { ${[...names].sort().join(", ")} } from "${file}";`
    );
    const constants = [...this.#constants.values()].join("\n");
    return [`/** ${docs} */`, imports.join("\n"), constants, body, ...this.#helpers.values()].filter(Boolean)
      .join("\n\n");
  }
}

/** `request-handler` as the name of a file. */
export function fileOf(name: string): string {
  return name.replaceAll("-", "_");
}

/** The name of a binding of an imported function. */
export function functionName(func: Func): string {
  if (func.resource) return camel(func.resource.name) + pascal(func.method!);
  const name = camel(func.name);
  return RESERVED.has(name) ? `${name}_` : name;
}

/** The name under which a compiled module exports a handler, before it gets its canonical name. */
export function exportName(owner: Interface, func: Func): string {
  return `${camel(owner.name)}_${camel(func.name)}`;
}

/** Whether a type is a number, a truth value or an enum in AssemblyScript. */
export function isPlain(type: Type): boolean {
  const inner = resolved(type);
  if (inner.type === "primitive") return inner.name !== "string";
  return inner.type === "borrow" || (inner.type === "named" && inner.def.shape.type === "enum");
}

/** The name of a record's or variant's class. */
export function className(file: BindingFile, def: TypeDef): string {
  return file.use(`./${fileOf(def.owner)}`, pascal(def.name));
}

/** A type in AssemblyScript. */
export function typeName(file: BindingFile, type: Type): string {
  const inner = resolved(type);
  switch (inner.type) {
    case "primitive":
      if (inner.name === "string") return file.use("../text", "Text");
      if (inner.name === "char") throw unsupported("char");
      return inner.name.replace(/^s(\d+)$/, "i$1");
    case "list":
      return isBytes(inner) ? file.use("../text", "Bytes") : `${typeName(file, inner.element)}[]`;
    case "option": {
      const some = typeName(file, inner.some);
      return isPlain(inner.some) ? `${file.use("../values", "Some")}<${some}> | null` : `${some} | null`;
    }
    case "tuple": {
      if (inner.items.length !== 2) throw unsupported(`a tuple of ${inner.items.length}`);
      const items = inner.items.map((item) => typeName(file, item));
      return `${file.use("../values", "Pair")}<${items.join(", ")}>`;
    }
    case "result": {
      if (!inner.error) throw unsupported("a result without error");
      const error = typeName(file, inner.error);
      if (inner.ok) return `${file.use("../values", "Result")}<${typeName(file, inner.ok)}, ${error}>`;
      if (isPlain(inner.error)) throw unsupported("a result with nothing but a number");
      return `${error} | null`;
    }
    case "borrow":
      return "i32";
    case "own":
      throw unsupported("a resource that is given away");
    case "named":
      return isPlain(inner) ? "u8" : className(file, inner.def);
  }
}

/** The definitions that are part of a type. */
export function definitionsIn(type: Type | undefined, found: Set<TypeDef> = new Set()): Set<TypeDef> {
  if (!type) return found;
  const inner = resolved(type);
  switch (inner.type) {
    case "list":
      return definitionsIn(inner.element, found);
    case "option":
      return definitionsIn(inner.some, found);
    case "tuple":
      for (const item of inner.items) definitionsIn(item, found);
      return found;
    case "result":
      definitionsIn(inner.ok, found);
      return definitionsIn(inner.error, found);
    case "named":
      break;
    default:
      return found;
  }
  if (found.has(inner.def)) return found;
  found.add(inner.def);
  const { shape } = inner.def;
  const parts = shape.type === "record" ? shape.fields : shape.type === "variant" ? shape.cases : [];
  for (const part of parts) definitionsIn(part.type, found);
  return found;
}

/** A WIT text as the words of a docstring, or words of our own. */
export function docsOr(docs: string, otherwise: string): string {
  const text = docs.replaceAll("*/", "").split("\n").map((line) => line.trim()).join(" ").trim();
  return text === "" ? otherwise : text;
}
