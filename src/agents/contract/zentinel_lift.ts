// Generated from wasm-agents/wit/zentinel-agent.wit by `deno task wit`; do not edit.

/** Takes values out of memory. */

import type { Lifter } from "../abi/lift.ts";
import type {
  AgentInfo,
  AgentResponse,
  AuditMetadata,
  BlockParams,
  Decision,
  Header,
  HeaderOp,
  RedirectParams,
} from "./zentinel_types.ts";

/** Takes a list out of memory. */
export function loadStringList(lift: Lifter, pointer: number, count: number): readonly string[] {
  const start = lift.list(pointer, count, { size: 8, align: 4 });
  const end = start + (count >>> 0) * 8;
  const values: string[] = [];
  for (let at = start; at < end; at += 8) values.push(lift.string(at));
  return values;
}

/** Takes a `agent-info` out of memory. */
export function loadAgentInfo(lift: Lifter, at: number): AgentInfo {
  return {
    agentId: lift.string(at),
    name: lift.string(at + 8),
    version: lift.string(at + 16),
    supportedEvents: loadStringList(lift, lift.u32(at + 24), lift.u32(at + 28)),
    maxBodySize: lift.u64(at + 32),
    supportsStreaming: lift.bool(at + 40),
  };
}

/** Takes a `header` out of memory. */
export function loadHeader(lift: Lifter, at: number): Header {
  return {
    name: lift.string(at),
    value: lift.string(at + 8),
  };
}

/** Takes a list out of memory. */
export function loadHeaderList(lift: Lifter, pointer: number, count: number): readonly Header[] {
  const start = lift.list(pointer, count, { size: 16, align: 4 });
  const end = start + (count >>> 0) * 16;
  const values: Header[] = [];
  for (let at = start; at < end; at += 16) values.push(loadHeader(lift, at));
  return values;
}

/** Takes a `block-params` out of memory. */
export function loadBlockParams(lift: Lifter, at: number): BlockParams {
  return {
    status: lift.u16(at),
    body: lift.some(lift.u8(at + 4)) ? lift.string(at + 8) : undefined,
    headers: loadHeaderList(lift, lift.u32(at + 16), lift.u32(at + 20)),
  };
}

/** Takes a `redirect-params` out of memory. */
export function loadRedirectParams(lift: Lifter, at: number): RedirectParams {
  return {
    url: lift.string(at),
    status: lift.u16(at + 8),
  };
}

/** Takes a `decision` out of memory. */
export function loadDecision(lift: Lifter, at: number): Decision {
  const tag = lift.u8(at);
  switch (tag) {
    case 0:
      return { type: "allow" };
    case 1:
      return { type: "block", value: loadBlockParams(lift, at + 4) };
    case 2:
      return { type: "redirect", value: loadRedirectParams(lift, at + 4) };
    default:
      return lift.noSuchCase("decision", tag);
  }
}

/** Takes a `header-op` out of memory. */
export function loadHeaderOp(lift: Lifter, at: number): HeaderOp {
  const tag = lift.u8(at);
  switch (tag) {
    case 0:
      return { type: "set", value: loadHeader(lift, at + 4) };
    case 1:
      return { type: "add", value: loadHeader(lift, at + 4) };
    case 2:
      return { type: "remove", value: lift.string(at + 4) };
    default:
      return lift.noSuchCase("header-op", tag);
  }
}

/** Takes a list out of memory. */
export function loadHeaderOpList(lift: Lifter, pointer: number, count: number): readonly HeaderOp[] {
  const start = lift.list(pointer, count, { size: 20, align: 4 });
  const end = start + (count >>> 0) * 20;
  const values: HeaderOp[] = [];
  for (let at = start; at < end; at += 20) values.push(loadHeaderOp(lift, at));
  return values;
}

/** Takes a `audit-metadata` out of memory. */
export function loadAuditMetadata(lift: Lifter, at: number): AuditMetadata {
  return {
    tags: loadStringList(lift, lift.u32(at), lift.u32(at + 4)),
    ruleIds: loadStringList(lift, lift.u32(at + 8), lift.u32(at + 12)),
    confidence: lift.some(lift.u8(at + 16)) ? lift.f32(at + 20) : undefined,
    reasonCodes: loadStringList(lift, lift.u32(at + 24), lift.u32(at + 28)),
  };
}

/** Takes a `agent-response` out of memory. */
export function loadAgentResponse(lift: Lifter, at: number): AgentResponse {
  return {
    decision: loadDecision(lift, at),
    requestHeaders: loadHeaderOpList(lift, lift.u32(at + 28), lift.u32(at + 32)),
    responseHeaders: loadHeaderOpList(lift, lift.u32(at + 36), lift.u32(at + 40)),
    audit: loadAuditMetadata(lift, at + 44),
    needsMore: lift.bool(at + 76),
  };
}
