/** Cuts a WIT file into tokens. */

import { type Place, WitError } from "./ast.ts";

/** A word, a version after `@`, or a piece of punctuation; `docs` is the text of the `///` lines before it. */
export interface Token {
  readonly type: "word" | "version" | "punctuation" | "end";
  readonly text: string;
  readonly docs: string;
  readonly place: Place;
}

const WORD = /%?[a-zA-Z][a-zA-Z0-9]*(?:-[a-zA-Z][a-zA-Z0-9]*)*/y;
const VERSION = /@\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?/y;
const PUNCTUATION = /->|[{}()<>,:;.=/_*]/y;
const SPACE = /\s+/y;
const LINE_COMMENT = /\/\/[^\n]*/y;
const BLOCK_COMMENT = /\/\*[^]*?\*\//y;

/** All tokens of a file, the last one of type `end`. `file` is its name in errors. */
export function lex(file: string, text: string): Token[] {
  const tokens: Token[] = [];
  const lineStarts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lineStarts.push(at + 1);
  let line = 0;
  let docs: string[] = [];
  let at = 0;

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  const push = (type: Token["type"], found: string) => {
    while ((lineStarts[line + 1] ?? Infinity) <= at) line++;
    const place = { line: line + 1, column: at - lineStarts[line]! + 1 };
    tokens.push({ type, text: found, docs: docs.join("\n"), place });
    docs = [];
  };

  while (at < text.length) {
    const comment = match(LINE_COMMENT);
    const skipped = match(SPACE) ?? comment ?? match(BLOCK_COMMENT);
    if (skipped !== undefined) {
      if (comment?.startsWith("///")) docs.push(comment.slice(3).trim());
      at += skipped.length;
      continue;
    }
    const word = match(WORD);
    const version = match(VERSION);
    const found = word ?? version ?? match(PUNCTUATION);
    if (found === undefined) {
      push("end", "");
      throw new WitError(file, tokens.at(-1)!.place, `unexpected character "${text[at]}"`);
    }
    const type = word !== undefined ? "word" : version !== undefined ? "version" : "punctuation";
    // `%` only says that a keyword is meant as a name.
    push(type, type === "punctuation" ? found : found.replace(/^[%@]/, ""));
    at += found.length;
  }
  push("end", "");
  return tokens;
}
