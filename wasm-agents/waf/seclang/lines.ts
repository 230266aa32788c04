/** Takes rule files apart: physical lines to logical lines, logical lines to words. */

import { Bytes, ByteWriter } from "sentinel";
import { isSpace, part, trimmed } from "./words";

/** Lines that belong together, joined. */
export class LogicalLine {
  constructor(readonly text: Bytes, readonly line: i32) {}
}

/**
 * All lines that say something. A backslash at the end of a line takes the next one to it; a line whose first sign is
 * `#` is a comment by itself, also between lines that belong together.
 */
export function logicalLines(file: Bytes): LogicalLine[] {
  const lines = new Array<LogicalLine>();
  let from = 0;
  let number = 0;
  let pending: ByteWriter | null = null;
  let pendingLine = 0;
  while (from < file.length) {
    const found = file.indexOfByte(10, from);
    const end = found < 0 ? file.length : found;
    let to = end;
    if (to > from && file.byteAt(to - 1) == 13) to--;
    const physical = part(file, from, to);
    from = end + 1;
    number++;
    if (isComment(physical)) continue;
    const isContinued = endsContinued(physical);
    const content = isContinued ? part(physical, 0, physical.length - 1) : physical;
    if (pending === null) {
      if (!isContinued) {
        if (trimmed(content).length > 0) {
          lines.push(new LogicalLine(trimmed(content), number));
        }
        continue;
      }
      pending = new ByteWriter(256);
      pendingLine = number;
    }
    pending.bytes(content);
    if (isContinued) continue;
    lines.push(new LogicalLine(trimmed(pending.text), pendingLine));
    pending = null;
  }
  if (pending !== null) {
    lines.push(new LogicalLine(trimmed(pending.text), pendingLine));
  }
  return lines;
}

function isComment(line: Bytes): bool {
  let index = 0;
  while (index < line.length && isSpace(line.byteAt(index))) index++;
  return index < line.length && line.byteAt(index) == 0x23;
}

function endsContinued(line: Bytes): bool {
  return line.length > 0 && line.byteAt(line.length - 1) == 0x5c;
}

/** The words of a line; null when a quotation mark is not closed. Inside quotation marks `\"` is a quotation mark. */
export function wordsOf(line: Bytes): Bytes[] | null {
  const words = new Array<Bytes>();
  let index = 0;
  while (index < line.length) {
    if (isSpace(line.byteAt(index))) {
      index++;
      continue;
    }
    const quote = line.byteAt(index);
    if (quote != 0x22 && quote != 0x27) {
      const start = index;
      while (index < line.length && !isSpace(line.byteAt(index))) index++;
      words.push(part(line, start, index));
      continue;
    }
    const end = closingQuote(line, index);
    if (end < 0) return null;
    words.push(unquoted(part(line, index + 1, end), quote));
    index = end + 1;
  }
  return words;
}

/** Where the quotation ends that begins at `from`; -1 when it does not. */
export function closingQuote(text: Bytes, from: i32): i32 {
  const quote = text.byteAt(from);
  for (let index = from + 1; index < text.length; index++) {
    const byte = text.byteAt(index);
    if (byte == 0x5c) index++;
    else if (byte == quote) return index;
  }
  return -1;
}

/** A quotation without the backslashes before its own kind of mark; every other backslash stays. */
export function unquoted(text: Bytes, quote: u32): Bytes {
  if (text.indexOfByte(0x5c) < 0) return text;
  const writer = new ByteWriter(text.length);
  for (let index = 0; index < text.length; index++) {
    const byte = text.byteAt(index);
    if (byte != 0x5c || index + 1 == text.length) {
      writer.byte(byte);
      continue;
    }
    const next = text.byteAt(++index);
    if (next != quote) writer.byte(byte);
    writer.byte(next);
  }
  return writer.text;
}
