/** Canonical texts of types: two types are the same where their texts are. `src/agents/contract/world.ts` describes them. */

import { type Func, resolved, type Type } from "./ast.ts";

/** The text of a type; an absent one is `_`. */
export function typeText(type: Type | undefined): string {
  if (type === undefined) return "_";
  const inner = resolved(type);
  switch (inner.type) {
    case "primitive":
      return inner.name;
    case "list":
      return `list<${typeText(inner.element)}>`;
    case "option":
      return `option<${typeText(inner.some)}>`;
    case "tuple":
      return `tuple<${inner.items.map(typeText).join(",")}>`;
    case "result":
      return `result<${typeText(inner.ok)},${typeText(inner.error)}>`;
    case "own":
    case "borrow":
      return `${inner.type}<${inner.def.name}>`;
    case "named":
      break;
  }
  const { shape, name } = inner.def;
  switch (shape.type) {
    case "record":
      return `record{${shape.fields.map((field) => `${field.name}:${typeText(field.type)}`).join(",")}}`;
    case "variant":
      return `variant{${
        shape.cases.map((one) => one.type === undefined ? one.name : `${one.name}(${typeText(one.type)})`)
          .join(",")
      }}`;
    case "enum":
      return `enum{${shape.cases.map((one) => one.name).join(",")}}`;
    case "flags":
      return `flags{${shape.flags.map((one) => one.name).join(",")}}`;
    case "alias":
    case "resource":
      throw new Error(`"${name}" was not resolved`);
  }
}

/** The text of a function's type: `(name:T,…)->T`. */
export function functionText(func: Func): string {
  const params = func.params.map(({ name, type }) => `${name}:${typeText(type)}`).join(",");
  return `(${params})->${typeText(func.result)}`;
}
