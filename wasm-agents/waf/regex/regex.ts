/** Regular expressions over bytes that take linear time on any text. */

import { keepCall } from "sentinel/arena";
import { Bytes, Text } from "sentinel/text";
import { Automaton } from "./automaton";
import { prepareSets } from "./byte_sets";
import { prepareCache } from "./cache";
import { captureGroups, capturesEnd, prepareCaptures } from "./captures";
import { clearProblem, RegexProblem } from "./errors";
import { hasNeeded } from "../scan/present_bytes";
import { STEPS_MAX } from "./limits";
import { findLiterals, Literals } from "./literals";
import { groupCount, parsePattern } from "./parser";
import { Program, writeBackwards, writeProgram } from "./program";
import { findBase, findFirstBytes, prepareWork, Work } from "./states";

/** A compiled expression. It is made once, in `onConfigure`, and only its cached states change afterwards. */
export class Regex {
  /** Literals of which at least one stands in any text that matches, in small letters; empty when none are known. */
  readonly literals: Array<Bytes>;
  /** The literals are to be looked for in either case of letters: always. */
  readonly literalsFolded: bool = true;
  /** No shorter text matches. */
  readonly minLength: i32;
  /** Sets of bytes (32 bytes of bits each): any text that matches has a byte of each; 0 when none is known. */
  readonly needsByte: usize;
  readonly needsByteCount: i32;
  /** How many groups the pattern has, without group 0. */
  readonly groupCount: i32;
  private readonly automaton: Automaton;
  /** Reads texts from their ends, to find where a match begins; null when there is no need or no way. */
  private readonly backwards: Automaton | null;

  private constructor(program: Program, backwards: Program | null, literals: Literals, groups: i32) {
    this.automaton = new Automaton(program, true);
    this.backwards = backwards ? new Automaton(backwards, false) : null;
    this.literals = literals.all;
    this.minLength = literals.minLength;
    this.needsByte = literals.needs.at;
    this.needsByteCount = literals.needs.count;
    this.groupCount = groups;
  }

  /** Compiles a pattern with `RegexFlags`; null when it is refused, and `regexError` says why. */
  static compile(pattern: Bytes, flags: u32): Regex | null {
    // Programs and tables are reached through bare addresses.
    keepCall();
    prepareSets();
    prepareWork();
    prepareCache();
    clearProblem();
    const tree = parsePattern(pattern, flags);
    if (!tree) return null;
    const groups = groupCount();
    const program = writeProgram(tree, groups);
    if (!program) return null;
    findBase(program);
    findFirstBytes(program);
    prepareCaptures(program);
    let backwards: Program | null = null;
    if (!program.matchesAlways && !program.hasLastBreak) {
      backwards = writeBackwards(tree, program);
      if (!backwards) return null;
      findBase(backwards);
    }
    return new Regex(program, backwards, findLiterals(tree), groups);
  }

  /** Whether a text of so many bytes, whose different bytes are in `present` (`LiteralScan.present`), can match. */
  couldMatch(present: usize, length: i32): bool {
    return length >= this.minLength && hasNeeded(present, this.needsByte, this.needsByteCount);
  }

  /** Whether the expression matches somewhere in the bytes. */
  test(at: usize, length: i32): bool {
    return length >= this.minLength && this.automaton.test(at, length);
  }

  /**
   * The first match, as a backtracking matcher finds it. Fills `groups` with where each group begins and ends, for
   * groups 0 to 9 (20 numbers); -1 for those that took no part.
   */
  capture(at: usize, length: i32, groups: StaticArray<i32>): bool {
    if (!this.test(at, length)) return false;
    const backwards = this.backwards;
    const from = backwards ? backwards.firstPlace(at, length) : -1;
    if (from < 0) return captureGroups(this.automaton.program, at, length, 0, length, groups);
    return captureGroups(this.automaton.program, at, length, from, from, groups);
  }

  /** The first match that begins at `from` or later; what stands before counts for `^` and `\b`. */
  captureFrom(at: usize, length: i32, from: i32, groups: StaticArray<i32>): bool {
    return from <= length && captureGroups(this.automaton.program, at, length, from, length, groups);
  }

  /** A call begins, with all the steps that its expressions may take. */
  static startCall(): void {
    Work.steps = 0;
    Work.stepsMax = STEPS_MAX;
  }

  /** Whether the expressions have taken all their steps: what they say since then is nothing to go by. */
  static get isExhausted(): bool {
    return Work.steps > Work.stepsMax;
  }

  /** How far the last `captureFrom` of any expression has read, which may be far behind the end of the match. */
  static get readTo(): i32 {
    return capturesEnd;
  }

  /** The same as `test`, without the automaton; for tests and measurements. */
  testSlowly(at: usize, length: i32): bool {
    return this.automaton.simulateAll(at, length);
  }

  /** Where `capture` would find the match to begin, without the automaton's states; -1: nowhere or not asked for. */
  firstPlaceSlowly(at: usize, length: i32): i32 {
    const backwards = this.backwards;
    return backwards ? backwards.firstPlaceSlowly(at, length) : -1;
  }

  /** Instructions of the program. */
  get programSize(): i32 {
    return this.automaton.program.size;
  }
}

/** What was wrong with the last pattern that was refused. */
export function regexError(): Text {
  return Text.of(`${RegexProblem.message} (at byte ${RegexProblem.offset})`);
}

/** At which byte of the pattern that was. */
export function regexErrorOffset(): i32 {
  return RegexProblem.offset;
}
