/** Writes the glue for what a guest exports: one file an interface, and one that binds them all. */

import { type Func, type Interface, resolved } from "./ast.ts";
import { load, plus, type Scope, store, Uses } from "./codec.ts";
import { typeUsed } from "./codec_files.ts";
import { type Lowered, lowerFlat, resourceName } from "./flat.ts";
import { instanceType, opened } from "./instance_file.ts";
import { functionLayout } from "./layout.ts";
import {
  camel,
  keyOf,
  ownFunctions,
  pascal,
  type Plan,
  resourcesOf,
  typesPath,
  unsupported,
  worldOf,
} from "./plan.ts";
import type { GeneratedFile } from "./generated_file.ts";

/** Exports as plain calls, or as calls that may be suspended and answer with a promise. */
type Manner = "sync" | "async";

/** `<prefix>_exports.ts` and the files beside it, not yet formatted. */
export function exportFiles(plan: Plan): readonly GeneratedFile[] {
  const manners: readonly Manner[] = plan.suspending.size > 0 ? ["sync", "async"] : ["sync"];
  const { exports } = worldOf(plan);
  const interfaces = exports.map((one): GeneratedFile => {
    const scope: Scope = { plan, uses: new Uses() };
    const binds = manners.map((manner) => bindInterface(scope, { one, manner }));
    const functions = manners.flatMap((manner) =>
      ownFunctions(one).map((func) => exportFunction(scope, { one, func, manner }))
    );
    const text = [
      `/** Calls of \`${one.name}\`. */`,
      scope.uses.imports(2),
      ...binds,
      ...functions,
    ].join("\n\n");
    return { path: interfacePath(plan, one), text, uses: scope.uses };
  });
  return [exportsFile(plan, manners), ...interfaces];
}

/** Most positional parameters that the house allows itself; what others demand goes through `given`. */
const PARAMETERS_MAX = 3;

function exportsFile(plan: Plan, manners: readonly Manner[]): GeneratedFile {
  const scope: Scope = { plan, uses: new Uses() };
  const { uses } = scope;
  const { exports } = worldOf(plan);
  const world = pascal(plan.prefix);
  uses.of("guest.ts", "type Guest");
  const parts: string[] = [];
  for (const manner of manners) {
    const isAsync = manner === "async";
    const result = isAsync ? "PromisedExports" : uses.of(typesPath(plan), "type Exports").slice(5);
    if (isAsync) parts.push(promisedExports(scope));
    const members = exports.map((one) =>
      `${camel(one.name)}: ${uses.of(interfacePath(plan, one), bindName(one, manner))}(guest, instance),`
    );
    parts.push(
      `/**
       * The interfaces that a guest exports, ready to be called. \`instance\` is the one that its imports were lowered
       * with, if it has any; every instance needs its own. Calls throw \`AgentTrap\`, or what the guest's functions throw
       * for a trap of their own. Throws \`AgentLoadError\` for an interface of which functions are missing.${
        isAsync ? "\n* The guest's functions must answer with promises." : ""
      }
       */
      export function bind${world}${isAsync ? "Async" : ""}(guest: Guest, instance: ${
        instanceType(scope)
      }): ${result} {
        ${resourcesOf(plan).length > 0 ? "instance.abi" : "instance"}.attach(guest);
        return {
          ${members.join("\n")}
        };
      }`,
    );
  }
  const text = [`/** Calls of what an agent exports. */`, uses.imports(1), ...parts].join("\n\n");
  return { path: `contract/${plan.prefix}_exports.ts`, text, uses };
}

function promisedExports({ plan, uses }: Scope): string {
  const members = worldOf(plan).exports.map(({ name }) => {
    const type = uses.of(typesPath(plan), `type ${pascal(name)}`).slice(5);
    return `readonly ${camel(name)}: ${
      uses.of("abi/promised.ts", "type Promised").slice(5)
    }<${type}> | undefined;`;
  });
  return `/** What an agent exports whose calls may be suspended; undefined is what it does not have. */
    export interface PromisedExports {
      ${members.join("\n")}
    }`;
}

