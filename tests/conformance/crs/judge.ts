/** Holds what a firewall did against what a test expects. */

import type { Expectation } from "./suite.ts";

/** What became of one request. */
export interface Observation {
  /** Undefined when no response could be read. */
  readonly status: number | undefined;
  /** The response as it stood on the wire, as a byte string. */
  readonly response: string;
  /** Rules that matched, by the audit log. */
  readonly ids: ReadonlySet<number>;
  /** The messages of the matches, one per line. */
  readonly messages: string;
}

/** Why the observation is not what was expected; empty when it is. */
export function judge(expectation: Expectation, seen: Observation): string[] {
  if (expectation.expectError === true && seen.status === undefined) return [];
  const problems: string[] = [];
  if (seen.status === undefined) problems.push(`no response ${seen.messages.slice(0, 80)}`.trimEnd());
  else if (expectation.expectError === true) {
    problems.push(`a response (${seen.status}) where none was expected`);
  }
  if (expectation.statuses.length > 0 && seen.status !== undefined) {
    if (!expectation.statuses.includes(seen.status)) {
      problems.push(
        `status ${seen.status}, not ${expectation.statuses.join(" or ")}`,
      );
    }
  }
  const wanted = expectation.responseContains;
  if (wanted !== undefined && !seen.response.includes(wanted)) {
    problems.push(`the response does not contain ${JSON.stringify(wanted)}`);
  }
  const missing = expectation.expectIds.filter((id) => !seen.ids.has(id));
  if (missing.length > 0) {
    problems.push(`no match of ${missing.join(", ")} (status ${seen.status})`);
  }
  const surplus = expectation.noExpectIds.filter((id) => seen.ids.has(id));
  if (surplus.length > 0) problems.push(`a match of ${surplus.join(", ")}`);
  for (const each of expectation.matchRegex) {
    if (!each.test(seen.messages)) problems.push(`no message like ${each}`);
  }
  for (const each of expectation.noMatchRegex) {
    if (each.test(seen.messages)) problems.push(`a message like ${each}`);
  }
  return problems;
}
