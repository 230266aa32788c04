/** Writes the glue for what a guest imports: one file an interface, and one with them all. */

import type { Func, Interface } from "./ast.ts";
import { type Scope, store, Uses } from "./codec.ts";
import { flatNumber, liftFlat, resourceName } from "./flat.ts";
import type { GeneratedFile } from "./generated_file.ts";
import { instanceType, opened } from "./instance_file.ts";
import { type FunctionLayout, functionLayout } from "./layout.ts";
import { camel, keyOf, pascal, type Plan, typesPath, unsupported, worldOf } from "./plan.ts";

/** `<prefix>_imports.ts` and the files beside it, not yet formatted. */
export function importFiles(plan: Plan): readonly GeneratedFile[] {
  const { imports } = worldOf(plan);
  const interfaces = imports.map((one): GeneratedFile => {
    const scope: Scope = { plan, uses: new Uses() };
    const functions = one.functions.map((func) => importFunction(scope, { one, func }));
    const text = [
      `/** Core functions of \`${one.name}\`. */`,
      scope.uses.imports(2),
      ...functions,
    ].join("\n\n");
    return { path: interfacePath(plan, one), text, uses: scope.uses };
  });
  return imports.length === 0 ? [] : [importsFile(plan), ...interfaces];
}

function importsFile(plan: Plan): GeneratedFile {
  const scope: Scope = { plan, uses: new Uses() };
  const { uses } = scope;
  const { imports } = worldOf(plan);
  uses.of("guest.ts", "type CoreImports");
  uses.of(typesPath(plan), "type Imports");
  const rows = imports.flatMap((one) => [
    ...one.types.filter(({ shape }) => shape.type === "resource").map((def) => {
      const borrow = `instance.${resourceName(scope, { type: "borrow", def })}`;
      return `["${one.name}#[resource-drop]${def.name}", (_, instance) => ${
        uses.of("abi/imported.ts", "dropping")
      }(instance.abi, ${borrow})],`;
    }),
    ...one.functions.map((func) => importRow(scope, { one, func })),
  ]);
  uses.of("guest.ts", "type CoreFunction");
  const instance = instanceType(scope);
  const body = `type Lowering = (imports: Imports, instance: ${instance}) => CoreFunction;

    const LOWERINGS: ReadonlyMap<string, Lowering> = new Map<string, Lowering>([
      ${rows.join("\n")}
    ]);

    /**
     * Core functions for one instance: for everything that an agent may import, or for what it does import, by names
     * such as \`log#write\`; names that the world does not have are left out. What is absent from \`imports\` is there
     * too, and traps.
     */
    export function lower${pascal(plan.prefix)}Imports(
      imports: Imports,
      instance: ${instance},
      names: Iterable<string> = LOWERINGS.keys(),
    ): CoreImports {
      const lowered = new Map<string, CoreFunction>();
      for (const name of names) {
        const lower = LOWERINGS.get(name);
        if (lower !== undefined) lowered.set(name, lower(imports, instance));
      }
      return lowered;
    }`;
  const text = ["/** What an agent can import, as core functions. */", uses.imports(1), body].join("\n\n");
  return { path: `contract/${plan.prefix}_imports.ts`, text, uses };
}

interface Imported {
  readonly one: Interface;
  readonly func: Func;
}

function importRow({ plan, uses }: Scope, { one, func }: Imported): string {
  const key = keyOf(one, func);
  const name = uses.of(interfacePath(plan, one), functionName(one, func));
  if (func.resource !== undefined) return `["${key}", (_, instance) => ${name}(instance)],`;
  const host = `imports.${camel(one.name)}`;
  return `["${key}", (imports, instance) =>
    ${host} ? ${name}(instance, ${host}) : instance.abi.denied("${key}")],`;
}

function importFunction(scope: Scope, { one, func }: Imported): string {
  const { plan, uses } = scope;
  const layout = functionLayout(func, "lower");
  if (layout.spilled !== undefined) throw unsupported(`"${func.name}", an import with so many parameters`);
  const key = keyOf(one, func);
  const suspends = plan.suspending.has(key);
  const isMethod = func.resource !== undefined;
  const hostParam = isMethod
    ? ""
    : `, host: ${uses.of(typesPath(plan), `type ${pascal(one.name)}`).slice(5)}`;
  const params = layout.params.map((type, index) => `a${index}: ${type === "i64" ? "bigint" : "number"}`);
  const core = flatResult(layout);
  const wrap = suspends ? uses.of("abi/suspending.ts", "suspending") : uses.of("abi/imported.ts", "core");
  const { lifts, call } = argumentsOf(scope, { one, func });
  uses.of("guest.ts", "type CoreFunction");
  return `/** \`${key}\`. */
  export function ${functionName(one, func)}(${opened(scope, func)}${hostParam}): CoreFunction {
    return ${wrap}(${suspends ? "async " : ""}(${params.join(", ")}): ${
    suspends ? `Promise<${core}>` : core
  } => {
      try {
        ${/\blift\b/.test(lifts) ? "const lift = " : ""}abi.beginImport();
        ${lifts}
        abi.beginHost();
        ${importResult(scope, { func, call: suspends ? `await ${call}` : call })}
      } catch (error) {
        throw abi.failed(error, "${key}");
      }
    });
  }`;
}

/** Statements that lift the arguments and check where the result goes, and the call of the host. */
function argumentsOf(scope: Scope, { func }: Imported): { readonly lifts: string; readonly call: string } {
  const layout = functionLayout(func, "lower");
  const names = layout.params.map((_, index) => `a${index}`);
  const isMethod = func.resource !== undefined;
  const lifts = func.params.map(({ name, type }) => {
    const variable = isMethod && name === "self" ? "self" : `${camel(name)}Value`;
    return { variable, code: `const ${variable} = ${liftFlat(scope, type, names)};` };
  });
  const statements = lifts.map(({ code }) => code);
  if (layout.returned !== undefined) {
    const { size, align } = layout.returned;
    statements.push(`const room = lift.record(${names.shift()}, ${size}, ${align});`);
  }
  const passed = lifts.map(({ variable }) => variable).filter((variable) => variable !== "self").join(", ");
  return {
    lifts: statements.join("\n"),
    call: `${isMethod ? "self" : "host"}.${camel(func.method ?? func.name)}(${passed})`,
  };
}

function importResult(scope: Scope, { func, call }: { func: Func; call: string }): string {
  if (func.result === undefined) return `${call};\nabi.beginResult();\nabi.endImport();`;
  if (functionLayout(func, "lower").returned === undefined) {
    return `const result = ${call};
      abi.beginResult();
      const flat = ${flatNumber(scope, func.result, "result")};
      abi.endImport();
      return flat;`;
  }
  return `const result = ${call};
    const lower = abi.beginResult();
    ${store(scope, func.result, { at: "room", value: "result" })}
    abi.endImport();`;
}

function flatResult({ results: [result] }: FunctionLayout): string {
  return result === undefined ? "void" : result === "i64" ? "bigint" : "number";
}

function interfacePath({ prefix }: Plan, { name }: Interface): string {
  return `contract/${prefix}_imports/${name.replaceAll("-", "_")}.ts`;
}

function functionName(one: Interface, func: Func): string {
  return camel(
    func.resource === undefined ? `${one.name}-${func.name}` : `${func.resource.name}-${func.method}`,
  );
}
