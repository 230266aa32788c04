// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Calls of `websocket-handler`. */

import { exported, given } from "../../abi/exported.ts";
import { inRange, unsigned } from "../../abi/lower.ts";
import type { Promised } from "../../abi/promised.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import { loadFrameDecision, loadOutcome } from "../sentinel_lift.ts";
import { numberOfDirection, numberOfOpcode } from "../sentinel_lower.ts";
import type { FrameDecision, Outcome, WebsocketHandler } from "../sentinel_types.ts";
import type { Guest, GuestFunction } from "../../guest.ts";

/** The interface `websocket-handler`; undefined when the guest does not export it. */
export function bindWebsocketHandler(guest: Guest, instance: SentinelInstance): WebsocketHandler | undefined {
  return exported(guest, "websocket-handler", (at) => ({
    wsOpen: wsOpen(instance, at("ws-open")),
    wsFrame: wsFrame(instance, at("ws-frame")),
    wsClose: wsClose(instance, at("ws-close")),
  }));
}

/** The interface `websocket-handler`, to be awaited; undefined when the guest does not export it. */
export function bindWebsocketHandlerAsync(
  guest: Guest,
  instance: SentinelInstance,
): Promised<WebsocketHandler> | undefined {
  return exported(guest, "websocket-handler", (at) => ({
    wsOpen: wsOpenAsync(instance, at("ws-open")),
    wsFrame: wsFrameAsync(instance, at("ws-frame")),
    wsClose: wsCloseAsync(instance, at("ws-close")),
  }));
}

function wsOpen({ abi, requests }: SentinelInstance, fn: GuestFunction): WebsocketHandler["wsOpen"] {
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
      throw abi.failed(error, "websocket-handler#ws-open");
    } finally {
      requests.end();
      abi.endCall();
    }
  };
}

function wsFrame({ abi, requests }: SentinelInstance, fn: GuestFunction): WebsocketHandler["wsFrame"] {
  return given((request, direction, index, frame) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const requestFlat = requests.lend(request);
      const directionFlat = numberOfDirection(direction);
      const indexFlat = unsigned(index);
      const frameFlatOpcode = numberOfOpcode(frame.opcode);
      const frameFlatFin = frame.fin ? 1 : 0;
      const frameFlatData = lower.bytes(frame.data);
      const frameFlatDataLength = frame.data.length;
      abi.beginGuest();
      const returned = fn.call(
        requestFlat,
        directionFlat,
        indexFlat,
        frameFlatOpcode,
        frameFlatFin,
        frameFlatData,
        frameFlatDataLength,
      );
      const lift = abi.beginLift();
      const at = lift.record(returned, 16, 4);
      const result: FrameDecision = loadFrameDecision(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "websocket-handler#ws-frame");
    } finally {
      requests.end();
      abi.endCall();
    }
  });
}

function wsClose({ abi, requests }: SentinelInstance, fn: GuestFunction): WebsocketHandler["wsClose"] {
  return (request, reason) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const requestFlat = requests.lend(request);
      let reasonFlatTag = 0;
      let reasonFlatCode = 0;
      let reasonFlatReason = -1;
      if (reason !== undefined) {
        reasonFlatTag = 1;
        reasonFlatCode = inRange(reason.code, 0xffff);
        reasonFlatReason = lower.string(-1, reason.reason);
      }
      abi.beginGuest();
      fn.call(
        requestFlat,
        reasonFlatTag,
        reasonFlatCode,
        lower.pointer(reasonFlatReason),
        lower.length(reasonFlatReason),
      );
      abi.beginLift();
    } catch (error) {
      throw abi.failed(error, "websocket-handler#ws-close");
    } finally {
      requests.end();
      abi.endCall();
    }
  };
}

function wsOpenAsync(
  { abi, requests }: SentinelInstance,
  fn: GuestFunction,
): Promised<WebsocketHandler>["wsOpen"] {
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
      throw abi.failed(error, "websocket-handler#ws-open");
    } finally {
      requests.end();
      abi.endCall();
    }
  };
}

function wsFrameAsync(
  { abi, requests }: SentinelInstance,
  fn: GuestFunction,
): Promised<WebsocketHandler>["wsFrame"] {
  return given(async (request, direction, index, frame) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const requestFlat = requests.lend(request);
      const directionFlat = numberOfDirection(direction);
      const indexFlat = unsigned(index);
      const frameFlatOpcode = numberOfOpcode(frame.opcode);
      const frameFlatFin = frame.fin ? 1 : 0;
      const frameFlatData = lower.bytes(frame.data);
      const frameFlatDataLength = frame.data.length;
      abi.beginGuest();
      const returned = await fn.call(
        requestFlat,
        directionFlat,
        indexFlat,
        frameFlatOpcode,
        frameFlatFin,
        frameFlatData,
        frameFlatDataLength,
      );
      const lift = abi.beginLift();
      const at = lift.record(returned, 16, 4);
      const result: FrameDecision = loadFrameDecision(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "websocket-handler#ws-frame");
    } finally {
      requests.end();
      abi.endCall();
    }
  });
}

function wsCloseAsync(
  { abi, requests }: SentinelInstance,
  fn: GuestFunction,
): Promised<WebsocketHandler>["wsClose"] {
  return async (request, reason) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const requestFlat = requests.lend(request);
      let reasonFlatTag = 0;
      let reasonFlatCode = 0;
      let reasonFlatReason = -1;
      if (reason !== undefined) {
        reasonFlatTag = 1;
        reasonFlatCode = inRange(reason.code, 0xffff);
        reasonFlatReason = lower.string(-1, reason.reason);
      }
      abi.beginGuest();
      await fn.call(
        requestFlat,
        reasonFlatTag,
        reasonFlatCode,
        lower.pointer(reasonFlatReason),
        lower.length(reasonFlatReason),
      );
      abi.beginLift();
    } catch (error) {
      throw abi.failed(error, "websocket-handler#ws-close");
    } finally {
      requests.end();
      abi.endCall();
    }
  };
}
