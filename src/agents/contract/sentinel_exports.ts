// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Calls of what an agent exports. */

import type { Promised } from "../abi/promised.ts";
import { bindCompletionHandler, bindCompletionHandlerAsync } from "./sentinel_exports/completion_handler.ts";
import { bindGuardrailHandler, bindGuardrailHandlerAsync } from "./sentinel_exports/guardrail_handler.ts";
import { bindLifecycle, bindLifecycleAsync } from "./sentinel_exports/lifecycle.ts";
import {
  bindRequestBodyHandler,
  bindRequestBodyHandlerAsync,
} from "./sentinel_exports/request_body_handler.ts";
import { bindRequestHandler, bindRequestHandlerAsync } from "./sentinel_exports/request_handler.ts";
import {
  bindResponseBodyHandler,
  bindResponseBodyHandlerAsync,
} from "./sentinel_exports/response_body_handler.ts";
import { bindResponseHandler, bindResponseHandlerAsync } from "./sentinel_exports/response_handler.ts";
import { bindWebsocketHandler, bindWebsocketHandlerAsync } from "./sentinel_exports/websocket_handler.ts";
import type { SentinelInstance } from "./sentinel_instance.ts";
import type {
  CompletionHandler,
  Exports,
  GuardrailHandler,
  Lifecycle,
  RequestBodyHandler,
  RequestHandler,
  ResponseBodyHandler,
  ResponseHandler,
  WebsocketHandler,
} from "./sentinel_types.ts";
import type { Guest } from "../guest.ts";

/**
 * The interfaces that a guest exports, ready to be called. `instance` is the one that its imports were lowered
 * with, if it has any; every instance needs its own. Calls throw `AgentTrap`, or what the guest's functions throw
 * for a trap of their own. Throws `AgentLoadError` for an interface of which functions are missing.
 */
export function bindSentinel(guest: Guest, instance: SentinelInstance): Exports {
  instance.abi.attach(guest);
  return {
    lifecycle: bindLifecycle(guest, instance),
    requestHandler: bindRequestHandler(guest, instance),
    requestBodyHandler: bindRequestBodyHandler(guest, instance),
    responseHandler: bindResponseHandler(guest, instance),
    responseBodyHandler: bindResponseBodyHandler(guest, instance),
    completionHandler: bindCompletionHandler(guest, instance),
    websocketHandler: bindWebsocketHandler(guest, instance),
    guardrailHandler: bindGuardrailHandler(guest, instance),
  };
}

/** What an agent exports whose calls may be suspended; undefined is what it does not have. */
export interface PromisedExports {
  readonly lifecycle: Promised<Lifecycle> | undefined;
  readonly requestHandler: Promised<RequestHandler> | undefined;
  readonly requestBodyHandler: Promised<RequestBodyHandler> | undefined;
  readonly responseHandler: Promised<ResponseHandler> | undefined;
  readonly responseBodyHandler: Promised<ResponseBodyHandler> | undefined;
  readonly completionHandler: Promised<CompletionHandler> | undefined;
  readonly websocketHandler: Promised<WebsocketHandler> | undefined;
  readonly guardrailHandler: Promised<GuardrailHandler> | undefined;
}

/**
 * The interfaces that a guest exports, ready to be called. `instance` is the one that its imports were lowered
 * with, if it has any; every instance needs its own. Calls throw `AgentTrap`, or what the guest's functions throw
 * for a trap of their own. Throws `AgentLoadError` for an interface of which functions are missing.
 * The guest's functions must answer with promises.
 */
export function bindSentinelAsync(guest: Guest, instance: SentinelInstance): PromisedExports {
  instance.abi.attach(guest);
  return {
    lifecycle: bindLifecycleAsync(guest, instance),
    requestHandler: bindRequestHandlerAsync(guest, instance),
    requestBodyHandler: bindRequestBodyHandlerAsync(guest, instance),
    responseHandler: bindResponseHandlerAsync(guest, instance),
    responseBodyHandler: bindResponseBodyHandlerAsync(guest, instance),
    completionHandler: bindCompletionHandlerAsync(guest, instance),
    websocketHandler: bindWebsocketHandlerAsync(guest, instance),
    guardrailHandler: bindGuardrailHandlerAsync(guest, instance),
  };
}
