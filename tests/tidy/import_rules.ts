/** What a file may import and export from elsewhere. */

import { layerProblem, OUTER_ROOMS, resolveImport, roomOf } from "./layers.ts";

/** True for tests and benchmarks, which may reach everywhere. */
export function isProof(file: string): boolean {
  return /_(test|bench)\.ts$/.test(file) || roomOf(file) === undefined;
}

function checkSource(context: Deno.lint.RuleContext, node: Deno.lint.Node, specifier: unknown): void {
  if (typeof specifier !== "string" || !specifier.startsWith(".")) return;
  const from = roomOf(context.filename);
  if (from === undefined) return;
  const target = resolveImport(context.filename, specifier);
  const to = roomOf(target);
  if (to === undefined) {
    // Data that is part of the program, such as the default configuration, may lie elsewhere; code may not.
    if (!/\.[cm]?[jt]sx?$/.test(target)) return;
    context.report({ node, message: `Product code imports "${specifier}" from outside src/` });
    return;
  }
  const problem = layerProblem(from, to);
  if (problem !== undefined) context.report({ node, message: `Import of "${specifier}": ${problem}` });
}

const layers: Deno.lint.Rule = {
  create(context) {
    if (isProof(context.filename)) return {};
    return {
      ImportDeclaration: (node) => checkSource(context, node, node.source.value),
      ExportAllDeclaration: (node) => checkSource(context, node, node.source.value),
      ExportNamedDeclaration: (node) => checkSource(context, node, node.source?.value),
      ImportExpression: (node) => {
        if (node.source.type === "Literal") checkSource(context, node, node.source.value);
      },
      TSImportType: (node) => {
        const argument: unknown = node.argument;
        const literal = argument as { value?: unknown; literal?: { value?: unknown } };
        checkSource(context, node, literal.value ?? literal.literal?.value);
      },
    };
  },
};

const nodeImports: Deno.lint.Rule = {
  create(context) {
    const room = roomOf(context.filename);
    if (room === undefined || OUTER_ROOMS.has(room) || isProof(context.filename)) return {};
    return {
      ImportDeclaration(node) {
        if (!node.source.value.startsWith("node:")) return;
        context.report({ node, message: `"${node.source.value}" belongs behind a port, in server/ or cli/` });
      },
    };
  },
};

/** A file that only passes on what others export hides where things are. */
const barrels: Deno.lint.Rule = {
  create(context) {
    return {
      ExportAllDeclaration(node) {
        context.report({ node, message: "No barrels: import from the file that declares it" });
      },
      ExportNamedDeclaration(node) {
        if (node.source) {
          context.report({ node, message: "No barrels: import from the file that declares it" });
        }
      },
    };
  },
};

/** Rules about module borders. */
export const importRules: Record<string, Deno.lint.Rule> = {
  "layers": layers,
  "node-imports": nodeImports,
  "barrels": barrels,
};
