import { onlyUnit } from "./regex_classes.ts";
import type { Node } from "./regex_parse.ts";

/** Text that every match must hold, so that most texts are refused without running the automaton. */
export interface Literals {
  /** What a matching text begins with; empty when unknown. */
  readonly prefix: string;
  /** What a matching text contains one after the other, without overlap. */
  readonly runs: readonly string[];
}

/** Looking for more costs more than it saves. */
const RUNS_MAX = 4;

/** Finds the literals of an expression. */
export function literalsOf(root: Node): Literals {
  const runs: string[] = [];
  let run = "";
  let atStart = false;
  let prefix = "";
  let lookedOnly = true;
  const cut = () => {
    if (atStart) prefix = run;
    atStart = false;
    if (run !== "") runs.push(run);
    run = "";
  };
  for (const node of flattened(root)) {
    const unit = node.type === "chars" ? onlyUnit(node.set) : -1;
    if (unit >= 0) run += String.fromCharCode(unit);
    else if (node.type === "look") {
      // Only looks stood before: what follows `^` is how the text begins.
      if (node.look === "text-start" && lookedOnly) atStart = true;
    } else cut();
    if (node.type !== "look") lookedOnly = false;
  }
  cut();
  return { prefix, runs: runs.slice(0, RUNS_MAX) };
}

/** The steps that every match takes, in order; what is optional or alternative stays one step. */
function* flattened(node: Node): Generator<Node> {
  if (node.type === "concat") {
    for (const part of node.parts) yield* flattened(part);
  } else if (node.type === "repeat" && node.min > 0) {
    yield* flattened(node.part);
    if (node.max > 1) yield node;
  } else if (node.type !== "empty") {
    yield node;
  }
}
