/** Which files are reached from which: dead files and cycles between files. */

import { resolveImport } from "./layers.ts";

/**
 * Paths a file names as modules: every relative one in quotes (imports of all kinds, worker scripts), and
 * every one from the root (scripts that a test starts as a process).
 */
export function importsOf(path: string, text: string): string[] {
  const relative = [...text.matchAll(/"(\.{1,2}\/[\w./-]+\.ts)"/g)].map(([, found]) =>
    resolveImport(path, found!)
  );
  const fromRoot = [...text.matchAll(/\b((?:src|tests|build)\/[\w/-]+\.ts)\b/g)].map(([, found]) => found!);
  return [...new Set([...relative, ...fromRoot])];
}

/** Files that cannot be reached from any of the roots. */
export function unreachable(files: ReadonlyMap<string, string>, roots: readonly string[]): string[] {
  const reached = new Set<string>();
  const waiting = roots.filter((root) => files.has(root));
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const next of importsOf(path, files.get(path)!)) if (files.has(next)) waiting.push(next);
  }
  return [...files.keys()].filter((path) => !reached.has(path)).sort();
}
