import { assert } from "../core/assert.ts";
import type { SharedMemory, SharedNeed } from "../core/shared_memory.ts";
import type { HealthCell, HealthState } from "../health/states.ts";
import { HEALTH_STATES } from "../health/states.ts";
import type { TargetLoad } from "../balancers/balancer.ts";
import { changeCells, SharedLoadChanges } from "./load_changes.ts";

/** Keys of the shared memory of targets and upstreams; the identity follows. */
const TARGET_PREFIX = "target:";
const UPSTREAM_PREFIX = "upstream:";

/** Cells of a target, 32 bits each: first what it is, then one row per worker. */
const HEALTH = 0;
const DRAINING = 1;
const ROSE = 2;
const WELL = 3;
const COMMON_CELLS = 64;
/** A worker's row fills a cache line, so that threads which count do not slow each other down. */
const ROW_CELLS = 16;
const IN_FLIGHT = 0;
const TOKENS = 1;

/**
 * Cells that parts of their own keep in a target's memory, by name: where they begin and how many. What they
 * mean is the part's business, and zero has to mean "nothing known yet".
 */
const ROOMS = {
  breaker: { start: 16, cells: 16 },
  ejection: { start: 32, cells: 16 },
  balancer: { start: 48, cells: 16 },
} as const;
/** The same for cells in every worker's row. */
const ROW_ROOMS = {
  breaker: { start: 4, cells: 4 },
  ejection: { start: 8, cells: 8 },
} as const;

/** Cells of an upstream: a cache line for the version, then who has to look at which target again. */
const VERSION = 0;
const VERSION_CELLS = 16;
/** Cells that parts of their own keep in an upstream's memory, within the version's line. */
const UPSTREAM_ROOMS = { ejection: { start: 8, cells: 8 } } as const;

/** Moments are kept in tenths of a second: 32 bits of them last for years. */
const MS_PER_TICK = 100;

/** What identifies a target over reloads and in all threads. */
export interface TargetIdentity {
  readonly upstreamId: string;
  /** As configured. */
  readonly address: string;
}

/** An upstream and its targets, as far as shared memory goes. */
export interface UpstreamIdentity {
  readonly id: string;
  readonly targets: readonly { readonly address: string }[];
}

function targetKey({ upstreamId, address }: TargetIdentity): string {
  return TARGET_PREFIX + JSON.stringify([upstreamId, address]);
}

function targetBytes(workers: number): number {
  return (COMMON_CELLS + ROW_CELLS * workers) * Int32Array.BYTES_PER_ELEMENT;
}

/** The shared memory for the live state of an upstream and of each of its targets. */
export function* recordNeeds({ id, targets }: UpstreamIdentity, workers: number): Generator<SharedNeed> {
  const cells = VERSION_CELLS + changeCells(workers);
  yield { key: UPSTREAM_PREFIX + id, bytes: cells * Int32Array.BYTES_PER_ELEMENT };
  for (const { address } of targets) {
    yield { key: targetKey({ upstreamId: id, address }), bytes: targetBytes(workers) };
  }
}

/** Whether something changed that decides which targets of an upstream may be picked. */
export class UpstreamVersion {
  readonly #cells: Int32Array;

  /** `memory` is what `recordNeeds` asked for under the upstream's key. */
  constructor(memory: SharedArrayBuffer) {
    this.#cells = new Int32Array(memory);
  }

