/**
 * The kinds of filters.
 *
 * To add a filter: write `<name>.ts` with a `Kind` constant, add its import and its row here. Parser, types, JSON
 * Schema, reference page and the contract test in `tests/contract/filters_test.ts` follow from the row.
 */

import { agent } from "./agent.ts";
import { clientCertificate } from "./client_certificate.ts";
import { cors } from "./cors.ts";
import { headers } from "./headers.ts";
import { hsts } from "./hsts.ts";
import { log } from "./log.ts";
import { rateLimit } from "./rate_limit.ts";
import { redirect } from "./redirect.ts";
import { timeout } from "./timeout.ts";
import { urlRewrite } from "./url_rewrite.ts";

export const FILTERS = [
  agent,
  clientCertificate,
  cors,
  headers,
  hsts,
  log,
  rateLimit,
  redirect,
  timeout,
  urlRewrite,
] as const;

/** Types of the language that this build cannot do; refused by name. */
export const UNAVAILABLE_FILTERS = { compress: ["compression"], geo: [] } as const;
