/** Hears of changes in folders, also of one that does not exist yet. */

/** What to listen for. */
export interface FolderEventsInit {
  /** Absolute path of the folder that matters; it may come, go and be exchanged. */
  readonly folder: string;
  /** Folders that links in it lead to. */
  readonly linkedFolders: Iterable<string>;
  /** Called for every event that may matter. */
  heard(): void;
  /** Called once when nothing can be heard (any more): looking now and then is left. */
  deaf(cause: unknown): void;
}

/**
 * One watch over the folder, the nearest folder above it that exists, and what links lead to. Once any of these
 * is another one, `isCurrent` says so, and a new watch must be made: a watch stays with the folder that had the
 * name, not with the name.
 */
export class FolderEvents {
  readonly #init: FolderEventsInit;
  /** Undefined when a folder vanished before the watch was made. */
  readonly #key: string | undefined;
  /** The path in the nearest folder above whose coming or going matters. */
  readonly #door: string;
  readonly #linked: ReadonlySet<string>;
  #watcher: Deno.FsWatcher | undefined;

  constructor(init: FolderEventsInit) {
    this.#init = init;
    const linked = new Set(init.linkedFolders);
    const { above, door } = nearestAbove(init.folder);
    this.#door = door;
    this.#linked = linked;
    const key = keyOf(init.folder, linked);
    const watched = [above, init.folder, ...linked].filter(isFolder);
    try {
      this.#watcher = Deno.watchFs(watched, { recursive: false });
      this.#key = key;
      void this.#listen(this.#watcher);
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) init.deaf(cause);
    }
  }

  /** Whether the watch is still on the folders that have these names now. */
  isCurrent(linkedFolders: Iterable<string>): boolean {
    return this.#key === keyOf(this.#init.folder, new Set(linkedFolders));
  }

  close(): void {
    const watcher = this.#watcher;
    this.#watcher = undefined;
    watcher?.close();
  }

  async #listen(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const event of watcher) {
        if (event.kind !== "access" && event.paths.some((path) => this.#matters(path))) this.#init.heard();
      }
    } catch (cause) {
      if (this.#watcher !== undefined) this.#init.deaf(cause);
    }
  }

  /** The folder above may hold logs that are written all the time: only the way to our folder counts there. */
  #matters(path: string): boolean {
    if (path === this.#door) return true;
    const folder = path.slice(0, Math.max(path.lastIndexOf("/"), 1));
    return folder === this.#init.folder || path === this.#init.folder || this.#linked.has(folder);
  }
}

function nearestAbove(folder: string): { above: string; door: string } {
  let door = folder;
  while (true) {
    const above = door.slice(0, Math.max(door.lastIndexOf("/"), 1));
    if (above === door || isFolder(above)) return { above, door };
    door = above;
  }
}

/** Names the folders by what they are, not only by what they are called. */
function keyOf(folder: string, linked: ReadonlySet<string>): string {
  const { above } = nearestAbove(folder);
  return [above, folder, ...[...linked].sort()].map((path) => `${path} ${identity(path)}`).join("\n");
}

function identity(path: string): string {
  try {
    const { dev, ino } = Deno.statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return "absent";
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
