/** What is wrong with a pattern: the first thing that was found. */

/** The problem, with its place. */
export class RegexProblem {
  static message: string = "";
  static offset: i32 = -1;
  static get isSet(): bool {
    return RegexProblem.offset >= 0;
  }
}

/** Forgets the last problem. */
export function clearProblem(): void {
  RegexProblem.message = "";
  RegexProblem.offset = -1;
}

/** Notes a problem unless there is one. */
export function problem(offset: i32, message: string): void {
  if (RegexProblem.offset >= 0) return;
  RegexProblem.offset = offset;
  RegexProblem.message = message;
}
