// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Calls of `request-body-handler`. */

import { exported, given } from "../../abi/exported.ts";
import { inRange } from "../../abi/lower.ts";
import type { Promised } from "../../abi/promised.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import { loadBodyOutcome } from "../sentinel_lift.ts";
import type { BodyOutcome, RequestBodyHandler } from "../sentinel_types.ts";
import type { Guest, GuestFunction } from "../../guest.ts";

/** The interface `request-body-handler`; undefined when the guest does not export it. */
export function bindRequestBodyHandler(
  guest: Guest,
  instance: SentinelInstance,
): RequestBodyHandler | undefined {
  return exported(guest, "request-body-handler", (at) => ({
    onRequestBody: onRequestBody(instance, at("on-request-body")),
  }));
}

/** The interface `request-body-handler`, to be awaited; undefined when the guest does not export it. */
export function bindRequestBodyHandlerAsync(
  guest: Guest,
  instance: SentinelInstance,
): Promised<RequestBodyHandler> | undefined {
  return exported(guest, "request-body-handler", (at) => ({
    onRequestBody: onRequestBodyAsync(instance, at("on-request-body")),
  }));
}

function onRequestBody(
  { abi, requests }: SentinelInstance,
  fn: GuestFunction,
): RequestBodyHandler["onRequestBody"] {
  return given((request, chunk, index, last) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const requestFlat = requests.lend(request);
      const chunkFlat = lower.bytes(chunk);
      const chunkFlatLength = chunk.length;
      const indexFlat = inRange(index, 0xffff_ffff);
      const lastFlat = last ? 1 : 0;
      abi.beginGuest();
      const returned = fn.call(requestFlat, chunkFlat, chunkFlatLength, indexFlat, lastFlat);
      const lift = abi.beginLift();
      const at = lift.record(returned, 132, 4);
      const result: BodyOutcome = loadBodyOutcome(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "request-body-handler#on-request-body");
    } finally {
      requests.end();
      abi.endCall();
    }
  });
}

function onRequestBodyAsync(
  { abi, requests }: SentinelInstance,
  fn: GuestFunction,
): Promised<RequestBodyHandler>["onRequestBody"] {
  return given(async (request, chunk, index, last) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const requestFlat = requests.lend(request);
      const chunkFlat = lower.bytes(chunk);
      const chunkFlatLength = chunk.length;
      const indexFlat = inRange(index, 0xffff_ffff);
      const lastFlat = last ? 1 : 0;
      abi.beginGuest();
      const returned = await fn.call(requestFlat, chunkFlat, chunkFlatLength, indexFlat, lastFlat);
      const lift = abi.beginLift();
      const at = lift.record(returned, 132, 4);
      const result: BodyOutcome = loadBodyOutcome(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "request-body-handler#on-request-body");
    } finally {
      requests.end();
      abi.endCall();
    }
  });
}
