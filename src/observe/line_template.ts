import type { RequestContext } from "../core/context.ts";

/** One variable part of a line, already safe to print. */
export type Piece = (context: RequestContext, nowMs: number, wallMs: number) => string;

/**
 * A line as constants and variable pieces in turn, folded once so that a request pays two concatenations
 * and one call for each piece. A third concatenation per piece (a closing quote on its own) was measured to
 * cost a quarter of the whole line.
 */
export class LineTemplate {
  readonly #before: string[] = [];
  readonly #pieces: Piece[] = [];
  readonly #end: string;

  /** Neighbouring constants become one. */
  constructor(parts: readonly (string | Piece)[]) {
    let constant = "";
    for (const part of parts) {
      if (typeof part === "string") {
        constant += part;
        continue;
      }
      this.#before.push(constant);
      this.#pieces.push(part);
      constant = "";
    }
    this.#end = constant;
  }

  print(context: RequestContext, nowMs: number, wallMs: number): string {
    const before = this.#before;
    const pieces = this.#pieces;
    let line = "";
    for (let i = 0; i < pieces.length; i++) line += before[i]! + pieces[i]!(context, nowMs, wallMs);
    return line + this.#end;
  }
}
