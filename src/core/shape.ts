import type { Fields, Schema } from "./schema.ts";

/** What a schema accepts, as data: the source of `schema.json`, `reference.md` and completion. */
export type Shape =
  | { readonly type: "text"; readonly pattern?: string | undefined; readonly example?: string | undefined }
  | { readonly type: "number"; readonly integer: boolean; readonly min: number; readonly max: number }
  | { readonly type: "flag" }
  | {
    readonly type: "choice";
    readonly values: readonly string[];
    readonly aliases: readonly string[];
    /** What JSON may hold instead of a word. */
    readonly json?: Readonly<Record<string, unknown>>;
  }
  | { readonly type: "bytes"; readonly min: number; readonly max: number }
  | { readonly type: "duration"; readonly unit: "s" | "ms"; readonly min: number; readonly max: number }
  | { readonly type: "value"; readonly expected: string; readonly json: Readonly<Record<string, unknown>> }
  | { readonly type: "list"; readonly of: Shape }
  | { readonly type: "pairs" }
  | { readonly type: "block"; readonly fields: Fields; readonly args: readonly string[] }
  | { readonly type: "blocks"; readonly item: string | undefined; readonly of: Schema<unknown> }
  | {
    readonly type: "variant";
    readonly key: string;
    readonly kinds: readonly ShapeKind[];
    /** It has no id, and its first value is its type. */
    readonly unnamed?: true;
    /** The kind that is meant when none is named; then a bare word will do, and nothing too. */
    readonly default?: string | undefined;
    /** Other names of the key. */
    readonly keyAliases?: readonly string[];
  }
  /** `lenient`: some forms of it ask for nothing and are accepted. */
  | { readonly type: "refused"; readonly lenient: boolean };

/** One of the types a variant block can have. */
export interface ShapeKind {
  readonly type: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly options: Schema<unknown>;
}
