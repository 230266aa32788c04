/** One guest, bound twice: by our machine and glue, and by jco. */

import type { Func, Interface, Package } from "../../../build/wit/ast.ts";
import { camel, ownFunctions, pascal, withFunctions } from "../../../build/wit/plan.ts";
import { AbiInstance } from "../../../src/agents/abi/instance.ts";
import { bindSentinel } from "../../../src/agents/contract/sentinel_exports.ts";
import { lowerSentinelImports } from "../../../src/agents/contract/sentinel_imports.ts";
import { SentinelInstance } from "../../../src/agents/contract/sentinel_instance.ts";
import type { Imports, Request, Response } from "../../../src/agents/contract/sentinel_types.ts";
import { bindZentinel } from "../../../src/agents/contract/zentinel_exports.ts";
import type { LiftBudget } from "../../../src/agents/guest.ts";
import { compileComponent } from "../../../src/agents/wasm/compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "../../../src/agents/wasm/component_limits.ts";
import { CoreInstance } from "../../../src/agents/wasm/core_instance.ts";
import type { BuiltGuest } from "./build_guest.ts";
import { fromJco, toJco } from "./values.ts";

/** The defaults of the product. */
export const BUDGET: LiftBudget = { bytes: 262_144, listLength: 1024 };

/** What a function did: the value it returned, or what it threw. */
export type Ended = { readonly value: unknown } | { readonly error: unknown };

/** Calls an export, given and answering in our shapes. `lent` stands for every resource by its name. */
export type Call = (name: string, args: readonly unknown[]) => Ended;

/** A bound guest, and what it has told the host so far. */
export interface Side {
  readonly call: Call;
  readonly told: unknown[];
}

/** What the host answers, by keys such as `kv#get` and `http#[method]request.path`. */
export type Answers = Readonly<Record<string, unknown>>;

const FUEL = 2_000_000_000;

/** The guest through our machine and glue. */
export function ourSide(
  built: BuiltGuest,
  wit: Package,
  answers: Answers,
): Side {
  const compiled = compileComponent(built.component, DEFAULT_COMPONENT_LIMITS);
  const told: unknown[] = [];
  const options = { fuel: FUEL, promising: false };
  const host = hostFunctions(wit, (key, func, args) => {
    told.push([key, args.map((arg, index) => shown(func, { index, arg }))]);
    return answers[key];
  });
  let exports: Record<string, Record<string, (...args: unknown[]) => unknown>>;
  let refill: (units: number) => void;
  if (wit.namespace === "sentinel") {
    const instance = new SentinelInstance(BUDGET);
    const imports = lowerSentinelImports(host.interfaces as Imports, instance);
    const core = CoreInstance.create(compiled, { ...options, imports });
    exports = bindSentinel(core, instance) as unknown as typeof exports;
    refill = (units) => core.refill(units);
  } else {
    const core = CoreInstance.create(compiled, {
      ...options,
      imports: new Map(),
    });
    exports = bindZentinel(
      core,
      new AbiInstance(BUDGET),
    ) as unknown as typeof exports;
    refill = (units) => core.refill(units);
  }
  const call: Call = (name, args) => {
    const { owner, func } = exportOf(wit, name);
    refill(FUEL);
    try {
      const given = func.params.map(({ type }, index) =>
        type.type === "borrow" ? host.resources[type.def.name] : args[index]
      );
      return {
        value: exports[camel(owner.name)]![camel(func.name)]!(...given),
      };
    } catch (error) {
      return { error };
    }
  };
  return { call, told };
}

/** The guest through jco's bindings. */
export function jcoSide(
  built: BuiltGuest,
  wit: Package,
  answers: Answers,
): Side {
  const told: unknown[] = [];
  const host = hostFunctions(wit, (key, func, args) => {
    const params = func.params.slice(func.params.length - args.length);
    told.push([
      key,
      args.map((arg, index) => shown(func, { index, arg: fromJco(params[index]!.type, arg) })),
    ]);
    const answer = toJco(func.result, answers[key]);
    if (func.result?.type !== "result") return answer;
    const { tag, val } = answer as { tag: string; val: unknown };
    if (tag === "ok") return val;
    throw { payload: val };
  });
  const imports: Record<string, unknown> = {};
  for (const one of wit.worlds[0]!.imports) {
    imports[`${wit.namespace}:${wit.name}/${one.name}`] = host.interfaces[camel(one.name)];
  }
  imports["sentinel:agent/http"] = host.classes;
  const exports = built.instantiate(imports);
  const call: Call = (name, args) => {
    const { owner, func } = exportOf(wit, name);
    const isResult = func.result?.type === "result";
    try {
      const given = func.params.map(({ type }, index) =>
        type.type === "borrow" ? host.resources[type.def.name] : toJco(type, args[index])
      );
      const value = exports[camel(owner.name)]![camel(func.name)]!(...given);
      return {
        value: fromJco(
          func.result,
          isResult ? { tag: "ok", val: value } : value,
        ),
      };
    } catch (error) {
      const isDeclared = isResult && typeof error === "object" &&
        error !== null && "payload" in error;
      return isDeclared ? { value: fromJco(func.result, { tag: "err", val: error.payload }) } : { error };
    }
  };
  return { call, told };
}

type Answer = (key: string, func: Func, args: readonly unknown[]) => unknown;

/** Host objects for all imports, each of whose functions is answered by `answer`. */
function hostFunctions(wit: Package, answer: Answer) {
  const interfaces: Record<string, Record<string, unknown>> = {};
  const classes: Record<string, unknown> = {};
  const resources: Record<string, unknown> = {};
  const { imports } = wit.worlds[0]!;
  for (const one of withFunctions(imports)) {
    interfaces[camel(one.name)] = Object.fromEntries(
      ownFunctions(one).map((func) => [
        camel(func.name),
        (...args: unknown[]) => answer(`${one.name}#${func.name}`, func, args),
      ]),
    );
  }
  for (const one of imports) {
    for (const { name, shape } of one.types) {
      if (shape.type !== "resource") continue;
      const made = class {};
      for (const func of shape.methods) {
        Object.defineProperty(made.prototype, camel(func.method!), {
          value: (...args: unknown[]) => answer(`${one.name}#${func.name}`, func, args),
        });
      }
      classes[pascal(name)] = made;
      resources[name] = new made() as Request | Response;
    }
  }
  return { interfaces, classes, resources };
}

/** An argument as it is compared: resources by their name alone. */
function shown(
  func: Func,
  { index, arg }: { index: number; arg: unknown },
): unknown {
  const type = func.params[index]?.type;
  return func.resource === undefined && type?.type === "borrow" ? type.def.name : arg;
}

/** The function that `handler#configure` names. */
export function exportOf(
  wit: Package,
  name: string,
): { readonly owner: Interface; readonly func: Func } {
  const [ownerName, funcName] = name.split("#");
  const owner = wit.worlds[0]!.exports.find((one) => one.name === ownerName);
  const func = owner?.functions.find((one) => one.name === funcName);
  if (owner === undefined || func === undefined) {
    throw new Error(`the world has no export "${name}"`);
  }
  return { owner, func };
}
