import type { Kind } from "../core/kind.ts";
import { block, type Infer, text } from "../core/schema.ts";
import type { Filter, FilterDeps } from "./filter.ts";
import { isAuthority } from "./header_editor.ts";
import { pathRewriteFields, pathRewriteProblem, rewrittenPath } from "./path_rewrite.ts";

const options = block({
  summary: "What the upstream sees instead; the query stays as it is.",
  always: true,
  fields: {
    hostname: text({
      summary: "Host that the upstream sees, with or without port.",
      check: (host) => isAuthority(host) ? undefined : "must be a host, with or without port",
    }),
    ...pathRewriteFields,
  },
  check(value, report) {
    const problem = pathRewriteProblem(value);
    if (problem !== undefined) report("replacePrefixMatch", problem);
    const { hostname, replaceFullPath, replacePrefixMatch } = value;
    if (hostname === undefined && replaceFullPath === undefined && replacePrefixMatch === undefined) {
      report(
        "hostname",
        "the filter changes nothing",
        "give it hostname, replace-full-path or replace-prefix-match",
      );
    }
  },
});

/** Changes what the upstream sees of the URL. The route stays the one that matched the client's. */
export const urlRewrite: Kind<"url-rewrite", Infer<typeof options>, FilterDeps, Filter> = {
  type: "url-rewrite",
  summary: "Sends requests upstream under another host or path.",
  options,
  create(given): Filter {
    const changesPath = given.replaceFullPath !== undefined || given.replacePrefixMatch !== undefined;
    return {
      onRequest(context) {
        const { head } = context;
        if (given.hostname !== undefined) head.authority = given.hostname;
        // `OPTIONS *` speaks of the server and has no path to change.
        if (changesPath && head.target.startsWith("/")) {
          const path = rewrittenPath(given, context);
          head.target = head.target.includes("?") ? `${path}?${context.query}` : path;
        }
        return undefined;
      },
    };
  },
};
