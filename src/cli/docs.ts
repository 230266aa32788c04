import { referenceMarkdown } from "../config/reference.ts";
import type { GlobalOptions } from "./program.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

/** Prints the reference page of the configuration. */
export function docsVerb(_options: GlobalOptions, terminal: Terminal): number {
  terminal.out(referenceMarkdown());
  return EXIT.ok;
}
