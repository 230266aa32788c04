// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Calls of `response-handler`. */

import { exported } from "../../abi/exported.ts";
import type { Promised } from "../../abi/promised.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import { loadOutcome } from "../sentinel_lift.ts";
import type { Outcome, ResponseHandler } from "../sentinel_types.ts";
import type { Guest, GuestFunction } from "../../guest.ts";

/** The interface `response-handler`; undefined when the guest does not export it. */
export function bindResponseHandler(guest: Guest, instance: SentinelInstance): ResponseHandler | undefined {
  return exported(guest, "response-handler", (at) => ({
    onResponseHeaders: onResponseHeaders(instance, at("on-response-headers")),
  }));
}

/** The interface `response-handler`, to be awaited; undefined when the guest does not export it. */
export function bindResponseHandlerAsync(
  guest: Guest,
  instance: SentinelInstance,
): Promised<ResponseHandler> | undefined {
  return exported(guest, "response-handler", (at) => ({
    onResponseHeaders: onResponseHeadersAsync(instance, at("on-response-headers")),
  }));
}

function onResponseHeaders(
  { abi, requests, responses }: SentinelInstance,
  fn: GuestFunction,
): ResponseHandler["onResponseHeaders"] {
  return (request, response) => {
    abi.beginCall();
    try {
      const requestFlat = requests.lend(request);
      const responseFlat = responses.lend(response);
      abi.beginGuest();
      const returned = fn.call(requestFlat, responseFlat);
      const lift = abi.beginLift();
      const at = lift.record(returned, 120, 4);
      const result: Outcome = loadOutcome(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "response-handler#on-response-headers");
    } finally {
      requests.end();
      responses.end();
      abi.endCall();
    }
  };
}

function onResponseHeadersAsync(
  { abi, requests, responses }: SentinelInstance,
  fn: GuestFunction,
): Promised<ResponseHandler>["onResponseHeaders"] {
  return async (request, response) => {
    abi.beginCall();
    try {
      const requestFlat = requests.lend(request);
      const responseFlat = responses.lend(response);
      abi.beginGuest();
      const returned = await fn.call(requestFlat, responseFlat);
      const lift = abi.beginLift();
      const at = lift.record(returned, 120, 4);
      const result: Outcome = loadOutcome(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "response-handler#on-response-headers");
    } finally {
      requests.end();
      responses.end();
      abi.endCall();
    }
  };
}
