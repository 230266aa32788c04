/** What the firewall has found about one request, for people and for programs. */

import type { Decision } from "../agents/contract/sentinel_types.ts";
import type { AgentHook } from "../agents/runtime/agent_meter.ts";
import type { SessionInput, SessionResult } from "./agent_session.ts";
import { visible } from "./agent_table.ts";
import type { SentRequest } from "./waf_request.ts";

/** Signs of a value that are shown on each side of what matched. */
const AROUND = 60;

/** How the Core Rule Set and the rules that come with the firewall say what matched. */
const NAMED: readonly RegExp[] = [/^Matched Data: (.*?) found within /s, /^(.*) in \S+$/s];

const SEVERITIES = ["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"];

const UNREAD = {
  request: "no rule is shown the request's body: SecRequestBodyAccess or a ctl of a rule that matched is off",
  response:
    "no rule is shown the response's body: SecResponseBodyAccess is off, or its type is none of SecResponseBodyMimeType",
};

/** A rule that has matched, as the firewall tells it. */
export interface RuleMatch {
  readonly id: number;
  readonly phase: number;
  readonly msg: string;
  readonly severity?: number;
  readonly tags: readonly string[];
  readonly var?: string;
  /** The value after the rule's transformations. */
  readonly value?: string;
  /** Of a long value: the part that the rule has met. */
  readonly match?: string;
  /** Where what is shown of a long value begins, and how many bytes all of it has. */
  readonly valueFrom?: number;
  readonly valueBytes?: number;
  /** The rule's own words about what matched. */
  readonly data?: string;
  readonly score: number;
  readonly file: string;
  readonly line: number;
}

/** What is known of the value that a rule looked at. */
type ShownValue = Pick<RuleMatch, "value" | "match" | "data" | "valueFrom" | "valueBytes">;

/** Everything about one request. */
export interface Findings {
  readonly matches: readonly RuleMatch[];
  /** Further matches that are only counted. */
  readonly leftOut: number;
  /** Undefined where the rules have no such score. */
  readonly inbound: number | undefined;
  readonly outbound: number | undefined;
  readonly isBlocked: boolean;
  /** `allow`, `block 403`, `redirect 302 to …`. */
  readonly decision: string;
  /** The rule that has decided, or would have. */
  readonly rule: number | undefined;
  /** A rule would have ended the request if the engine did more than detect. */
  readonly isDetectedOnly: boolean;
  /** Bodies that were given, but that no rule is shown. */
  readonly unreadBodies: readonly ("request" | "response")[];
  /** Why there is a decision that no rule has made. */
  readonly reasons: readonly string[];
  /** The firewall itself failed. */
  readonly failure: string | undefined;
}

/** Puts together what the calls for one request have said. */
export function findingsOf({ hooks, verdict }: SessionResult, input: SessionInput): Findings {
  const facts = new Map<string, string>();
  const matches: RuleMatch[] = [];
  let leftOut = 0;
  for (const { outcome } of hooks) {
    if (outcome === undefined) continue;
    const told = new Map(outcome.audit.custom.map(({ name, value }) => [name, value]));
    matches.push(...JSON.parse(told.get("waf.matches") ?? "[]") as readonly RuleMatch[]);
    leftOut += Number(told.get("waf.matches-left-out") ?? 0);
    for (const [name, value] of told) {
      // A call in which nothing is found says "pass" of itself alone.
      if (name !== "waf.verdict" || value !== "pass") facts.set(name, value);
    }
  }
  const last = hooks.findLast(({ outcome }) => outcome !== undefined)?.outcome;
  const failed = hooks.find((run) => run.failed !== undefined)?.failed;
  const isBlocked = verdict !== "allow" && verdict !== "failed";
  return {
    matches,
    leftOut,
    inbound: numberOf(facts.get("waf.score.inbound")),
    outbound: numberOf(facts.get("waf.score.outbound")),
    isBlocked,
    decision: last === undefined ? verdict : decisionText(last.decision),
    rule: numberOf(facts.get("waf.rule")),
    unreadBodies: unreadBodies(hooks, input),
    isDetectedOnly: !isBlocked && facts.get("waf.verdict") === "detected",
    reasons: isBlocked ? last?.audit.reasonCodes ?? [] : [],
    failure: failed === undefined ? undefined : `${failed.kind}: ${failed.message}`,
  };
}

