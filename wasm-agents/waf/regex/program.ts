/**
 * The program of an expression: Thompson's construction (1968) with priorities, in flat memory. It is written from
 * its end to its beginning, so that each part knows what comes after it.
 */

import { allocate } from "sentinel/arena";
import { partition } from "./byte_classes";
import { SET_BYTES, setAdd, setHas, setsAt, setsMeet } from "./byte_sets";
import { problem, RegexProblem } from "./errors";
import { GROUPS_REPORTED, PROGRAM_SIZE_MAX } from "./limits";
import { Assertion, isNullable, Kind, LINE_BREAK, Node, nodeAt } from "./nodes";

/** What an instruction does. */
export class Op {
  /** Takes a byte of set `argument`. */
  static readonly SET: u32 = 0;
  /** Goes on at `out`, and if that fails at `other`. */
  static readonly SPLIT: u32 = 1;
  /** Remembers the place in slot `argument`. */
  static readonly SAVE: u32 = 2;
  /** Goes on if the place is an `Assertion`. */
  static readonly ASSERT: u32 = 3;
  static readonly MATCH: u32 = 4;
}

/** Bytes of an instruction: operation, mark, argument (2), out (2), other (2). */
export const INSTRUCTION_BYTES: usize = 8;

/** The first instruction; number 0 is the match. */
const MATCH: i32 = 0;

/** Writing a program may take this many steps, which matters for counted repeats of nothing. */
const STEPS_MAX: i32 = 500_000;

/** Room for a set. */
const lineFeeds: StaticArray<u8> = new StaticArray<u8>(32);

/** Where the program is written that is being compiled, and what it needs to be told. */
class Draft {
  static at: usize = 0;
  static size: i32 = 0;
  static steps: i32 = 0;
  static lookedAt: i32 = 0;
  static hasWords: bool = false;
  static hasLines: bool = false;
  static hasLastBreak: bool = false;
  static hasEnds: bool = false;
  /** Whether the program is to read texts from their ends. */
  static isBackwards: bool = false;
}

// asc: @inline
export function opOf(instruction: usize): u32 {
  return load<u8>(instruction);
}

/** Whether the instruction is reached at every place of a text, without looking at it. */
// asc: @inline
export function isBase(instruction: usize): bool {
  return load<u8>(instruction, 1) != 0;
}

// asc: @inline
export function argumentOf(instruction: usize): u32 {
  return load<u16>(instruction, 2);
}

// asc: @inline
export function outOf(instruction: usize): i32 {
  return load<u16>(instruction, 4);
}

// asc: @inline
export function otherOf(instruction: usize): i32 {
  return load<u16>(instruction, 6);
}

/** A finished program. */
export class Program {
  /** The instructions, INSTRUCTION_BYTES each. */
  at: usize = 0;
  size: i32 = 0;
  start: i32 = 0;
  /** For each byte its class: bytes of a class are in the same sets. */
  classes: usize = 0;
  classCount: i32 = 0;
  /** How many instructions take a byte: no more threads can be alive at a place. */
  threads: i32 = 0;
  /** Slots that SAVE uses: two for each group that is reported. */
  slots: i32 = 0;
  hasWords: bool = false;
  hasLines: bool = false;
  hasLastBreak: bool = false;
  /** Whether it looks at what comes behind a place. */
  hasEnds: bool = false;
  /** Instructions that are reached at every place: numbers of 2 bytes, sets and assertions only. */
  base: usize = 0;
  baseCount: i32 = 0;
  /** Whether there are assertions among them. */
  isBasePending: bool = false;
  /** Assertions on the way from the start that hold only at the start of a text or line. */
  anchors: usize = 0;
  anchorCount: i32 = 0;
  /** Bytes that a match can begin with, 32 bytes of bits; 0: it can also be nothing. */
  firstBytes: usize = 0;
  /** Whether any text matches, at once. */
  matchesAlways: bool = false;
}

/** Writes the program of a tree; null after a problem. */
export function writeProgram(tree: Node, groups: i32): Program | null {
  const program = draft(tree, false);
  if (!program) return null;
  program.slots = 2 * min(groups + 1, GROUPS_REPORTED);
  // The draft is not needed any more.
  partition(program, Draft.at);
  return program;
}

/**
 * Writes the program that reads texts from their ends, to find where matches begin; `forwards` is that of the same
 * tree. Where they end means nothing to it, so what can be left out at the end of the pattern is.
 */
