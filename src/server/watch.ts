import type { Log } from "../core/ports.ts";

/** Quiet time after the last change before anything is read: editors write in several steps. */
const DEBOUNCE_MS = 200;

/** A stream of changes does not put the reading off for longer than this. */
const DEBOUNCE_MAX_MS = 2_000;

/** What the watcher looks at, and whom it tells. */
export interface WatchInit {
  /** Absolute paths of all files the configuration was read from. */
  readonly files: Iterable<string>;
  /** Absolute paths of folders in which further files could match an include. */
  readonly folders: Iterable<string>;
  readonly log: Log;
  /** What the log says when it cannot be watched. */
  readonly warning?: string;
  /** Called when something may have changed; compare contents before acting. */
  changed(): void;
}

/**
 * Watches the folders of files, not the files: editors and Kubernetes replace files by renaming, and a
 * watch on the old file would see nothing any more.
 */
export class FileWatch {
  readonly #files: ReadonlySet<string>;
  readonly #changed: () => void;
  readonly #log: Log;
  readonly #warning: string;
  #watcher: Deno.FsWatcher | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #firstMs = 0;

  constructor(init: WatchInit) {
    this.#files = new Set(init.files);
    this.#changed = () => init.changed();
    this.#log = init.log;
    this.#warning = init.warning ??
      "Cannot watch the configuration files; reload by SIGHUP or the admin listener";
    const folders = new Set(init.folders);
    for (const file of this.#files) folders.add(file.slice(0, Math.max(file.lastIndexOf("/"), 1)));
    const present = [...folders].filter(isFolder);
    if (present.length === 0) return;
    try {
      this.#watcher = Deno.watchFs(present, { recursive: false });
      void this.#watch(this.#watcher);
    } catch (cause) {
      this.#warn(cause);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    const watcher = this.#watcher;
    this.#watcher = undefined;
    watcher?.close();
  }

  async #watch(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const event of watcher) if (this.#matters(event)) this.#schedule();
    } catch (cause) {
      if (this.#watcher !== undefined) this.#warn(cause);
    }
  }

  /** A log file in the same folder is written all the time; only what was read, or came and went, counts. */
  #matters(event: Deno.FsEvent): boolean {
    if (event.kind === "access") return false;
    if (event.kind !== "modify") return true;
    return event.paths.some((path) => this.#files.has(path));
  }

  #schedule(): void {
    const now = performance.now();
    if (this.#timer === undefined) this.#firstMs = now;
    else clearTimeout(this.#timer);
    const delayMs = Math.max(0, Math.min(DEBOUNCE_MS, this.#firstMs + DEBOUNCE_MAX_MS - now));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#changed();
    }, delayMs);
  }

  #warn(cause: unknown): void {
    this.#log("warn", this.#warning, {
      error: cause instanceof Error ? cause.message : String(cause),
    });
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
