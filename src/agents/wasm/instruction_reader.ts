import type { BinaryReader } from "./binary_reader.ts";
import { valueLetter } from "./core_module.ts";
import { FUEL_COSTS } from "./fuel_costs.ts";

/** What an instruction means to whoever charges for it. */
export type InstructionRole =
  | "plain"
  | "block"
  | "loop"
  | "if"
  | "else"
  | "end"
  /** May jump, or go on. */
  | "branch"
  /** What follows is not reached. */
  | "leave"
  /** Takes a number of bytes from the top of the stack. */
  | "bytes"
  | "fill"
  /** Takes a number of table elements from the top of the stack. */
  | "elements"
  /** Grows the memory. */
  | "grow"
  /** Takes a number of elements from the top of the stack, to grow a table by. */
  | "more-elements";

/** The instruction that was read last; one object, filled anew each time. */
export interface Instruction {
  role: InstructionRole;
  /** Whether it changes a table or uses up a segment, which a reset cannot undo. */
  lasting: boolean;
  /** Type index of a block with parameters or several results, else -1. */
  blockType: number;
  /** Units, but for what an operand decides. */
  cost: number;
}

const NO_TYPE = -1;
const NOT_SUPPORTED = "is not supported";

/** Roles of codes below 0x20; the old form of exception handling and typed function references are left out. */
const CONTROL_ROLES: Readonly<Record<number, InstructionRole>> = {
  0x00: "leave", // unreachable
  0x01: "plain", // nop
  0x02: "block",
  0x03: "loop",
  0x04: "if",
  0x05: "else",
  0x08: "leave", // throw
  0x0a: "leave", // throw_ref
  0x0b: "end",
  0x0c: "leave", // br
  0x0d: "branch", // br_if
  0x0e: "leave", // br_table
  0x0f: "leave", // return
  0x10: "plain", // call
  0x11: "plain", // call_indirect
  0x12: "leave", // return_call
  0x13: "leave", // return_call_indirect
  0x1a: "plain", // drop
  0x1b: "plain", // select
  0x1c: "plain", // select with its type
  0x1f: "block", // try_table
};

/** try, catch, rethrow, delegate, catch_all. */
const OLD_EXCEPTIONS: readonly number[] = [0x06, 0x07, 0x09, 0x18, 0x19];

function blockType(reader: BinaryReader): number {
  const code = reader.peek();
  if (code === 0x40) {
    reader.byte();
    return NO_TYPE;
  }
  // A single byte above 63 is negative, which is the type of one result.
  if (code >= 0x40 && code < 0x80) {
    valueLetter(reader);
    return NO_TYPE;
  }
  const start = reader.offset;
  const index = reader.s33();
  return index < 0 ? reader.fail("an unknown type of block", start) : index;
}

function memoryOperand(reader: BinaryReader): void {
  const start = reader.offset;
  if (reader.u32() > 63) reader.fail("several memories in one module are not supported", start);
  reader.skipLeb(5);
}

function zeroByte(reader: BinaryReader): void {
  if (reader.byte() !== 0) reader.fail("several memories in one module are not supported", reader.offset - 1);
}

function fill(into: Instruction, role: InstructionRole): Instruction {
  into.role = role;
  return into;
}

/** Reads function bodies, one instruction after another. */
export class InstructionReader {
  readonly #reader: BinaryReader;
  readonly #instruction: Instruction = { role: "plain", lasting: false, blockType: NO_TYPE, cost: 1 };
  readonly #importedFunctions: number;

  constructor(reader: BinaryReader, importedFunctions: number) {
    this.#reader = reader;
    this.#importedFunctions = importedFunctions;
  }

  /** The next instruction. It is valid until the one after it is read. */
  next(): Instruction {
    const reader = this.#reader;
    const found = this.#instruction;
    found.lasting = false;
    found.blockType = NO_TYPE;
    found.cost = 1;
    const start = reader.offset;
    const code = reader.byte();
    // Loads and stores; then numeric instructions, which have no operands.
    if (code >= 0x28 && code <= 0x3e) {
      memoryOperand(reader);
      return fill(found, "plain");
    }
    if (code >= 0x45 && code <= 0xc4) return fill(found, "plain");
    // Locals, globals and table elements.
    if (code >= 0x20 && code <= 0x26) {
      reader.skipLeb(5);
      if (code === 0x26) {
        found.lasting = true;
        found.cost = FUEL_COSTS.tableSet;
      }
      return fill(found, "plain");
    }
    if (code < 0x20) return this.#control(code, start);
    switch (code) {
      case 0x3f:
        zeroByte(reader);
        return fill(found, "plain");
      case 0x40:
        zeroByte(reader);
        return fill(found, "grow");
      case 0x41:
      case 0xd2:
        reader.skipLeb(5);
        return fill(found, "plain");
      case 0x42:
        reader.skipLeb(10);
        return fill(found, "plain");
      case 0x43:
        reader.skip(4);
        return fill(found, "plain");
      case 0x44:
        reader.skip(8);
        return fill(found, "plain");
      case 0xd0:
        valueLetter(reader);
        return fill(found, "plain");
      case 0xd1:
        return fill(found, "plain");
      case 0xfc:
        return this.#bulk(start);
      case 0xfd:
        this.#vector(start);
        return fill(found, "plain");
      case 0xfb:
        return reader.fail(`a garbage-collected type ${NOT_SUPPORTED}`, start);
      case 0xfe:
        return reader.fail(`an atomic instruction ${NOT_SUPPORTED}`, start);
    }
    return this.#unknown(code, start);
  }

