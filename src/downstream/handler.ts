import type { RequestContext } from "../core/context.ts";
import type { ProxyError } from "../core/errors.ts";
import type { MaybePromise, Response } from "../core/message.ts";

/** What a connection hands its requests to; the engine implements it. */
export interface RequestHandler {
  /** Answers the request. Never rejects: failures become responses. */
  handle(context: RequestContext): MaybePromise<Response>;
  /** The answer to a request that could not even be read. */
  refuse(context: RequestContext, error: ProxyError): Response;
  /** The response has been sent, or sending was given up. Called once per request. */
  finish(context: RequestContext): void;
}
