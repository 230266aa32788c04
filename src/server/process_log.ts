import type { Clock, Log, LogLevel, Timers } from "../core/ports.ts";
import { createAppLog } from "../observe/app_log.ts";
import type { LoggingConfig } from "../observe/observability.ts";
import { LogFiles } from "./log_files.ts";

/** What the application log of a thread is made of. */
export interface ProcessLogInit {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Level debug whatever the configuration says. */
  readonly verbose: boolean;
  /** Fields of every line, such as the worker's number. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** The application log of a thread: on standard error, as the configuration says once there is one. */
export class ProcessLog {
  /** The port. It stays the same function when the configuration changes. */
  readonly log: Log;
  readonly #init: ProcessLogInit;
  readonly #files: LogFiles;
  #write: Log;

  constructor(init: ProcessLogInit) {
    this.#init = init;
    this.#files = new LogFiles({ timers: init.timers, clock: init.clock, report: reportToStderr });
    this.#write = this.#create({ level: "info", format: "text" });
    this.log = (level, message, fields) => this.#write(level, message, fields);
  }

  /** Follows the configuration from now on. */
  configure({ level, format }: LoggingConfig): void {
    this.#write = this.#create({ level, format });
  }

  /** Resolves when every line is out. */
  close(): Promise<void> {
    return this.#files.close();
  }

  #create({ level, format }: { level: LogLevel; format: "json" | "text" }): Log {
    const { clock, verbose, fields } = this.#init;
    return createAppLog({
      level: verbose && level !== "trace" ? "debug" : level,
      format,
      sink: this.#files.sink("stderr", 0),
      clock,
      ...(fields === undefined ? {} : { fields }),
    });
  }
}

/** The way out for a failing log, which cannot be told of itself. */
export function reportToStderr(message: string): void {
  console.error(`sentinel: ${message}`);
}
