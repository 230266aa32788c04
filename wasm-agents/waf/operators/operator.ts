/** What a rule asks of a value. */

import { Bytes, Text } from "sentinel/text";

/** An operator with its argument; made in `onConfigure`. What the last `test` found stays until the next one. */
export abstract class Operator {
  /** Which part of the value was met, for logs. */
  matchedFrom: i32 = 0;
  matchedTo: i32 = 0;
  /**
   * What a rule with `capture` gets instead of that part: made once, and filled in place, because a reference from here to
   * something of a call would keep the memory of the call.
   */
  captured: Array<Bytes> | null = null;

  /** Whether one test takes many searches: too much to do again for what only a log shows. */
  isRepeated: bool = false;

  constructor(readonly argument: Text) {}

  /** Whether the value is met. */
  test(value: Bytes): bool {
    return this.testWith(value, this.argument);
  }

  /** The same with an argument that was only known now, from macros. */
  abstract testWith(value: Bytes, argument: Bytes): bool;

  /** Notes the part that was met. */
  protected met(from: i32, to: i32): bool {
    this.matchedFrom = from;
    this.matchedTo = to;
    return true;
  }
}

/** What was wrong with the last argument that was refused. */
export let operatorProblem: string = "";

/** Notes what is wrong with an argument; gives null, as those who make operators do. */
export function refused(problem: string): Operator | null {
  operatorProblem = problem;
  return null;
}
