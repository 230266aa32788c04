import { getLocation, InvalidKdlError, parse } from "@bgotink/kdl";
import type { Entry, Node } from "@bgotink/kdl";
import type { ConfigNode, ConfigValue, Plain } from "../core/config_node.ts";
import type { Issue, Span } from "../core/issue.ts";
import { LineIndex } from "./line_index.ts";
import type { ParsedText } from "./parsed_text.ts";
import { findUnclosed } from "./unclosed.ts";

type Located = Parameters<typeof getLocation>[0];

/** Parses KDL 2 text into the neutral tree; every syntax error the parser can tell apart is an issue. */
export function parseKdl(text: string, file: string): ParsedText {
  try {
    const document = parse(text, { storeLocations: true });
    return { nodes: document.nodes.map((node) => toConfigNode(node, file)), issues: [] };
  } catch (cause) {
    if (cause instanceof InvalidKdlError) {
      return { nodes: [], issues: syntaxIssues([...cause.flat()], { text, file }) };
    }
    // The parser recurses: nesting deep enough exhausts the stack.
    if (cause instanceof RangeError) return { nodes: [], issues: [tooDeep(file)] };
    throw cause;
  }
}

function tooDeep(file: string): Issue {
  const span = { file, start: 0, end: 0, line: 1, column: 1 };
  return { severity: "error", message: "blocks are nested too deeply", span };
}

function toConfigNode(node: Node, file: string): ConfigNode {
  const args: ConfigValue[] = [];
  const props: ConfigNode["props"][number][] = [];
  for (const entry of node.entries) {
    const value = entryValue(entry, file);
    if (entry.name === null) args.push(value);
    else props.push({ name: entry.name.getName(), nameSpan: spanOf(entry.name, file), value });
  }
  const children = (node.children?.nodes ?? []).map((child) => toConfigNode(child, file));
  const span = spanOf(node, file);
  return {
    name: node.getName(),
    nameSpan: spanOf(node.name, file),
    span,
    args,
    props,
    children,
    syntax: "kdl",
  };
}

function entryValue(entry: Entry, file: string): ConfigValue {
  return { value: entry.getValue() as Plain, span: spanOf(entry.value, file) };
}

function spanOf(element: Located, file: string): Span {
  const { start, end } = getLocation(element)!;
  return { file, start: start.offset, end: end.offset, line: start.line, column: start.column };
}

/** One issue per place: what the parser says next about the same place follows from the first. */
function syntaxIssues(errors: readonly InvalidKdlError[], source: { text: string; file: string }): Issue[] {
  const issues: Issue[] = [];
  for (const error of errors) {
    const issue = syntaxIssue(error, source);
    if (!issues.some((other) => other.span?.start === issue.span?.start)) issues.push(issue);
  }
  return issues;
}

function syntaxIssue(error: InvalidKdlError, source: { text: string; file: string }): Issue {
  const start = error.start ?? error.token?.start ?? { offset: 0, line: 1, column: 1 };
  const end = Math.max(error.end?.offset ?? start.offset + 1, start.offset);
  const keyword = /^Invalid keyword "(\w+)"/.exec(error.message)?.[1];
  if (keyword !== undefined && source.text.startsWith(keyword, start.offset - keyword.length)) {
    return bareKeyword(keyword, { ...start, file: source.file });
  }
  // The parser puts some tokens one character before a line's first.
  const column = Math.max(1, start.column);
  const offset = start.offset + column - start.column;
  const span = { file: source.file, start: offset, end: Math.max(end, offset), line: start.line, column };
  if (error.message.startsWith("Invalid node children")) return unclosedIssue(span, source);
  const message = error.message.replace(/ at (?:\d+:\d+|end of input)$/, "");
  return { severity: "error", message: `syntax: ${message}`, span, hint: syntaxHint(message) };
}

/** The parser notices at the end of the text; people want to know which block it is. */
function unclosedIssue(span: Span, source: { text: string; file: string }): Issue {
  const offset = findUnclosed(source.text);
  const hint = 'a "}" is missing';
  if (offset === undefined) {
    return { severity: "error", message: "syntax: a block is not right inside", span };
  }
  const brace = new LineIndex(source.text, source.file).span(offset, offset + 1);
  return { severity: "error", message: "syntax: a block is not closed", span: brace, hint };
}

/** KDL 1 wrote `true`, KDL 2 writes `#true`; the parser points behind the word. */
function bareKeyword(
  keyword: string,
  end: { offset: number; line: number; column: number; file: string },
): Issue {
  const length = keyword.length;
  return {
    severity: "error",
    message: `syntax: "${keyword}" is no value in KDL 2`,
    span: {
      file: end.file,
      start: end.offset - length,
      end: end.offset,
      line: end.line,
      column: end.column - length,
    },
    hint: `write #${keyword}, or "${keyword}" in quotes for text`,
  };
}

function syntaxHint(message: string): string | undefined {
  if (message.includes('"["') || message.includes('"]"')) {
    return 'KDL has no lists in brackets; write several values: name "a" "b"';
  }
  return message.includes("EOF inside") ? "a closing quote is missing" : undefined;
}
