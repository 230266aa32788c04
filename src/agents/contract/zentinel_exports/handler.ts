// Generated from wasm-agents/wit/zentinel-agent.wit by `deno task wit`; do not edit.

/** Calls of `handler`. */

import { exported, given } from "../../abi/exported.ts";
import type { AbiInstance } from "../../abi/instance.ts";
import { inRange } from "../../abi/lower.ts";
import { loadAgentInfo, loadAgentResponse } from "../zentinel_lift.ts";
import { storeHeaderList, storeRequestMetadata } from "../zentinel_lower.ts";
import type { AgentInfo, AgentResponse, Handler, Result } from "../zentinel_types.ts";
import type { Guest, GuestFunction } from "../../guest.ts";

/** The interface `handler`; undefined when the guest does not export it. */
export function bindHandler(guest: Guest, instance: AbiInstance): Handler | undefined {
  return exported(guest, "handler", (at) => ({
    getInfo: getInfo(instance, at("get-info")),
    configure: configure(instance, at("configure")),
    onRequestHeaders: onRequestHeaders(instance, at("on-request-headers")),
    onRequestBody: onRequestBody(instance, at("on-request-body")),
    onResponseHeaders: onResponseHeaders(instance, at("on-response-headers")),
    onResponseBody: onResponseBody(instance, at("on-response-body")),
  }));
}

function getInfo(abi: AbiInstance, fn: GuestFunction): Handler["getInfo"] {
  return () => {
    abi.beginCall();
    try {
      abi.beginGuest();
      const returned = fn.call();
      const lift = abi.beginLift();
      const at = lift.record(returned, 48, 8);
      const result: AgentInfo = loadAgentInfo(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "handler#get-info");
    } finally {
      abi.endCall();
    }
  };
}

function configure(abi: AbiInstance, fn: GuestFunction): Handler["configure"] {
  return (config) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const configFlat = lower.string(-1, config);
      abi.beginGuest();
      const returned = fn.call(lower.pointer(configFlat), lower.length(configFlat));
      const lift = abi.beginLift();
      const at = lift.record(returned, 12, 4);
      const result: Result<undefined, string> = lift.ok(lift.u8(at))
        ? { type: "ok", value: undefined }
        : { type: "error", value: lift.string(at + 4) };
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "handler#configure");
    } finally {
      abi.endCall();
    }
  };
}

function onRequestHeaders(abi: AbiInstance, fn: GuestFunction): Handler["onRequestHeaders"] {
  return given((metadata, method, uri, headers) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const room = lower.room(136, 8);
      storeRequestMetadata(lower, room, metadata);
      lower.string(room + 112, method);
      lower.string(room + 120, uri);
      lower.pair(room + 128, storeHeaderList(lower, headers), headers.length);
      abi.beginGuest();
      const returned = fn.call(room);
      const lift = abi.beginLift();
      const at = lift.record(returned, 80, 4);
      const result: AgentResponse = loadAgentResponse(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "handler#on-request-headers");
    } finally {
      abi.endCall();
    }
  });
}

function onRequestBody(abi: AbiInstance, fn: GuestFunction): Handler["onRequestBody"] {
  return given((correlationId, data, chunkIndex, isLast) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const correlationIdFlat = lower.string(-1, correlationId);
      const dataFlat = lower.bytes(data);
      const dataFlatLength = data.length;
      const chunkIndexFlat = inRange(chunkIndex, 0xffff_ffff);
      const isLastFlat = isLast ? 1 : 0;
      abi.beginGuest();
      const returned = fn.call(
        lower.pointer(correlationIdFlat),
        lower.length(correlationIdFlat),
        dataFlat,
        dataFlatLength,
        chunkIndexFlat,
        isLastFlat,
      );
      const lift = abi.beginLift();
      const at = lift.record(returned, 80, 4);
      const result: AgentResponse = loadAgentResponse(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "handler#on-request-body");
    } finally {
      abi.endCall();
    }
  });
}

function onResponseHeaders(abi: AbiInstance, fn: GuestFunction): Handler["onResponseHeaders"] {
  return (correlationId, status, headers) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const correlationIdFlat = lower.string(-1, correlationId);
      const statusFlat = inRange(status, 0xffff);
      const headersFlat = storeHeaderList(lower, headers);
      const headersFlatLength = headers.length;
      abi.beginGuest();
      const returned = fn.call(
        lower.pointer(correlationIdFlat),
        lower.length(correlationIdFlat),
        statusFlat,
        headersFlat,
        headersFlatLength,
      );
      const lift = abi.beginLift();
      const at = lift.record(returned, 80, 4);
      const result: AgentResponse = loadAgentResponse(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "handler#on-response-headers");
    } finally {
      abi.endCall();
    }
  };
}

function onResponseBody(abi: AbiInstance, fn: GuestFunction): Handler["onResponseBody"] {
  return given((correlationId, data, chunkIndex, isLast) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const correlationIdFlat = lower.string(-1, correlationId);
      const dataFlat = lower.bytes(data);
      const dataFlatLength = data.length;
      const chunkIndexFlat = inRange(chunkIndex, 0xffff_ffff);
      const isLastFlat = isLast ? 1 : 0;
      abi.beginGuest();
      const returned = fn.call(
        lower.pointer(correlationIdFlat),
        lower.length(correlationIdFlat),
        dataFlat,
        dataFlatLength,
        chunkIndexFlat,
        isLastFlat,
      );
      const lift = abi.beginLift();
      const at = lift.record(returned, 80, 4);
      const result: AgentResponse = loadAgentResponse(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "handler#on-response-body");
    } finally {
      abi.endCall();
    }
  });
}
