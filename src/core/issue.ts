/** A stretch of a configuration file. */
export interface Span {
  /** Name of the file as the user would write it; `<text>` for text without a file. */
  readonly file: string;
  /** Offsets in UTF-16 units; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
  /** Position of `start`, both counted from 1. */
  readonly line: number;
  readonly column: number;
}

/** Something to say about a configuration. One error is enough for it not to be used; warnings never are. */
export interface Issue {
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly span?: Span | undefined;
  /** What to do about it, in one line. */
  readonly hint?: string | undefined;
  /** Other places that belong to the issue, such as the first of two definitions. */
  readonly related?: readonly { readonly message: string; readonly span: Span }[] | undefined;
}

/** Whether a configuration with these issues must not be used. */
export function hasErrors(issues: readonly Issue[]): boolean {
  return issues.some((issue) => issue.severity === "error");
}
