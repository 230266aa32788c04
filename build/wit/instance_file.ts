/** Writes the class that exports and imports of one instance share. */

import { type Func, resolved, type Type } from "./ast.ts";
import { type Scope, Uses } from "./codec.ts";
import { typeUsed } from "./codec_files.ts";
import { resourceName } from "./flat.ts";
import type { GeneratedFile } from "./generated_file.ts";
import { pascal, type Plan, resourcesOf, unsupported } from "./plan.ts";

/** `<prefix>_instance.ts`; undefined when the host lends no resources, and `AbiInstance` is enough. */
export function instanceFile(plan: Plan): GeneratedFile | undefined {
  const resources = resourcesOf(plan);
  if (resources.length === 0) return undefined;
  const scope: Scope = { plan, uses: new Uses() };
  const { uses } = scope;
  uses.of("guest.ts", "type LiftBudget");
  uses.of("abi/borrows.ts", "Borrow");
  uses.of("abi/borrows.ts", "HandleNumbers");
  uses.of("abi/instance.ts", "AbiInstance");
  const borrows = resources.map((def) => {
    const type: Type = { type: "borrow", def };
    return { name: resourceName(scope, type), type: typeUsed(scope, type), wit: def.name };
  });
  const text = [
    "/** The glue's side of one instance. */",
    uses.imports(1),
    `/** What exports and imports of one instance share: the state of its glue, and the values lent to it. */
    export class ${pascal(plan.prefix)}Instance {
      readonly abi: AbiInstance;
      ${borrows.map(({ name, type }) => `readonly ${name}: Borrow<${type}>;`).join("\n")}

      constructor(budget: LiftBudget) {
        const numbers = new HandleNumbers();
        this.abi = new AbiInstance(budget);
        ${borrows.map(({ name, wit }) => `this.${name} = new Borrow("${wit}", numbers);`).join("\n")}
      }
    }`,
  ].join("\n\n");
  return { path: `contract/${plan.prefix}_instance.ts`, text, uses };
}

/** The type of what exports and imports share. */
export function instanceType({ plan, uses }: Scope): string {
  if (resourcesOf(plan).length === 0) return uses.of("abi/instance.ts", "type AbiInstance").slice(5);
  const name = `${pascal(plan.prefix)}Instance`;
  return uses.of(`contract/${plan.prefix}_instance.ts`, `type ${name}`).slice(5);
}

/** The parameter of a function's glue: the parts of the instance that it needs. */
export function opened(scope: Scope, func: Func): string {
  const type = instanceType(scope);
  if (resourcesOf(scope.plan).length === 0) return `abi: ${type}`;
  const borrowed = func.params.map((param) => resolved(param.type)).filter(({ type }) => type === "borrow")
    .map((param) => resourceName(scope, param));
  if (new Set(borrowed).size < borrowed.length) {
    throw unsupported(`two borrows of one type in "${func.name}"`);
  }
  return `{ ${["abi", ...borrowed].join(", ")} }: ${type}`;
}
