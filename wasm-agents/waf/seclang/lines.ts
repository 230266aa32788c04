/** Takes rule files apart: physical lines to logical lines, logical lines to words. */

import { Bytes, ByteWriter } from "sentinel";
import { isSpace, part, trimmed } from "./words";

/** Lines that belong together, joined. */
export class LogicalLine {
  constructor(readonly text: Bytes, readonly line: i32) {}
}

/**
 * All lines that say something. A backslash at the end of a line takes the next one to it; a line whose first sign is
 * `#` is a comment by itself, also between lines that belong together. Lines are joined where they lie, so the file is
 * not to be used otherwise.
 */
export function logicalLines(file: Bytes): LogicalLine[] {
  const lines = new Array<LogicalLine>();
  let from = 0;
  let number = 0;
  /** Where the lines that wait for their end begin and end so far; -1 when there are none. */
  let start = -1;
  let end = 0;
  let firstNumber = 0;
  while (from < file.length) {
    const found = file.indexOfByte(10, from);
    const next = found < 0 ? file.length : found;
    let to = next;
    if (to > from && file.byteAt(to - 1) == 13) to--;
    const physical = part(file, from, to);
    number++;
    if (!isComment(physical)) {
      const isContinued = endsContinued(physical);
      const length = physical.length - <i32> isContinued;
      if (start < 0) {
        start = from;
        end = from + length;
        firstNumber = number;
      } else {
        memory.copy(file.at + end, physical.at, length);
        end += length;
      }
      if (!isContinued) {
        addLine(lines, part(file, start, end), firstNumber);
        start = -1;
      }
    }
    from = next + 1;
  }
  if (start >= 0) addLine(lines, part(file, start, end), firstNumber);
  return lines;
}

function addLine(lines: LogicalLine[], text: Bytes, number: i32): void {
  const line = trimmed(text);
  if (line.length > 0) lines.push(new LogicalLine(line, number));
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
