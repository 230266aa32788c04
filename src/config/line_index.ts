import type { Span } from "../core/issue.ts";

/** Finds lines and columns of offsets in one text. */
export class LineIndex {
  readonly #file: string;
  readonly #starts: number[] = [0];

  constructor(text: string, file: string) {
    this.#file = file;
    for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) this.#starts.push(i + 1);
  }

  /** The span between two offsets. */
  span(start: number, end: number): Span {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= start) low = middle;
      else high = middle - 1;
    }
    return { file: this.#file, start, end, line: low + 1, column: start - this.#starts[low]! + 1 };
  }

  /** Offset of a line's first character, both counted from 1 and 0. */
  lineStart(line: number): number {
    return this.#starts[line - 1] ?? 0;
  }
}
