import {
  AgentLoadError,
  AgentTrap,
  type CoreFunction,
  type CoreImports,
  type Guest,
  type GuestFunction,
} from "../guest.ts";
import type { CompiledComponent } from "./compile_component.ts";
import { CoreLinking, type CoreState } from "./core_linking.ts";
import { FUEL_COSTS } from "./fuel_costs.ts";
import type { FuelTanks } from "./fuel_tanks.ts";
import { imageGrowth, type InstanceImage, putImage, takeImage } from "./instance_image.ts";
import { classifyTrap } from "./trap_kinds.ts";

/** How an instance is made. */
export interface CoreInstanceOptions {
  /**
   * What the host grants; any other import traps when it is called. Functions that may suspend come wrapped in
   * `WebAssembly.Suspending`.
   */
  readonly imports: CoreImports;
  /** Units for the first call. Start functions have a budget of their own. */
  readonly fuel: number;
  /** Whether exported functions return promises, because imports may suspend. */
  readonly promising: boolean;
  /** State of another instance of the component to start from. */
  readonly image?: InstanceImage | undefined;
}

const PAGE_BYTES = 65_536;

/** The part of JavaScript Promise Integration that is used here; the standard typings lack it. */
interface PromiseIntegration {
  promising(call: CoreFunction): GuestFunction["call"];
}

/**
 * Most memory of which a snapshot is taken: going back copies all of it after every request, whatever the guest
 * changed, at some 0.2 ms for each MiB, for which nobody pays fuel.
 */
export const SNAPSHOT_BYTES_MAX = 4 * 1024 * 1024;

interface Snapshot {
  readonly memories: readonly Uint8Array[];
  readonly globals: readonly unknown[];
}

function missingAllocator(): never {
  throw new AgentTrap("malformed", "it has no allocator");
}

/**
 * A live instance of a component, which can be called, metered, saved and set back. One call at a time; after a
 * call that threw it must be discarded.
 */
export class CoreInstance implements Guest {
  readonly memory: WebAssembly.Memory;
  readonly realloc: Guest["realloc"];
  readonly functions: ReadonlyMap<string, GuestFunction>;
  readonly #tanks: FuelTanks;
  readonly #state: CoreState;
  readonly #resettable: boolean;
  #snapshot: Snapshot | undefined;

  private constructor(
    compiled: CompiledComponent,
    linking: CoreLinking,
    promising: PromiseIntegration | undefined,
  ) {
    const { plan, facts } = compiled;
    this.#tanks = linking.tanks;
    this.#state = linking.state;
    this.#resettable = facts.every((each) => each.resettable);
    this.memory = plan.memory
      ? linking.get(plan.memory) as WebAssembly.Memory
      : new WebAssembly.Memory({ initial: 0, maximum: 0 });
    this.realloc = plan.realloc ? linking.get(plan.realloc) as Guest["realloc"] : missingAllocator;
    this.functions = new Map(plan.functions.map(({ key, call, postReturn }) => {
      const core = linking.get(call) as CoreFunction;
      return [key, {
        call: promising ? promising.promising(core) : core,
        postReturn: postReturn && linking.get(postReturn) as CoreFunction,
      }];
    }));
  }

  /**
   * Makes an instance, runs its start functions, and gives it the state of an image, if there is one, whose further
   * pages of memory it pays for. Throws `AgentTrap` when they or the segments do, and `AgentLoadError` when the
   * modules cannot be joined.
   */
  static create(compiled: CompiledComponent, options: CoreInstanceOptions): CoreInstance {
    const linking = new CoreLinking(compiled, options.imports);
    try {
      linking.run();
    } catch (cause) {
      if (cause instanceof AgentLoadError) throw cause;
      throw classifyTrap(cause, circumstances(linking.tanks, linking.state));
    }
    const promising = options.promising ? WebAssembly as unknown as PromiseIntegration : undefined;
    const instance = new CoreInstance(compiled, linking, promising);
    instance.refill(options.fuel);
    // What happened up to here happens to every instance.
    for (const each of linking.state.lasting) each.value = 0;
    if (options.image !== undefined) instance.#start(options.image);
    return instance;
  }

  #start(image: InstanceImage): void {
    this.charge(imageGrowth(this.#state, image) / PAGE_BYTES * FUEL_COSTS.memoryPage);
    putImage(this.#state, image);
  }

  /**
   * Its state, for instances that start from it. Throws `AgentLoadError` when there is more to it than memories and
   * numbers, as tables that have changed.
   */
  image(): InstanceImage {
    if (!this.#resettable) throw new AgentLoadError("it keeps vectors or references in globals");
    return takeImage(this.#state);
  }

  /** Gives the next call so many units. */
  refill(units: number): void {
    this.#tanks.refill(units);
  }

  /** Units used since the last refill. */
  get fuelUsed(): number {
    return this.#tanks.used;
  }

  charge(units: number): void {
    this.#tanks.charge(units);
  }

  /** Bytes of all its memories, and of the snapshot of them. */
  get memoryBytes(): number {
    let bytes = this.#liveBytes;
    for (const saved of this.#snapshot?.memories ?? []) bytes += saved.length;
    return bytes;
  }

  get #liveBytes(): number {
    let bytes = 0;
    for (const { memory } of this.#state.memories) bytes += memory.buffer.byteLength;
    return bytes;
  }

  /** Remembers the state to go back to, unless its memories have more than `SNAPSHOT_BYTES_MAX` together. */
  snapshot(): void {
    this.#snapshot = undefined;
    if (!this.#resettable || this.#liveBytes > SNAPSHOT_BYTES_MAX) return;
    this.#snapshot = {
      memories: this.#state.memories.map(({ memory }) => new Uint8Array(memory.buffer).slice()),
      globals: this.#state.globals.map((each) => each.value as unknown),
    };
    for (const each of this.#state.lasting) each.value = 0;
  }

  /**
   * Goes back to the snapshot: memories and mutable globals. False when that is not possible, because a memory grew
   * (they never shrink), a table changed, a segment was used up, or there is no snapshot, as of more than
   * `SNAPSHOT_BYTES_MAX`; then discard the instance.
   */
  reset(): boolean {
    const snapshot = this.#snapshot;
    if (!snapshot) return false;
    const { memories, globals, lasting } = this.#state;
    for (const each of lasting) if (each.value !== 0) return false;
    for (let at = 0; at < memories.length; at++) {
      const bytes = new Uint8Array(memories[at]!.memory.buffer);
      const saved = snapshot.memories[at]!;
      if (bytes.length !== saved.length) return false;
      bytes.set(saved);
    }
    for (let at = 0; at < globals.length; at++) globals[at]!.value = snapshot.globals[at];
    return true;
  }

  /** Why a call into this instance ended, from what it threw. */
  trapOf(cause: unknown): AgentTrap {
    return classifyTrap(cause, circumstances(this.#tanks, this.#state));
  }
}

function circumstances(tanks: FuelTanks, state: CoreState) {
  return {
    outOfFuel: tanks.empty,
    outOfMemory: state.memories.some(({ memory, bytesMax, bytesAtStart }) => {
      const bytes = memory.buffer.byteLength;
      return bytes > bytesAtStart && bytes >= bytesMax;
    }),
  };
}
