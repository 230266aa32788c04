/** The files of the repository, without what git ignores. */

import { ROOT } from "../support/servers.ts";

const SKIPPED = new Set([".git", "node_modules", "dist", "results", "coverage"]);

/** Paths from the root → text, for every file with one of the endings (or any file without `endings`). */
export function filesBelow(folder: string, endings?: readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  const waiting = [folder];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for (const entry of entriesOf(path)) {
      if (SKIPPED.has(entry.name)) continue;
      const inner = path === "" ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory) waiting.push(inner);
      else if (entry.isFile && (endings === undefined || endings.some((ending) => inner.endsWith(ending)))) {
        files.set(inner, Deno.readTextFileSync(ROOT + inner));
      }
    }
  }
  return new Map([...files].sort(([a], [b]) => a < b ? -1 : 1));
}

function entriesOf(path: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(ROOT + path)];
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw cause;
  }
}