/** The firewall asks for the bodies that its rules look at. */
function unreadBodies(
  hooks: SessionResult["hooks"],
  { body, response }: SessionInput,
): Findings["unreadBodies"] {
  const isUnread = (hook: AgentHook, bytes: Uint8Array | undefined) => {
    const asked = hooks.find((run) => run.hook === hook)?.outcome;
    return (bytes?.length ?? 0) > 0 && asked?.decision.type === "allow" && !asked.needsMore;
  };
  return [
    ...isUnread("request-headers", body) ? ["request" as const] : [],
    ...isUnread("response-headers", response.body) ? ["response" as const] : [],
  ];
}

/** For people: a block for each rule, then scores and the verdict. */
export function describeFindings(request: SentRequest, findings: Findings): string {
  const { method, scheme, authority, target } = request;
  const lines = [`request   ${visible(`${method} ${scheme}://${authority}${target}`)}`];
  for (const match of findings.matches) lines.push(...describeMatch(match));
  if (findings.matches.length === 0) lines.push("no rule matches");
  if (findings.leftOut > 0) lines.push(`and ${findings.leftOut} more matches`);
  for (const message of findings.unreadBodies) lines.push(`note      ${UNREAD[message]}`);
  lines.push(`scores    inbound ${findings.inbound ?? "-"}, outbound ${findings.outbound ?? "-"}`);
  lines.push(`verdict   ${visible(verdictText(findings))}`);
  return lines.join("\n");
}

/** For programs. */
export function findingsAsJson(request: SentRequest, findings: Findings): string {
  const { method, scheme, authority, target } = request;
  return JSON.stringify({ request: { method, scheme, authority, target }, ...findings }, null, 2);
}

/** The same for a request that the proxy refuses before it asks any agent. */
export function refusalAsJson(status: number, message: string): string {
  const refused: Findings & { readonly request: null } = {
    request: null,
    matches: [],
    leftOut: 0,
    inbound: undefined,
    outbound: undefined,
    isBlocked: true,
    decision: `block ${status}`,
    rule: undefined,
    unreadBodies: [],
    isDetectedOnly: false,
    reasons: [message],
    failure: undefined,
  };
  return JSON.stringify(refused, null, 2);
}

function describeMatch(match: RuleMatch): readonly string[] {
  const { id, msg, phase, score, severity, value, data } = match;
  const about = [`score ${score}`, `phase ${phase}`];
  if (severity !== undefined) about.push(SEVERITIES[severity] ?? `severity ${severity}`);
  const lines = [visible(`rule ${id}  ${msg === "" ? "(no message)" : msg}  (${about.join(", ")})`)];
  const note = (name: string, text: string) => lines.push(`  ${name.padEnd(8)}  ${visible(text)}`);
  if (match.var !== undefined) note("variable", match.var);
  if (value !== undefined) note("value", around(match));
  if (data !== undefined) note("data", data);
  note("place", `${match.file}:${match.line}`);
  return lines;
}

/**
 * The part of a value that its rule has met, or names as what matched, with what is on both sides of it; the beginning where
 * neither is known.
 */
export function around({ value = "", match, data, valueFrom = 0, valueBytes }: ShownValue): string {
  const named = match ??
    (data === undefined ? undefined : NAMED.map((form) => form.exec(data)?.[1]).find(Boolean));
  const at = named === undefined ? -1 : value.indexOf(named);
  const from = at < 0 ? 0 : Math.max(0, at - AROUND);
  const to = at < 0 ? 2 * AROUND : at + named!.length + AROUND;
  const isCutBefore = from > 0 || valueFrom > 0;
  // Beyond what the firewall shows there may be more.
  const isCutBehind = to < value.length ||
    valueBytes !== undefined && valueFrom + byteLength(value) < valueBytes;
  return `${isCutBefore ? "…" : ""}${JSON.stringify(value.slice(from, to))}${isCutBehind ? "…" : ""}`;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

function verdictText({ decision, rule, isDetectedOnly, isBlocked, reasons, failure }: Findings): string {
  if (failure !== undefined) return `the firewall failed (${failure})`;
  if (isDetectedOnly) return `${decision}: rule ${rule} would have ended it, but the engine only detects`;
  if (!isBlocked) return decision;
  return rule === undefined ? `${decision} (${reasons.join(", ")})` : `${decision} by rule ${rule}`;
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

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
