// Generated from wasm-agents/wit/zentinel-agent.wit by `deno task wit`; do not edit.

/** Puts values into memory. */

import type { Lowerer } from "../abi/lower.ts";
import type { Header, RequestMetadata } from "./zentinel_types.ts";

/** Puts a `request-metadata` into memory. */
export function storeRequestMetadata(lower: Lowerer, at: number, value: RequestMetadata): void {
  lower.string(at, value.correlationId);
  lower.string(at + 8, value.requestId);
  lower.string(at + 16, value.clientIp);
  lower.u16(at + 24, value.clientPort);
  if (value.serverName === undefined) lower.u8(at + 28, 0);
  else {
    lower.u8(at + 28, 1);
    lower.string(at + 32, value.serverName);
  }
  lower.string(at + 40, value.protocol);
  if (value.tlsVersion === undefined) lower.u8(at + 48, 0);
  else {
    lower.u8(at + 48, 1);
    lower.string(at + 52, value.tlsVersion);
  }
  if (value.routeId === undefined) lower.u8(at + 60, 0);
  else {
    lower.u8(at + 60, 1);
    lower.string(at + 64, value.routeId);
  }
  if (value.upstreamId === undefined) lower.u8(at + 72, 0);
  else {
    lower.u8(at + 72, 1);
    lower.string(at + 76, value.upstreamId);
  }
  lower.u64(at + 88, value.timestampMs);
  if (value.traceparent === undefined) lower.u8(at + 96, 0);
  else {
    lower.u8(at + 96, 1);
    lower.string(at + 100, value.traceparent);
  }
}

/** Puts a `header` into memory. */
export function storeHeader(lower: Lowerer, at: number, value: Header): void {
  lower.string(at, value.name);
  lower.string(at + 8, value.value);
}

/** Puts the elements of a list into memory; where to. */
export function storeHeaderList(lower: Lowerer, values: readonly Header[]): number {
  const pointer = lower.list(values.length, 16, 4);
  let at = pointer;
  for (const value of values) {
    storeHeader(lower, at, value);
    at += 16;
  }
  return pointer;
}
