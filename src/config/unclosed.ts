/** A token of KDL that can hold braces, or a brace, or a line break. */
const TOKENS = /\/\/[^\n]*|\/\*[^]*?\*\/|(#*)"""[^]*?"""\1|(#+)"[^]*?"\2|"(?:\\[^]|[^"\\])*"|[{}]|\n/g;

/**
 * Offset of the brace that was probably never closed: that of the first block whose lines begin no further to the
 * right than the block itself, as happens when a `}` was forgotten in an indented text; otherwise the innermost
 * block still open at the end. Undefined when every brace has its partner.
 */
export function findUnclosed(text: string): number | undefined {
  const open: { readonly offset: number; readonly indent: number }[] = [];
  let indent = indentAt(text, 0);
  for (const match of text.matchAll(TOKENS)) {
    const [token] = match;
    if (token === "{") open.push({ offset: match.index, indent });
    else if (token === "}") open.pop();
    if (token !== "\n") continue;
    indent = indentAt(text, match.index + 1);
    const block = open.at(-1);
    const next = text[match.index + 1 + indent];
    const outside = block !== undefined && indent <= block.indent;
    if (outside && next !== undefined && !"}\n\r/".includes(next)) return block.offset;
  }
  return open.at(-1)?.offset;
}

/** White space at the start of a line, in characters. */
function indentAt(text: string, start: number): number {
  let at = start;
  while (text[at] === " " || text[at] === "\t") at++;
  return at - start;
}
