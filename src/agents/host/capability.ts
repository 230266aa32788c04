import type { Imports } from "../contract/sentinel_types.ts";
import { AgentTrap } from "../guest.ts";

/**
 * Counts what agents ask of the host. `call` and `work` may throw `AgentTrap`:
 * nothing has been done then.
 * Names and reasons come from small fixed sets, so they can be labels of a metric.
 */
export interface HostMeter {
  /** A call of a capability is about to be served; `bytes` is what the agent handed over. */
  call(capability: string, bytes: number): void;
  /**
   * Work of the host's own is about to be done, beyond handing bytes over: some nanoseconds of it, which a guest must
   * not be able to cause for the price of a call.
   */
  work(capability: string, nanoseconds: number): void;
  /** What the agent gets back, where that can be more than a number. */
  answer(capability: string, bytes: number): void;
  /** All of a call or a part of it was not carried out, and why in one or two words. */
  refused(capability: string, reason: string): void;
}

/** What every capability is made from. */
export interface CommonDeps {
  /** Id of the agent. */
  readonly agent: string;
  readonly meter: HostMeter;
}

/** Something an agent may be granted: one interface of the contract. */
export interface Capability<Key extends keyof Imports, Deps> {
  /** As in WIT and in the configuration: `conn-info`. */
  readonly name: string;
  /** Where it stands in `Imports`. */
  readonly key: Key;
  /** One line for the reference page. */
  readonly summary: string;
  create(deps: Deps): NonNullable<Imports[Key]>;
}

/** The trap for an argument that the contract does not allow, where the contract has no room for an error. */
export function misuse(call: string, problem: string): AgentTrap {
  return new AgentTrap("malformed", `${call}: ${problem}`);
}
