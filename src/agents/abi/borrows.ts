import { AgentTrap } from "../guest.ts";

/** Gives out handles: small numbers from 1 on, none of them twice in an instance until they have all been used. */
export class HandleNumbers {
  #last = 0;

  /** The next number. The canonical ABI allows 28 bits, and 0 is no handle. */
  next(): number {
    this.#last = this.#last === 0xfff_ffff ? 1 : this.#last + 1;
    return this.#last;
  }
}

/**
 * The handles of one resource type in one instance. A call lends at most one value of a type, and its handle is good
 * until the call ends or the guest drops it; so a single place is the whole table.
 */
export class Borrow<T extends object> {
  readonly #name: string;
  readonly #numbers: HandleNumbers;
  #handle = 0;
  #value: T | undefined;

  constructor(name: string, numbers: HandleNumbers) {
    this.#name = name;
    this.#numbers = numbers;
  }

  /** Lends a value to the guest; the handle to pass. */
  lend(value: T): number {
    this.#value = value;
    this.#handle = this.#numbers.next();
    return this.#handle;
  }

  /** The value behind a handle that the guest sent. */
  value(handle: number): T {
    if (handle !== this.#handle || this.#value === undefined) this.#refuse(handle);
    return this.#value;
  }

  /** The guest needs the handle no longer. */
  drop(handle: number): void {
    if (handle !== this.#handle || this.#value === undefined) this.#refuse(handle);
    this.end();
  }

  /** The call is over: no handle is good any more. */
  end(): void {
    this.#handle = 0;
    this.#value = undefined;
  }

  #refuse(handle: number): never {
    throw new AgentTrap("malformed", `${handle >>> 0} is no handle of a ${this.#name} in this call`);
  }
}
