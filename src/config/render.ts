import type { Issue, Span } from "../core/issue.ts";

/** How diagnostics are written. */
export interface RenderOptions {
  /** Colours for a terminal (ANSI escapes). */
  readonly color: boolean;
}

/** Enough to work with; a file of another format can raise thousands. */
const ISSUES_SHOWN_MAX = 100;
/** Longer lines are shown in part, around the caret. */
const LINE_LENGTH_MAX = 160;

const COLORS = { error: "\x1b[1;31m", warning: "\x1b[1;33m", place: "\x1b[1;34m", plain: "\x1b[0m" } as const;

/**
 * Issues as a person reads them: message, file:line:column, the line with a caret, related places, a hint;
 * at the end how many there are. Empty for no issues. Control characters of the file are made visible.
 */
export function renderIssues(
  issues: readonly Issue[],
  sources: ReadonlyMap<string, string>,
  { color }: RenderOptions,
): string {
  if (issues.length === 0) return "";
  const painter = new Painter(sources, color ? COLORS : undefined);
  const shown = issues.slice(0, ISSUES_SHOWN_MAX).map((issue) => painter.issue(issue));
  const left = issues.length - ISSUES_SHOWN_MAX;
  if (left > 0) shown.push(`… and ${left} more\n`);
  return `${shown.join("\n")}\n${countIssues(issues)}\n`;
}

/** `2 errors, 1 warning`. */
export function countIssues(issues: readonly Issue[]): string {
  const errors = issues.filter((issue) => issue.severity === "error").length;
  const counts = [[errors, "error"], [issues.length - errors, "warning"]] as const;
  return counts.filter(([count]) => count > 0).map(([count, word]) =>
    `${count} ${word}${count === 1 ? "" : "s"}`
  )
    .join(", ");
}

class Painter {
  readonly #sources: ReadonlyMap<string, string>;
  readonly #colors: typeof COLORS | undefined;

  constructor(sources: ReadonlyMap<string, string>, colors: typeof COLORS | undefined) {
    this.#sources = sources;
    this.#colors = colors;
  }

  issue({ severity, message, span, related, hint }: Issue): string {
    const lines = [`${this.#paint(severity, `${severity}:`)} ${printable(message)}`];
    if (span !== undefined) lines.push(...this.#excerpt(span));
    for (const other of related ?? []) {
      lines.push(`   = ${printable(other.message)}`, ...this.#excerpt(other.span));
    }
    if (hint !== undefined) lines.push(`   = hint: ${printable(hint)}`);
    return `${lines.join("\n")}\n`;
  }

  #excerpt(span: Span): string[] {
    const place = `  ${this.#paint("place", "-->")} ${printable(span.file)}:${span.line}:${span.column}`;
    const text = this.#sources.get(span.file);
    // An empty span stands for a whole file, of which there is nothing to show.
    if (text === undefined || span.start === span.end) return [place];
    const start = text.lastIndexOf("\n", span.start - 1) + 1;
    const newline = text.indexOf("\n", start);
    const line = text.slice(start, newline < 0 ? text.length : newline);
    const from = Math.min(span.start - start, line.length);
    const to = Math.max(from + 1, Math.min(span.end - start, line.trimEnd().length));
    const cut = Math.max(0, Math.min(from - 40, line.length - LINE_LENGTH_MAX));
    const shown = printable(line.slice(cut, cut + LINE_LENGTH_MAX).trimEnd());
    // Tabs stay tabs in both lines, so that the caret stands under its character whatever their width.
    const indent = line.slice(cut, from).replace(/[^\t]/g, " ");
    const caret = this.#paint("place", "^".repeat(Math.min(to - from, LINE_LENGTH_MAX - (from - cut))));
    const number = String(span.line).padStart(4);
    return [place, "     |", `${number} | ${shown}`, `     | ${indent}${caret}`];
  }

  #paint(color: keyof typeof COLORS, text: string): string {
    return this.#colors === undefined ? text : `${this.#colors[color]}${text}${this.#colors.plain}`;
  }
}

/** Text of a file must not be able to command a terminal. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, "\ufffd");
}
