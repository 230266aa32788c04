import { AgentLoadError } from "../guest.ts";

const UTF8 = { fatal: true, ignoreBOM: true } as const;

/**
 * Reads a WebAssembly binary and never past its end. Every failure is an `AgentLoadError` with the offset in the
 * file. Counts are checked against the bytes that are left, so that a short file cannot ask for a huge array.
 */
export class BinaryReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  offset: number;
  /** What is being read, for messages. */
  readonly what: string;
  /** Where `bytes` begins in the file, for messages. */
  readonly base: number;

  constructor(bytes: Uint8Array, what: string, base = 0) {
    this.bytes = bytes;
    this.offset = 0;
    this.end = bytes.length;
    this.what = what;
    this.base = base;
  }

  /** Whether everything is read. */
  get done(): boolean {
    return this.offset >= this.end;
  }

  /** Refuses the file. */
  fail(problem: string, at: number = this.offset): never {
    throw new AgentLoadError(`${this.what}: ${problem} at offset ${this.base + at}`);
  }

  /** One byte. */
  byte(): number {
    const value = this.bytes[this.offset];
    if (value === undefined) this.fail("the file ends too early");
    this.offset++;
    return value;
  }

  /** The next byte without taking it; -1 at the end. */
  peek(): number {
    return this.bytes[this.offset] ?? -1;
  }

  /** An unsigned 32-bit number. */
  u32(): number {
    const start = this.offset;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 15) this.fail("a number is too large", start);
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    return this.fail("a number is too long", start);
  }

  /** A signed number of at most 33 bits: block types and constants. */
  s33(): number {
    const start = this.offset;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return byte & 64 ? value - 2 ** (shift + 7) : value;
    }
    return this.fail("a number is too long", start);
  }

  /** Passes over a LEB128 number of at most `bytesMax` bytes. */
  skipLeb(bytesMax: number): void {
    const start = this.offset;
    for (let count = 0; count < bytesMax; count++) if (this.byte() < 128) return;
    this.fail("a number is too long", start);
  }

  /** Passes over a fixed number of bytes. */
  skip(count: number): void {
    if (count > this.end - this.offset) this.fail("the file ends too early");
    this.offset += count;
  }

  /** How many items follow; each takes at least one byte. */
  count(max: number, items: string): number {
    const start = this.offset;
    const count = this.u32();
    if (count > max) this.fail(`${count} ${items}, at most ${max} are allowed`, start);
    if (count > this.end - this.offset) this.fail(`${count} ${items} do not fit into the file`, start);
    return count;
  }

  /** A list of items. */
  list<T>(limit: { readonly max: number; readonly items: string }, read: () => T): T[] {
    const found: T[] = [];
    for (let left = this.count(limit.max, limit.items); left > 0; left--) found.push(read());
    return found;
  }

  /** A name: a length and UTF-8. */
  name(): string {
    const start = this.offset;
    const length = this.u32();
    if (length > 4096) this.fail("a name is longer than 4096 bytes", start);
    const bytes = this.take(length);
    try {
      return new TextDecoder("utf-8", UTF8).decode(bytes);
    } catch {
      return this.fail("a name is not valid UTF-8", start);
    }
  }

  /** The next bytes, not copied. */
  take(length: number): Uint8Array {
    if (length > this.end - this.offset) this.fail("the file ends too early");
    const start = this.offset;
    this.offset += length;
    return this.bytes.subarray(start, this.offset);
  }

  /** A reader of the next bytes alone, which this one passes over. */
  part(length: number, what: string = this.what): BinaryReader {
    const base = this.base + this.offset;
    return new BinaryReader(this.take(length), what, base);
  }

  /** Refuses what is left over. */
  finish(): void {
    if (!this.done) this.fail("there are bytes left over");
  }
}
