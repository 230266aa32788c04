import { AgentTrap, type LiftBudget } from "../guest.ts";
import type { GuestMemory } from "./memory.ts";

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Up to this many bytes a loop is faster than the decoder. */
const SHORT_TEXT = 40;

/** Short strings that an instance's glue remembers; a power of two. */
const RECENT_MAX = 128;

/**
 * Reads what a guest hands over, and believes nothing: every pointer is checked against the memory and every list
 * against the budget before it is followed. What breaks a rule is an `AgentTrap` of kind `malformed`. The methods
 * that take a place inside of a record or element rely on `record` or `list` having checked it.
 */
export class Lifter {
  /** Strings lifted since `begin`. */
  strings = 0;
  readonly #memory: GuestMemory;
  readonly #budget: LiftBudget;
  #bytesLeft = 0;
  /** Short strings by their hash: agents say the same few again and again, such as names of headers and rules. */
  readonly #recent: string[] = Array<string>(RECENT_MAX).fill("");

  constructor(memory: GuestMemory, budget: LiftBudget) {
    this.#memory = memory;
    this.#budget = budget;
  }

  /** Begins with a full budget, after guest code ran. */
  begin(): void {
    this.strings = 0;
    this.#bytesLeft = this.#budget.bytes;
    this.#memory.refresh();
  }

  /** Bytes of strings and lists lifted since `begin`. */
  get size(): number {
    return this.#budget.bytes - this.#bytesLeft;
  }

  /** Checks where a returned record lies. */
  record(returned: unknown, size: number, align: number): number {
    const pointer = (returned as number) >>> 0;
    this.#within(pointer, size);
    if ((pointer & (align - 1)) !== 0) this.#misaligned(pointer, align);
    return pointer;
  }

  /** Checks where the elements of a list lie, and that they may be as many. */
  list(pointer: number, count: number, element: { readonly size: number; readonly align: number }): number {
    pointer >>>= 0;
    count >>>= 0;
    if (count > this.#budget.listLength) {
      throw malformed(`a list of ${count} elements, ${this.#budget.listLength} are allowed`);
    }
    const size = count * element.size;
    this.#spend(size);
    this.#within(pointer, size);
    if ((pointer & (element.align - 1)) !== 0) this.#misaligned(pointer, element.align);
    return pointer;
  }

  /** A string given by pointer and length. */
  text(pointer: number, length: number): string {
    pointer >>>= 0;
    length >>>= 0;
    this.strings++;
    this.#spend(length);
    this.#within(pointer, length);
    const { bytes } = this.#memory;
    if (length > SHORT_TEXT) return decode(bytes.subarray(pointer, pointer + length));
    let hash = length;
    let all = 0;
    for (let at = pointer; at < pointer + length; at++) {
      const byte = bytes[at]!;
      all |= byte;
      hash = Math.imul(hash, 31) + byte | 0;
    }
    if (all > 0x7f) return decode(bytes.subarray(pointer, pointer + length));
    return this.#short(pointer, length, hash & RECENT_MAX - 1);
  }

  /** A short string of ASCII, the same one as the last time where it is still in its place. */
  #short(pointer: number, length: number, place: number): string {
    const { bytes } = this.#memory;
    const recent = this.#recent[place]!;
    if (recent.length === length && isSame(recent, bytes, pointer)) return recent;
    let text = "";
    for (let at = pointer; at < pointer + length; at++) text += String.fromCharCode(bytes[at]!);
    this.#recent[place] = text;
    return text;
  }

  /** A copy of bytes given by pointer and length. */
  data(pointer: number, length: number): Uint8Array {
    pointer >>>= 0;
    length >>>= 0;
    this.#spend(length);
    this.#within(pointer, length);
    return this.#memory.bytes.slice(pointer, pointer + length);
  }

  /** A string whose pointer and length are kept at `place`. */
  string(place: number): string {
    const { view } = this.#memory;
    return this.text(view.getUint32(place, true), view.getUint32(place + 4, true));
  }

  /** A copy of bytes whose pointer and length are kept at `place`. */
  bytes(place: number): Uint8Array {
    const { view } = this.#memory;
    return this.data(view.getUint32(place, true), view.getUint32(place + 4, true));
  }

  u8(place: number): number {
    return this.#memory.bytes[place]!;
  }

  u16(place: number): number {
    return this.#memory.view.getUint16(place, true);
  }

  u32(place: number): number {
    return this.#memory.view.getUint32(place, true);
  }

  u64(place: number): bigint {
    return this.#memory.view.getBigUint64(place, true);
  }

  s64(place: number): bigint {
    return this.#memory.view.getBigInt64(place, true);
  }

  f32(place: number): number {
    return this.#memory.view.getFloat32(place, true);
  }

  f64(place: number): number {
    return this.#memory.view.getFloat64(place, true);
  }

  /** Any number but 0 is true, as the canonical ABI has it. */
  bool(place: number): boolean {
    return this.#memory.bytes[place] !== 0;
  }

  /** Whether an option at `place`, or with this flat case number, has a value. */
  some(tag: number): boolean {
    if (tag >>> 0 > 1) this.noSuchCase("option", tag);
    return tag !== 0;
  }

  /** Whether a result with this case number went well. */
  ok(tag: number): boolean {
    if (tag >>> 0 > 1) this.noSuchCase("result", tag);
    return tag === 0;
  }

  /** For a number that is none of a type's cases. */
  noSuchCase(type: string, tag: number): never {
    throw malformed(`${type} has no case ${tag >>> 0}`);
  }

  #spend(size: number): void {
    this.#bytesLeft -= size;
    if (this.#bytesLeft < 0) {
      throw malformed(`more than ${this.#budget.bytes} bytes of strings and lists`);
    }
  }

  #within(pointer: number, size: number): void {
    if (pointer + size > this.#memory.bytes.length) {
      throw malformed(`${size} bytes at ${pointer} are outside of the memory`);
    }
  }

  #misaligned(pointer: number, align: number): never {
    throw malformed(`pointer ${pointer} is not aligned to ${align}`);
  }
}

/** Whether bytes are the characters of a string of ASCII that is as long. */
function isSame(text: string, bytes: Uint8Array, pointer: number): boolean {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) !== bytes[pointer + at]) return false;
  }
  return true;
}

function decode(bytes: Uint8Array): string {
  try {
    return DECODER.decode(bytes);
  } catch (error) {
    throw new AgentTrap("malformed", "a string is not UTF-8", { cause: error });
  }
}

function malformed(message: string): AgentTrap {
  return new AgentTrap("malformed", message);
}
