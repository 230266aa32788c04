import { parse, TomlDate, TomlError } from "smol-toml";
import type { Issue, Span } from "../core/issue.ts";
import { memberNodes } from "./data_nodes.ts";
import type { Located, LocatedMember } from "./data_nodes.ts";
import { LineIndex } from "./line_index.ts";
import type { ParsedText } from "./parsed_text.ts";

/**
 * Parses TOML 1.0 into the neutral tree. The parser keeps no positions, so they are found again by a scan
 * for table headers and keys: exact for keys at the start of a line, the enclosing key's for inline tables.
 */
export function parseToml(text: string, file: string): ParsedText {
  const lines = new LineIndex(text, file);
  try {
    const table = parse(text) as Record<string, unknown>;
    const issues: Issue[] = [];
    const keys = findKeys(text, lines);
    return {
      nodes: memberNodes(members(table, { path: "", keys, outer: lines.span(0, 0) }), issues),
      issues,
    };
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const start = Math.min(lines.lineStart(cause.line) + cause.column - 1, text.length);
    const message = cause.message.split("\n")[0]!.replace(/^Invalid TOML document: /, "");
    return {
      nodes: [],
      issues: [{ severity: "error", message: `syntax: ${message}`, span: lines.span(start, start + 1) }],
    };
  }
}

interface Place {
  /** Dotted path of the table, with indexes for arrays of tables. */
  readonly path: string;
  readonly keys: ReadonlyMap<string, Span>;
  /** Where the table itself stands. */
  readonly outer: Span;
}

function members(table: Record<string, unknown>, place: Place): LocatedMember[] {
  return Object.entries(table).map(([key, value]) => {
    const path = join(place.path, key);
    const keySpan = place.keys.get(path) ?? place.outer;
    return { key, keySpan, value: located(value, { ...place, path, outer: keySpan }) };
  });
}

function located(value: unknown, place: Place): Located {
  const span = place.outer;
  if (Array.isArray(value)) {
    const elements = value.map((element: unknown, index) => {
      const path = join(place.path, String(index));
      return located(element, { ...place, path, outer: place.keys.get(path) ?? span });
    });
    return { type: "array", elements, span };
  }
  if (value instanceof TomlDate) return { type: "scalar", value: value.toISOString(), span };
  if (typeof value === "object" && value !== null) {
    return { type: "object", members: members(value as Record<string, unknown>, place), span };
  }
  const plain = typeof value === "bigint" ? Number(value) : value;
  return { type: "scalar", value: plain as string | number | boolean, span };
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}\0${key}`;
}

/** Every key and table header at the start of a line, by path. */
function findKeys(text: string, lines: LineIndex): Map<string, Span> {
  const keys = new Map<string, Span>();
  const counts = new Map<string, number>();
  let table = "";
  for (const { start, line } of significantLines(text)) {
    const header = /^\s*(\[\[?)\s*([^\]]+?)\s*\]/.exec(line);
    const key = /^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=/
      .exec(line);
    const name = header?.[2] ?? key?.[1];
    if (name === undefined) continue;
    const at = start + line.indexOf(name);
    const span = lines.span(at, at + name.length);
    const parts = splitKey(name);
    if (header === null) note(keys, { base: table, parts, span });
    else table = enterTable(parts, { keys, counts, span, array: header[1] === "[[" });
  }
  return keys;
}

function note(keys: Map<string, Span>, found: { base: string; parts: readonly string[]; span: Span }): void {
  let path = found.base;
  for (const part of found.parts) {
    path = join(path, part);
    if (!keys.has(path)) keys.set(path, found.span);
  }
}

/** Path of the table a header opens; the last elements of arrays of tables on the way are entered. */
function enterTable(
  parts: readonly string[],
  found: { keys: Map<string, Span>; counts: Map<string, number>; span: Span; array: boolean },
): string {
  const { keys, counts, span } = found;
  let path = "";
  for (const [index, part] of parts.entries()) {
    path = join(path, part);
    if (!keys.has(path)) keys.set(path, span);
    const last = index === parts.length - 1;
    if (last && found.array) counts.set(path, (counts.get(path) ?? -1) + 1);
    const count = counts.get(path);
    if (count === undefined) continue;
    path = join(path, String(count));
    if (last || !keys.has(path)) keys.set(path, span);
  }
  return path;
}

function splitKey(name: string): string[] {
  const parts = name.match(/"[^"]*"|'[^']*'|[^.\s]+/g) ?? [];
  return parts.map((part) => /^["']/.test(part) ? part.slice(1, -1) : part);
}

/** Lines outside multi-line strings. */
function* significantLines(text: string): Generator<{ start: number; line: string }> {
  let start = 0;
  let open: string | undefined;
  for (const line of text.split("\n")) {
    if (open === undefined) yield { start, line };
    for (const quote of line.match(/"""|'''/g) ?? []) {
      if (open === undefined) open = quote;
      else if (open === quote) open = undefined;
    }
    start += line.length + 1;
  }
}
