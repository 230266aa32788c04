import type { RequestContext } from "../core/context.ts";
import { HeaderList } from "../core/headers.ts";
import type { Kind } from "../core/kind.ts";
import { block, type Infer, integer, oneOf, text } from "../core/schema.ts";
import type { Filter, FilterDeps } from "./filter.ts";
import { isAuthority } from "./header_editor.ts";
import { pathRewriteFields, pathRewriteProblem, rewrittenPath } from "./path_rewrite.ts";

const STATUSES: readonly number[] = [301, 302, 303, 307, 308];
const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

const options = block({
  summary: "Where clients are sent; what is not given stays as in the request, and the query always does.",
  always: true,
  fields: {
    statusCode: integer({ summary: "301, 302, 303, 307 or 308.", min: 301, max: 308, default: 302 }),
    hostname: text({
      summary: "Host to send clients to.",
      check: (host) =>
        isAuthority(host) && !/[^\]]:\d+$/.test(host) ? undefined : "must be a host without port",
    }),
    scheme: oneOf({ summary: "Scheme to send clients to.", values: { http: [], https: [] } }),
    port: integer({ summary: "Port to send clients to.", min: 1, max: 65535 }),
    ...pathRewriteFields,
  },
  check(value, report) {
    if (!STATUSES.includes(value.statusCode)) {
      report("statusCode", `${value.statusCode} is no redirect`, "use 301, 302, 303, 307 or 308");
    }
    const problem = pathRewriteProblem(value);
    if (problem !== undefined) report("replacePrefixMatch", problem);
    const { hostname, scheme, port, replaceFullPath, replacePrefixMatch } = value;
    if ([hostname, scheme, port, replaceFullPath, replacePrefixMatch].every((given) => given === undefined)) {
      report(
        "statusCode",
        "the filter sends clients to where they are",
        "give it a scheme, hostname, port or path",
      );
    }
  },
});
type Options = Infer<typeof options>;

/** Answers every request with a redirect. */
export const redirect: Kind<"redirect", Options, FilterDeps, Filter> = {
  type: "redirect",
  summary: "Sends clients to another place.",
  options,
  create(given): Filter {
    return {
      onRequest(context) {
        const headers = HeaderList.from([["Location", location(given, context)]]);
        return {
          response: { status: given.statusCode, reason: "", headers, body: null },
          reason: "redirected",
        };
      },
    };
  },
};

/**
 * The target of the redirect. A port that is not given stays as the client wrote it, as long as scheme and host
 * stay; otherwise it is the scheme's own. Ports that the scheme implies are left out.
 */
function location(given: Options, context: RequestContext): string {
  const path = rewrittenPath(given, context);
  const query = context.query === "" ? "" : `?${context.query}`;
  const { host, port } = splitAuthority(context.head.authority);
  const newHost = given.hostname ?? host;
  // Without a host only a relative reference is right; `//x` would be read as a host.
  if (newHost === "") return path.replace(/^\/{2,}/, "/") + query;
  const scheme = given.scheme ?? context.downstream.scheme;
  const staysThere = scheme === context.downstream.scheme && given.hostname === undefined;
  const newPort = given.port ?? (staysThere ? port : undefined);
  const authority = newPort === undefined || newPort === DEFAULT_PORTS[scheme]
    ? newHost
    : `${newHost}:${newPort}`;
  return `${scheme}://${authority}${path.startsWith("/") ? path : ""}${query}`;
}

function splitAuthority(authority: string): { host: string; port: number | undefined } {
  const colon = authority.lastIndexOf(":");
  if (colon < 0 || authority.endsWith("]")) return { host: authority, port: undefined };
  const port = authority.slice(colon + 1);
  return { host: authority.slice(0, colon), port: port === "" ? undefined : Number(port) };
}