export function writeBackwards(tree: Node, forwards: Program): Program | null {
  const program = draft(tree, true);
  if (!program) return null;
  // Bytes that are the same to the whole are so to a part, and to what it looks at.
  program.classes = forwards.classes;
  program.classCount = forwards.classCount;
  return program;
}

function draft(tree: Node, isBackwards: bool): Program | null {
  if (Draft.at == 0) {
    Draft.at = allocate(<usize> PROGRAM_SIZE_MAX * INSTRUCTION_BYTES);
  }
  Draft.isBackwards = isBackwards;
  Draft.size = 0;
  Draft.steps = 0;
  Draft.hasWords =
    Draft.hasLines =
    Draft.hasLastBreak =
    Draft.hasEnds =
      false;
  emit(Op.MATCH, 0, 0, 0);
  const end = emit(Op.SAVE, 1, MATCH, 0);
  const start = emit(Op.SAVE, 0, isBackwards ? writeTail(tree, end) : write(tree, end), 0);
  if (RegexProblem.isSet) return null;
  const program = new Program();
  program.size = Draft.size;
  program.start = start;
  const bytes = <usize> Draft.size * INSTRUCTION_BYTES;
  program.at = allocate(bytes);
  memory.copy(program.at, Draft.at, bytes);
  program.hasWords = Draft.hasWords;
  program.hasLines = Draft.hasLines;
  program.hasLastBreak = Draft.hasLastBreak;
  program.hasEnds = Draft.hasEnds;
  return program;
}

function emit(op: u32, argument: i32, out: i32, other: i32): i32 {
  if (Draft.size >= PROGRAM_SIZE_MAX) {
    problem(0, "the program is too large; use smaller counts in { }");
    return 0;
  }
  const at = Draft.at + <usize> Draft.size * INSTRUCTION_BYTES;
  store<u16>(at, <u16> op);
  store<u16>(at, <u16> argument, 2);
  store<u16>(at, <u16> out, 4);
  store<u16>(at, <u16> other, 6);
  return Draft.size++;
}

/** Writes what a node stands for, before `next`; gives where it begins. */
function write(node: Node, next: i32): i32 {
  if (RegexProblem.isSet) return 0;
  if (++Draft.steps > STEPS_MAX) {
    problem(node.offset, "the counts of the repeats multiply too far; use smaller ones");
    return 0;
  }
  switch (node.kind) {
    case Kind.SET:
      return emit(Op.SET, node.value, next, 0);
    case Kind.CONCAT:
      return writeConcat(node, next);
    case Kind.ALTERNATE:
      return writeAlternate(node, next);
    case Kind.REPEAT:
      return writeRepeat(node, next);
    case Kind.GROUP:
      return writeGroup(node, next);
    case Kind.ASSERT:
      return writeAssertion(node.value, next);
    case Kind.ATOMIC:
      return writeAtomic(node, next);
    default:
      return next;
  }
}

function writeConcat(node: Node, next: i32): i32 {
  if (Draft.isBackwards) {
    for (let at = node.first; at != 0; at = nodeAt(at).next) next = write(nodeAt(at), next);
  } else {
    for (let at = node.last; at != 0; at = nodeAt(at).previous) next = write(nodeAt(at), next);
  }
  return next;
}

/** Writes no more of a node than there must be if nothing follows it. */
function writeTail(node: Node, next: i32): i32 {
  if (RegexProblem.isSet || isOptional(node)) return next;
  switch (node.kind) {
    case Kind.GROUP:
    case Kind.ATOMIC:
      return writeTail(nodeAt(node.first), next);
    case Kind.REPEAT:
      for (let count = 1; count < node.min && !RegexProblem.isSet; count++) {
        next = write(nodeAt(node.first), next);
      }
      return writeTail(nodeAt(node.first), next);
    case Kind.CONCAT: {
      let last = node.last;
      while (isOptional(nodeAt(last))) last = nodeAt(last).previous;
      for (let at = node.first; at != last; at = nodeAt(at).next) next = write(nodeAt(at), next);
      return writeTail(nodeAt(last), next);
    }
    case Kind.ALTERNATE: {
      let all = writeTail(nodeAt(node.first), next);
      for (let at = nodeAt(node.first).next; at != 0; at = nodeAt(at).next) {
        all = emit(Op.SPLIT, 0, writeTail(nodeAt(at), next), all);
      }
      return all;
    }
    default:
      return write(node, next);
  }
}