  #unknown(code: number, at: number): never {
    if (OLD_EXCEPTIONS.includes(code)) {
      this.#reader.fail(`the old form of exception handling ${NOT_SUPPORTED}`, at);
    }
    return this.#reader.fail(`the instruction 0x${code.toString(16)} ${NOT_SUPPORTED}`, at);
  }

  /** Control and parametric instructions: codes below 0x20. */
  #control(code: number, start: number): Instruction {
    const reader = this.#reader;
    const found = this.#instruction;
    const role = CONTROL_ROLES[code];
    if (!role) return this.#unknown(code, start);
    switch (code) {
      case 0x02: // block
      case 0x03: // loop
      case 0x04: // if
        found.blockType = blockType(reader);
        break;
      case 0x1f:
        this.#tryTable();
        break;
      case 0x0e: // br_table
        for (let left = reader.count(reader.end, "labels"); left >= 0; left--) reader.skipLeb(5);
        break;
      case 0x1c: // select with its type
        for (let left = reader.count(1, "types"); left > 0; left--) valueLetter(reader);
        break;
      case 0x08: // throw
        reader.skipLeb(5);
        found.cost = FUEL_COSTS.throw;
        break;
      case 0x0a: // throw_ref
        found.cost = FUEL_COSTS.throw;
        break;
      case 0x10: // call
      case 0x12: // return_call
        if (reader.u32() < this.#importedFunctions) found.cost = FUEL_COSTS.hostCall;
        break;
      case 0x0c: // br
      case 0x0d: // br_if
        reader.skipLeb(5);
        break;
      case 0x11: // call_indirect
      case 0x13: // return_call_indirect
        found.cost = FUEL_COSTS.indirectCall;
        reader.skipLeb(5);
        reader.skipLeb(5);
    }
    return fill(found, role);
  }

  #tryTable(): void {
    const reader = this.#reader;
    this.#instruction.blockType = blockType(reader);
    for (let left = reader.count(reader.end, "handlers"); left > 0; left--) {
      const start = reader.offset;
      const kind = reader.byte();
      // They would catch what the host throws to end a call.
      if (kind > 1) reader.fail(`a handler that catches every exception ${NOT_SUPPORTED}`, start);
      reader.skipLeb(5);
      reader.skipLeb(5);
    }
  }

  /** Saturating conversions and bulk instructions. */
  #bulk(start: number): Instruction {
    const reader = this.#reader;
    const found = this.#instruction;
    const code = reader.u32();
    if (code < 8) return fill(found, "plain");
    found.lasting = code === 9 || (code >= 12 && code !== 16);
    switch (code) {
      case 8: // memory.init
        reader.skipLeb(5);
        zeroByte(reader);
        return fill(found, "bytes");
      case 10: // memory.copy
        zeroByte(reader);
        zeroByte(reader);
        return fill(found, "bytes");
      case 11: // memory.fill
        zeroByte(reader);
        return fill(found, "fill");
      case 9: // data.drop
      case 13: // elem.drop
        reader.skipLeb(5);
        return fill(found, "plain");
      case 12: // table.init
      case 14: // table.copy
        reader.skipLeb(5);
        reader.skipLeb(5);
        return fill(found, "elements");
      case 15: // table.grow
        reader.skipLeb(5);
        return fill(found, "more-elements");
      case 17: // table.fill
        reader.skipLeb(5);
        return fill(found, "elements");
      case 16: // table.size
        reader.skipLeb(5);
        return fill(found, "plain");
    }
    return reader.fail(`the instruction 0xfc ${code} ${NOT_SUPPORTED}`, start);
  }

  #vector(start: number): void {
    const reader = this.#reader;
    const code = reader.u32();
    if (code > 0x113) reader.fail(`the instruction 0xfd ${code} ${NOT_SUPPORTED}`, start);
    if (code <= 11 || code === 92 || code === 93) return memoryOperand(reader);
    if (code === 12 || code === 13) return reader.skip(16);
    if (code >= 21 && code <= 34) return reader.skip(1);
    if (code >= 84 && code <= 91) {
      memoryOperand(reader);
      reader.skip(1);
    }
  }
}
