/** How functions, types and plug-ins are declared. */

import { isProof } from "./import_rules.ts";
import { roomOf } from "./layers.ts";

/** Longest function, in lines, signature included. */
export const FUNCTION_LINES_MAX = 70;

/** Most positional parameters a function may take. */
export const PARAMETERS_MAX = 3;

type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

const functionLength: Deno.lint.Rule = {
  create(context) {
    if (isProof(context.filename)) return {};
    const check = (node: FunctionNode) => {
      const lines = context.sourceCode.getText(node).split("\n").length;
      if (lines <= FUNCTION_LINES_MAX) return;
      context.report({ node, message: `Function of ${lines} lines; ${FUNCTION_LINES_MAX} are allowed` });
    };
    return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
  },
};

/** A parameter's declared type, through default values, parameter properties and rest. */
function isBooleanParameter(parameter: unknown): boolean {
  const node = parameter as {
    type: string;
    left?: unknown;
    right?: { type: string; value?: unknown };
    typeAnnotation?: { typeAnnotation?: { type: string } };
  };
  if (node.type === "AssignmentPattern") {
    return typeof node.right?.value === "boolean" || isBooleanParameter(node.left);
  }
  return node.typeAnnotation?.typeAnnotation?.type === "TSBooleanKeyword";
}

/** Callbacks follow whoever calls them, and a setter's only parameter has a name at the call. */
function answersToOthers(node: FunctionNode): boolean {
  const parent = node.parent as unknown as { type: string; kind?: string };
  return parent.type === "CallExpression" || parent.type === "NewExpression" ||
    (parent.type === "MethodDefinition" && parent.kind === "set");
}

const parameters: Deno.lint.Rule = {
  create(context) {
    if (isProof(context.filename)) return {};
    const check = (node: FunctionNode) => {
      if (answersToOthers(node)) return;
      if (node.params.length > PARAMETERS_MAX) {
        const message = `${node.params.length} positional parameters; take an object from ${
          PARAMETERS_MAX + 1
        } on`;
        context.report({ node, message });
      }
      if (node.params.some(isBooleanParameter)) {
        context.report({
          node,
          message: "A positional boolean says nothing at the call: name it in an object",
        });
      }
    };
    return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
  },
};

const noAny: Deno.lint.Rule = {
  create(context) {
    return {
      TSAnyKeyword(node) {
        context.report({ node, message: "No any: take unknown and look" });
      },
    };
  },
};

const docstrings: Deno.lint.Rule = {
  create(context) {
    if (isProof(context.filename)) return {};
    const check = (node: Deno.lint.ExportNamedDeclaration | Deno.lint.ExportDefaultDeclaration) => {
      if (!node.declaration) return;
      const comment = context.sourceCode.getCommentsBefore(node).at(-1);
      if (comment?.type === "Block" && comment.value.startsWith("*")) return;
      context.report({ node, message: "A public export says what it is for in a docstring" });
    };
    return { ExportNamedDeclaration: check, ExportDefaultDeclaration: check };
  },
};

/** Strips `satisfies` and `as` from an initialiser. */
function plain(node: unknown): Record<string, unknown> & { type: string } {
  let inner = node as Record<string, unknown> & { type: string };
  while (inner?.type === "TSSatisfiesExpression" || inner?.type === "TSAsExpression") {
    inner = inner["expression"] as typeof inner;
  }
  return inner;
}

function propertyNode(object: Record<string, unknown>, name: string): Record<string, unknown> | undefined {
  const properties = (object["properties"] ?? []) as Record<string, Record<string, unknown>>[];
  return properties.find((each) => each["key"]?.["name"] === name) as Record<string, unknown> | undefined;
}

function camelOf(words: string): string {
  return words.replace(/[-_]([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `peak_ewma.ts` ↔ `peak-ewma` ↔ `peakEwma`: a plug-in can be found from any of its three names. */
const pluginNames: Deno.lint.Rule = {
  create(context) {
    if (isProof(context.filename) || roomOf(context.filename) === undefined) return {};
    const stem = context.filename.split("/").at(-1)!.replace(/\.ts$/, "");
    return {
      ExportNamedDeclaration(node) {
        if (node.declaration?.type !== "VariableDeclaration") return;
        for (const each of node.declaration.declarations) {
          const object = plain(each.init);
          if (object?.type !== "ObjectExpression" || !propertyNode(object, "create")) continue;
          const type = (propertyNode(object, "type")?.["value"] as { value?: unknown } | undefined)?.value;
          if (typeof type !== "string" || each.id.type !== "Identifier") continue;
          const isNamedAlike = stem === type.replaceAll("-", "_") && each.id.name === camelOf(type);
          if (isNamedAlike) continue;
          const message =
            `Plug-in "${type}" is exported as ${each.id.name} from ${stem}.ts; the three names must agree`;
          context.report({ node, message });
        }
      },
    };
  },
};

/** Rules about declarations. */
export const declarationRules: Record<string, Deno.lint.Rule> = {
  "function-length": functionLength,
  "parameters": parameters,
  "no-any": noAny,
  "docstrings": docstrings,
  "plugin-names": pluginNames,
};
