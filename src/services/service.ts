import type { RequestContext } from "../core/context.ts";
import type { MaybePromise, Response } from "../core/message.ts";

/** What a route ends in: proxying to an upstream, a builtin handler, … Failures are thrown as `ProxyError`. */
export interface Service {
  serve(context: RequestContext): MaybePromise<Response>;
  dispose?(): void;
}
