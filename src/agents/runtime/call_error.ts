import type { ConfigProblem } from "../contract/sentinel_types.ts";
import { AgentTrap } from "../guest.ts";
import type { AgentFailure } from "./agent_meter.ts";

/** A call that could not be made, or was given up; not a trap. */
export class AgentCallError extends Error {
  override readonly name = "AgentCallError";
  readonly kind: AgentFailure;

  constructor(kind: AgentFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** The agent did not accept its configuration. */
export class AgentRefusal extends AgentCallError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const shown = problems.slice(0, 8).map(({ path, message }) =>
      path === "" ? message : `${path}: ${message}`
    );
    super("refused", `it refuses its configuration: ${shown.join("; ") || "without saying why"}`);
    this.problems = problems;
  }
}

/** Why a call gave no result, whatever was thrown. */
export function failureOf(cause: unknown): { readonly kind: AgentFailure; readonly message: string } {
  if (cause instanceof AgentTrap || cause instanceof AgentCallError) return cause;
  return {
    kind: "host",
    message: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
  };
}
