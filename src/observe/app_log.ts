import type { Clock, Log, LogLevel } from "../core/ports.ts";
import { errorText, jsonText, jsonValue, quotedText } from "./log_text.ts";
import type { LineSink } from "./sink.ts";
import { Timestamps } from "./timestamps.ts";

const SEVERITY: Readonly<Record<LogLevel, number>> = { trace: 0, debug: 1, info: 2, warn: 3, error: 4 };

/** Which events are written, how and where to. */
export interface AppLogOptions {
  /** Least severe event written. */
  readonly level: LogLevel;
  readonly format: "json" | "text";
  readonly sink: LineSink;
  readonly clock: Pick<Clock, "wallMs">;
  /** Fields of every line, such as the worker's number. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** The application log: what the proxy has to say about itself. */
export function createAppLog(options: AppLogOptions): Log {
  const { sink, clock } = options;
  const least = SEVERITY[options.level];
  const times = new Timestamps();
  const print = options.format === "json" ? jsonLine : textLine;
  const constant = options.fields ?? {};
  return (level, message, fields) => {
    if (SEVERITY[level] < least) return;
    const head = { timestamp: times.iso(clock.wallMs()), level, message };
    sink.write(print(head, fields === undefined ? constant : { ...constant, ...fields }));
  };
}

interface LineHead {
  readonly timestamp: string;
  readonly level: LogLevel;
  readonly message: string;
}

function jsonLine(head: LineHead, fields: Readonly<Record<string, unknown>>): string {
  let line = `{"timestamp":"${head.timestamp}","level":"${head.level}","message":${jsonText(head.message)}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    line += `,${jsonText(Object.hasOwn(head, key) ? `field_${key}` : key)}:${jsonValue(value)}`;
  }
  return line + "}\n";
}

function textLine(head: LineHead, fields: Readonly<Record<string, unknown>>): string {
  let line = `${head.timestamp} ${head.level.toUpperCase().padEnd(5)} ${plainMessage(head.message)}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    line += ` ${quotedText(key)}=${textValue(value)}`;
  }
  return line + "\n";
}

function textValue(value: unknown): string {
  if (value instanceof Error) return `"${quotedText(errorText(value))}"`;
  if (typeof value !== "string") return typeof value === "object" ? jsonValue(value) : String(value);
  return /^[\w./:@-]+$/.test(value) ? value : `"${quotedText(value)}"`;
}

// Quotes are common in our messages and harmless outside quotes; everything else is escaped as ever.
function plainMessage(message: string): string {
  return quotedText(message).replaceAll("\\x22", '"');
}
