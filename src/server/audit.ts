import type { Clock, Timers } from "../core/ports.ts";
import { AuditLog } from "../observe/audit_log.ts";
import type { AuditLogConfig } from "../observe/observability.ts";
import { LogFiles } from "./log_files.ts";
import { reportToStderr } from "./process_log.ts";
import type { ReloadResult } from "./supervisor.ts";

/** The supervisor's part of the audit log: changes of configuration. */
export class ReloadAudit {
  readonly #clock: Clock;
  readonly #files: LogFiles;

  constructor(ports: { readonly clock: Clock; readonly timers: Timers }) {
    this.#clock = ports.clock;
    this.#files = new LogFiles({ ...ports, report: reportToStderr });
  }

  /** Writes a line about a reload to the audit log that is configured now; the start is no change. */
  record(result: ReloadResult, config: AuditLogConfig | undefined): void {
    if (result.trigger === "start" || config?.enabled !== true) return;
    const applied = result.outcome === "applied";
    const { trigger, generation, durationMs } = result;
    const metadata = applied
      ? { trigger, generation, duration_ms: durationMs }
      : { trigger, generation, error: [...result.problems, result.report].join("\n").trim() };
    new AuditLog(config, this.#files.sink(config.file, config.bufferSizeBytes)).configChange(
      { reason: applied ? "reload_success" : "reload_failed", metadata },
      this.#clock.wallMs(),
    );
  }

  reopen(): void {
    this.#files.reopen();
  }

  close(): Promise<void> {
    return this.#files.close();
  }
}
