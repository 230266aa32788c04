import type { Clock as ClockPort, Log as LogPort } from "../../core/ports.ts";
import type { Field, Log, LogLevel } from "../contract/sentinel_types.ts";
import type { Capability, CommonDeps } from "./capability.ts";

/** How much an agent may log. Text is counted in UTF-16 units; what is too long is cut and marked. */
export interface LogLimits {
  /** Lines of a lower level are not written and do not count. */
  readonly levelMin: LogLevel;
  readonly linesPerSecond: number;
  /** Lines let through at once after a quiet time. */
  readonly linesBurst: number;
  readonly messageCharsMax: number;
  readonly fieldsMax: number;
  readonly keyCharsMax: number;
  readonly valueCharsMax: number;
  /** Message, keys and values together; fields that do not fit are left out and counted on the line. */
  readonly lineCharsMax: number;
}

/** Enough for a line per decision on a quiet site, and far below what would fill a disk. */
export const LOG_LIMITS: LogLimits = {
  levelMin: "debug",
  linesPerSecond: 50,
  linesBurst: 200,
  messageCharsMax: 1024,
  fieldsMax: 16,
  keyCharsMax: 64,
  valueCharsMax: 1024,
  lineCharsMax: 8192,
};

const CUT_MARK = "[cut]";
const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** What `log` is made from. */
export interface LogDeps extends CommonDeps {
  readonly clock: ClockPort;
  /** Escapes control characters itself. */
  readonly log: LogPort;
  readonly logLimits?: Partial<LogLimits>;
}

/** Lines in the proxy's own log, with the agent's id. */
export const logCapability = {
  name: "log",
  key: "log",
  summary: "Lines in the application log, so many a second.",
  create: (deps: LogDeps): Log => new AgentLog(deps),
} as const satisfies Capability<"log", LogDeps>;

/**
 * Keys of an agent are written as `agent.<key>`, so that none can pass for a field of the proxy's. Of lines that come
 * too fast, the next line that is written says how many were left out.
 */
class AgentLog implements Log {
  readonly #deps: LogDeps;
  readonly #limits: LogLimits;
  readonly #rate: LogRate;

  constructor(deps: LogDeps) {
    this.#deps = deps;
    this.#limits = { ...LOG_LIMITS, ...deps.logLimits };
    this.#rate = new LogRate(deps, this.#limits);
  }

  write(level: LogLevel, message: string, fields: readonly Field[]): void {
    const { meter, log } = this.#deps;
    meter.call("log", sizeOf(message, fields));
    if (SEVERITY[level] < SEVERITY[this.#limits.levelMin]) return;
    if (!this.#rate.admits()) {
      meter.refused("log", "rate");
      return;
    }
    log(level, cut(message, this.#limits.messageCharsMax), this.#fields(message.length, fields));
  }

  #fields(messageChars: number, fields: readonly Field[]): Readonly<Record<string, unknown>> {
    const { fieldsMax, keyCharsMax, valueCharsMax, lineCharsMax, messageCharsMax } = this.#limits;
    const written: Record<string, unknown> = { agent: this.#deps.agent };
    let chars = Math.min(messageChars, messageCharsMax);
    let kept = 0;
    for (const field of fields) {
      const key = `agent.${cut(field.key, keyCharsMax)}`;
      const value = cut(field.value, valueCharsMax);
      const fits = kept < fieldsMax && chars + key.length + value.length <= lineCharsMax;
      if (!fits || Object.hasOwn(written, key)) continue;
      written[key] = value;
      chars += key.length + value.length;
      kept++;
    }
    if (kept < fields.length) {
      written["fields_left_out"] = fields.length - kept;
      this.#deps.meter.refused("log", "fields");
    }
    return Object.assign(written, this.#rate.leftOut());
  }
}

/**
 * Lines a second of one agent. One that is too fast is told of once, when its first line is left out; the next line
 * that is written should say how many were.
 */
export class LogRate {
  readonly #deps: Pick<LogDeps, "agent" | "clock" | "log">;
  readonly #limits: Pick<LogLimits, "linesPerSecond" | "linesBurst">;
  #tokens: number;
  #filledMs: number;
  #suppressed = 0;

  constructor(
    deps: Pick<LogDeps, "agent" | "clock" | "log">,
    limits: Pick<LogLimits, "linesPerSecond" | "linesBurst">,
  ) {
    this.#deps = deps;
    this.#limits = limits;
    this.#tokens = limits.linesBurst;
    this.#filledMs = deps.clock.nowMs();
  }

  /** Whether a line may be written now; counts it either way. */
  admits(): boolean {
    if (this.#takeToken()) return true;
    if (this.#suppressed++ === 0) {
      const { agent, log } = this.#deps;
      const lines_per_second = this.#limits.linesPerSecond;
      log("warn", "Agent logs too fast: its lines are left out until it slows down", {
        agent,
        lines_per_second,
      });
    }
    return false;
  }

  /** Fields of the next line that is written: how many were left out before it, if any were. */
  leftOut(): { readonly lines_left_out?: number } {
    const lines_left_out = this.#suppressed;
    this.#suppressed = 0;
    return lines_left_out > 0 ? { lines_left_out } : {};
  }

  #takeToken(): boolean {
    const { linesPerSecond, linesBurst } = this.#limits;
    const nowMs = this.#deps.clock.nowMs();
    const refill = Math.max(0, nowMs - this.#filledMs) * linesPerSecond / 1000;
    this.#tokens = Math.min(linesBurst, this.#tokens + refill);
    this.#filledMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

function cut(text: string, charsMax: number): string {
  return text.length > charsMax ? text.slice(0, charsMax) + CUT_MARK : text;
}

function sizeOf(message: string, fields: readonly Field[]): number {
  let chars = message.length;
  for (const { key, value } of fields) chars += key.length + value.length;
  return chars;
}
