/** Types that contain themselves have no size in the canonical ABI. */

import { type Interface, type Type, type TypeDef, WitError } from "./ast.ts";

/** Throws `WitError` for a definition that leads back to itself, lists included: WIT has no recursive types. */
export function refuseCycles(file: string, interfaces: readonly Interface[]): void {
  const done = new Set<TypeDef>();
  const open = new Set<TypeDef>();

  const visitDef = (def: TypeDef) => {
    if (done.has(def)) return;
    if (open.has(def)) throw new WitError(file, def.place, `type "${def.name}" contains itself`);
    open.add(def);
    for (const part of partsOf(def)) visit(part);
    open.delete(def);
    done.add(def);
  };
  const visit = (type: Type | undefined): void => {
    switch (type?.type) {
      case "list":
        return visit(type.element);
      case "option":
        return visit(type.some);
      case "tuple":
        return type.items.forEach(visit);
      case "result":
        visit(type.ok);
        return visit(type.error);
      case "named":
        return visitDef(type.def);
    }
  };
  for (const { types } of interfaces) types.forEach(visitDef);
}

/** The types that a definition is made of. A resource is a number to those who hold it. */
function partsOf({ shape }: TypeDef): readonly (Type | undefined)[] {
  switch (shape.type) {
    case "record":
      return shape.fields.map(({ type }) => type);
    case "variant":
      return shape.cases.map(({ type }) => type);
    case "alias":
      return [shape.target];
    case "enum":
    case "flags":
    case "resource":
      return [];
  }
}
