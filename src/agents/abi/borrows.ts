import { AgentTrap } from "../guest.ts";

/** Gives out handles: small numbers from 1 on, none of them twice in an instance until they have all been used. */
export class HandleNumbers {
  #last = 0;
  #marked = 0;

  /** Remembers how far they have come, as a part of the state to go back to. */
  mark(): void {
    this.#marked = this.#last;
  }

  /**
   * Goes back to the mark, so that the guest cannot count the calls since. Only for a guest whose memory goes back
   * too: what it kept from a later call is gone then, and what it kept from before does not come again.
   */
  rewind(): void {
    this.#last = this.#marked;
  }

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

  /** As of `HandleNumbers`, for all types that share them. */
  mark(): void {
    this.#numbers.mark();
  }

  /** As of `HandleNumbers`, for all types that share them; between calls. */
  rewind(): void {
    this.#numbers.rewind();
  }

  #refuse(handle: number): never {
    throw new AgentTrap("malformed", `${handle >>> 0} is no handle of a ${this.#name} in this call`);
  }
}
