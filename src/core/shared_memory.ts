/** Memory that all threads see. The supervisor allocates it; everybody finds his part by its key. */

/** A piece of shared memory somebody needs. */
export interface SharedNeed {
  /** Who it belongs to, such as `rate-limit:api-limit:100:client-ip`: what must survive a reload keeps its key. */
  readonly key: string;
  readonly bytes: number;
}

/** Key → memory. Structured-cloneable: it crosses `postMessage` and stays shared. */
export type SharedMemory = Readonly<Record<string, SharedArrayBuffer>>;

/**
 * The memory for a configuration: what the last one had under the same key and size is handed on
 * with its contents, the rest is new and zeroed. What nobody needs any more is left to the collector.
 */
export function allocateShared(needs: Iterable<SharedNeed>, previous: SharedMemory): SharedMemory {
  const memory: Record<string, SharedArrayBuffer> = {};
  for (const { key, bytes } of needs) {
    const kept = previous[key];
    memory[key] ??= kept !== undefined && kept.byteLength === bytes ? kept : new SharedArrayBuffer(bytes);
  }
  return memory;
}
