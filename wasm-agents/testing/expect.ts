/** What a test says about an agent's decision. */

import { deepEqual, equal, ok } from "node:assert/strict";
import type { BodyOutcome, Header, HeaderEdit, Outcome } from "../../src/agents/contract/sentinel_types.ts";

/** What a blocked request is answered with; what is left out is not looked at. */
export interface BlockWanted {
  readonly status: number;
  readonly body?: string;
  readonly headers?: readonly Header[];
  readonly ruleIds?: readonly string[];
  readonly reasonCodes?: readonly string[];
}

/** The decision is "allow", and nothing else is asked for. */
export function expectPlainAllow(outcome: Outcome): void {
  deepEqual(outcome, PLAIN);
}

/** The decision is "allow". */
export function expectAllowed(outcome: Outcome): void {
  deepEqual(outcome.decision, { type: "allow" });
}

/** The request is blocked, and how. */
export function expectBlocked(outcome: Outcome, wanted: BlockWanted): void {
  const { decision, audit } = outcome;
  ok(decision.type === "block", `the decision is "${decision.type}", not "block"`);
  equal(decision.value.status, wanted.status);
  if (wanted.body !== undefined) equal(decision.value.body, wanted.body);
  if (wanted.headers !== undefined) deepEqual(decision.value.headers, wanted.headers);
  if (wanted.ruleIds !== undefined) deepEqual(audit.ruleIds, wanted.ruleIds);
  if (wanted.reasonCodes !== undefined) deepEqual(audit.reasonCodes, wanted.reasonCodes);
}

/** The client is sent elsewhere. */
export function expectRedirect(
  outcome: Outcome,
  wanted: { readonly status: number; readonly location: string },
): void {
  deepEqual(outcome.decision, { type: "redirect", value: wanted });
}

/** Edits of headers in a form that reads well: `set x-a: 1`, `add x-b: 2`, `remove x-c`. */
export function editTexts(edits: readonly HeaderEdit[]): string[] {
  return edits.map((edit) =>
    edit.type === "remove" ? `remove ${edit.value}` : `${edit.type} ${edit.value.name}: ${edit.value.value}`
  );
}

/** What becomes of a body: its new text, or `keep` or `drop`. */
export function bodyText({ edit }: BodyOutcome): string {
  return edit.type === "replace" ? new TextDecoder().decode(edit.value) : edit.type;
}

const PLAIN: Outcome = {
  decision: { type: "allow" },
  requestHeaders: [],
  responseHeaders: [],
  target: undefined,
  method: undefined,
  metadata: [],
  audit: { tags: [], ruleIds: [], reasonCodes: [], confidence: undefined, custom: [] },
  needsMore: false,
};
