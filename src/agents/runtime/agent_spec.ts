import type { Reason } from "../contract/sentinel_types.ts";
import type { AgentOptions } from "../options.ts";

/** An agent as threads receive it: plain data that `postMessage` carries, compiled code included. */
export interface AgentSpec<Component = unknown> {
  readonly id: string;
  /** SHA-256 of the file, 64 lower-case hexadecimal digits. */
  readonly digest: string;
  /** The world it was built for, such as `sentinel:agent@1`. */
  readonly world: string;
  readonly component: Component;
  readonly options: AgentOptions;
  /** Changes whenever what it depends on besides file and options does, such as its assets. */
  readonly revision: string;
}

/** What makes two specs one and the same agent, whose state survives a reload. */
export function specIdentity(spec: AgentSpec): string {
  const { id, digest, world, options, revision } = spec;
  return JSON.stringify([id, digest, world, revision, options]);
}

/** Why an agent is no longer wanted, given what takes its place. */
export function retirementReason(old: AgentSpec, next: AgentSpec | undefined): Reason {
  if (next === undefined) return "removed";
  return next.digest === old.digest ? "config-reload" : "replaced";
}
