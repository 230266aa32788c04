/** Finds literals that must stand in any text that an expression matches. */

import { Bytes } from "sentinel/text";
import { Node } from "./nodes";

/** What is known of all texts that match. */
export class Literals {
  all: Array<Bytes> = [];
  minLength: i32 = 0;
  needsByte: usize = 0;
}

export function findLiterals(_tree: Node): Literals {
  return new Literals();
}
