import type { RequestContext } from "../core/context.ts";
import type { ProxyError } from "../core/errors.ts";
import type { MaybePromise, Response } from "../core/message.ts";

/** What a connection hands its requests to; the engine implements it. */
export interface RequestHandler {
  /** Begins to answer. Throws or rejects with what went wrong, which is then given to `fail`. */
  handle(context: RequestContext): MaybePromise<Response>;
  /** What happens to every answer before it is sent. Never throws: a failure becomes the answer. */
  respond(context: RequestContext, response: Response): MaybePromise<Response>;
  /** The answer to a failure, ready to be sent. Never throws. */
  fail(context: RequestContext, cause: unknown): MaybePromise<Response>;
  /** The answer to a request that could not even be read. */
  refuse(context: RequestContext, error: ProxyError): Response;
  /** The response has been sent, or sending was given up. Called once per request. */
  finish(context: RequestContext): void;
}

/** The whole way from a request to what is sent for it. A connection does the same in its own function. */
export async function answerRequest(handler: RequestHandler, context: RequestContext): Promise<Response> {
  let response: Response;
  try {
    response = await handler.handle(context);
  } catch (cause) {
    return await handler.fail(context, cause);
  }
  return await handler.respond(context, response);
}
