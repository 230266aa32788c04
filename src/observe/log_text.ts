/**
 * Text that may come from anybody, made safe for a log: one line, printable ASCII, unambiguous.
 *
 * Header values are byte strings (one unit per byte), so a byte above 0x7e is written as an escape that
 * names it, and nothing is guessed about its encoding. Lines being ASCII, their length is their size.
 */

/** Longest value of one field; the rest is cut and marked. Larger than any header the proxy takes by default. */
export const LOG_VALUE_CHARS_MAX = 8192;

const CUT_MARK = "[cut]";
const HEX = "0123456789abcdef";

const SHORT_CHARS = 16;
const BEYOND_PRINTABLE = /[^\x20-\x7e]/;
const UNSAFE = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The text as a JSON string with its quotes. */
export function jsonText(text: string): string {
  return `"${jsonInner(text)}"`;
}

/** The text for between the quotes of a JSON string. */
export function jsonInner(text: string): string {
  return isPlain(text) ? text : escaped(cut(text), jsonEscape);
}

/** The text for between double quotes in combined and text lines; empty is written `-`. */
export function quotedText(text: string | undefined): string {
  if (text === undefined || text === "") return "-";
  return isPlain(text) ? text : escaped(cut(text), hexEscape);
}

/** A value of unknown origin as JSON: numbers and flags as they are, everything else as text. */
export function jsonValue(value: unknown): string {
  if (typeof value === "string") return jsonText(value);
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "null";
  if (typeof value === "boolean") return value ? "true" : "false";
  if (value === null || value === undefined) return "null";
  if (value instanceof Error) return jsonText(errorText(value));
  return jsonText(plainText(value));
}

/** Levels of arrays and objects that are written as such; what is deeper becomes text. */
const DATA_DEPTH_MAX = 4;

/** JSON data of unknown origin as JSON, every text in it made safe. */
export function jsonData(value: unknown): string {
  const text = isTooDeep(value, 0) ? undefined : JSON.stringify(value);
  // What is safe as a whole is made so by nobody faster than by the engine.
  if (text !== undefined && isSafe(text)) return text;
  return safeData(value, 0);
}

/** Whether JSON can go to a log as a whole. */
function isSafe(text: string): boolean {
  return text.length <= LOG_VALUE_CHARS_MAX && !BEYOND_PRINTABLE.test(text);
}

/** Whether it is deeper than is written as such. */
function isTooDeep(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth === DATA_DEPTH_MAX) return true;
  return (Array.isArray(value) ? value : Object.values(value)).some((item) => isTooDeep(item, depth + 1));
}

function safeData(value: unknown, depth: number): string {
  if (typeof value !== "object" || value === null || depth === DATA_DEPTH_MAX) return jsonValue(value);
  if (Array.isArray(value)) return `[${value.map((item) => safeData(item, depth + 1)).join(",")}]`;
  const members = Object.entries(value).map(([key, item]) => `${jsonText(key)}:${safeData(item, depth + 1)}`);
  return `{${members.join(",")}}`;
}

/** An error with the chain of what caused it, without stacks. */
export function errorText(error: Error): string {
  let text = `${error.name}: ${error.message}`;
  let cause = error.cause;
  for (let depth = 0; cause !== undefined && depth < 4; depth++) {
    if (!(cause instanceof Error)) return `${text}, caused by ${String(cause)}`;
    text += `, caused by ${cause.name}: ${cause.message}`;
    cause = cause.cause;
  }
  return text;
}

function plainText(value: unknown): string {
  if (typeof value !== "object") return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return "[unprintable]"; // Cycles and big integers have no JSON.
  }
}

// The compiled expression scans long texts twice as fast as a loop; starting it costs more than a short loop.
function isPlain(text: string): boolean {
  if (text.length > SHORT_CHARS) return text.length <= LOG_VALUE_CHARS_MAX && !UNSAFE.test(text);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit > 0x7e || unit === QUOTE || unit === BACKSLASH) return false;
  }
  return true;
}

function cut(text: string): string {
  return text.length > LOG_VALUE_CHARS_MAX ? text.slice(0, LOG_VALUE_CHARS_MAX) + CUT_MARK : text;
}

function escaped(text: string, escape: (unit: number) => string): string {
  let safe = "";
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x20 && unit <= 0x7e && unit !== QUOTE && unit !== BACKSLASH) continue;
    safe += text.slice(from, i) + escape(unit);
    from = i + 1;
  }
  return safe + text.slice(from);
}

function jsonEscape(unit: number): string {
  if (unit === QUOTE) return '\\"';
  if (unit === BACKSLASH) return "\\\\";
  return "\\u" + hexDigit(unit, 12) + hexDigit(unit, 8) + hexDigit(unit, 4) + hexDigit(unit, 0);
}

// As nginx writes it: \xHH; what does not fit a byte comes from our own text and is written \u{...}.
function hexEscape(unit: number): string {
  if (unit > 0xff) return `\\u{${unit.toString(16)}}`;
  return "\\x" + hexDigit(unit, 4) + hexDigit(unit, 0);
}

function hexDigit(unit: number, shift: number): string {
  return HEX[(unit >> shift) & 15]!;
}
