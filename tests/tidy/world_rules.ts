/** Outside `server/`, `cli/` and `main.ts` the outside world arrives as ports, and modules hold no state. */

import { isProof } from "./import_rules.ts";
import { OUTER_ROOMS, roomOf } from "./layers.ts";

/** Globals that are the outside world in themselves. */
const WORLD = new Set([
  "Deno",
  "process",
  "fetch",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "Worker",
  "WebSocket",
  "localStorage",
]);

/** Members of otherwise harmless globals. */
const WORLD_MEMBERS = new Set([
  "Date.now",
  "performance.now",
  "Math.random",
  "crypto.getRandomValues",
  "crypto.randomUUID",
]);

const EMPTY_CONTAINERS = new Set(["Map", "Set", "WeakMap", "WeakSet", "Array"]);

function isInnerProduct(file: string): boolean {
  const room = roomOf(file);
  return room !== undefined && !OUTER_ROOMS.has(room) && !isProof(file);
}

/** True when the identifier names a member, a key or a declaration rather than the global. */
function isOnlyAName(node: Deno.lint.Identifier): boolean {
  const parent = node.parent as unknown as Record<string, unknown> & { type: string };
  switch (parent.type) {
    case "MemberExpression":
      return parent["property"] === node && parent["computed"] === false;
    case "TSQualifiedName":
      return parent["right"] === node;
    case "Property":
    case "PropertyDefinition":
    case "MethodDefinition":
    case "TSPropertySignature":
    case "TSMethodSignature":
      return parent["key"] === node && parent["shorthand"] !== true;
    default:
      return false;
  }
}

const outsideWorld: Deno.lint.Rule = {
  create(context) {
    if (!isInnerProduct(context.filename)) return {};
    const report = (node: Deno.lint.Node, what: string) =>
      context.report({ node, message: `${what} belongs behind a port (core/ports.ts)` });
    return {
      Identifier(node) {
        if (WORLD.has(node.name) && !isOnlyAName(node)) report(node, node.name);
      },
      MemberExpression(node) {
        if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return;
        const name = `${node.object.name}.${node.property.name}`;
        if (WORLD_MEMBERS.has(name)) report(node, name);
        if (node.object.name === "globalThis" && WORLD.has(node.property.name)) report(node, name);
      },
      NewExpression(node) {
        if (node.callee.type !== "Identifier" || node.callee.name !== "Date") return;
        if (node.arguments.length === 0) report(node, "new Date()");
      },
    };
  },
};

function isEmptyContainer(node: Deno.lint.Expression | null | undefined): boolean {
  if (!node) return false;
  if (node.type === "ArrayExpression") return node.elements.length === 0;
  if (node.type === "ObjectExpression") return node.properties.length === 0;
  if (node.type !== "NewExpression" || node.callee.type !== "Identifier") return false;
  return EMPTY_CONTAINERS.has(node.callee.name) && node.arguments.length === 0;
}

const moduleState: Deno.lint.Rule = {
  create(context) {
    if (!isInnerProduct(context.filename)) return {};
    return {
      VariableDeclaration(node) {
        const parent = node.parent as unknown as { type: string };
        if (parent.type !== "Program" && parent.type !== "ExportNamedDeclaration") return;
        if (node.kind === "let" || node.kind === "var") {
          context.report({
            node,
            message: "No mutable state at module level: put it into an object somebody owns",
          });
        } else if (node.declarations.some((each) => isEmptyContainer(each.init))) {
          context.report({
            node,
            message: "An empty container at module level can only be there to be filled later",
          });
        }
      },
    };
  },
};

/** Rules that keep the dataplane portable, testable and restartable. */
export const worldRules: Record<string, Deno.lint.Rule> = {
  "outside-world": outsideWorld,
  "module-state": moduleState,
};
