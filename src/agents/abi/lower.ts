import { AgentTrap } from "../guest.ts";
import type { GuestMemory } from "./memory.ts";

const ENCODER = new TextEncoder();

/** Up to this many characters a loop is faster than the encoder. */
const SHORT_RUN = 40;

const BEYOND_ASCII = /[^\0-\x7f]/;

/** Strings whose notes are kept for the next call; more are let go, so that one huge call leaves no trace. */
const NOTES_KEPT = 256;

/**
 * Writes host values into a guest. Strings cost most, and nearly all are short ASCII, so their bytes are not written
 * one by one: each gets its own allocation at once, of as many bytes as it has characters, and as long as
 * allocations are adjacent the texts are joined and encoded together. Only when that shows a character beyond ASCII
 * is every string of the run looked at by itself. Call `finish` before guest code runs.
 */
export class Lowerer {
  /** Strings lowered since `begin`. */
  strings = 0;
  /** Bytes of lists since `begin`, and characters of strings. */
  size = 0;
  readonly #memory: GuestMemory;
  readonly #texts: string[] = [];
  readonly #pointers: number[] = [];
  readonly #lengths: number[] = [];
  /** Where each string's pointer and length are kept in memory; -1 for one that is passed flat. */
  readonly #places: number[] = [];
  #run = "";
  #runFirst = 0;
  #runStart = 0;
  #runEnd = -1;

  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }

  /** Forgets the call before. */
  begin(): void {
    this.strings = 0;
    this.size = 0;
    this.#run = "";
    this.#runFirst = 0;
    this.#runEnd = -1;
    if (this.#texts.length > NOTES_KEPT) {
      this.#texts.length = NOTES_KEPT;
      this.#pointers.length = NOTES_KEPT;
      this.#lengths.length = NOTES_KEPT;
      this.#places.length = NOTES_KEPT;
    }
  }

  /** Writes what is still pending. */
  finish(): void {
    if (this.#run !== "") this.#write(this.strings);
  }

  /** Room for a record or spilled parameters. */
  room(size: number, align: number): number {
    return this.#memory.allocate(align, size);
  }

  /**
   * Takes a string whose pointer and length belong at `place`; with -1 they are asked for with `pointer` and
   * `length` after `finish`, by the number returned.
   */
  string(place: number, text: string): number {
    const index = this.strings++;
    const length = text.length;
    let pointer = 1;
    if (length !== 0) {
      pointer = this.#memory.allocate(1, length);
      if (pointer !== this.#runEnd) this.#startRun(pointer, index);
      this.#runEnd = pointer + length;
      this.#run += text;
      this.size += length;
    }
    this.#texts[index] = text;
    this.#pointers[index] = pointer;
    this.#lengths[index] = length;
    this.#places[index] = place;
    if (place >= 0) this.pair(place, pointer, length);
    return index;
  }

  /** The pointer of a string passed flat; 0 for the number -1, an absent one. */
  pointer(index: number): number {
    return index < 0 ? 0 : this.#pointers[index]!;
  }

  /** The length in bytes of a string passed flat; 0 for the number -1, an absent one. */
  length(index: number): number {
    return index < 0 ? 0 : this.#lengths[index]!;
  }

  /** Room for the elements of a list. */
  list(count: number, size: number, align: number): number {
    if (count === 0) return align;
    const total = count * size;
    this.size += total;
    return this.#memory.allocate(align, total);
  }

  /** Copies bytes; where to. */
  bytes(data: Uint8Array): number {
    if (data.length === 0) return 1;
    const pointer = this.#memory.allocate(1, data.length);
    this.#memory.bytes.set(data, pointer);
    this.size += data.length;
    return pointer;
  }

  /** Puts pointer and length of a list at `place`. */
  pair(place: number, pointer: number, length: number): void {
    const { view } = this.#memory;
    view.setUint32(place, pointer, true);
    view.setUint32(place + 4, length, true);
  }

  /** A case number or an `u8`. */
  u8(place: number, value: number): void {
    this.#memory.bytes[place] = inRange(value, 0xff);
  }

  u16(place: number, value: number): void {
    this.#memory.view.setUint16(place, inRange(value, 0xffff), true);
  }

  u32(place: number, value: number): void {
    this.#memory.view.setUint32(place, inRange(value, 0xffff_ffff), true);
  }

  u64(place: number, value: bigint): void {
    this.#memory.view.setBigUint64(place, unsigned(value), true);
  }

  s64(place: number, value: bigint): void {
    this.#memory.view.setBigInt64(place, signed(value), true);
  }

  f32(place: number, value: number): void {
    this.#memory.view.setFloat32(place, value, true);
  }

  f64(place: number, value: number): void {
    this.#memory.view.setFloat64(place, value, true);
  }

  #startRun(pointer: number, index: number): void {
    if (this.#run !== "") this.#write(index);
    this.#run = "";
    this.#runFirst = index;
    this.#runStart = pointer;
  }

  #write(runEnd: number): void {
    const text = this.#run;
    const isWritten = text.length <= SHORT_RUN ? this.#writeShort(text) : this.#writeLong(text);
    if (!isWritten) this.#writeBeyondAscii(text, runEnd);
  }

  #writeShort(text: string): boolean {
    const { bytes } = this.#memory;
    const start = this.#runStart;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code > 0x7f) return false;
      bytes[start + at] = code;
    }
    return true;
  }

  #writeLong(text: string): boolean {
    const room = this.#memory.bytes.subarray(this.#runStart, this.#runStart + text.length);
    // As many bytes as characters: with anything beyond ASCII not all characters find room.
    return ENCODER.encodeInto(text, room).read === text.length;
  }

  /** Writes a run string by string where it has to be, and in one go between such strings. */
  #writeBeyondAscii(text: string, runEnd: number): void {
    let written = 0;
    let start = 0;
    let index = this.#runFirst;
    for (;;) {
      const found = text.slice(written).search(BEYOND_ASCII);
      if (found < 0) break;
      while (start + this.#texts[index]!.length <= written + found) start += this.#texts[index++]!.length;
      this.#writePart(text, written, start);
      this.#rewrite(index);
      start += this.#texts[index++]!.length;
      written = start;
      if (index === runEnd) return;
    }
    this.#writePart(text, written, text.length);
  }

  #writePart(text: string, from: number, to: number): void {
    if (from === to) return;
    const room = this.#memory.bytes.subarray(this.#runStart + from, this.#runStart + to);
    ENCODER.encodeInto(text.slice(from, to), room);
  }

  #rewrite(index: number): void {
    const text = this.#texts[index]!;
    if (text.length === 0) return;
    const encoded = ENCODER.encode(text);
    let pointer = this.#pointers[index]!;
    if (encoded.length !== text.length) {
      pointer = this.#memory.enlarge(pointer, text.length, encoded.length);
      this.#pointers[index] = pointer;
      this.#lengths[index] = encoded.length;
      const place = this.#places[index]!;
      if (place >= 0) this.pair(place, pointer, encoded.length);
    }
    this.#memory.bytes.set(encoded, pointer);
  }
}

/** The value, if it is a whole number from 0 to `max`; the host is at fault otherwise. */
export function inRange(value: number, max: number): number {
  if (!(value >= 0 && value <= max) || !Number.isInteger(value)) {
    throw new AgentTrap("host", `${value} is not a whole number from 0 to ${max}`);
  }
  return value;
}

/** The value, if it fits 64 bits without sign. */
export function unsigned(value: bigint): bigint {
  if (BigInt.asUintN(64, value) !== value) throw new AgentTrap("host", `${value} does not fit u64`);
  return value;
}

/** The value, if it fits 64 bits with sign. */
export function signed(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new AgentTrap("host", `${value} does not fit s64`);
  return value;
}

/** For a name that is none of a type's cases; the host is at fault. */
export function noSuchCase(type: string, name: string): never {
  throw new AgentTrap("host", `"${name}" is no case of ${type}`);
}
