import type { RequestContext } from "../core/context.ts";
import type { Clock, Random } from "../core/ports.ts";
import { AccessLog } from "../observe/access_log.ts";
import { AuditLog } from "../observe/audit_log.ts";
import { ErrorLog } from "../observe/error_log.ts";
import type { LoggingConfig } from "../observe/observability.ts";
import type { LineSink } from "../observe/sink.ts";

/** Log destinations of a thread, by the `file` options that name them. */
export interface LogSinks {
  /** The sink for a path, `-` (standard output) or `stderr`; the same one for the same file. */
  sink(file: string, flushBytes: number): LineSink;
  /** Lines lost so far, by file. */
  dropped(): ReadonlyMap<string, number>;
  reopen(): void;
  /** Closes what is no longer named. */
  retain(files: ReadonlySet<string>): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** The access, error and audit logs of one configuration. */
export class RequestLog {
  readonly #clock: Clock;
  readonly #access: AccessLog | null;
  readonly #accessSink: LineSink | null;
  readonly #error: ErrorLog | null;
  readonly #audit: AuditLog | null;
  /** Every file that is written to. */
  readonly files: ReadonlySet<string>;

  constructor(
    config: LoggingConfig,
    deps: {
      readonly clock: Clock;
      readonly random: Random;
      readonly instanceId: string;
      readonly sinks: LogSinks;
    },
  ) {
    const { accessLog, errorLog, auditLog } = config;
    const { sinks } = deps;
    const files = new Set<string>();
    const sink = (file: string, flushBytes: number) => {
      files.add(file);
      return sinks.sink(file, flushBytes);
    };
    this.#clock = deps.clock;
    this.#access = accessLog?.enabled ? new AccessLog(accessLog, deps) : null;
    this.#accessSink = accessLog?.enabled ? sink(accessLog.file, accessLog.bufferSizeBytes) : null;
    this.#error = errorLog.enabled
      ? new ErrorLog(errorLog, sink(errorFile(errorLog.file), errorLog.bufferSizeBytes))
      : null;
    this.#audit = auditLog?.enabled
      ? new AuditLog(auditLog, sink(auditLog.file, auditLog.bufferSizeBytes))
      : null;
    this.files = files;
  }

  /** Writes the lines of a request that ended; `nowMs` is `Clock.nowMs` at its last byte. */
  write(context: RequestContext, nowMs: number): void {
    const wallMs = this.#clock.wallMs();
    const line = this.#access?.line(context, nowMs, wallMs);
    if (line !== undefined) this.#accessSink?.write(line);
    if (context.status >= 400 || context.status === 0) this.#error?.request(context, wallMs);
    if (context.reason !== undefined || context.errorCode !== undefined || context.agentNotes !== undefined) {
      this.#audit?.request(context, wallMs);
    }
  }
}

/** `-` is standard error for the error log. */
function errorFile(file: string): string {
  return file === "-" ? "stderr" : file;
}
