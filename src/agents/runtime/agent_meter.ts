import type { FindingsVerdict } from "../../core/rule_findings.ts";

/** What is counted about one agent; the engine implements it with metrics whose children it looks up once. */

import type { TrapKind } from "../guest.ts";

/** The calls that an agent can get; labels of metrics. */
export type AgentHook =
  | "request-headers"
  | "request-body"
  | "response-headers"
  | "response-body"
  | "request-complete"
  | "websocket-open"
  | "websocket-frame"
  | "websocket-close"
  | "guardrail"
  | "health";

/**
 * Why a call gave no result. Besides the traps: `refused` its configuration · `timeout` while it waited · `busy` no
 * instance or too many calls · `paused` by the circuit breaker · `quarantined` for its traps · `retired` it is being
 * replaced · `absent` there is no such agent.
 */
export type AgentFailure =
  | TrapKind
  | "refused"
  | "timeout"
  | "busy"
  | "paused"
  | "quarantined"
  | "retired"
  | "absent";

/** What an agent said about a request, in order of strength. */
export type AgentVerdictWord = "allow" | "challenge" | "redirect" | "block";

/** How a shadow agent's verdict compares to what the live ones did. */
export type ShadowAgreement = "agrees" | "stricter" | "laxer";

/** Why an instance is no more. */
export type DiscardReason = "trap" | "timeout" | "used" | "reset" | "idle" | "retired" | "start";

/** Why an agent did not see a body. */
export type SkipReason = "too-large" | "failed";

/** Counts and times of one agent. Gauges are not here: `LiveAgent.state` has them when metrics are scraped. */
export interface AgentMeter {
  /** A call gave a result. */
  called(hook: AgentHook, fuel: number, ms: number): void;
  /** A call gave none. `fuel` and `ms` are 0 when it was not even begun. */
  failed(hook: AgentHook, kind: AgentFailure, cost: { readonly fuel: number; readonly ms: number }): void;
  /** A call took longer than `slow-call-ms`. */
  slow(hook: AgentHook): void;
  decided(hook: AgentHook, verdict: AgentVerdictWord): void;
  skipped(hook: AgentHook, reason: SkipReason): void;
  compared(agreement: ShadowAgreement): void;
  /** A request is over in which it, a firewall, found something: the rules that matched, and what came of it. */
  found(ruleIds: readonly string[], verdict: FindingsVerdict): void;
  created(): void;
  discarded(reason: DiscardReason): void;
  /** An instance was put back to its first state. */
  wasReset(): void;
}

/** Counts nothing. */
export const NO_AGENT_METER: AgentMeter = Object.freeze({
  called() {},
  failed() {},
  slow() {},
  decided() {},
  skipped() {},
  compared() {},
  found() {},
  created() {},
  discarded() {},
  wasReset() {},
});
