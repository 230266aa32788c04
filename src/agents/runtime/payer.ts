import type { CoreFunction, CoreImports, Guest } from "../guest.ts";

type Charged = Pick<Guest, "charge">;

/**
 * Who pays for what the host does: the instance whose code runs now. One for all instances of an agent in a thread,
 * as what they are granted is made once for all of them.
 */
export class Payer {
  #current: Charged | undefined;

  /** Takes fuel from the instance that runs; throws `AgentTrap` of kind `fuel` when it has not enough. */
  charge(units: number): void {
    this.#current?.charge(units);
  }

  /** The same function, for whose work `guest` pays. */
  paid<A extends unknown[], R>(guest: () => Charged, work: (...args: A) => R): (...args: A) => R {
    return (...args) => {
      const before = this.#current;
      this.#current = guest();
      try {
        return work(...args);
      } finally {
        this.#current = before;
      }
    };
  }

  /**
   * Imports for whose work the instance pays that calls them. What suspends is no function and stays as it is: its
   * host function has to be `paid` before it is lowered. And getters of requests and responses are no work beyond what they hand over, which is charged where it is lowered.
   */
  paidImports(imports: CoreImports, guest: () => Charged): CoreImports {
    const paid = new Map<string, CoreFunction>();
    for (const [name, each] of imports) {
      const isPaid = typeof each === "function" && !name.startsWith("http#");
      paid.set(name, isPaid ? this.paid(guest, each) : each);
    }
    return paid;
  }
}
