/** A cost that depends on an operand: `flat + ((operand >>> shift) & mask) * scale`, and `zero` when it is 0. */
export interface OperandCost {
  readonly flat: number;
  readonly shift: number;
  readonly mask: number;
  readonly scale: number;
  readonly zero: number;
}

/** Instructions that are charged by their operand, when they are reached. */
export type CostlyRole = "bytes" | "fill" | "elements" | "more-elements";

/**
 * What work costs, in units of about one plain instruction, 0.1 to 1 ns; measured, and rounded up. Each variable
 * part stays below 2^30, so that the tank, a signed number that is not negative before a charge, cannot wrap
 * around to full. What a mask cuts off is an operand that is out of bounds for every limit there is.
 */
export const OPERAND_COSTS: Readonly<Record<CostlyRole, OperandCost>> = {
  /** Copying or initialising memory, for each 16 bytes. */
  bytes: { flat: 16, shift: 4, mask: -1, scale: 1, zero: 0 },
  /** V8 15 takes 160 ns to fill no bytes at all, and 5 ns to fill one. */
  fill: { flat: 16, shift: 4, mask: -1, scale: 1, zero: 400 },
  /** Filling, copying or initialising a table: a write that the collector is told of, for each element. */
  elements: { flat: 32, shift: 0, mask: 0xff_ffff, scale: 32, zero: 0 },
  /** Growing a table copies it. */
  "more-elements": { flat: 1000, shift: 0, mask: 0xff_ffff, scale: 32, zero: 0 },
};

/** What else costs more than a unit. */
export const FUEL_COSTS = {
  /** Growing a memory, even by nothing, is a call into the engine. */
  memoryGrow: 300,
  /** Each new page: touching its 64 KiB for the first time makes the system find and clear them. */
  memoryPage: 20_000,
  /** An exception is an object, and a handler is looked for. */
  throw: 1000,
  /**
   * Entering a block with handlers: an exception that none of them matches lands and is thrown on through the
   * engine, once for each block that is open, in this frame and in those around it.
   */
  tryTable: 500,
  /** Each call in a module with exceptions, for its frame may have to be unwound. */
  unwinding: 16,
  /** A table entry that changes may need an object made. */
  tableSet: 100,
  /** Square roots and divisions of floats. */
  slowFloat: 4,
  /** The same of vectors. */
  slowVector: 5,
  /** Dropping a segment is a call into the engine. */
  drop: 4,
  hostCall: 16,
  indirectCall: 4,
} as const;

/**
 * How often V8's baseline compiler passes over all locals and operands for an instruction, in units of about 1 ns
 * for each; measured. To remember them for later, which takes memory, costs several times as much as to merge them.
 */
export const MERGES = {
  branch: 1,
  /** Finds what is in registers. */
  call: 1,
  /** Remembered by the first branch to it, or at its start. */
  block: 8,
  if: 16,
  /** A check of the tank that is put in. */
  check: 16,
} as const;

/** Locals are set to zero at function entry, several at a time: `locals >> LOCALS_SHIFT` units. */
export const LOCALS_SHIFT = 2;
