// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Calls of `request-handler`. */

import { exported } from "../../abi/exported.ts";
import type { Promised } from "../../abi/promised.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import { loadOutcome } from "../sentinel_lift.ts";
import type { Outcome, RequestHandler } from "../sentinel_types.ts";
import type { Guest, GuestFunction } from "../../guest.ts";

/** The interface `request-handler`; undefined when the guest does not export it. */
export function bindRequestHandler(guest: Guest, instance: SentinelInstance): RequestHandler | undefined {
  return exported(guest, "request-handler", (at) => ({
    onRequestHeaders: onRequestHeaders(instance, at("on-request-headers")),
  }));
}

/** The interface `request-handler`, to be awaited; undefined when the guest does not export it. */
export function bindRequestHandlerAsync(
  guest: Guest,
  instance: SentinelInstance,
): Promised<RequestHandler> | undefined {
  return exported(guest, "request-handler", (at) => ({
    onRequestHeaders: onRequestHeadersAsync(instance, at("on-request-headers")),
  }));
}

function onRequestHeaders(
  { abi, requests }: SentinelInstance,
  fn: GuestFunction,
): RequestHandler["onRequestHeaders"] {
  return (request) => {
    abi.beginCall();
    try {
      const requestFlat = requests.lend(request);
      abi.beginGuest();
      const returned = fn.call(requestFlat);
      const lift = abi.beginLift();
      const at = lift.record(returned, 120, 4);
      const result: Outcome = loadOutcome(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "request-handler#on-request-headers");
    } finally {
      requests.end();
      abi.endCall();
    }
  };
}

function onRequestHeadersAsync(
  { abi, requests }: SentinelInstance,
  fn: GuestFunction,
): Promised<RequestHandler>["onRequestHeaders"] {
  return async (request) => {
    abi.beginCall();
    try {
      const requestFlat = requests.lend(request);
      abi.beginGuest();
      const returned = await fn.call(requestFlat);
      const lift = abi.beginLift();
      const at = lift.record(returned, 120, 4);
      const result: Outcome = loadOutcome(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "request-handler#on-request-headers");
    } finally {
      requests.end();
      abi.endCall();
    }
  };
}
