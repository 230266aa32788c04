import type { Uses } from "./codec.ts";

/** A file that was generated but not formatted. */
export interface GeneratedFile {
  /** Below `src/agents`. */
  readonly path: string;
  readonly text: string;
  /** What it refers to. */
  readonly uses: Uses;
}
