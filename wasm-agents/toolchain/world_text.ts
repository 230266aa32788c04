/** The world of one agent: our WIT with no more interfaces than the agent uses. */

import type { Package } from "../../build/wit/ast.ts";

/** What an agent has of the contract, by names of interfaces. */
export interface Used {
  readonly imports: ReadonlySet<string>;
  readonly exports: ReadonlySet<string>;
}

/** `wit` with its world cut down to what is used. */
export function worldText(wit: string, { imports, exports }: Used): string {
  const start = wit.search(/^world agent \{$/m);
  if (start < 0) throw new Error("the WIT has no world agent");
  const lines = [
    ...[...imports].sort().map((name) => `  import ${name};`),
    ...[...exports].sort().map((name) => `  export ${name};`),
  ];
  return `${wit.slice(0, start)}world agent {\n${lines.join("\n")}\n}\n`;
}

/** The name of an interface in a module's imports and exports: `sentinel:agent/http@1.0.0`. */
export function qualified({ namespace, name, version }: Package, owner: string): string {
  return `${namespace}:${name}/${owner}@${version}`;
}