/** Whether what a node stands for can be nothing at all, wherever that is. */
function isOptional(node: Node): bool {
  switch (node.kind) {
    case Kind.EMPTY:
      return true;
    case Kind.REPEAT:
      return node.min == 0 || isOptional(nodeAt(node.first));
    case Kind.GROUP:
    case Kind.ATOMIC:
      return isOptional(nodeAt(node.first));
    case Kind.CONCAT:
      for (let at = node.first; at != 0; at = nodeAt(at).next) if (!isOptional(nodeAt(at))) return false;
      return true;
    case Kind.ALTERNATE:
      for (let at = node.first; at != 0; at = nodeAt(at).next) if (isOptional(nodeAt(at))) return true;
      return false;
    default:
      return false;
  }
}

function writeAssertion(kind: u16, next: i32): i32 {
  if (kind == Assertion.WORD_BOUNDARY || kind == Assertion.NO_WORD_BOUNDARY) Draft.hasWords = true;
  if (kind == Assertion.BEGIN_LINE || kind == Assertion.END_LINE) Draft.hasLines = true;
  if (kind == Assertion.END_OR_LAST_BREAK) Draft.hasLastBreak = true;
  if (Draft.isBackwards) kind = backwards(kind);
  if (kind != Assertion.BEGIN_TEXT) Draft.hasEnds = true;
  return emit(Op.ASSERT, kind, next, 0);
}

function backwards(kind: u16): u16 {
  switch (kind) {
    case Assertion.BEGIN_TEXT:
      return Assertion.END_TEXT;
    case Assertion.END_TEXT:
      return Assertion.BEGIN_TEXT;
    case Assertion.BEGIN_LINE:
      return Assertion.BACKWARDS_BEGIN_LINE;
    case Assertion.END_LINE:
      return Assertion.BACKWARDS_END_LINE;
    default:
      return kind;
  }
}

function writeAlternate(node: Node, next: i32): i32 {
  let all = write(nodeAt(node.last), next);
  for (let at = nodeAt(node.last).previous; at != 0; at = nodeAt(at).previous) {
    const one = write(nodeAt(at), next);
    all = emit(Op.SPLIT, 0, one, all);
  }
  return all;
}

function writeGroup(node: Node, next: i32): i32 {
  const inner = nodeAt(node.first);
  if (node.value >= <u16> GROUPS_REPORTED || Draft.isBackwards) return write(inner, next);
  const close = emit(Op.SAVE, 2 * node.value + 1, next, 0);
  return emit(Op.SAVE, 2 * node.value, write(inner, close), 0);
}

function writeRepeat(node: Node, next: i32): i32 {
  const inner = nodeAt(node.first);
  let at = next;
  if (node.max < 0) {
    // A loop whose body can be empty must not be left by going around it: x* is (x+)? then.
    if (node.min == 0) {
      return isNullable(inner) ? choice(node, writeLoop(node, next), next) : writeStar(node, next);
    }
    at = writeLoop(node, next);
    for (let count = 1; count < node.min && !RegexProblem.isSet; count++) {
      at = write(inner, at);
    }
    return at;
  }
  for (let count = node.min; count < node.max && !RegexProblem.isSet; count++) {
    at = choice(node, write(inner, at), next);
  }
  for (let count = 0; count < node.min && !RegexProblem.isSet; count++) {
    at = write(inner, at);
  }
  return at;
}

/** Either what is at `taken` or what is at `skipped`. */
function choice(node: Node, taken: i32, skipped: i32): i32 {
  return node.isLazy ? emit(Op.SPLIT, 0, skipped, taken) : emit(Op.SPLIT, 0, taken, skipped);
}

function writeStar(node: Node, next: i32): i32 {
  const loop = choice(node, 0, next);
  setTaken(node, loop, write(nodeAt(node.first), loop));
  return loop;
}

/** x+; begins at the body. */
function writeLoop(node: Node, next: i32): i32 {
  const loop = choice(node, 0, next);
  const body = write(nodeAt(node.first), loop);
  setTaken(node, loop, body);
  return body;
}

function setTaken(node: Node, loop: i32, body: i32): void {
  store<u16>(Draft.at + <usize> loop * INSTRUCTION_BYTES + (node.isLazy ? 6 : 4), <u16> body);
}

