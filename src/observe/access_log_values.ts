import type { RequestContext } from "../core/context.ts";
import type { AccessLogOptions } from "./access_log.ts";
import { REDACTED, Redactor } from "./redact.ts";

/** Most fields that filters may add to one line. */
export const LOG_FIELDS_MAX = 64;

/** Written when the client left before there was an answer, as other proxies do. */
const STATUS_WITHOUT_ANSWER = 499;

/** The status to print: what was answered, or 499. */
export function answeredStatus(context: RequestContext): number {
  return context.status === 0 ? STATUS_WITHOUT_ANSWER : context.status;
}

/** Whether a rate limit answered, ours or the upstream's. */
export function isRateLimited(context: RequestContext): boolean {
  return context.status === 429 || context.reason === "rate_limited";
}

/** Reads the User-Agent as it may be logged. */
export function userAgentReader(options: AccessLogOptions): (context: RequestContext) => string | undefined {
  const hidden = new Redactor({ headers: options.redactHeaders }).hidesHeader("user-agent");
  if (!hidden) return (context) => context.head.headers.get("user-agent");
  return (context) => context.head.headers.has("user-agent") ? REDACTED : undefined;
}

/** Reads the Referer as it may be logged: secrets in its query are hidden as those of the request's own. */
export function refererReader(options: AccessLogOptions): (context: RequestContext) => string | undefined {
  const redactor = new Redactor({ headers: options.redactHeaders, queryParams: options.redactQueryParams });
  const hidden = redactor.hidesHeader("referer");
  return (context) => {
    const value = context.head.headers.get("referer");
    if (value === undefined) return undefined;
    return hidden ? REDACTED : redactor.url(value);
  };
}
