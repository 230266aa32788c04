import type { Log } from "../core/ports.ts";
import type { Companion, Supervisor } from "./supervisor.ts";
import type { NextConfig } from "./thread.ts";
import { FileWatch } from "./watch.ts";

/** Keeps the file watch on what was last read, as long as `auto-reload` is on. */
export class WatchCompanion implements Companion {
  readonly #supervisor: Supervisor;
  readonly #log: Log;
  #enabled = false;
  #watch: FileWatch | undefined;

  constructor(supervisor: Supervisor, log: Log) {
    this.#supervisor = supervisor;
    this.#log = log;
  }

  prepare(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  commit({ config }: NextConfig): void {
    this.#enabled = config.system.autoReload;
    this.follow();
    // A change between the reading and the watching would be missed.
    if (this.#enabled) void this.#check();
  }

  abandon(): void {
    this.follow();
  }

  /** Watches the files of the last reading: also a failed one may have included other files. */
  follow(): void {
    this.#watch?.close();
    this.#watch = undefined;
    const seen = this.#supervisor.lastSeen;
    if (!this.#enabled || seen === undefined) return;
    this.#watch = new FileWatch({
      files: seen.files,
      folders: seen.folders,
      log: this.#log,
      changed: () => void this.#check(),
    });
  }

  close(): Promise<void> {
    this.#enabled = false;
    this.#watch?.close();
    return Promise.resolve();
  }

  async #check(): Promise<void> {
    const result = await this.#supervisor.reloadIfChanged("watch");
    if (result?.outcome === "failed" && this.#enabled) this.follow();
  }
}
