/**
 * The kinds of conditions in a route's `matches`.
 *
 * To add one: write `<name>.ts` with a `Matcher`, declare its values in `../route.ts`, add a row here.
 */

import type { RouteMatches } from "../route.ts";
import { header } from "./header.ts";
import { host } from "./host.ts";
import type { Matcher } from "./matcher.ts";
import { method } from "./method.ts";
import { path } from "./path.ts";
import { pathPrefix } from "./path_prefix.ts";
import { pathRegex } from "./path_regex.ts";
import { queryParam } from "./query_param.ts";

export const MATCHERS: { readonly [Key in keyof RouteMatches]: Matcher<Key> } = {
  host,
  path,
  pathPrefix,
  pathRegex,
  method,
  header,
  queryParam,
};
