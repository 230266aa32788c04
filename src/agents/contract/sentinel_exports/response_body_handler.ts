// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Calls of `response-body-handler`. */

import { exported, given } from "../../abi/exported.ts";
import { inRange } from "../../abi/lower.ts";
import type { Promised } from "../../abi/promised.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import { loadBodyOutcome } from "../sentinel_lift.ts";
import type { BodyOutcome, ResponseBodyHandler } from "../sentinel_types.ts";
import type { Guest, GuestFunction } from "../../guest.ts";

/** The interface `response-body-handler`; undefined when the guest does not export it. */
export function bindResponseBodyHandler(
  guest: Guest,
  instance: SentinelInstance,
): ResponseBodyHandler | undefined {
  return exported(guest, "response-body-handler", (at) => ({
    onResponseBody: onResponseBody(instance, at("on-response-body")),
  }));
}

/** The interface `response-body-handler`, to be awaited; undefined when the guest does not export it. */
export function bindResponseBodyHandlerAsync(
  guest: Guest,
  instance: SentinelInstance,
): Promised<ResponseBodyHandler> | undefined {
  return exported(guest, "response-body-handler", (at) => ({
    onResponseBody: onResponseBodyAsync(instance, at("on-response-body")),
  }));
}

function onResponseBody(
  { abi, requests, responses }: SentinelInstance,
  fn: GuestFunction,
): ResponseBodyHandler["onResponseBody"] {
  return given((request, response, chunk, index, last) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const requestFlat = requests.lend(request);
      const responseFlat = responses.lend(response);
      const chunkFlat = lower.bytes(chunk);
      const chunkFlatLength = chunk.length;
      const indexFlat = inRange(index, 0xffff_ffff);
      const lastFlat = last ? 1 : 0;
      abi.beginGuest();
      const returned = fn.call(requestFlat, responseFlat, chunkFlat, chunkFlatLength, indexFlat, lastFlat);
      const lift = abi.beginLift();
      const at = lift.record(returned, 132, 4);
      const result: BodyOutcome = loadBodyOutcome(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "response-body-handler#on-response-body");
    } finally {
      requests.end();
      responses.end();
      abi.endCall();
    }
  });
}

function onResponseBodyAsync(
  { abi, requests, responses }: SentinelInstance,
  fn: GuestFunction,
): Promised<ResponseBodyHandler>["onResponseBody"] {
  return given(async (request, response, chunk, index, last) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const requestFlat = requests.lend(request);
      const responseFlat = responses.lend(response);
      const chunkFlat = lower.bytes(chunk);
      const chunkFlatLength = chunk.length;
      const indexFlat = inRange(index, 0xffff_ffff);
      const lastFlat = last ? 1 : 0;
      abi.beginGuest();
      const returned = await fn.call(
        requestFlat,
        responseFlat,
        chunkFlat,
        chunkFlatLength,
        indexFlat,
        lastFlat,
      );
      const lift = abi.beginLift();
      const at = lift.record(returned, 132, 4);
      const result: BodyOutcome = loadBodyOutcome(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "response-body-handler#on-response-body");
    } finally {
      requests.end();
      responses.end();
      abi.endCall();
    }
  });
}
