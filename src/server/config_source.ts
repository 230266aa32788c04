import type { Config } from "../config/document.ts";

/** A configuration as it was read at one moment. */
export interface LoadedConfig {
  /** Undefined when there are errors. */
  readonly config: Config | undefined;
  /** All errors and warnings, rendered with excerpts; empty when there are none. */
  readonly report: string;
  readonly errorCount: number;
  readonly warningCount: number;
  /** Whether it is the embedded default, letter for letter. */
  readonly isDefault: boolean;
  /** Absolute paths of every file read, so that they can be watched. */
  readonly files: readonly string[];
  /** Absolute paths of folders searched for includes. */
  readonly folders: readonly string[];
  /** Changes exactly when a text that was read changes. */
  readonly fingerprint: string;
}

/** Where the configuration comes from. */
export interface ConfigSource {
  /** What people call it: the path as given, or `(embedded)`. */
  readonly name: string;
  /** Reads everything anew. Never rejects: what is wrong is in the report. */
  load(): Promise<LoadedConfig>;
}
