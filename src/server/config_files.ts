import type { ConfigFiles } from "../config/include.ts";
import { matchesSegment } from "./glob.ts";

/** Folders below an include pattern are searched no deeper than this. */
const DEPTH_MAX = 32;

/** Entries looked at for one pattern; more means that the pattern was not meant so. */
const ENTRIES_MAX = 100_000;

/**
 * Configuration files on disk. Relative paths start in the folder the process was started in, also
 * after it changed to `working-directory`. What was looked at is remembered for the file watch.
 */
export class DiskFiles implements ConfigFiles {
  /** Absolute paths of files read, or found missing. */
  readonly files = new Set<string>();
  /** Absolute paths of folders searched. */
  readonly folders = new Set<string>();
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  async read(path: string): Promise<string> {
    const absolute = this.#absolute(path);
    this.files.add(absolute);
    let bytes: Uint8Array;
    try {
      bytes = await Deno.readFile(absolute);
    } catch (cause) {
      throw new Error(explain(cause), { cause });
    }
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch (cause) {
      throw new Error("the file is not UTF-8 text", { cause });
    }
  }

  async readBytes(path: string, bytesMax: number): Promise<Uint8Array> {
    const absolute = this.#absolute(path);
    this.files.add(absolute);
    try {
      // Opening a pipe would wait for somebody who writes to it.
      const { isFile, size } = await Deno.stat(absolute);
      if (!isFile) throw new Error("it is no regular file");
      if (size > bytesMax) throw new Error(`it has ${size} bytes, and at most ${bytesMax} are allowed`);
      return await Deno.readFile(absolute);
    } catch (cause) {
      throw new Error(explain(cause), { cause });
    }
  }

  locate(path: string): string {
    return this.#absolute(path);
  }

  async identify(path: string): Promise<string> {
    const absolute = this.#absolute(path);
    this.files.add(absolute);
    try {
      return await Deno.realPath(absolute);
    } catch (cause) {
      throw new Error(explain(cause), { cause });
    }
  }

  async glob(pattern: string, from: string): Promise<readonly string[]> {
    const full = pattern.startsWith("/") ? pattern : `${folderOf(from)}${pattern}`;
    const segments = full.split("/");
    const plain = segments.findIndex((segment) => /[*?]/.test(segment));
    if (plain < 0) return await this.#exists(full) ? [full] : [];
    const found: string[] = [];
    const walk = { found, entries: 0 };
    const folder = segments.slice(0, plain).join("/");
    await this.#walk(folder === "" && full.startsWith("/") ? "/" : folder, segments.slice(plain), walk);
    return found;
  }

  /** Follows the pattern's segments below `folder`, whose name keeps the form in which people wrote it. */
  async #walk(
    folder: string,
    segments: readonly string[],
    walk: { readonly found: string[]; entries: number },
  ): Promise<void> {
    const [segment = "", ...rest] = segments;
    if (segment !== "**" && !/[*?]/.test(segment)) {
      const path = joined(folder, segment);
      if (rest.length > 0) await this.#walk(path, rest, walk);
      else if (await this.#exists(path)) walk.found.push(path);
      return;
    }
    if (segment === "**" && rest.length > 0) await this.#walk(folder, rest, walk);
    for (const entry of await this.#entries(folder)) {
      if (++walk.entries > ENTRIES_MAX) throw new Error(`more than ${ENTRIES_MAX} files to look at`);
      const path = joined(folder, entry.name);
      const isFolder = entry.isDirectory || (entry.isSymlink && await this.#isFolder(path));
      if (segment === "**") {
        if (entry.name.startsWith(".")) continue;
        if (!isFolder && rest.length === 0) walk.found.push(path);
        // Links to folders are not followed here: they may lead in a circle.
        if (entry.isDirectory && path.split("/").length < DEPTH_MAX) await this.#walk(path, segments, walk);
      } else if (matchesSegment(segment, entry.name)) {
        if (isFolder && rest.length > 0) await this.#walk(path, rest, walk);
        if (!isFolder && rest.length === 0) walk.found.push(path);
      }
    }
  }

  async #entries(folder: string): Promise<Deno.DirEntry[]> {
    const absolute = this.#absolute(folder === "" ? "." : folder);
    this.folders.add(absolute);
    try {
      return await Array.fromAsync(Deno.readDir(absolute));
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) return [];
      throw new Error(explain(cause), { cause });
    }
  }

  async #exists(path: string): Promise<boolean> {
    const absolute = this.#absolute(path);
    this.files.add(absolute);
    return await Deno.stat(absolute).then((info) => !info.isDirectory, () => false);
  }

  #isFolder(path: string): Promise<boolean> {
    return Deno.stat(this.#absolute(path)).then((info) => info.isDirectory, () => false);
  }

  #absolute(path: string): string {
    return path.startsWith("/") ? path : `${this.#base}/${path.replace(/^(?:\.\/)+/, "")}`;
  }
}

/** The folder of a path with a slash at the end, or nothing for a bare file name. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

function joined(folder: string, name: string): string {
  return folder === "" || folder === "/" ? folder + name : `${folder}/${name}`;
}

function explain(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "there is no such file";
  if (cause instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (cause instanceof Deno.errors.IsADirectory) return "it is a folder";
  return cause instanceof Error ? cause.message : String(cause);
}
