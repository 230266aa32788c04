import type { BinaryReader } from "./binary_reader.ts";
import { type CoreModule, type CoreType, valueLetter } from "./core_module.ts";
import { FUEL_COSTS, MERGES } from "./fuel_costs.ts";
import { bulkStackEffect, stackEffect, vectorStackEffect } from "./stack_effects.ts";

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
  /** Results of a block without a type index. */
  blockResults: number;
  /** Whether it opens a block with handlers of exceptions. */
  catches: boolean;
  /** Units, but for what an operand decides. */
  cost: number;
  /** How much higher the operand stack is afterwards, but for what blocks take and give. */
  effect: number;
  /** Passes of the engine's compiler over all locals and operands. */
  merges: number;
}

/** What the reader has to know of the module. */
export type InstructionContext = Pick<CoreModule, "types" | "functionTypes" | "importedFunctions">;

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

function blockType(reader: BinaryReader, into: Instruction): void {
  const code = reader.peek();
  if (code === 0x40) {
    reader.byte();
    return;
  }
  // A single byte above 63 is negative, which is the type of one result.
  if (code >= 0x40 && code < 0x80) {
    valueLetter(reader);
    into.blockResults = 1;
    return;
  }
  const start = reader.offset;
  const index = reader.s33();
  into.blockType = index < 0 ? reader.fail("an unknown type of block", start) : index;
}

function typeEffect(type: CoreType | undefined): number {
  return type ? type.results.length - type.parameters.length : 0;
}

/** Square roots and divisions of floats, which take many times as long as other arithmetic. */
function slowCost(code: number): number {
  return code === 0x91 || code === 0x95 || code === 0x9f || code === 0xa3 ? FUEL_COSTS.slowFloat : 1;
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
  readonly #instruction: Instruction = {
    role: "plain",
    lasting: false,
    blockType: NO_TYPE,
    blockResults: 0,
    catches: false,
    cost: 1,
    effect: 0,
    merges: 0,
  };
  readonly #context: InstructionContext;

  constructor(reader: BinaryReader, context: InstructionContext) {
    this.#reader = reader;
    this.#context = context;
  }

  /** The next instruction. It is valid until the one after it is read. */
  next(): Instruction {
    const reader = this.#reader;
    const found = this.#instruction;
    found.lasting = false;
    found.blockType = NO_TYPE;
    found.blockResults = 0;
    found.catches = false;
    found.cost = 1;
    found.merges = 0;
    const start = reader.offset;
    const code = reader.byte();
    found.effect = stackEffect(code);
    // Loads and stores; then numeric instructions, which have no operands.
    if (code >= 0x28 && code <= 0x3e) {
      memoryOperand(reader);
      return fill(found, "plain");
    }
    if (code >= 0x45 && code <= 0xc4) {
      found.cost = slowCost(code);
      return fill(found, "plain");
    }
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
        found.merges = MERGES.call + 2 * MERGES.check;
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
        blockType(reader, found);
        found.merges = code === 0x02 ? MERGES.block : code === 0x03 ? MERGES.block + MERGES.check : MERGES.if;
        break;
      case 0x1f:
        this.#tryTable();
        break;
      case 0x0e: // br_table
        for (let left = reader.count(reader.end, "labels"); left >= 0; left--) {
          reader.skipLeb(5);
          found.merges += MERGES.branch;
        }
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
        this.#call(reader.u32());
        break;
      case 0x0c: // br
      case 0x0d: // br_if
        reader.skipLeb(5);
        found.merges = MERGES.branch;
        break;
      case 0x11: // call_indirect
      case 0x13: // return_call_indirect
        found.cost = FUEL_COSTS.indirectCall;
        found.merges = MERGES.call;
        // The index into the table is taken as well.
        found.effect = typeEffect(this.#context.types[reader.u32()]) - 1;
        reader.skipLeb(5);
    }
    return fill(found, role);
  }

  #call(index: number): void {
    const found = this.#instruction;
    const { types, functionTypes, importedFunctions } = this.#context;
    if (index < importedFunctions) found.cost = FUEL_COSTS.hostCall;
    found.merges = MERGES.call;
    found.effect = typeEffect(types[functionTypes[index] ?? -1]);
  }

  #tryTable(): void {
    const reader = this.#reader;
    const found = this.#instruction;
    found.catches = true;
    found.cost = FUEL_COSTS.tryTable;
    found.merges = MERGES.block;
    blockType(reader, found);
    for (let left = reader.count(reader.end, "handlers"); left > 0; left--) {
      const start = reader.offset;
      const kind = reader.byte();
      // They would catch what the host throws to end a call.
      if (kind > 1) reader.fail(`a handler that catches every exception ${NOT_SUPPORTED}`, start);
      reader.skipLeb(5);
      reader.skipLeb(5);
      found.merges += MERGES.block;
    }
  }

  /** Saturating conversions and bulk instructions. */
  #bulk(start: number): Instruction {
    const reader = this.#reader;
    const found = this.#instruction;
    const code = reader.u32();
    found.effect = bulkStackEffect(code);
    if (code < 8) return fill(found, "plain");
    found.merges = MERGES.call + MERGES.check;
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
        found.cost = FUEL_COSTS.drop;
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
    this.#instruction.effect = vectorStackEffect(code);
    // f32x4.sqrt, f32x4.div, f64x2.sqrt, f64x2.div
    if (code === 227 || code === 231 || code === 239 || code === 243) {
      this.#instruction.cost = FUEL_COSTS.slowVector;
    }
    if (code <= 11 || code === 92 || code === 93) return memoryOperand(reader);
    if (code === 12 || code === 13) return reader.skip(16);
    if (code >= 21 && code <= 34) return reader.skip(1);
    if (code >= 84 && code <= 91) {
      memoryOperand(reader);
      reader.skip(1);
    }
  }
}