/**
 * Something that gives nothing back. In a text it means the same as without that if it is the repeat of a set and
 * what follows cannot begin within it: then only the longest run can lead on.
 */
function writeAtomic(node: Node, next: i32): i32 {
  const inner = nodeAt(node.first);
  // Forwards it was found to make no difference.
  if (Draft.isBackwards || isOneText(inner)) return write(inner, next);
  const repeat = inner.kind == Kind.REPEAT ? nodeAt(inner.first) : inner;
  const isRun = inner.kind == Kind.REPEAT && repeat.kind == Kind.SET &&
    !inner.isLazy;
  const isEnd = endsAnyway(next);
  if (node.value == LINE_BREAK) {
    // All that it could give back is the LF of a CR LF.
    const lineFeed = changetype<usize>(lineFeeds);
    memory.fill(lineFeed, 0, SET_BYTES);
    setAdd(lineFeed, 10);
    if (isEnd || !follows(next, lineFeed)) return write(inner, next);
  }
  const set = setsAt() + <usize> repeat.value * SET_BYTES;
  // With a largest count, the run may end before a byte of the set as well, from where no shorter one leads on either.
  if (isRun && (isEnd || !follows(next, set))) return write(inner, next);
  if (isEnd) return write(inner, next);
  problem(
    node.offset,
    "what gives nothing back (++, *+, (?>…)) is supported where it makes no difference: if it is a run of one class, and what follows begins outside of it",
  );
  return 0;
}

/** Whether there is only one way to match the node: then there is nothing to give back. */
function isOneText(node: Node): bool {
  if (node.kind == Kind.SET || node.kind == Kind.EMPTY || node.kind == Kind.ASSERT) return true;
  if (node.kind == Kind.GROUP) return isOneText(nodeAt(node.first));
  if (node.kind == Kind.REPEAT) {
    return node.min == node.max && isOneText(nodeAt(node.first));
  }
  if (node.kind != Kind.CONCAT) return false;
  for (let at = node.first; at != 0; at = nodeAt(at).next) {
    if (!isOneText(nodeAt(at))) return false;
  }
  return true;
}

/** Instructions that may be looked at to find out what follows a part. */
const LOOKED_AT_MAX: i32 = 2_000;

/** Whether the match can be reached from `at` on wherever that is: then the first try is never taken back. */
function endsAnyway(at: i32): bool {
  Draft.lookedAt = 0;
  return canEnd(at);
}

function canEnd(at: i32): bool {
  while (++Draft.lookedAt < LOOKED_AT_MAX) {
    const instruction = Draft.at + <usize> at * INSTRUCTION_BYTES;
    const op = opOf(instruction);
    if (op == Op.MATCH) return true;
    if (op != Op.SAVE && op != Op.SPLIT) return false;
    // A loop that is being written has no body yet.
    if (op == Op.SPLIT && (outOf(instruction) == 0 || otherOf(instruction) == 0)) return false;
    if (op == Op.SPLIT && canEnd(outOf(instruction))) return true;
    at = op == Op.SPLIT ? otherOf(instruction) : outOf(instruction);
  }
  return false;
}

/** Whether what comes from `at` on can begin where a byte of the set at `set` is next. */
function follows(at: i32, set: usize): bool {
  Draft.lookedAt = 0;
  return canBegin(at, set);
}

function canBegin(at: i32, set: usize): bool {
  while (++Draft.lookedAt < LOOKED_AT_MAX) {
    const instruction = Draft.at + <usize> at * INSTRUCTION_BYTES;
    switch (opOf(instruction)) {
      case Op.SET:
        return setsMeet(set, setsAt() + <usize> argumentOf(instruction) * SET_BYTES);
      case Op.SPLIT:
        // A loop that is being written has no body yet.
        if (outOf(instruction) == 0 || otherOf(instruction) == 0) return true;
        if (canBegin(outOf(instruction), set)) return true;
        at = otherOf(instruction);
        break;
      case Op.SAVE:
        at = outOf(instruction);
        break;
      case Op.ASSERT:
        if (argumentOf(instruction) == <u32> Assertion.END_TEXT) return false;
        return argumentOf(instruction) != <u32> Assertion.END_LINE || setHas(set, 10);
      default:
        return true;
    }
  }
  return true;
}
