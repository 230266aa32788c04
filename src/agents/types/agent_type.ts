/** What a word in `type` of an agent brings along. To add one: a file here, and a row in the registry. */

import type { Plain } from "../../core/config_node.ts";
import type { Reading } from "../../core/reading.ts";
import type { AgentOptions } from "../options.ts";

/** Files that options may name. */
export interface AgentFiles {
  /**
   * Paths of the files that match a glob, in any order. A relative pattern starts in the folder of the file `from`.
   * `*` and `?` stay within a path segment, `**` crosses them.
   */
  glob(pattern: string, from: string): Promise<readonly string[]>;
  /** A regular file's content. Rejects, with an `Error` whose message a person understands, also above `bytesMax`. */
  readBytes(path: string, bytesMax: number): Promise<Uint8Array>;
  /** The path from the root, links not followed: what can be read from anywhere. */
  locate(path: string): string;
}

/** Where an agent's options were read. */
export interface TypeSite {
  readonly reading: Reading;
  /** The configuration file that they stand in, which relative paths start from; its own place when left out. */
  readonly from?: string;
  readonly files: AgentFiles;
  /** Told of every file that was read, and its content as text of single bytes. */
  readonly noteSource: (path: string, text: string) => void;
}

/** A kind of agents that the proxy knows more about. */
export interface AgentType {
  readonly name: string;
  /** One line for the reference page. */
  readonly summary: string;
  /** Options where none are given: name, then values. Grants are given besides those that are named. */
  readonly defaults: readonly (readonly [name: string, ...values: Plain[]])[];
  /** Completes options that are right by themselves; what is wrong is reported, where files are named above all. */
  prepare(options: AgentOptions, site: TypeSite): Promise<AgentOptions>;
  /** The same where the configuration is a text: it has no files beside it, so that naming any is an error. */
  prepareText(options: AgentOptions, reading: Reading): AgentOptions;
}
