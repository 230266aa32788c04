/** What `sentinel agent run` prints. */

import type { Decision, Header, HeaderEdit, Outcome } from "../agents/contract/sentinel_types.ts";
import type { HookRun, SessionResult } from "./agent_session.ts";
import { listOf, shortBytes, shortCount, visible } from "./agent_table.ts";

/** Longest body that is shown. */
const BODY_LENGTH_MAX = 200;

/** The agent and its request besides what came of it. */
export interface Reported {
  readonly title: string;
  readonly request: string;
  readonly handles: readonly string[];
  readonly result: SessionResult;
  /** Of the idle instances afterwards; 0 when there is none. */
  readonly memoryBytes: number;
}

/** For people: one line a call, and below it what it asked for. */
export function describeRun({ title, request, handles, result, memoryBytes }: Reported): string {
  const lines = [`agent     ${visible(title)}`, `handles   ${listOf(handles)}`, `request   ${request}`];
  for (const run of result.hooks) lines.push(...describeHook(run));
  if (result.hooks.length === 0) lines.push("no call: the agent handles none of what such a request brings");
  const fuel = result.hooks.reduce((sum, run) => sum + run.fuel, 0);
  lines.push(`fuel      ${shortCount(fuel)}`);
  if (memoryBytes > 0) lines.push(`memory    ${shortBytes(memoryBytes)}`);
  lines.push(`verdict   ${result.verdict}`);
  return lines.join("\n");
}

function describeHook({ hook, fuel, ms, outcome, edit, failed }: HookRun): string[] {
  const word = failed === undefined
    ? outcome === undefined ? "done" : decisionText(outcome.decision)
    : "failed";
  const lines = [`${hook.padEnd(18)}${visible(word)}  (fuel ${fuel}, ${ms.toFixed(3)} ms)`];
  const note = (name: string, text: string) => lines.push(`  ${name.padEnd(16)}${visible(text)}`);
  if (failed !== undefined) note(failed.kind, failed.message);
  if (outcome !== undefined) describeOutcome(outcome, note);
  if (edit !== undefined && edit.type !== "keep") {
    note("body", edit.type === "drop" ? "dropped" : `replaced by ${bodyText(edit.value)}`);
  }
  return lines;
}

function describeOutcome(outcome: Outcome, note: (name: string, text: string) => void): void {
  const { decision, audit } = outcome;
  if (decision.type === "block") {
    for (const { name, value } of decision.value.headers) note("answer header", `${name}: ${value}`);
    if (decision.value.body !== undefined) note("answer body", cut(decision.value.body));
  }
  if (decision.type === "challenge") note("parameters", pairsText(decision.value.params));
  for (const edit of outcome.requestHeaders) note("request header", editText(edit));
  for (const edit of outcome.responseHeaders) note("response header", editText(edit));
  if (outcome.target !== undefined) note("target", outcome.target);
  if (outcome.method !== undefined) note("method", outcome.method);
  if (outcome.needsMore) note("needs more", "the request waits for its body to be seen");
  if (outcome.metadata.length > 0) note("metadata", pairsText(outcome.metadata));
  if (audit.ruleIds.length > 0) note("rules", listOf(audit.ruleIds));
  if (audit.tags.length > 0) note("tags", listOf(audit.tags));
  if (audit.reasonCodes.length > 0) note("reasons", listOf(audit.reasonCodes));
  if (audit.confidence !== undefined) note("confidence", String(Math.round(audit.confidence * 1000) / 1000));
  if (audit.custom.length > 0) note("custom", pairsText(audit.custom));
}

function decisionText(decision: Decision): string {
  switch (decision.type) {
    case "allow":
      return "allow";
    case "block":
      return `block ${decision.value.status}`;
    case "redirect":
      return `redirect ${decision.value.status} to ${decision.value.location}`;
    case "challenge":
      return `challenge ${decision.value.kind}`;
  }
}

function editText(edit: HeaderEdit): string {
  if (edit.type === "remove") return `remove ${edit.value}`;
  return `${edit.type} ${edit.value.name}: ${edit.value.value}`;
}

function pairsText(pairs: readonly Header[]): string {
  return pairs.length === 0 ? "-" : pairs.map(({ name, value }) => `${name}=${value}`).join(", ");
}

function bodyText(bytes: Uint8Array): string {
  try {
    return cut(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return `${bytes.length} bytes that are no text`;
  }
}

function cut(text: string): string {
  return JSON.stringify(text.length > BODY_LENGTH_MAX ? `${text.slice(0, BODY_LENGTH_MAX)}…` : text);
}

/** For programs: everything that came back. Bodies are base64. */
export function runAsJson({ title, request, handles, result, memoryBytes }: Reported): string {
  const value = {
    agent: title,
    handles,
    request,
    verdict: result.verdict,
    hooks: result.hooks,
    sent: {
      method: result.sent.method,
      target: result.sent.target,
      headers: Array.from({ length: result.sent.headers.size }, (_, index) => {
        return { name: result.sent.headers.nameAt(index), value: result.sent.headers.valueAt(index) };
      }),
    },
    memoryBytes,
  };
  return JSON.stringify(value, (_, member) => member instanceof Uint8Array ? member.toBase64() : member, 2);
}
