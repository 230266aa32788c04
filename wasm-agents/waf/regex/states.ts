/**
 * Sets of instructions, as they are alive between two bytes of a text, and what a byte makes of them. What is
 * reached from the start at every place (the base) is not in the sets: what a byte makes of it is remembered.
 */

import { allocate } from "sentinel/arena";
import { isWordByte, SET_BYTES, setHas, setsAt, setUnite } from "./byte_sets";
import { PROGRAM_SIZE_MAX } from "./limits";
import { Assertion } from "./nodes";
import { argumentOf, INSTRUCTION_BYTES, isBase, Op, opOf, otherOf, outOf, Program } from "./program";

/** What is known of a place in a text, as bits. */
export class Place {
  static readonly AFTER_WORD: u32 = 1;
  static readonly AFTER_BREAK: u32 = 2;
  static readonly AT_START: u32 = 4;
  /** The three above: what stands before. */
  static readonly BEFORE: u32 = 7;
  /** In the flags of a state: there are assertions in it that wait for the next byte. */
  static readonly PENDING: u32 = 8;
  /** Whether what comes next is known, and the rest says what it is. */
  static readonly NEXT_KNOWN: u32 = 16;
  static readonly NEXT_WORD: u32 = 32;
  static readonly NEXT_BREAK: u32 = 64;
  static readonly NEXT_END: u32 = 128;
  static readonly NEXT_LAST_BREAK: u32 = 256;
}

/** Stands for the end of a text where a byte is expected. */
export const END_OF_TEXT: i32 = -1;

/** A line break that is the last byte of a text; only for programs that ask. */
export const LAST_BREAK: i32 = -2;

/** Memory for sets while they are made. One for all expressions: nothing here outlives a call of `test`. */
export class Work {
  /** For each instruction the number of the set that it was last put into. */
  static stamps: usize = 0;
  static stamp: u32 = 0;
  static stack: usize = 0;
  /** The set that is being made. */
  static list: usize = 0;
  static count: i32 = 0;
  /** The set it is made from, in a simulation. */
  static from: usize = 0;
  /** The base and a set, after their assertions were decided. */
  static decidedBase: usize = 0;
  static decidedSet: usize = 0;
  /** Whether the match was reached. */
  static hasMatch: bool = false;
  /** Whether it was reached at the place before the byte, by an assertion that waited for it. */
  static hadMatch: bool = false;
  /** Whether nothing else matters then: what is left of a set is not looked at. */
  static stopsAtMatch: bool = true;
  /** Whether an assertion waits for the next byte. */
  static isPending: bool = false;
  /** Instructions that were followed by all expressions since the call began. */
  static steps: i32 = 0;
  /** So many, and they stop; while rules are read there is no bound. */
  static stepsMax: i32 = i32.MAX_VALUE;
}

/** Takes the memory; once. */
export function prepareWork(): void {
  if (Work.stamps != 0) return;
  Work.stamps = allocate(4 * PROGRAM_SIZE_MAX);
  memory.fill(Work.stamps, 0, 4 * PROGRAM_SIZE_MAX);
  Work.stack = allocate(2 * PROGRAM_SIZE_MAX);
  Work.list = allocate(2 * PROGRAM_SIZE_MAX);
  Work.from = allocate(2 * PROGRAM_SIZE_MAX);
  Work.decidedBase = allocate(2 * PROGRAM_SIZE_MAX);
  Work.decidedSet = allocate(2 * PROGRAM_SIZE_MAX);
}

/** Begins a new, empty set. */
export function newSet(): void {
  if (++Work.stamp == 0) {
    memory.fill(Work.stamps, 0, 4 * PROGRAM_SIZE_MAX);
    Work.stamp = 1;
  }
  Work.count = 0;
}

/** Puts an instruction into the set unless it is there. */
// asc: @inline
export function addOne(pc: i32): void {
  const at = Work.stamps + (<usize> pc << 2);
  if (load<u32>(at) == Work.stamp) return;
  store<u32>(at, Work.stamp);
  store<u16>(Work.list + (<usize> Work.count << 1), <u16> pc);
  Work.count++;
}

