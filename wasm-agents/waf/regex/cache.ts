/**
 * The memory for the states of all automata. When it is full all of them are forgotten. While expressions are
 * compiled and tables built, which is before there are states, it lends itself to that.
 */

import { allocate } from "sentinel/arena";
import { DFA_CACHE_BYTES } from "./limits";

/** Heads of the lists of states with the same hash. */
export const BUCKETS: u32 = 8192;

export class Cache {
  static at: usize = 0;
  static top: usize = 0;
  static end: usize = 0;
  static buckets: usize = 0;
  /** Counts how often all was forgotten. */
  static generation: u32 = 0;
  /** Counts the automata. */
  static owners: u32 = 0;
}

/** Takes the memory; once. */
export function prepareCache(): void {
  if (Cache.at != 0) return;
  Cache.buckets = allocate(BUCKETS * 4);
  Cache.at = allocate(DFA_CACHE_BYTES);
  Cache.end = Cache.at + DFA_CACHE_BYTES;
  forgetAll();
}

/** Forgets all states of all automata. */
export function forgetAll(): void {
  memory.fill(Cache.buckets, 0, BUCKETS * 4);
  Cache.top = Cache.at;
  Cache.generation++;
}

/** Leaves nothing of what was built here: empty pages are neither kept nor copied. To be called when all is built. */
export function wipeCache(): void {
  if (Cache.at == 0) return;
  forgetAll();
  memory.fill(Cache.at, 0, DFA_CACHE_BYTES);
}

/** Memory for a state; 0 when there is no more. */
export function take(size: usize): usize {
  const at = Cache.top;
  const next = (at + size + 7) & ~7;
  if (next > Cache.end) return 0;
  Cache.top = next;
  return at;
}

/** Memory for a while: until a text is tested, or somebody else borrows. All states are forgotten. */
export function borrow(size: usize): usize {
  prepareCache();
  if (size > DFA_CACHE_BYTES) return allocate(size);
  if (Cache.top != Cache.at) forgetAll();
  return Cache.at;
}