function bindInterface(scope: Scope, { one, manner }: { one: Interface; manner: Manner }): string {
  const { plan, uses } = scope;
  const type = uses.of(typesPath(plan), `type ${pascal(one.name)}`).slice(5);
  const result = manner === "sync"
    ? type
    : `${uses.of("abi/promised.ts", "type Promised").slice(5)}<${type}>`;
  uses.of("guest.ts", "type Guest");
  const methods = ownFunctions(one).map((func) =>
    `${camel(func.name)}: ${functionName(func, manner)}(instance, at("${func.name}")),`
  );
  return `/** The interface \`${one.name}\`${
    manner === "async" ? ", to be awaited" : ""
  }; undefined when the guest does not export it. */
    export function ${bindName(one, manner)}(guest: Guest, instance: ${
    instanceType(scope)
  }): ${result} | undefined {
      return ${uses.of("abi/exported.ts", "exported")}(guest, "${one.name}", (at) => ({
        ${methods.join("\n")}
      }));
    }`;
}

interface Exported {
  readonly one: Interface;
  readonly func: Func;
  readonly manner: Manner;
}

function exportFunction(scope: Scope, { one, func, manner }: Exported): string {
  const { plan, uses } = scope;
  const isAsync = manner === "async";
  const borrowed = func.params.map(({ type }) => resolved(type)).filter(({ type }) => type === "borrow")
    .map((type) => resourceName(scope, type));
  const lowered = functionLayout(func, "lift").spilled === undefined
    ? flatParams(scope, func)
    : spilledParams(scope, func);
  const statements = lowered.statements.join("\n");
  const passed = lowered.passed.join(", ");
  const call = `${isAsync ? "await " : ""}fn.call(${passed})`;
  const needsLower = /\blower\b/.test(statements + passed);
  const method = `${uses.of(typesPath(plan), `type ${pascal(one.name)}`).slice(5)}`;
  uses.of("guest.ts", "type GuestFunction");
  const isLong = func.params.length > PARAMETERS_MAX;
  const [open, close] = isLong ? [`${uses.of("abi/exported.ts", "given")}(`, ")"] : ["", ""];
  return `function ${functionName(func, manner)}(${opened(scope, func)}, fn: GuestFunction): ${
    isAsync ? `Promised<${method}>` : method
  }["${camel(func.name)}"] {
    return ${open}${isAsync ? "async " : ""}(${func.params.map(({ name }) => camel(name)).join(", ")}) => {
      abi.beginCall();
      try {
        ${needsLower ? "const { lower } = abi;" : ""}
        ${statements}
        abi.beginGuest();
        ${exportResult(scope, { func, call })}
      } catch (error) {
        throw abi.failed(error, "${keyOf(one, func)}");
      } finally {
        ${borrowed.map((name) => `${name}.end();`).join("\n")}
        abi.endCall();
      }
    }${close};
  }`;
}

function exportResult(scope: Scope, { func, call }: { func: Func; call: string }): string {
  if (func.result === undefined) return `${call};\nabi.beginLift();`;
  const { returned } = functionLayout(func, "lift");
  if (returned === undefined) throw unsupported(`the result of "${func.name}", one plain number`);
  return `const returned = ${call};
    const lift = abi.beginLift();
    const at = lift.record(returned, ${returned.size}, ${returned.align});
    const result: ${typeUsed(scope, func.result)} = ${load(scope, func.result, "at")};
    abi.postReturn(fn, returned);
    return result;`;
}

function flatParams(scope: Scope, func: Func): Lowered {
  const lowered = func.params.map(({ name, type }) =>
    lowerFlat(scope, type, { name: `${camel(name)}Flat`, value: camel(name) })
  );
  return {
    statements: lowered.flatMap(({ statements }) => statements),
    passed: lowered.flatMap(({ passed }) => passed),
  };
}

function spilledParams(scope: Scope, func: Func): Lowered {
  const { size, align, offsets } = functionLayout(func, "lift").spilled!;
  return {
    statements: [
      `const room = lower.room(${size}, ${align});`,
      ...func.params.map(({ name, type }, index) =>
        store(scope, type, { at: plus("room", offsets[index]!), value: camel(name) })
      ),
    ],
    passed: ["room"],
  };
}

function interfacePath({ prefix }: Plan, { name }: Interface): string {
  return `contract/${prefix}_exports/${name.replaceAll("-", "_")}.ts`;
}

function bindName({ name }: Interface, manner: Manner): string {
  return `bind${pascal(name)}${manner === "async" ? "Async" : ""}`;
}

function functionName({ name }: Func, manner: Manner): string {
  return `${camel(name)}${manner === "async" ? "Async" : ""}`;
}
