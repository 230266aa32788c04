// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Puts values into memory. */

import { type Lowerer, noSuchCase } from "../abi/lower.ts";
import type {
  AgentVerdict,
  Direction,
  FetchResponse,
  Header,
  Inspection,
  Opcode,
  Reason,
  TlsInfo,
} from "./sentinel_types.ts";

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

/** Puts a `fetch-response` into memory. */
export function storeFetchResponse(lower: Lowerer, at: number, value: FetchResponse): void {
  lower.u16(at, value.status);
  lower.pair(at + 4, storeHeaderList(lower, value.headers), value.headers.length);
  lower.pair(at + 12, lower.bytes(value.body), value.body.length);
}

/** Puts a `tls-info` into memory. */
export function storeTlsInfo(lower: Lowerer, at: number, value: TlsInfo): void {
  lower.string(at, value.version);
  lower.string(at + 8, value.cipher);
  if (value.serverName === undefined) lower.u8(at + 16, 0);
  else {
    lower.u8(at + 16, 1);
    lower.string(at + 20, value.serverName);
  }
  if (value.alpn === undefined) lower.u8(at + 28, 0);
  else {
    lower.u8(at + 28, 1);
    lower.string(at + 32, value.alpn);
  }
  if (value.clientCertificate === undefined) lower.u8(at + 40, 0);
  else {
    lower.u8(at + 40, 1);
    lower.pair(at + 44, lower.bytes(value.clientCertificate), value.clientCertificate.length);
  }
  lower.u8(at + 52, value.clientVerified ? 1 : 0);
}

/** The case number of a `reason`. */
export function numberOfReason(value: Reason): number {
  switch (value) {
    case "config-reload":
      return 0;
    case "replaced":
      return 1;
    case "removed":
      return 2;
    case "shutdown":
      return 3;
    default:
      return noSuchCase("reason", value);
  }
}

/** Puts the elements of a list into memory; where to. */
export function storeStringList(lower: Lowerer, values: readonly string[]): number {
  const pointer = lower.list(values.length, 8, 4);
  let at = pointer;
  for (const value of values) {
    lower.string(at, value);
    at += 8;
  }
  return pointer;
}

/** Puts a `agent-verdict` into memory. */
export function storeAgentVerdict(lower: Lowerer, at: number, value: AgentVerdict): void {
  lower.string(at, value.agent);
  lower.string(at + 8, value.verdict);
  lower.pair(at + 16, storeStringList(lower, value.ruleIds), value.ruleIds.length);
}

/** Puts the elements of a list into memory; where to. */
export function storeAgentVerdictList(lower: Lowerer, values: readonly AgentVerdict[]): number {
  const pointer = lower.list(values.length, 24, 4);
  let at = pointer;
  for (const value of values) {
    storeAgentVerdict(lower, at, value);
    at += 24;
  }
  return pointer;
}

/** The case number of a `direction`. */
export function numberOfDirection(value: Direction): number {
  switch (value) {
    case "client-to-server":
      return 0;
    case "server-to-client":
      return 1;
    default:
      return noSuchCase("direction", value);
  }
}

/** The case number of a `opcode`. */
export function numberOfOpcode(value: Opcode): number {
  switch (value) {
    case "continuation":
      return 0;
    case "text":
      return 1;
    case "binary":
      return 2;
    case "close":
      return 3;
    case "ping":
      return 4;
    case "pong":
      return 5;
    default:
      return noSuchCase("opcode", value);
  }
}

/** The case number of a `inspection`. */
export function numberOfInspection(value: Inspection): number {
  switch (value) {
    case "prompt-injection":
      return 0;
    case "pii-detection":
      return 1;
    default:
      return noSuchCase("inspection", value);
  }
}
