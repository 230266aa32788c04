/** Files of certificates on this machine: private, replaced in one step, guarded against other processes. */

import type { StoragePort } from "../acme/ports.ts";

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** How long a folder may be guarded by somebody else; what is done there takes milliseconds. */
const GUARD_TIMEOUT_MS = 10_000;
const GUARD_PAUSE_MS = 20;

/** Files below any folder that this process may write to. */
export function createStorage(): StoragePort {
  return {
    read: (path, bytesMax) => readBounded(path, bytesMax),
    write: (path, text) => guarded(path, () => replace(path, text)),
    update: (path, change) =>
      guarded(path, async () => {
        const text = change(await readBounded(path, UPDATED_BYTES_MAX));
        if (text !== undefined) await replace(path, text);
      }),
  };
}

const UPDATED_BYTES_MAX = 1_048_576;

async function readBounded(path: string, bytesMax: number): Promise<string | undefined> {
  try {
    using file = await Deno.open(path);
    if ((await file.stat()).size > bytesMax) throw new Error(`it is larger than ${bytesMax} bytes`);
    return await new Response(file.readable).text();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new Error(`cannot read ${path}: ${explain(cause)}`, { cause });
  }
}

/** Writes beside the file and renames: nobody ever sees half of it, and a crash leaves the old one. */
async function replace(path: string, text: string): Promise<void> {
  const beside = `${path}.new`;
  try {
    // What a crash has left there may be open to others.
    await Deno.remove(beside).catch(() => {});
    {
      using file = await Deno.open(beside, { write: true, createNew: true, mode: FILE_MODE });
      const bytes = new TextEncoder().encode(text);
      for (let sent = 0; sent < bytes.length;) sent += await file.write(bytes.subarray(sent));
      await file.sync();
    }
    await Deno.rename(beside, path);
  } catch (cause) {
    await Deno.remove(beside).catch(() => {});
    throw new Error(`cannot write ${path}: ${explain(cause)}`, { cause });
  }
}

/** Runs a task while no other process does something in the same folder. The kernel frees it when we die. */
async function guarded<T>(path: string, task: () => Promise<T>): Promise<T> {
  const folder = path.slice(0, path.lastIndexOf("/"));
  let guard: Deno.FsFile;
  try {
    await Deno.mkdir(folder, { recursive: true, mode: FOLDER_MODE });
    guard = await Deno.open(`${folder}/.guard`, { write: true, create: true, mode: FILE_MODE });
  } catch (cause) {
    throw new Error(`cannot write in ${folder}: ${explain(cause)}`, { cause });
  }
  try {
    const dueMs = performance.now() + GUARD_TIMEOUT_MS;
    while (!await guard.tryLock(true)) {
      if (performance.now() > dueMs) throw new Error(`${folder}/.guard is held by another process`);
      await new Promise((resolve) => setTimeout(resolve, GUARD_PAUSE_MS));
    }
    return await task();
  } finally {
    guard.close();
  }
}

function explain(cause: unknown): string {
  if (cause instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (cause instanceof Deno.errors.NotADirectory) return "something on the way is no folder";
  return cause instanceof Error ? cause.message : String(cause);
}