/** Whether an assertion holds at a place: 0 no, 1 yes, 2 not yet known. */
function holds(kind: u32, place: u32): u32 {
  const isKnown = (place & Place.NEXT_KNOWN) != 0;
  switch (kind) {
    case Assertion.BEGIN_TEXT:
      return (place & Place.AT_START) != 0 ? 1 : 0;
    case Assertion.BEGIN_LINE:
      if ((place & Place.AT_START) != 0) return 1;
      if ((place & Place.AFTER_BREAK) == 0) return 0;
      return isKnown ? ((place & Place.NEXT_END) == 0 ? 1 : 0) : 2;
    case Assertion.END_TEXT:
      return isKnown ? ((place & Place.NEXT_END) != 0 ? 1 : 0) : 2;
    case Assertion.END_LINE:
      return isKnown ? ((place & (Place.NEXT_END | Place.NEXT_BREAK)) != 0 ? 1 : 0) : 2;
    case Assertion.END_OR_LAST_BREAK:
      return isKnown ? ((place & (Place.NEXT_END | Place.NEXT_LAST_BREAK)) != 0 ? 1 : 0) : 2;
    case Assertion.BACKWARDS_END_LINE:
      return (place & (Place.AT_START | Place.AFTER_BREAK)) != 0 ? 1 : 0;
    case Assertion.BACKWARDS_BEGIN_LINE:
      if (!isKnown) return 2;
      if ((place & Place.NEXT_END) != 0) return 1;
      return (place & Place.NEXT_BREAK) != 0 && (place & Place.AT_START) == 0 ? 1 : 0;
    default: {
      if (!isKnown) return 2;
      const isBoundary = ((place & Place.AFTER_WORD) != 0) != ((place & Place.NEXT_WORD) != 0);
      return isBoundary == (kind == Assertion.WORD_BOUNDARY) ? 1 : 0;
    }
  }
}

/** Whether an assertion holds at a place of which everything is known. */
export function holdsAt(kind: u32, place: u32): bool {
  return holds(kind, place) == 1;
}

/** Puts what is reached from `pc` without a byte into the set. */
export function reach(code: usize, pc: i32, place: u32): void {
  const stamps = Work.stamps;
  const stamp = Work.stamp;
  const bottom = Work.stack;
  let top = bottom;
  while (true) {
    const mark = stamps + (<usize> pc << 2);
    const instruction = code + <usize> pc * INSTRUCTION_BYTES;
    if (load<u32>(mark) != stamp && !isBase(instruction)) {
      store<u32>(mark, stamp);
      const op = opOf(instruction);
      if (op == Op.SET) {
        store<u16>(Work.list + (<usize> Work.count << 1), <u16> pc);
        Work.count++;
      } else if (op == Op.SPLIT) {
        store<u16>(top, <u16> otherOf(instruction));
        top += 2;
        pc = outOf(instruction);
        continue;
      } else if (op == Op.SAVE) {
        pc = outOf(instruction);
        continue;
      } else if (op == Op.MATCH) {
        Work.hasMatch = true;
        if (Work.stopsAtMatch) return;
      } else {
        const answer = holds(argumentOf(instruction), place);
        if (answer == 1) {
          pc = outOf(instruction);
          continue;
        }
        if (answer == 2) {
          Work.isPending = true;
          store<u16>(Work.list + (<usize> Work.count << 1), <u16> pc);
          Work.count++;
        }
      }
    }
    if (top == bottom) return;
    top -= 2;
    pc = load<u16>(top);
  }
}

/** What is known of the place behind a byte. */
export function placeAfter(program: Program, byte: i32): u32 {
  if (!program.hasEnds) return 0;
  return (program.hasWords && isWordByte(byte) ? Place.AFTER_WORD : 0) |
    (program.hasLines && byte == 10 ? Place.AFTER_BREAK : 0);
}

/** What is known of the place before a byte, when `before` is known of what is in front of it. */
export function placeBefore(before: u32, byte: i32): u32 {
  const place = (before & Place.BEFORE) | Place.NEXT_KNOWN;
  if (byte == END_OF_TEXT) return place | Place.NEXT_END;
  if (byte == LAST_BREAK) {
    return place | Place.NEXT_BREAK | Place.NEXT_LAST_BREAK;
  }
  if (byte == 10) return place | Place.NEXT_BREAK;
  return isWordByte(byte) ? place | Place.NEXT_WORD : place;
}

/** Decides assertions at a place where all is known; what is left of the instructions goes to `Work.list`. */
function decide(program: Program, ids: usize, count: i32, place: u32): void {
  newSet();
  for (let index = 0; index < count; index++) {
    const pc = <i32> load<u16>(ids + (<usize> index << 1));
    const instruction = program.at + <usize> pc * INSTRUCTION_BYTES;
    if (opOf(instruction) == Op.SET) addOne(pc);
    else if (holdsAt(argumentOf(instruction), place)) {
      reach(program.at, outOf(instruction), place);
    }
    if (Work.hasMatch && Work.stopsAtMatch) return;
  }
}

