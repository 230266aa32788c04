/** Logs on Deno: files and standard streams behind the sinks of `observe/`. */

import type { Clock, Timers } from "../core/ports.ts";
import { BatchingSink } from "../observe/sink.ts";
import type { LineWriter } from "../observe/sink.ts";

/** A failing log is reported at most this often. */
export const REPORT_INTERVAL_MS = 60_000;

/** Writes of at most this many bytes reach a pipe whole, whoever else writes to it (PIPE_BUF on Linux). */
const PIPE_WRITE_BYTES_MAX = 4096;

const NEWLINE = 0x0a;
const NEWLINE_BYTES = Uint8Array.of(NEWLINE);

/** What log files need of the rest of the program. */
export interface LogFileDeps {
  readonly timers: Timers;
  readonly clock: Pick<Clock, "nowMs">;
  /** Told when a log cannot be written, at most once a minute per log; normally prints to standard error. */
  readonly report: (message: string) => void;
}

/** Every log destination of one thread, one sink per file however many logs name it. */
export class LogFiles {
  readonly #deps: LogFileDeps;
  readonly #open = new Map<string, { readonly sink: BatchingSink; readonly writer: LineWriter }>();

  constructor(deps: LogFileDeps) {
    this.#deps = deps;
  }

  /**
   * The sink for a `file` option: a path, `-` for standard output, `stderr` for standard error. Asking twice
   * gives the same sink, with the buffer size of the first. The file is opened with the first batch, and
   * missing directories are made.
   */
  sink(file: string, flushBytes: number): BatchingSink {
    const known = this.#open.get(file);
    if (known !== undefined) return known.sink;
    const writer = openWriter(file, this.#deps);
    const sink = new BatchingSink({ writer, timers: this.#deps.timers, flushBytes });
    this.#open.set(file, { sink, writer });
    return sink;
  }

  /** Lines lost so far, by file. */
  dropped(): ReadonlyMap<string, number> {
    return new Map([...this.#open].map(([file, { sink }]) => [file, sink.dropped]));
  }

  /** Opens every file anew with its next write, so that a renamed one is let go. No line is lost. */
  reopen(): void {
    for (const { writer } of this.#open.values()) if (writer instanceof LogFile) writer.reopen();
  }

  /** Closes what a new configuration no longer names. */
  async retain(files: ReadonlySet<string>): Promise<void> {
    const gone = [...this.#open].filter(([file]) => !files.has(file));
    for (const [file] of gone) this.#open.delete(file);
    await Promise.all(gone.map(([, { sink }]) => sink.close()));
  }

  /** Resolves when everything written so far is out. */
  async flush(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ sink }) => sink.flush()));
  }

  /** Writes what is left and closes everything. */
  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ sink }) => sink.close()));
  }
}

function openWriter(file: string, deps: LogFileDeps): LineWriter {
  if (file === "-") return new StreamWriter(Deno.stdout, { name: "standard output", deps });
  if (file === "stderr") return new StreamWriter(Deno.stderr, { name: "standard error", deps });
  return new LogFile(file, deps);
}

/** Reports a failing log once a minute, with what happened in between. */
class FailureReport {
  readonly #name: string;
  readonly #deps: LogFileDeps;
  #nextMs = -Infinity;
  #silent = 0;

  constructor(name: string, deps: LogFileDeps) {
    this.#name = name;
    this.#deps = deps;
  }

  failed(act: string, cause: unknown): void {
    const now = this.#deps.clock.nowMs();
    if (now < this.#nextMs) {
      this.#silent++;
      return;
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    const more = this.#silent === 0 ? "" : ` (and ${this.#silent} more times since the last report)`;
    this.#nextMs = now + REPORT_INTERVAL_MS;
    this.#silent = 0;
    this.#deps.report(`Cannot ${act} log ${this.#name}: ${reason}${more}`);
  }
}

/**
 * A file that lines are appended to. Several threads may append to one file: each batch is one write of
 * whole lines to a file opened for appending, which the kernel does not interleave.
 */
export class LogFile implements LineWriter {
  readonly #path: string;
  readonly #failures: FailureReport;
  #file: Deno.FsFile | null = null;
  #reopen = false;
  /** Set when a write stopped inside a line, so that the next one starts a new line. */
  #torn = false;

  constructor(path: string, deps: LogFileDeps) {
    this.#path = path;
    this.#failures = new FailureReport(`"${path}"`, deps);
  }

  /** Before the next write the path is opened anew; the write under way still goes to the old file. */
  reopen(): void {
    this.#reopen = true;
  }

  async write(lines: Uint8Array): Promise<void> {
    const file = this.#file === null || this.#reopen ? await this.#openAgain() : this.#file;
    try {
      if (this.#torn) await writeWhole(file, NEWLINE_BYTES);
      this.#torn = false;
      await writeWhole(file, lines);
    } catch (cause) {
      this.#torn = true;
      this.#failures.failed("write to", cause);
      throw cause;
    }
  }

  // deno-lint-ignore require-await -- closing is synchronous here, asynchronous elsewhere.
  async close(): Promise<void> {
    this.#file?.close();
    this.#file = null;
  }

  /** The newly opened file; the old one when the path cannot be opened, since its lines are still wanted. */
  async #openAgain(): Promise<Deno.FsFile> {
    try {
      const opened = await openForAppending(this.#path);
      this.#file?.close();
      this.#file = opened;
      this.#reopen = false;
      this.#torn = false;
      return opened;
    } catch (cause) {
      this.#failures.failed("open", cause);
      if (this.#file === null) throw cause;
      return this.#file;
    }
  }
}

/** A standard stream, which is often a pipe shared with others. */
class StreamWriter implements LineWriter {
  readonly #stream: { write(bytes: Uint8Array): Promise<number> };
  readonly #failures: FailureReport;

  constructor(
    stream: { write(bytes: Uint8Array): Promise<number> },
    { name, deps }: { readonly name: string; readonly deps: LogFileDeps },
  ) {
    this.#stream = stream;
    this.#failures = new FailureReport(name, deps);
  }

  async write(lines: Uint8Array): Promise<void> {
    try {
      for (let start = 0; start < lines.length;) {
        const end = wholeLinesEnd(lines, start);
        await writeWhole(this.#stream, lines.subarray(start, end));
        start = end;
      }
    } catch (cause) {
      this.#failures.failed("write to", cause);
      throw cause;
    }
  }

  // deno-lint-ignore require-await -- standard streams stay open for others.
  async close(): Promise<void> {}
}

/** Where the largest run of whole lines ends that a pipe takes in one piece; one longer line goes alone. */
export function wholeLinesEnd(lines: Uint8Array, start: number): number {
  if (lines.length - start <= PIPE_WRITE_BYTES_MAX) return lines.length;
  const last = lines.lastIndexOf(NEWLINE, start + PIPE_WRITE_BYTES_MAX - 1);
  if (last >= start) return last + 1;
  const next = lines.indexOf(NEWLINE, start);
  return next < 0 ? lines.length : next + 1;
}

async function writeWhole(
  to: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  let done = await to.write(bytes);
  while (done < bytes.length) done += await to.write(bytes.subarray(done));
}

async function openForAppending(path: string): Promise<Deno.FsFile> {
  const options = { append: true, create: true, mode: 0o640 };
  try {
    return await Deno.open(path, options);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    const slash = path.lastIndexOf("/");
    if (slash <= 0) throw cause;
    await Deno.mkdir(path.slice(0, slash), { recursive: true });
    return await Deno.open(path, options);
  }
}
