/** Classes for the records, variants and enums of an interface. */

import { resolved, type Type, type TypeDef } from "./ast.ts";
import { type BindingFile, className, docsOr, isPlain, typeName } from "./assemblyscript_names.ts";
import { constant } from "./assemblyscript_codec.ts";
import { camel, isBytes } from "./plan.ts";

/** The class of a definition; empty for a resource, which is a bare handle, and for an alias. */
export function classOf(file: BindingFile, def: TypeDef): string {
  const { shape } = def;
  const docs = `/** ${docsOr(def.docs, `\`${def.name}\` of \`${def.owner}\`.`)} */`;
  switch (shape.type) {
    case "record": {
      const fields = shape.fields.map((one) => `${comment(one.docs)}${field(file, def, one)}`);
      return `${docs}\nexport class ${className(file, def)} {\n${fields.join("\n")}\n}`;
    }
    case "variant":
      return `${docs}
        export class ${className(file, def)} {
          ${constants(shape.cases)}
          ${variantFields(file, shape.cases)}

          constructor(public tag: u8) {}
        }`;
    case "enum":
      return `${docs}\nexport class ${className(file, def)} {\n${constants(shape.cases)}\n}`;
    case "flags":
      throw new Error(`the generator does not support flags "${def.name}"`);
    case "alias":
    case "resource":
      return "";
  }
}

function comment(docs: string): string {
  return docs === "" ? "" : `/** ${docsOr(docs, "")} */\n`;
}

function constants(cases: readonly { readonly name: string; readonly docs: string }[]): string {
  return cases.map(({ name, docs }, index) =>
    `${comment(docs)}static readonly ${constant(name)}: u8 = ${index};`
  ).join("\n");
}

function variantFields(
  file: BindingFile,
  cases: readonly { name: string; type: Type | undefined }[],
): string {
  return cases.map(({ name, type }) =>
    type === undefined ? "" : `${camel(name)}: ${typeName(file, type)} | null = null;`
  ).filter(Boolean).join("\n");
}

/** A member with the value that stands for "nothing said": what the guest hands over may leave it at that. */
function field(file: BindingFile, owner: TypeDef, one: { name: string; type: Type }): string {
  const inner = resolved(one.type);
  const name = camel(one.name);
  const type = typeName(file, inner);
  if (inner.type === "primitive" && inner.name === "bool") return `${name}: bool = false;`;
  if (inner.type === "primitive" && inner.name === "string") {
    return `${name}: Text = ${file.use("../text", "EMPTY")};`;
  }
  if (isBytes(inner)) return `${name}: Bytes = ${file.use("../text", "EMPTY")};`;
  if (inner.type === "option") return `${name}: ${type} = null;`;
  if (isPlain(inner)) return `${name}: ${type} = 0;`;
  return file.sent.has(owner) ? `${name}: ${type} | null = null;` : `${name}!: ${type};`;
}