/** Adds what `byte` makes of the instructions at `ids` to the set. */
function stepAll(program: Program, ids: usize, count: i32, byte: i32): void {
  const code = program.at;
  const sets = setsAt() + (<usize> byte >> 3);
  const bit = <u32> 1 << (byte & 7);
  const place = placeAfter(program, byte);
  const end = ids + (<usize> count << 1);
  for (; ids < end; ids += 2) {
    const instruction = code + <usize> load<u16>(ids) * INSTRUCTION_BYTES;
    if ((load<u8>(sets + <usize> argumentOf(instruction) * SET_BYTES) & bit) == 0) continue;
    if (opOf(instruction) == Op.SET) reach(code, outOf(instruction), place);
    if (Work.hasMatch && Work.stopsAtMatch) return;
  }
}

/**
 * Begins a set with what `byte` makes of the base of a program, at a place of which `before` is known. Says in
 * `Work.hasMatch`, `Work.hadMatch` and `Work.isPending` what it found.
 */
export function stepBase(program: Program, before: u32, byte: i32): void {
  let ids = program.base;
  let count = program.baseCount;
  if (program.isBasePending) {
    const list = Work.list;
    Work.list = Work.decidedBase;
    decide(program, ids, count, placeBefore(before, byte));
    ids = Work.list;
    count = Work.count;
    Work.list = list;
    noteEarlierMatch();
  }
  newSet();
  if (byte == END_OF_TEXT || Work.hasMatch) return;
  if (byte == LAST_BREAK) byte = 10;
  stepAll(program, ids, count, byte);
  if (byte == 10) reachAnchors(program, placeAfter(program, 10));
}

/** A match that was found while assertions were decided was there before the byte. */
export function noteEarlierMatch(): void {
  if (!Work.hasMatch) return;
  Work.hadMatch = true;
  if (!Work.stopsAtMatch) Work.hasMatch = false;
}

/** Adds what is reached from the start at a place where more than the base is. */
export function reachAnchors(program: Program, place: u32): void {
  for (let index = 0; index < program.anchorCount; index++) {
    reach(program.at, load<u16>(program.anchors + (<usize> index << 1)), place);
  }
}

/**
 * Decides the assertions of a set; what is left is at `Work.decidedSet`, and how many they are the result. Comes
 * before `stepBase`, which begins a new set.
 */
export function decideSet(program: Program, ids: usize, count: i32, place: u32): i32 {
  const list = Work.list;
  Work.list = Work.decidedSet;
  decide(program, ids, count, place);
  Work.list = list;
  return Work.count;
}

/** Adds what `byte` makes of a set without assertions. */
export function stepSet(program: Program, ids: usize, count: i32, byte: i32): void {
  stepAll(program, ids, count, byte == LAST_BREAK ? 10 : byte);
}

/** Finds the base of a program. */
export function findBase(program: Program): void {
  const code = program.at;
  Work.stopsAtMatch = true;
  Work.hasMatch = false;
  Work.isPending = false;
  newSet();
  reach(code, program.start, 0);
  program.matchesAlways = Work.hasMatch;
  program.isBasePending = Work.isPending;
  program.baseCount = Work.count;
  program.base = allocate(2 * Work.count);
  memory.copy(program.base, Work.list, 2 * Work.count);
  program.anchors = allocate(2);
  for (let pc = 0; pc < program.size; pc++) {
    if (load<u32>(Work.stamps + (<usize> pc << 2)) != Work.stamp) continue;
    const instruction = code + <usize> pc * INSTRUCTION_BYTES;
    const isAnchor = opOf(instruction) == Op.ASSERT &&
      holds(argumentOf(instruction), 0) == 0;
    if (isAnchor) addAnchor(program, pc);
    else store<u8>(instruction, 1, 1);
  }
}

function addAnchor(program: Program, pc: i32): void {
  const at = allocate(2 * (program.anchorCount + 1));
  memory.copy(at, program.anchors, 2 * program.anchorCount);
  store<u16>(at + 2 * program.anchorCount, <u16> pc);
  program.anchors = at;
  program.anchorCount++;
}

/** Finds which bytes a match can begin with, whatever its assertions say. */
export function findFirstBytes(program: Program): void {
  const code = program.at;
  const set = allocate(SET_BYTES);
  memory.fill(set, 0, SET_BYTES);
  newSet();
  addOne(program.start);
  for (let index = 0; index < Work.count; index++) {
    const instruction = code + <usize> load<u16>(Work.list + (<usize> index << 1)) * INSTRUCTION_BYTES;
    const op = opOf(instruction);
    if (op == Op.MATCH) return;
    if (op == Op.SET) {
      setUnite(set, setsAt() + <usize> argumentOf(instruction) * SET_BYTES);
      continue;
    }
    addOne(outOf(instruction));
    if (op == Op.SPLIT) addOne(otherOf(instruction));
  }
  program.firstBytes = set;
}
