/** What the parts of the agent machine know of each other: linker, glue, pool. */

/** A core function as WebAssembly sees it: flat numbers in, at most one out; 64-bit integers are `bigint`. */
export type CoreFunction = (...args: (number | bigint)[]) => number | bigint | void;

/** An exported function of a component, after its `canon lift` has been taken apart. */
export interface GuestFunction {
  /** The core function; with `promising` in the bind options it returns a promise of its result. */
  readonly call: (...args: (number | bigint)[]) => unknown;
  /** The function that frees what the result points to; absent when there is none. */
  readonly postReturn: CoreFunction | undefined;
}

/**
 * One live instance as the canonical-ABI glue needs it. Strings are UTF-8: a component that lifts or lowers with
 * another encoding is refused when it is loaded.
 */
export interface Guest {
  /** The memory that arguments and results lie in. Its buffer is replaced when it grows. */
  readonly memory: WebAssembly.Memory;
  /** `cabi_realloc`: guest code, so it burns fuel and may trap. */
  readonly realloc: (old: number, oldSize: number, align: number, newSize: number) => number;
  /** By interface and function, without package: `request-handler#on-request-headers`. */
  readonly functions: ReadonlyMap<string, GuestFunction>;
  /** Takes fuel for work that the host does for the guest; throws `AgentTrap` of kind `fuel` when there is not enough. */
  charge(units: number): void;
}

/** What a component may bring up to the host in one call; more is a malformed result. */
export interface LiftBudget {
  /** Bytes of strings and lists, all together. Default 262144. */
  readonly bytes: number;
  /** Elements of any one list. Default 1024. */
  readonly listLength: number;
}

/** Core functions for a component's imports, by interface and name without package: `log#write`, `http#[method]request.path`, `http#[resource-drop]request`. */
export type CoreImports = ReadonlyMap<string, CoreFunction>;

/** Why a call into an agent ended without a result. */
export type TrapKind =
  | "fuel"
  | "memory"
  | "stack"
  | "unreachable"
  | "malformed"
  | "denied"
  | "host";

/**
 * A call that gave no result: its instance must be discarded. `fuel`: the budget is used up. `memory`: out of
 * bounds, or the limit was reached. `stack`: too deep. `unreachable`: the guest gave up. `malformed`: what it
 * returned breaks the contract or the lift budget. `denied`: it called an import that is not granted. `host`: an
 * import failed on our side.
 */
export class AgentTrap extends Error {
  override readonly name = "AgentTrap";
  readonly kind: TrapKind;

  constructor(kind: TrapKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Why a file cannot be an agent. The message is for the operator and names the limit or the part that is wrong. */
export class AgentLoadError extends Error {
  override readonly name = "AgentLoadError";
}
