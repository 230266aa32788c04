// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** The interface `completion-handler`. */

import { endCall } from "../arena";
import { onRequestComplete } from "../handlers/completion_handler";
import { EMPTY, loadText, loadTexts, Text } from "../text";
import { dropRequest } from "./http";

/** `agent-verdict` of `completion-handler`. */
export class AgentVerdict {
  agent: Text = EMPTY;
  /** `allow`, `block`, `redirect`, `challenge`, `failed` or `skipped`. */
  verdict: Text = EMPTY;
  ruleIds!: Text[];
}

/** Takes AgentVerdict out of memory. */
export function loadAgentVerdict(at: usize): AgentVerdict {
  const value = new AgentVerdict();
  value.agent = loadText(at);
  value.verdict = loadText(at + 8);
  value.ruleIds = loadTexts(load<usize>(at, 16), load<i32>(at, 20));
  return value;
}

/** `summary` of `completion-handler`. */
export class Summary {
  /** 0 when the client left before there was an answer. */
  status: u16 = 0;
  durationMs: f64 = 0;
  requestBytes: u64 = 0;
  responseBytes: u64 = 0;
  upstreamAttempts: u32 = 0;
  error: Text | null = null;
  agents!: AgentVerdict[];
}

/** Takes Summary out of memory. */
export function loadSummary(at: usize): Summary {
  const value = new Summary();
  value.status = load<u16>(at);
  value.durationMs = load<f64>(at, 8);
  value.requestBytes = load<u64>(at, 16);
  value.responseBytes = load<u64>(at, 24);
  value.upstreamAttempts = load<u32>(at, 32);
  value.error = load<u8>(at, 36) == 0 ? null : loadText(at + 40);
  value.agents = loadAgentVerdictList(load<usize>(at, 48), load<i32>(at, 52));
  return value;
}

/** The host calls `completion-handler#on-request-complete`. */
export function completionHandler_onRequestComplete(
  p0: i32,
  p1: i32,
  p2: f64,
  p3: i64,
  p4: i64,
  p5: i32,
  p6: i32,
  p7: i32,
  p8: i32,
  p9: i32,
  p10: i32,
): void {
  const summary = new Summary();
  summary.status = <u16> p1;
  summary.durationMs = p2;
  summary.requestBytes = <u64> p3;
  summary.responseBytes = <u64> p4;
  summary.upstreamAttempts = <u32> p5;
  summary.error = p6 == 0 ? null : new Text(p7, p8);
  summary.agents = loadAgentVerdictList(p9, p10);
  onRequestComplete(p0, summary);
  dropRequest(p0);
  endCall();
}

function loadAgentVerdictList(at: usize, count: i32): AgentVerdict[] {
  const list = new Array<AgentVerdict>(count);
  for (let index = 0; index < count; index++) {
    list[index] = loadAgentVerdict(at + 24 * index);
  }
  return list;
}
