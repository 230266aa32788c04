import { AgentTrap, type CoreFunction, type Guest, type GuestFunction, type LiftBudget } from "../guest.ts";
import { isGuestException } from "../wasm/trap_kinds.ts";
import { Lifter } from "./lift.ts";
import { Lowerer } from "./lower.ts";
import { GuestMemory } from "./memory.ts";

/**
 * Fuel for any import call and for each string that it moves; a byte that comes up costs one unit, since it is checked
 * and decoded, and two that go down cost one. Measured with guests that do nothing else.
 */
const IMPORT_FUEL = 100;
const STRING_FUEL = 16;
const LOWERED_BYTES_PER_FUEL = 2;

/**
 * What the instance is doing. Only while its own code runs as part of a call may it call imports: an allocation or
 * post-return that does so would enter the glue while the glue is at work.
 */
type Phase = "idle" | "lowering" | "guest" | "lifting" | "host" | "post-return";

/**
 * The glue's side of one instance: its memory, and the rules of calling. Generated code goes through the phases in
 * order; what it throws always leaves by `failed`, which remembers, because a guest may catch what an import throws
 * and carry on as if nothing had been.
 */
export class AbiInstance {
  readonly lower: Lowerer;
  readonly lift: Lifter;
  readonly #memory = new GuestMemory();
  #phase: Phase = "idle";
  #failure: { readonly error: unknown } | undefined;

  constructor(budget: LiftBudget) {
    this.lower = new Lowerer(this.#memory);
    this.lift = new Lifter(this.#memory, budget);
  }

  /** Takes the live instance; once, before the first call. */
  attach(guest: Guest): void {
    this.#memory.attach(guest);
  }

  /** A call of an export begins: parameters may be lowered. */
  beginCall(): void {
    if (this.#phase !== "idle") throw new AgentTrap("host", "an agent's instance was entered twice");
    this.#phase = "lowering";
    this.#memory.refresh();
    this.lower.begin();
  }

  /** All parameters are lowered: guest code may run. */
  beginGuest(): void {
    this.lower.finish();
    this.#phase = "guest";
  }

  /** Guest code is done: its result may be lifted. */
  beginLift(): Lifter {
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#phase = "lifting";
    this.lift.begin();
    return this.lift;
  }

  /** The result is lifted: the guest may free it. */
  postReturn(fn: GuestFunction, returned: unknown): void {
    if (fn.postReturn === undefined) return;
    this.#phase = "post-return";
    fn.postReturn(returned as number);
  }

  /** The call of an export is over, however it went. */
  endCall(): void {
    this.#phase = "idle";
  }

  /** The guest called an import: its arguments may be lifted. */
  beginImport(): Lifter {
    if (this.#phase !== "guest") {
      throw new AgentTrap("malformed", `the agent called an import while ${PHASES[this.#phase]}`);
    }
    this.#phase = "lifting";
    this.lift.begin();
    return this.lift;
  }

  /** All arguments are lifted: the host function may run. */
  beginHost(): void {
    this.#phase = "host";
  }

  /** The host function is done: its result may be lowered. */
  beginResult(): Lowerer {
    this.#phase = "lowering";
    this.lower.begin();
    return this.lower;
  }

  /** The import is done; the guest pays for it and goes on. */
  endImport(): void {
    const { lower, lift } = this;
    lower.finish();
    const strings = STRING_FUEL * (lower.strings + lift.strings);
    const bytes = lift.size + Math.ceil(lower.size / LOWERED_BYTES_PER_FUEL);
    this.#memory.guest().charge(IMPORT_FUEL + strings + bytes);
    this.#phase = "guest";
  }

  /**
   * What to throw for an error: traps of the guest as they are, everything else as a fault of the host. `where` names
   * the import or export. The instance gives no result after that.
   */
  failed(error: unknown, where: string): unknown {
    if (this.#failure === undefined) {
      this.#failure = { error: this.#isTrap(error) ? error : hostFault(error, where) };
    }
    return this.#failure.error;
  }

  /** An import that is not granted. */
  denied(where: string): CoreFunction {
    return () => {
      throw this.failed(new AgentTrap("denied", `the agent called ${where}, which is not granted`), where);
    };
  }

  #isTrap(error: unknown): boolean {
    if (error instanceof AgentTrap) return true;
    if (error instanceof RangeError) return /call stack/i.test(error.message);
    if (this.#phase === "host") return false;
    // An exception of the guest's own that nobody in it caught is its way of giving up.
    return error instanceof WebAssembly.RuntimeError || isGuestException(error);
  }
}

const PHASES: Readonly<Record<Phase, string>> = {
  idle: "it was not called",
  lowering: "memory was allocated",
  guest: "it ran",
  lifting: "its values were read",
  host: "another import was at work",
  "post-return": "its result was freed",
};

function hostFault(error: unknown, where: string): AgentTrap {
  const reason = error instanceof Error ? error.message : String(error);
  return new AgentTrap("host", `${where}: ${reason}`, { cause: error });
}
