/** Writes the TypeScript types of a WIT file. */

import type { Func, Interface, TypeDef } from "./ast.ts";
import {
  camel,
  keyOf,
  nameOf,
  ownFunctions,
  pascal,
  type Plan,
  typeScript,
  withFunctions,
  worldOf,
} from "./plan.ts";

/** The text of `<prefix>_types.ts`, not yet formatted. */
export function typesFile(plan: Plan): string {
  const { imports, exports } = worldOf(plan);
  const parts = [`/** The types of \`${plan.source}\`. */`];
  for (const one of plan.package.interfaces) {
    for (const def of one.types) parts.push(...definition(plan, def));
    if (ownFunctions(one).length > 0) parts.push(functions(plan, one));
  }
  if (parts.some((part) => part.includes("Result<"))) {
    parts.push(
      `/** How something ended that can fail. */
      export type Result<T, E> =
        | { readonly type: "ok"; readonly value: T }
        | { readonly type: "error"; readonly value: E };`,
    );
  }
  if (withFunctions(imports).length > 0) {
    parts.push(members(
      "What an agent may be granted, by the name of the interface; absent means denied.",
      "Imports",
      withFunctions(imports).map(({ name }) => `readonly ${camel(name)}?: ${pascal(name)};`),
    ));
  }
  parts.push(members(
    "What an agent exports, by the name of the interface; undefined is what it does not have.",
    "Exports",
    exports.map(({ name }) => `readonly ${camel(name)}: ${pascal(name)} | undefined;`),
  ));
  return parts.join("\n\n");
}

function definition(plan: Plan, def: TypeDef): string[] {
  const { shape } = def;
  const name = nameOf(plan, def);
  const docs = def.docs || `\`${def.name}\` of interface \`${def.owner}\`.`;
  switch (shape.type) {
    case "record":
      return [members(
        docs,
        name,
        shape.fields.map((field) =>
          `${comment(field.docs)}readonly ${camel(field.name)}: ${typeScript(plan, field.type)};`
        ),
      )];
    case "variant": {
      const cases = shape.cases.map((one) => {
        const value = one.type === undefined ? "" : `; readonly value: ${typeScript(plan, one.type)}`;
        return `${comment(one.docs)}| { readonly type: "${one.name}"${value} }`;
      });
      return [`${comment(docs)}export type ${name} =\n${cases.join("\n")};`];
    }
    case "enum":
      return [
        `${comment(docs)}export type ${name} = ${shape.cases.map((one) => `"${one.name}"`).join(" | ")};`,
      ];
    case "resource":
      return [members(docs, name, shape.methods.map((method) => signature(plan, method)))];
    // The texts of types look through aliases, and no file of ours needs flags.
    case "alias":
      return [];
    case "flags":
      throw new Error(`flags "${def.name}" have no TypeScript type yet`);
  }
}

function functions(plan: Plan, one: Interface): string {
  const docs = one.docs || `The functions of interface \`${one.name}\`.`;
  return members(
    docs,
    pascal(one.name),
    ownFunctions(one).map((func) => {
      if (!plan.suspending.has(keyOf(one, func))) return signature(plan, func);
      return signature(plan, func).replace(/\): (.*);$/, "): Promise<$1>;");
    }),
  );
}

function signature(plan: Plan, func: Func): string {
  const params = func.params.slice(func.resource === undefined ? 0 : 1);
  const list = params.map(({ name, type }) => `${camel(name)}: ${typeScript(plan, type)}`).join(", ");
  const result = func.result === undefined ? "void" : typeScript(plan, func.result);
  return `${comment(func.docs)}${camel(func.method ?? func.name)}(${list}): ${result};`;
}

function members(docs: string, name: string, lines: readonly string[]): string {
  return `${comment(docs)}export interface ${name} {\n${lines.join("\n")}\n}`;
}

function comment(docs: string): string {
  if (docs === "") return "";
  if (!docs.includes("\n")) return `/** ${docs} */\n`;
  return `/**\n${docs.split("\n").map((line) => ` * ${line}`.trimEnd()).join("\n")}\n */\n`;
}
