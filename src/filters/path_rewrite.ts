import type { RequestContext } from "../core/context.ts";
import { text } from "../core/schema.ts";

/** Options that redirect and url-rewrite share: how the path changes. At most one may be given. */
export const pathRewriteFields = {
  replaceFullPath: text({
    summary: "Path to use instead of the request's; the query stays.",
    check: checkPath,
  }),
  replacePrefixMatch: text({
    summary: "What stands in for the route's `path-prefix` that the request's path begins with.",
    check: checkPath,
  }),
};

export interface PathRewrite {
  readonly replaceFullPath?: string | undefined;
  readonly replacePrefixMatch?: string | undefined;
}

function checkPath(path: string): string | undefined {
  if (!path.startsWith("/")) return `must start with "/", found "${path}"`;
  return /^[!-~]+$/.test(path) && !/[?#\\]/.test(path)
    ? undefined
    : "must be a path in URL characters, without query and fragment";
}

/** What is wrong with the two options together, or undefined. */
export function pathRewriteProblem(rewrite: PathRewrite): string | undefined {
  const both = rewrite.replaceFullPath !== undefined && rewrite.replacePrefixMatch !== undefined;
  return both ? `"replace-full-path" and "replace-prefix-match" exclude each other` : undefined;
}

/** The request's path, raw, without its query. */
export function rawPath(context: RequestContext): string {
  const { target } = context.head;
  const mark = target.indexOf("?");
  return mark < 0 ? target : target.slice(0, mark);
}

/** The path that the rewrite makes of the request's. Everything not replaced stays as the client wrote it. */
export function rewrittenPath(rewrite: PathRewrite, context: RequestContext): string {
  if (rewrite.replaceFullPath !== undefined) return rewrite.replaceFullPath;
  if (rewrite.replacePrefixMatch !== undefined) return replacePrefix(rewrite.replacePrefixMatch, context);
  return rawPath(context);
}

function replacePrefix(replacement: string, context: RequestContext): string {
  const raw = rawPath(context);
  const prefixes = context.route?.pathPrefixes ?? [];
  const prefix = prefixes.find((each) => isUnder(context.path, each)) ?? "/";
  // An escaped or dotted way of writing the prefix is only seen in the normalised path.
  const path = isUnder(raw, prefix) ? raw : context.path;
  const rest = prefix === "/" ? path : path.slice(prefix.length);
  const base = replacement.endsWith("/") ? replacement.slice(0, -1) : replacement;
  if (rest === "" || rest === "/") return `${base}/`;
  return rest.startsWith("/") ? base + rest : `${base}/${rest}`;
}

function isUnder(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return path.length === prefix.length || prefix.endsWith("/") || path.charCodeAt(prefix.length) === 0x2f;
}
