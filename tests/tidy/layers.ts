/**
 * The rooms of `src/`, from the roof to the foundation. A file may import from its own room and from
 * rooms on lower lines; rooms on one line are siblings and do not know each other. Types count too.
 * This array is the rule and its documentation.
 */
export const LAYERS: readonly (readonly string[])[] = [
  ["main"],
  ["cli"],
  ["server", "playground"],
  ["engine"],
  ["config"],
  ["routing"],
  ["services", "filters"],
  ["upstream", "downstream"],
  ["health"],
  ["http2"],
  ["http1", "tls", "tunnel"],
  ["acme"],
  ["agents", "balancers", "discovery", "cache", "counters", "observe"],
  ["core"],
];

/** Rooms that may touch the outside world: `Deno`, `node:`, sockets, clock, random, timers, files. */
export const OUTER_ROOMS: ReadonlySet<string> = new Set(["main", "cli", "server"]);

/** The room of a path below `src/` (`src/main.ts` is the room `main`); undefined for any other path. */
export function roomOf(path: string): string | undefined {
  const parts = path.split("/");
  const at = parts.lastIndexOf("src");
  if (at < 0 || at === parts.length - 1) return undefined;
  return parts[at + 1]!.replace(/\.ts$/, "");
}

/** Why `from` may not import from `to`, or undefined when it may. */
export function layerProblem(from: string, to: string): string | undefined {
  if (from === to) return undefined;
  const fromLine = LAYERS.findIndex((line) => line.includes(from));
  const toLine = LAYERS.findIndex((line) => line.includes(to));
  if (fromLine < 0) return `room "${from}" is not in the list of layers`;
  if (toLine < 0) return `room "${to}" is not in the list of layers`;
  if (fromLine === toLine) return `"${from}" and "${to}" are siblings and must not import each other`;
  return fromLine < toLine ? undefined : `"${from}" is below "${to}": imports point down only`;
}

/** Joins a relative import specifier to the path of the importing file. */
export function resolveImport(file: string, specifier: string): string {
  const parts = file.split("/").slice(0, -1);
  for (const piece of specifier.split("/")) {
    if (piece === "..") parts.pop();
    else if (piece !== ".") parts.push(piece);
  }
  return parts.join("/");
}
