/** Finds out what an author's file exports, with the compiler's own parser. */

import assemblyscript from "assemblyscript";
import { BuildError } from "./hooks.ts";

/** Numbers of the syntax tree; they exist at run time, but their declaration says that they need not. */
const { NodeKind, CommonFlags } = assemblyscript as unknown as {
  readonly NodeKind: { readonly FunctionDeclaration: number; readonly Export: number };
  readonly CommonFlags: { readonly Export: number };
};

/** Names of the functions that the file exports. Its syntax errors are left to the compiler, which reports them better. */
export function exportedFunctions(path: string, text: string): string[] {
  const program = assemblyscript.newProgram(assemblyscript.newOptions());
  assemblyscript.parse(program, text, path, true);
  const source = program.sources.find((each) => each.normalizedPath === path);
  if (!source) throw new BuildError(`${path} cannot be read`);
  const names: string[] = [];
  for (const statement of source.statements) {
    const node = statement as { kind: number; flags?: number; name?: { text: string }; members?: Member[] };
    const isExport = ((node.flags ?? 0) & CommonFlags.Export) !== 0;
    if (node.kind === NodeKind.FunctionDeclaration && isExport) names.push(node.name!.text);
    if (node.kind === NodeKind.Export) {
      for (const member of node.members ?? []) names.push(member.exportedName.text);
    }
  }
  return names;
}

interface Member {
  readonly exportedName: { readonly text: string };
}
