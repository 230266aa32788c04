/** Functions that call imports, and functions that the host calls. */

import { type Func, type Interface, resolved, type Type } from "./ast.ts";
import { listLoader, listStorer, loaded, stored } from "./assemblyscript_codec.ts";
import {
  type BindingFile,
  className,
  docsOr,
  exportName,
  functionName,
  isPlain,
  typeName,
} from "./assemblyscript_names.ts";
import { flatten, functionLayout } from "./layout.ts";
import { camel, isBytes, pascal, unsupported } from "./plan.ts";

/** How one value becomes arguments of a core function: statements to go before, and the arguments. */
interface Lowered {
  readonly before: readonly string[];
  readonly args: readonly string[];
}

/** The wrapper of an imported function, with the declaration of the core function that it calls. */
export function importOf(file: BindingFile, owner: Interface, func: Func): string {
  const layout = functionLayout(func, "lower");
  if (layout.spilled) throw unsupported(`an import with as many parameters as ${func.name}`);
  const name = functionName(func);
  const raw = `raw${name[0]!.toUpperCase()}${name.slice(1)}`;
  const params = func.params.map((param) => ({ name: camel(param.name), type: param.type }));
  const lowered = params.map((param) => lower(file, param.type, param.name));
  const args = lowered.flatMap((each) => each.args);
  if (layout.returned) args.push(resultArea(file, owner));
  const call = `${raw}(${args.join(", ")})`;
  const result = func.result ? typeName(file, func.result) : "void";
  const lines = [...lowered.flatMap((each) => each.before)];
  if (!func.result) lines.push(`${call};`);
  else if (layout.returned) {
    lines.push(`${call};`, `return ${loaded(file, func.result, { base: "RESULT", offset: 0 })};`);
  } else lines.push(`return ${plainResult(file, func.result, call)};`);
  return `${declaration(file, owner, { func, raw })}

    /** ${docsOr(func.docs, `\`${func.name}\` of \`${owner.name}\`.`)} */
    export function ${name}(${
    params.map((each) => `${each.name}: ${typeName(file, each.type)}`).join(", ")
  }): ${result} {
      ${lines.join("\n")}
    }`;
}

/** Ends the guest's use of a borrowed handle, which the canonical ABI asks for before a call returns. */
export function dropOf(file: BindingFile, owner: Interface, resource: string): string {
  const raw = `rawDrop${pascal(resource)}`;
  return `// asc: @external("${moduleName(file, owner)}", "[resource-drop]${resource}")
    declare function ${raw}(self: i32): void;

    /** Gives a handle back; the call that brought it must do so before it ends. */
    export function drop${pascal(resource)}(self: i32): void {
      ${raw}(self);
    }`;
}

function moduleName({ package: { namespace, name, version } }: BindingFile, owner: Interface): string {
  return `${namespace}:${name}/${owner.name}@${version}`;
}

function declaration(
  file: BindingFile,
  owner: Interface,
  { func, raw }: { func: Func; raw: string },
): string {
  const layout = functionLayout(func, "lower");
  const params = layout.params.map((core, index) => `p${index}: ${core}`).join(", ");
  return `// asc: @external("${moduleName(file, owner)}", "${func.name}")
    declare function ${raw}(${params}): ${layout.results[0] ?? "void"};`;
}

/** The static place that results of imports are read from. */
function resultArea(file: BindingFile, owner: Interface): string {
  const sizes = owner.functions.map((func) => functionLayout(func, "lower").returned?.size ?? 0);
  file.constant("RESULT", `const RESULT: usize = memory.data(${Math.max(...sizes)}, 8);`);
  return "<i32>RESULT";
}

function plainResult(file: BindingFile, type: Type, call: string): string {
  const inner = resolved(type);
  if (!isPlain(inner)) throw unsupported("a result that is neither plain nor in memory");
  const name = typeName(file, inner);
  return name === "bool" ? `${call} != 0` : name === flatten(inner)[0] ? call : `<${name}> ${call}`;
}

function lower(file: BindingFile, type: Type, value: string): Lowered {
  const inner = resolved(type);
  const local = value.replaceAll(".", "_");
  switch (inner.type) {
    case "primitive":
      if (inner.name === "string") return bytes(value);
      return { before: [], args: [plainArgument(inner, value)] };
    case "list": {
      if (isBytes(inner)) return bytes(value);
      const list = `${local}List`;
      const before = [`const ${list} = ${listStorer(file, inner.element)}(${value});`];
      return { before, args: [`<i32> ${list}`, `${file.use("../values", "countOf")}(${value})`] };
    }
    case "option": {
      if (isPlain(inner.some)) throw unsupported("an optional number as a parameter");
      const some = lower(file, inner.some, `${local}Some`);
      if (some.before.length > 0) throw unsupported("an optional list as a parameter");
      const before = [`const ${local}Some = ${value};`];
      const args = some.args.map((arg) => `${local}Some === null ? 0 : ${arg}`);
      return { before, args: [`${local}Some === null ? 0 : 1`, ...args] };
    }
    case "borrow":
      return { before: [], args: [value] };
    case "named": {
      if (isPlain(inner)) return { before: [], args: [value] };
      if (inner.def.shape.type !== "record") throw unsupported("a variant as a parameter of an import");
      const parts = inner.def.shape.fields.map((field) =>
        lower(file, field.type, `${value}.${camel(field.name)}`)
      );
      return { before: parts.flatMap((part) => part.before), args: parts.flatMap((part) => part.args) };
    }
    default:
      throw unsupported(`a ${inner.type} as a parameter of an import`);
  }
}

function bytes(value: string): Lowered {
  return { before: [], args: [`<i32> ${value}.at`, `${value}.length`] };
}

function plainArgument(type: Type & { type: "primitive" }, value: string): string {
  return type.name === "u64"
    ? `<i64> ${value}`
    : type.name === "u32" || type.name === "bool"
    ? `<i32> ${value}`
    : value;
}

/**
 * What the host calls for one function of an interface that the guest exports. It hands the decoded arguments to the
 * function of the same name in `../handlers/`, and puts what that returns where the host finds it.
 */
export function exportOf(file: BindingFile, owner: Interface, func: Func): string {
  const layout = functionLayout(func, "lift");
  if (layout.spilled) throw unsupported(`an export with as many parameters as ${func.name}`);
  const core = layout.params.map((type, index) => `p${index}: ${type}`);
  const names = layout.params.map((_, index) => `p${index}`);
  const before: string[] = [];
  const args = func.params.map(({ name, type }) => lift(file, type, { name: camel(name), names, before }));
  const handler = `${file.use(`../handlers/${owner.name.replaceAll("-", "_")}`, functionName(func))}(${
    args.join(", ")
  })`;
  const drops = func.params.flatMap(({ type }, index) => {
    const inner = resolved(type);
    if (inner.type !== "borrow") return [];
    return [`${file.use(`./${inner.def.owner}`, `drop${pascal(inner.def.name)}`)}(${args[index]});`];
  });
  const head = `/** ${docsOr(func.docs, `The host calls \`${owner.name}#${func.name}\`.`)} */`;
  const signature = `export function ${exportName(owner, func)}(${core.join(", ")})`;
  if (!func.result) {
    const end = `${file.use("../arena", "endCall")}();`;
    return `${head}\n${signature}: void {\n${[...before, `${handler};`, ...drops, end].join("\n")}\n}`;
  }
  if (!layout.returned) throw unsupported("an export whose result is one number");
  const { size } = layout.returned;
  const area = file.constant("RESULT", `const RESULT: usize = memory.data(${resultSize(owner)}, 8);`);
  const lines = [...before, `const result = ${handler};`];
  if (isZeroable(func.result)) {
    const zero = file.constant("ZERO", `const ZERO: usize = memory.data(${resultSize(owner)}, 8);`);
    lines.push(`if (result === null) {`, ...drops, `return ${zero};`, `}`);
  }
  lines.push(
    stored(file, func.result, { spot: { base: area, offset: 0 }, value: "result" }),
    ...drops,
    `return ${area};`,
  );
  if (size === 0) throw unsupported("an empty result");
  return `${head}\n${signature}: usize {\n${lines.join("\n")}\n}`;
}

function resultSize(owner: Interface): number {
  return Math.max(...owner.functions.map((func) => functionLayout(func, "lift").returned?.size ?? 0));
}

/** Whether null can stand for a value of the type that is all zero. */
function isZeroable(type: Type): boolean {
  const inner = resolved(type);
  return inner.type === "named" && !isPlain(inner);
}

/** An expression for a parameter that comes as numbers; takes their names from the front of `names`. */
function lift(
  file: BindingFile,
  type: Type,
  at: { readonly name: string; readonly names: string[]; readonly before: string[] },
): string {
  const inner = resolved(type);
  const next = () => at.names.shift()!;
  switch (inner.type) {
    case "primitive": {
      if (inner.name === "string") return `new ${file.use("../text", "Text")}(${next()}, ${next()})`;
      const name = typeName(file, inner);
      if (name === "bool") return `${next()} != 0`;
      return name === flatten(inner)[0] ? next() : `<${name}> ${next()}`;
    }
    case "list":
      if (isBytes(inner)) return `new ${file.use("../text", "Bytes")}(${next()}, ${next()})`;
      return `${listLoader(file, inner.element)}(${next()}, ${next()})`;
    case "option": {
      if (isPlain(inner.some)) throw unsupported("an optional number as a parameter");
      const tag = next();
      return `${tag} == 0 ? null : ${lift(file, inner.some, at)}`;
    }
    case "borrow":
      return next();
    case "named": {
      if (isPlain(inner)) return `<u8> ${next()}`;
      if (inner.def.shape.type !== "record") throw unsupported("a variant as a parameter of an export");
      const fields = inner.def.shape.fields.map((field) =>
        `${at.name}.${camel(field.name)} = ${
          lift(file, field.type, { ...at, name: `${at.name}_${camel(field.name)}` })
        };`
      );
      at.before.push(`const ${at.name} = new ${className(file, inner.def)}();`, ...fields);
      return at.name;
    }
    default:
      throw unsupported(`a ${inner.type} as a parameter of an export`);
  }
}
