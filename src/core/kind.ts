import type { Schema } from "./schema.ts";

/** A plug-in: one file that holds its name, its options and its behaviour. */
export interface Kind<Type extends string, Options, Deps, Instance> {
  /** The word in the configuration, kebab-case. */
  readonly type: Type;
  /** Other spellings that mean the same. */
  readonly aliases?: readonly string[];
  /** One sentence for the reference page. */
  readonly summary: string;
  readonly options: Schema<Options>;
  /** Bytes of memory that all workers must share; allocated once per identity and kept across reloads. */
  sharedBytes?(options: Options): number;
  create(options: Options, deps: Deps): Instance;
}