  /** Differs after every change, from whatever thread; wraps. */
  get current(): number {
    return Atomics.load(this.#cells, VERSION);
  }

  /** Cells of a part of its own, shared by all threads. */
  room(name: keyof typeof UPSTREAM_ROOMS): Int32Array {
    const { start, cells } = UPSTREAM_ROOMS[name];
    return this.#cells.subarray(start, start + cells);
  }

  /** Makes every thread look at the targets anew. */
  bump(): void {
    Atomics.add(this.#cells, VERSION, 1);
  }
}

/**
 * The live state of one target in memory that all threads share. It belongs to the identity, an address in an
 * upstream, so it outlives reloads that keep the target, whatever becomes of the others. Counts have one row
 * of cells per worker, so that what a dead one held can be taken back exactly.
 */
export class TargetRecord implements HealthCell, TargetLoad {
  readonly #cells: Int32Array;
  readonly #version: UpstreamVersion;
  /** Where this thread's row begins. */
  readonly #row: number;
  /** What balancers keep of it. */
  readonly balancerCells: Int32Array;

  /** `memory` is what `recordNeeds` asked for. Only the worker's own thread may count through this object. */
  constructor(memory: SharedArrayBuffer, version: UpstreamVersion, workerIndex: number) {
    this.#cells = new Int32Array(memory);
    this.#version = version;
    this.#row = COMMON_CELLS + ROW_CELLS * workerIndex;
    this.balancerCells = this.room("balancer");
    assert(workerIndex >= 0 && this.#row < this.#cells.length, "the thread has a row");
  }

  /** What active checks say of it. */
  get health(): HealthState {
    return HEALTH_STATES[Atomics.load(this.#cells, HEALTH)] ?? "unknown";
  }

  /** Sets the verdict of active checks; a target that comes back starts slowly where that is configured. */
  setHealth(state: HealthState, nowMs: number): void {
    const next = HEALTH_STATES.indexOf(state);
    const before = Atomics.exchange(this.#cells, HEALTH, next);
    if (before === next) return;
    if (HEALTH_STATES[before] === "unhealthy") this.rise(nowMs);
    else this.#version.bump();
  }

  foundWell(nowMs: number): void {
    Atomics.store(this.#cells, WELL, ticks(nowMs));
  }

  /** Whether a good check ended after this moment, to a tenth of a second. */
  wasWellAfter(ms: number): boolean {
    const well = Atomics.load(this.#cells, WELL);
    return well !== 0 && ((well - ticks(ms)) | 0) > 0;
  }

  /** Whether it has risen after this moment, to a tenth of a second. */
  hasRisenAfter(ms: number): boolean {
    return ((Atomics.load(this.#cells, ROSE) - ticks(ms)) | 0) > 0;
  }

  /** Whether an administrator took it out of service: it ends what it has and gets nothing new. */
  get draining(): boolean {
    return Atomics.load(this.#cells, DRAINING) !== 0;
  }

  /** Takes it out of service; false when it was already. */
  drain(): boolean {
    const changed = Atomics.exchange(this.#cells, DRAINING, 1) === 0;
    if (changed) this.#version.bump();
    return changed;
  }

  /** Puts it back into service; false when it was there. */
  undrain(nowMs: number): boolean {
    const changed = Atomics.exchange(this.#cells, DRAINING, 0) !== 0;
    if (changed) this.rise(nowMs);
    return changed;
  }

  /** It takes part again from now on (`Clock.nowMs`): slow start counts from here. */
  rise(nowMs: number): void {
    Atomics.store(this.#cells, ROSE, ticks(nowMs));
    this.#version.bump();
  }

  /** As `rise`, for a target nobody has seen before; otherwise nothing happens. */
  riseFirst(nowMs: number): void {
    if (Atomics.compareExchange(this.#cells, ROSE, 0, ticks(nowMs)) === 0) this.#version.bump();
  }

  /** Milliseconds since it last rose, in steps of a tenth of a second. */
  risenForMs(nowMs: number): number {
    return Math.max(0, (ticks(nowMs) - Atomics.load(this.#cells, ROSE)) | 0) * MS_PER_TICK;
  }

  /**
   * Counts one more request in flight unless there are `max`. Adds first and looks then, so of threads that
   * race for the last place at most one gets it.
   */
  tryBegin(max: number): boolean {
    Atomics.add(this.#cells, this.#row + IN_FLIGHT, 1);
    if (max === Infinity || this.inFlight <= max) return true;
    Atomics.sub(this.#cells, this.#row + IN_FLIGHT, 1);
    return false;
  }

  /** Counts one less. */
  end(): void {
    Atomics.sub(this.#cells, this.#row + IN_FLIGHT, 1);
  }

  /** Requests in flight, all threads together. */
  get inFlight(): number {
    return this.#sum(IN_FLIGHT);
  }

  /** Requests this thread has in flight. */
  get inFlightHere(): number {
    return Atomics.load(this.#cells, this.#row + IN_FLIGHT);
  }

  /** Counts estimated tokens of requests in flight; negative when they are over. */
  addTokens(tokens: number): void {
    Atomics.add(this.#cells, this.#row + TOKENS, tokens);
  }

  /** Estimated tokens in flight, all threads together. */
  get tokens(): number {
    return this.#sum(TOKENS);
  }

  /** Cells of a part of its own, shared by all threads. */
  room(name: keyof typeof ROOMS): Int32Array {
    const { start, cells } = ROOMS[name];
    return this.#cells.subarray(start, start + cells);
  }

  /** Cells of a part of its own in this thread's row; zeroed when the thread dies. */
  rowRoom(name: keyof typeof ROW_ROOMS): Int32Array {
    const { start, cells } = ROW_ROOMS[name];
    return this.#cells.subarray(this.#row + start, this.#row + start + cells);
  }

  /** Sums a cell of a part's over all rows and sets it to zero. */
  takeRowSum(name: keyof typeof ROW_ROOMS, cell: number): number {
    const cells = this.#cells;
    let sum = 0;
    for (let at = COMMON_CELLS + ROW_ROOMS[name].start + cell; at < cells.length; at += ROW_CELLS) {
      sum += Atomics.exchange(cells, at, 0);
    }
    return sum;
  }

  /** Makes every thread look anew whether this target may be picked. */
  changed(): void {
    this.#version.bump();
  }

  #sum(cell: number): number {
    const cells = this.#cells;
    let sum = 0;
    for (let at = COMMON_CELLS + cell; at < cells.length; at += ROW_CELLS) sum += Atomics.load(cells, at);
    return sum;
  }
}

/** Never 0, which means that the target has not risen yet. */
function ticks(nowMs: number): number {
  return Math.floor(nowMs / MS_PER_TICK) | 0 || 1;
}

/** The live state of an upstream and its targets, found in shared memory. */
export interface UpstreamRecords {
  readonly version: UpstreamVersion;
  /** In the order of the targets; targets of one address have one memory. */
  readonly targets: readonly TargetRecord[];
  readonly changes: SharedLoadChanges;
}

/** The records of an upstream in the memory that `recordNeeds` asked for, for one worker to count in. */
export function openRecords(
  { id, targets }: UpstreamIdentity,
  shared: SharedMemory,
  workerIndex: number,
): UpstreamRecords {
  const memory = memoryOf(UPSTREAM_PREFIX + id, shared);
  const version = new UpstreamVersion(memory);
  const addresses = targets.map(({ address }) => address);
  const notes = new Int32Array(memory).subarray(VERSION_CELLS);
  return {
    version,
    changes: new SharedLoadChanges(notes, { workerIndex, addresses }),
    targets: targets.map(({ address }) =>
      new TargetRecord(memoryOf(targetKey({ upstreamId: id, address }), shared), version, workerIndex)
    ),
  };
}

function memoryOf(key: string, shared: SharedMemory): SharedArrayBuffer {
  const memory = shared[key];
  assert(memory !== undefined, `shared memory "${key}" was allocated`);
  return memory;
}

/** Gives back what a thread that died had in flight on targets; `key` names any piece of shared memory. */
export function clearRecordRow(key: string, memory: SharedArrayBuffer, workerIndex: number): void {
  if (key.startsWith(TARGET_PREFIX)) {
    const cells = new Int32Array(memory);
    const row = COMMON_CELLS + ROW_CELLS * workerIndex;
    for (let cell = row; cell < row + ROW_CELLS; cell++) Atomics.store(cells, cell, 0);
  } else if (key.startsWith(UPSTREAM_PREFIX)) {
    new UpstreamVersion(memory).bump();
  }
}
