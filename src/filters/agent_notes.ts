/** What the explain trace and the summary for agents say of agents on a request's way. */

import type { Outcome, Summary } from "../agents/contract/sentinel_types.ts";
import type { AgentFailure, AgentHook } from "../agents/runtime/agent_meter.ts";
import type { RequestContext } from "../core/context.ts";
import type { RuleFindings } from "../core/rule_findings.ts";

/** Most rules that have a line of their own, and characters of the value that each shows. */
const MATCHES_NOTED_MAX = 32;
const VALUE_LENGTH_MAX = 120;
/** Most rule ids and tags that a line names. */
const NAMES_MAX = 16;

/** Who decided, and when. */
export interface NotedCall {
  readonly agent: string;
  readonly isShadow: boolean;
  readonly hook: AgentHook;
}

/** A line about what an agent decided. */
export function noteOutcome(
  context: RequestContext,
  call: NotedCall,
  { outcome, fuel }: { readonly outcome: Outcome; readonly fuel: number },
): void {
  const { trace } = context;
  if (trace === null) return;
  const { ruleIds, tags } = outcome.audit;
  const parts: string[] = [call.hook, `fuel ${fuel}`];
  if (ruleIds.length > 0) parts.push(`rules ${ruleIds.slice(0, NAMES_MAX).join(" ")}`);
  if (tags.length > 0) parts.push(`tags ${tags.slice(0, NAMES_MAX).join(" ")}`);
  const edits = outcome.requestHeaders.length + outcome.responseHeaders.length;
  if (edits > 0) parts.push(`header edits ${edits}`);
  if (outcome.target !== undefined) parts.push(`target ${outcome.target}`);
  if (outcome.method !== undefined) parts.push(`method ${outcome.method}`);
  if (outcome.needsMore) parts.push("needs more");
  const decision = outcome.decision.type;
  const word = call.isShadow ? `would ${decision}` : decision;
  trace.note({ step: "agent", subject: call.agent, outcome: word, detail: parts.join(", ") });
}

/** A line for each rule that a firewall found to match. */
export function noteFindings(context: RequestContext, agent: string, findings: RuleFindings): void {
  const { trace } = context;
  if (trace === null) return;
  for (const { id, message, variable, value, score } of findings.matches.slice(0, MATCHES_NOTED_MAX)) {
    const parts = [message, `score ${score}`];
    if (variable !== undefined) {
      parts.push(`${variable} = ${JSON.stringify((value ?? "").slice(0, VALUE_LENGTH_MAX))}`);
    }
    trace.note({
      step: "rule",
      subject: id,
      outcome: "matched",
      detail: parts.filter((part) => part !== "").join(", "),
    });
  }
  const { verdict, inboundScore, outboundScore, decidingRule } = findings;
  const parts: string[] = [];
  if (inboundScore !== undefined) parts.push(`inbound score ${inboundScore}`);
  if (outboundScore !== undefined) parts.push(`outbound score ${outboundScore}`);
  if (decidingRule !== undefined) parts.push(`by rule ${decidingRule}`);
  trace.note({ step: "rules", subject: agent, outcome: verdict, detail: parts.join(", ") });
}

/** A line about why an agent decided nothing. */
export function noteFailure(
  context: RequestContext,
  call: NotedCall,
  failure: { readonly kind: AgentFailure; readonly message: string; readonly isClosed: boolean },
): void {
  const { kind, message, isClosed } = failure;
  const outcome = call.isShadow ? "failed" : isClosed ? "failed closed" : "failed open";
  context.trace?.note({
    step: "agent",
    subject: call.agent,
    outcome,
    detail: `${call.hook}: ${kind}: ${message}`,
  });
}

/** The request as it ended. */
export function summaryOf(context: RequestContext, nowMs: number): Summary {
  return {
    status: context.status,
    durationMs: nowMs - context.startedMs,
    requestBytes: BigInt(context.bodyBytesReceived),
    responseBytes: BigInt(context.bodyBytesSent),
    upstreamAttempts: context.attempts,
    error: context.errorCode,
    agents: (context.agentNotes ?? []).map(({ agent, verdict, ruleIds }) => ({ agent, verdict, ruleIds })),
  };
}
