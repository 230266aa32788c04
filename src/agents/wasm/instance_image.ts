import { AgentLoadError, AgentTrap } from "../guest.ts";
import type { CoreState } from "./core_linking.ts";

/** Memory is compared with nothing in pieces of this size, a page of the system: an empty one is neither kept nor touched. */
const PIECE_BYTES = 4096;
const PAGE_BYTES = 65_536;

/** The content of one memory. */
interface MemoryImage {
  /** Size of the memory. */
  readonly bytes: number;
  /** What is not all zeros: where it begins and how long it is, in turn. */
  readonly runs: readonly number[];
  /** The runs' bytes, one after the other. */
  readonly content: SharedArrayBuffer;
}

/**
 * The state of an instance, to start others from in any thread: the bytes are shared between threads, never copied but
 * into an instance's own memory.
 */
export interface InstanceImage {
  readonly memories: readonly MemoryImage[];
  /** Mutable globals, in order. */
  readonly globals: readonly (number | bigint)[];
}

/** Takes an image. Throws `AgentLoadError` when there is more to the state than memories and numbers. */
export function takeImage({ memories, globals, lasting }: CoreState): InstanceImage {
  if (lasting.some((each) => each.value !== 0)) {
    throw new AgentLoadError("it changes tables or uses up segments while it is configured");
  }
  return {
    memories: memories.map(({ memory }) => memoryImage(new Uint8Array(memory.buffer))),
    globals: globals.map((each) => {
      const value: unknown = each.value;
      if (typeof value === "number" || typeof value === "bigint") return value;
      throw new AgentLoadError("it keeps references in globals");
    }),
  };
}

/** Bytes of the pages that an image's memories have more than those of an instance that has just been made. */
export function imageGrowth({ memories }: CoreState, image: InstanceImage): number {
  return memories.reduce(
    (sum, { memory }, at) => sum + Math.max(0, image.memories[at]!.bytes - memory.buffer.byteLength),
    0,
  );
}

/** Gives a new instance of the same component the state of an image. Throws `AgentTrap` when there is no memory for it. */
export function putImage({ memories, globals }: CoreState, image: InstanceImage): void {
  for (const [at, { memory }] of memories.entries()) putMemory(memory, image.memories[at]!);
  for (const [at, each] of globals.entries()) each.value = image.globals[at];
}

function memoryImage(bytes: Uint8Array): MemoryImage {
  const runs: number[] = [];
  let total = 0;
  const words = new BigUint64Array(bytes.buffer);
  for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
    if (isZero(words, start / 8)) continue;
    total += PIECE_BYTES;
    if (runs.length > 0 && runs.at(-2)! + runs.at(-1)! === start) runs[runs.length - 1]! += PIECE_BYTES;
    else runs.push(start, PIECE_BYTES);
  }
  const content = new SharedArrayBuffer(total);
  const into = new Uint8Array(content);
  let filled = 0;
  for (let run = 0; run < runs.length; run += 2) {
    into.set(bytes.subarray(runs[run]!, runs[run]! + runs[run + 1]!), filled);
    filled += runs[run + 1]!;
  }
  return { bytes: bytes.length, runs, content };
}

function isZero(words: BigUint64Array, start: number): boolean {
  for (let at = start; at < start + PIECE_BYTES / 8; at++) if (words[at] !== 0n) return false;
  return true;
}

function putMemory(memory: WebAssembly.Memory, image: MemoryImage): void {
  const own = memory.buffer.byteLength;
  if (own > image.bytes) throw new AgentTrap("host", "its memory is larger than that of its image");
  if (own < image.bytes) {
    try {
      memory.grow((image.bytes - own) / PAGE_BYTES);
    } catch (cause) {
      throw new AgentTrap("memory", `there is no memory for its image: ${String(cause)}`, { cause });
    }
  }
  const bytes = new Uint8Array(memory.buffer);
  const content = new Uint8Array(image.content);
  let taken = 0;
  let end = 0;
  for (let run = 0; run < image.runs.length; run += 2) {
    const [start, length] = [image.runs[run]!, image.runs[run + 1]!];
    clear(bytes, { from: end, to: start, own });
    bytes.set(content.subarray(taken, taken + length), start);
    taken += length;
    end = start + length;
  }
  clear(bytes, { from: end, to: bytes.length, own });
}

/** Clears what the instance began with; what has been added is zero, and stays untouched. */
function clear(bytes: Uint8Array, { from, to, own }: { from: number; to: number; own: number }): void {
  if (from < Math.min(to, own)) bytes.fill(0, from, Math.min(to, own));
}
