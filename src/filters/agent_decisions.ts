/** What an agent's outcome does to a request or response. Outcomes have been checked: `outcome_rules.ts`. */

import type {
  Block,
  Challenge,
  Decision,
  HeaderEdit,
  Outcome,
  Redirect,
} from "../agents/contract/sentinel_types.ts";
import type { RequestContext } from "../core/context.ts";
import { HeaderList } from "../core/headers.ts";
import { BytesBody } from "../core/message.ts";
import type { Response } from "../core/message.ts";
import { statusText } from "../http1/status_text.ts";
import type { Answer } from "./filter.ts";

/** The route's page for a status that no error code has. */
export interface StatusPage {
  (context: RequestContext, status: number): Response;
}

/** A decision against the request. */
export type Refusal = Exclude<Decision, { readonly type: "allow" }>;

/** The answer that a decision against a request means. */
export function answerOf(refusal: Refusal, context: RequestContext, page: StatusPage): Answer {
  switch (refusal.type) {
    case "block":
      return { response: blockResponse(refusal.value, context, page), reason: "agent_blocked" };
    case "redirect":
      return { response: redirectResponse(refusal.value), reason: "agent_redirected" };
    case "challenge":
      return { response: challengeResponse(refusal.value, context, page), reason: "agent_challenged" };
  }
}

function blockResponse(block: Block, context: RequestContext, page: StatusPage): Response {
  const response = block.body === undefined
    ? page(context, block.status)
    : textAnswer(block.status, block.body);
  for (const { name, value } of block.headers) response.headers.set(name, value);
  return response;
}

function redirectResponse({ status, location }: Redirect): Response {
  return { status, reason: "", headers: HeaderList.from([["Location", location]]), body: null };
}

/** Schemes that clients can answer by themselves (RFC 7617, RFC 6750). */
const SCHEMES: Readonly<Record<string, string>> = { basic: "Basic", bearer: "Bearer" };

function challengeResponse(challenge: Challenge, context: RequestContext, page: StatusPage): Response {
  const kind = challenge.kind.toLowerCase();
  if (!Object.hasOwn(SCHEMES, kind)) {
    const lines = challenge.params.map(({ name, value }) => `${name}: ${value}\n`);
    return textAnswer(403, `403 Forbidden\n\nChallenge: ${challenge.kind}\n${lines.join("")}`);
  }
  const params = challenge.params.map(({ name, value }) => `${name}="${value.replace(/["\\]/g, "\\$&")}"`);
  const response = page(context, 401);
  response.headers.set("WWW-Authenticate", [SCHEMES[kind], params.join(", ")].join(" ").trim());
  return response;
}

/** A page for where the route's own cannot be had. */
export const plainStatusPage: StatusPage = (_context, status) => {
  return textAnswer(status, `${status} ${statusText(status) || "Error"}\n`);
};

function textAnswer(status: number, text: string): Response {
  const headers = HeaderList.from([
    ["Content-Type", "text/plain; charset=utf-8"],
    ["Cache-Control", "no-store"],
  ]);
  return { status, reason: "", headers, body: new BytesBody(new TextEncoder().encode(text)) };
}

/** Puts the answer where a response was. */
export function replaceResponse(response: Response, answer: Response): void {
  response.body?.cancel();
  response.status = answer.status;
  response.reason = answer.reason;
  response.headers = answer.headers;
  response.body = answer.body;
}

/** Changes header lines one after the other. */
export function editHeaders(headers: HeaderList, edits: readonly HeaderEdit[]): void {
  for (const edit of edits) {
    switch (edit.type) {
      case "set":
        headers.set(edit.value.name, edit.value.value);
        break;
      case "add":
        headers.append(edit.value.name, edit.value.value);
        break;
      case "remove":
        headers.remove(edit.value.toLowerCase());
    }
  }
}

/** Changes the request that will be sent. The route stays the one that matched the client's. */
export function editRequest(context: RequestContext, outcome: Outcome): void {
  const { head } = context;
  if (outcome.requestHeaders.length > 0) editHeaders(head.headers, outcome.requestHeaders);
  if (outcome.target !== undefined) head.target = outcome.target;
  if (outcome.method !== undefined) head.method = outcome.method;
}
